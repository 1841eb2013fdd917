//! What neighbours, and origins behind them, may ask of this ion in a time.
//!
//! A packet's origin is charged per neighbour that brings it: relays do not
//! check every signature, so a neighbour that lies about origins spends only
//! what is its own. Who asks a question has signed it and is charged wherever
//! it comes from, but first for the neighbour that brings it: whoever brings old
//! questions again leaves the asker most of what it may ask. Ids cost nothing, so a
//! neighbour is charged for all askers together, too.
//!
//! A neighbour is given less in a time than it takes ([`GIVEN_FRAMES`]): what others
//! send in a flood ends here, and is not held against this ion by the next.
//!
//! Bounds: [`ORIGINS_MAX`] origins, as many askers, and as many of these by neighbour;
//! those that were silent longest are forgotten. What is left of a neighbour's budgets
//! outlives its session.

use ion_map::Map;

use crate::{
    identity::IonId,
    network::budget::{Bucket, Budget, Left, Rate},
    platform::Time,
};

/// Frames that a neighbour may send.
pub const NEIGHBOUR_FRAMES: Rate = Rate { per_s: 1_000, burst: 5_000 };
/// Bytes that a neighbour may send.
pub const NEIGHBOUR_BYTES: Rate = Rate { per_s: 8 << 20, burst: 16 << 20 };
/// Frames that a neighbour is given.
pub const GIVEN_FRAMES: Rate = Rate { per_s: 800, burst: 4_000 };
/// Bytes that a neighbour is given.
pub const GIVEN_BYTES: Rate = Rate { per_s: 6 << 20, burst: 12 << 20 };
/// Origins that a neighbour may bring messages of for the first time: fewer than this
/// ion remembers, in the time that it relies on that.
pub const NEIGHBOUR_ORIGINS: Rate = Rate { per_s: 8, burst: 1_024 };
/// Requests that a neighbour may bring, of all askers.
pub const NEIGHBOUR_REQUESTS: Rate = Rate { per_s: 100, burst: 1_000 };
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
    taken: Budget,
    given: Budget,
    origins: Bucket,
    requests: Bucket,
    complaints: Bucket,
}

#[derive(Debug, Default)]
pub(super) struct Charges {
    neighbours: Map<IonId, Neighbour>,
    left: Left<Neighbour>,
    origins: Map<(IonId, IonId), Budget>,
    /// By neighbour and asker.
    asked: Map<(IonId, IonId), Budget>,
    askers: Map<IonId, Budget>,
}

impl Charges {
    pub(super) fn up(&mut self, now: Time, ion: IonId) {
        let new = || Neighbour {
            taken: Budget::new(NEIGHBOUR_FRAMES, NEIGHBOUR_BYTES, now),
            given: Budget::new(GIVEN_FRAMES, GIVEN_BYTES, now),
            origins: Bucket::new(NEIGHBOUR_ORIGINS, now),
            requests: Bucket::new(NEIGHBOUR_REQUESTS, now),
            complaints: Bucket::new(COMPLAINTS, now),
        };
        let neighbour = self.left.take(&ion).unwrap_or_else(new);
        self.neighbours.insert(ion, neighbour);
    }

    pub(super) fn down(&mut self, now: Time, ion: &IonId) {
        if let Some(neighbour) = self.neighbours.remove(ion) {
            self.left.put(now, *ion, neighbour);
        }
    }

    /// Whether a neighbour may send a frame of that length. `Err` with whether
    /// that is to be told as an offence: at most once in a second.
    pub(super) fn frame(&mut self, now: Time, from: &IonId, bytes: usize) -> Result<(), bool> {
        let Some(neighbour) = self.neighbours.get_mut(from) else { return Err(false) };
        if neighbour.taken.spend(now, bytes) {
            return Ok(());
        }
        Err(neighbour.complaints.take(now, 1))
    }

    /// Whether a neighbour is given a frame of that length.
    pub(super) fn gives(&mut self, now: Time, to: &IonId, bytes: usize) -> bool {
        self.neighbours.get_mut(to).is_some_and(|neighbour| neighbour.given.spend(now, bytes))
    }

    /// Whether a neighbour may bring a message of an origin that is not remembered.
    pub(super) fn newcomer(&mut self, now: Time, from: &IonId) -> bool {
        self.neighbours.get_mut(from).is_some_and(|neighbour| neighbour.origins.take(now, 1))
    }

    /// Whether a packet of an origin is passed on for a neighbour.
    pub(super) fn transit(&mut self, now: Time, via: IonId, origin: IonId, bytes: usize) -> bool {
        make_room(&mut self.origins, &(via, origin));
        let new = || Budget::new(ORIGIN_FRAMES, ORIGIN_BYTES, now);
        self.origins.entry((via, origin)).or_insert_with(new).spend(now, bytes)
    }

    /// Whether a request of an asker, whose signature was checked, is taken.
    pub(super) fn request(&mut self, now: Time, via: IonId, asker: IonId) -> bool {
        let neighbour = self.neighbours.get_mut(&via);
        if !neighbour.is_some_and(|neighbour| neighbour.requests.take(now, 1)) {
            return false;
        }
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
        (1..5).for_each(|via| charges.up(Time::ZERO, ion(via)));
        let mut spent = |via| {
            (0..1_000).filter(|_| charges.request(Time::ZERO, ion(via), ion(9))).count() as u64
        };
        assert_eq!([1, 1, 2, 3, 4].map(&mut spent), [40, 0, 40, 40, 0]);
    }

    /// Ids cost nothing.
    #[test]
    fn a_neighbour_that_makes_up_askers_spends_its_own() {
        let mut charges = Charges::default();
        (1..3).for_each(|via| charges.up(Time::ZERO, ion(via)));
        let mut spent = |via| {
            (10..5_000).filter(|asker| charges.request(Time::ZERO, ion(via), ion(*asker))).count()
                as u64
        };
        assert_eq!([1, 2].map(&mut spent), [NEIGHBOUR_REQUESTS.burst; 2]);
    }

    #[test]
    fn a_new_session_is_no_new_budget() {
        let mut charges = Charges::default();
        let mut sent = 0;
        for _ in 0..10 {
            charges.up(Time::ZERO, ion(1));
            sent += (0..NEIGHBOUR_FRAMES.burst)
                .filter(|_| charges.frame(Time::ZERO, &ion(1), 1).is_ok())
                .count() as u64;
            charges.down(Time::ZERO, &ion(1));
        }
        assert_eq!(sent, NEIGHBOUR_FRAMES.burst);
    }

    /// What is given fits into what is taken at any time, however it is spread.
    #[test]
    fn what_is_given_is_taken() {
        let mut charges = Charges::default();
        charges.up(Time::ZERO, ion(1));
        for ms in 0..20_000 {
            let now = Time::from_ms(ms);
            while charges.gives(now, &ion(1), 9_000) {
                assert_eq!(charges.frame(now, &ion(1), 9_000), Ok(()), "at {ms} ms");
            }
        }
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
        charges.up(Time::ZERO, ion(1));
        for number in 0..ORIGINS_MAX + 10 {
            charges.transit(Time::from_ms(number as u64), ion(1), ion(number), 1);
            charges.request(Time::from_ms(10 * number as u64), ion(1), ion(number));
        }
        assert_eq!((charges.origins.len(), charges.askers.len()), (ORIGINS_MAX, ORIGINS_MAX));
        assert_eq!(charges.asked.len(), ORIGINS_MAX);
        assert!(!charges.origins.contains_key(&(ion(1), ion(0))));
    }
}
