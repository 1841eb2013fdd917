//! What neighbours, and origins behind them, may ask of this ion in a time.
//!
//! A packet's origin is charged per neighbour that brings it: relays do not
//! check every signature, so a neighbour that lies about origins spends only
//! what is its own. Who asks a question has signed it and is charged wherever
//! it comes from, but first for the neighbour that brings it: whoever brings old
//! questions again leaves the asker most of what it may ask.
//!
//! Bounds: [`ORIGINS_MAX`] origins, as many askers, and as many of these by neighbour;
//! those that were silent longest are forgotten.

use ion_map::Map;

use crate::{
    identity::IonId,
    network::budget::{Bucket, Budget, Rate},
    platform::Time,
};

/// Frames that a neighbour may send.
pub const NEIGHBOUR_FRAMES: Rate = Rate { per_s: 1_000, burst: 5_000 };
/// Bytes that a neighbour may send.
pub const NEIGHBOUR_BYTES: Rate = Rate { per_s: 8 << 20, burst: 16 << 20 };
/// Frames of one origin that are passed on for one neighbour.
pub const ORIGIN_FRAMES: Rate = Rate { per_s: 200, burst: 1_000 };
/// Bytes of one origin that are passed on for one neighbour.
pub const ORIGIN_BYTES: Rate = Rate { per_s: 4 << 20, burst: 8 << 20 };
/// Requests of one asker that are passed on for one neighbour.
pub const ASKER_REQUESTS: Rate = Rate { per_s: 5, burst: 40 };
/// Requests of one asker that are passed on, whoever brings them.
pub const ASKER_REQUESTS_IN_ALL: Rate = Rate { per_s: 15, burst: 120 };
/// Origins that are told apart.
pub const ORIGINS_MAX: usize = 2_048;

const COMPLAINTS: Rate = Rate { per_s: 1, burst: 1 };

#[derive(Debug)]
struct Neighbour {
    budget: Budget,
    complaints: Bucket,
}

#[derive(Debug, Default)]
pub(super) struct Charges {
    neighbours: Map<IonId, Neighbour>,
    origins: Map<(IonId, IonId), Budget>,
    /// By neighbour and asker.
    asked: Map<(IonId, IonId), Budget>,
    askers: Map<IonId, Budget>,
}

impl Charges {
    pub(super) fn up(&mut self, now: Time, ion: IonId) {
        let budget = Budget::new(NEIGHBOUR_FRAMES, NEIGHBOUR_BYTES, now);
        let complaints = Bucket::new(COMPLAINTS, now);
        self.neighbours.insert(ion, Neighbour { budget, complaints });
    }

    pub(super) fn down(&mut self, ion: &IonId) {
        self.neighbours.remove(ion);
        self.origins.retain(|(via, _), _| via != ion);
        self.asked.retain(|(via, _), _| via != ion);
    }

    /// Whether a neighbour may send a frame of that length. `Err` with whether
    /// that is to be told as an offence: at most once in a second.
    pub(super) fn frame(&mut self, now: Time, from: &IonId, bytes: usize) -> Result<(), bool> {
        let Some(neighbour) = self.neighbours.get_mut(from) else { return Err(false) };
        if neighbour.budget.spend(now, bytes) {
            return Ok(());
        }
        Err(neighbour.complaints.take(now, 1))
    }

    /// Whether a packet of an origin is passed on for a neighbour.
    pub(super) fn transit(&mut self, now: Time, via: IonId, origin: IonId, bytes: usize) -> bool {
        make_room(&mut self.origins, &(via, origin));
        let new = || Budget::new(ORIGIN_FRAMES, ORIGIN_BYTES, now);
        self.origins.entry((via, origin)).or_insert_with(new).spend(now, bytes)
    }

    /// Whether a request of an asker, whose signature was checked, is taken.
    pub(super) fn request(&mut self, now: Time, via: IonId, asker: IonId) -> bool {
        make_room(&mut self.asked, &(via, asker));
        make_room(&mut self.askers, &asker);
        let new = |rate| move || Budget::new(rate, NEIGHBOUR_BYTES, now);
        let by_via = self.asked.entry((via, asker)).or_insert_with(new(ASKER_REQUESTS));
        let in_all = self.askers.entry(asker).or_insert_with(new(ASKER_REQUESTS_IN_ALL));
        by_via.spend(now, 0) && in_all.spend(now, 0)
    }
}

fn make_room<K: Ord + Copy>(budgets: &mut Map<K, Budget>, key: &K) {
    if budgets.len() < ORIGINS_MAX || budgets.contains_key(key) {
        return;
    }
    let silent = budgets.iter().min_by_key(|(_, budget)| budget.used_at()).map(|(key, _)| *key);
    if let Some(silent) = silent {
        budgets.remove(&silent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ion(number: usize) -> IonId {
        IonId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    #[test]
    fn a_neighbour_that_lies_about_origins_spends_its_own() {
        let mut charges = Charges::default();
        let spent = |charges: &mut Charges, via| {
            (0..5_000).filter(|_| charges.transit(Time::ZERO, ion(via), ion(9), 1)).count()
        };
        assert_eq!(spent(&mut charges, 1) as u64, ORIGIN_FRAMES.burst);
        assert_eq!(spent(&mut charges, 2) as u64, ORIGIN_FRAMES.burst);
    }

    #[test]
    fn a_neighbour_that_brings_requests_again_leaves_their_asker_some() {
        let mut charges = Charges::default();
        let mut spent = |via| {
            (0..1_000).filter(|_| charges.request(Time::ZERO, ion(via), ion(9))).count() as u64
        };
        assert_eq!([1, 1, 2, 3, 4].map(&mut spent), [40, 0, 40, 40, 0]);
    }

    #[test]
    fn a_flood_is_told_once_in_a_second() {
        let mut charges = Charges::default();
        assert_eq!(charges.frame(Time::ZERO, &ion(1), 1), Err(false));
        charges.up(Time::ZERO, ion(1));
        let told = (0..3 * NEIGHBOUR_FRAMES.burst)
            .filter(|_| charges.frame(Time::ZERO, &ion(1), 1) == Err(true));
        assert_eq!(told.count(), 1);
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut charges = Charges::default();
        for number in 0..ORIGINS_MAX + 10 {
            charges.transit(Time::from_ms(number as u64), ion(1), ion(number), 1);
            charges.request(Time::from_ms(number as u64), ion(1), ion(number));
        }
        assert_eq!((charges.origins.len(), charges.askers.len()), (ORIGINS_MAX, ORIGINS_MAX));
        assert_eq!(charges.asked.len(), ORIGINS_MAX);
        assert!(!charges.origins.contains_key(&(ion(1), ion(0))));
    }
}
