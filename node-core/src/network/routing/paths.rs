//! Which neighbour leads to an ion that is none: learned from answers, from
//! messages, and from broadcasts, whose first bearer is on a short way to their
//! author.
//!
//! A way is a guess. It is dropped when a message is refused on it, when its
//! neighbour goes, and after [`PATH_MS`].
//!
//! Bounds: [`DESTINATIONS_MAX`] ions, [`WAYS_MAX`] ways to each; those that were
//! learned longest ago go first.

use ion_map::Map;

use crate::{identity::IonId, platform::Time};

/// Ions to which ways are remembered.
pub const DESTINATIONS_MAX: usize = 4_096;
/// Ways to one ion.
pub const WAYS_MAX: usize = 3;
/// How long a way is believed, in milliseconds.
pub const PATH_MS: u64 = 60_000;
/// How young a way is so that it need not be learned again, in milliseconds.
const FRESH_MS: u64 = 10_000;
/// Between two times that old ways are forgotten, in milliseconds: nobody takes
/// them before that either.
const SHRINK_MS: u64 = 5_000;

#[derive(Clone, Copy, Debug)]
struct Way {
    via: IonId,
    at: Time,
}

#[derive(Debug, Default)]
pub(super) struct Paths {
    /// The newest way first.
    ways: Map<IonId, Vec<Way>>,
    shrink_at: Time,
}

impl Paths {
    /// A message from `ion` came by `via`.
    pub(super) fn learn(&mut self, now: Time, ion: IonId, via: IonId) {
        if self.ways.len() >= DESTINATIONS_MAX && !self.ways.contains_key(&ion) {
            self.forget_oldest();
        }
        let ways = self.ways.entry(ion).or_default();
        ways.retain(|way| way.via != via);
        ways.insert(0, Way { via, at: now });
        ways.truncate(WAYS_MAX);
    }

    /// Whether it is worth a check that `ion` can be reached by `via`.
    pub(super) fn is_news(&self, now: Time, ion: &IonId, via: &IonId) -> bool {
        let ways = self.ways.get(ion).map_or(&[][..], Vec::as_slice);
        !ways.iter().any(|way| way.via == *via && now.since_ms(way.at) < FRESH_MS)
    }

    /// The newest way that does not lead over these ions.
    pub(super) fn next(&self, now: Time, ion: &IonId, not_over: &[IonId]) -> Option<IonId> {
        let ways = self.ways.get(ion)?.iter();
        let mut ways = ways.filter(|way| now.since_ms(way.at) < PATH_MS);
        ways.find(|way| !not_over.contains(&way.via)).map(|way| way.via)
    }

    /// The way led nowhere.
    pub(super) fn forget(&mut self, ion: &IonId, via: &IonId) {
        if let Some(ways) = self.ways.get_mut(ion) {
            ways.retain(|way| way.via != *via);
            if ways.is_empty() {
                self.ways.remove(ion);
            }
        }
    }

    /// A neighbour is gone.
    pub(super) fn down(&mut self, via: &IonId) {
        self.retain(|way| way.via != *via);
    }

    /// Forgets what is no longer believed.
    pub(super) fn shrink(&mut self, now: Time) {
        if now >= self.shrink_at {
            self.shrink_at = now.plus_ms(SHRINK_MS);
            self.retain(|way| now.since_ms(way.at) < PATH_MS);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Way) -> bool) {
        self.ways.retain(|_, ways| {
            ways.retain(&keep);
            !ways.is_empty()
        });
    }

    fn forget_oldest(&mut self) {
        let age = |ways: &Vec<Way>| ways.first().map(|way| way.at);
        let oldest = self.ways.iter().min_by_key(|(_, ways)| age(ways)).map(|(ion, _)| *ion);
        if let Some(oldest) = oldest {
            self.ways.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ion(number: usize) -> IonId {
        IonId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    fn at(ms: u64) -> Time {
        Time::from_ms(ms)
    }

    #[test]
    fn the_newest_way_that_does_not_lead_back_is_taken() {
        let mut paths = Paths::default();
        paths.learn(at(0), ion(9), ion(1));
        paths.learn(at(1), ion(9), ion(2));
        assert_eq!(paths.next(at(2), &ion(9), &[]), Some(ion(2)));
        assert_eq!(paths.next(at(2), &ion(9), &[ion(2)]), Some(ion(1)));
        paths.forget(&ion(9), &ion(2));
        assert_eq!(paths.next(at(2), &ion(9), &[]), Some(ion(1)));
        assert_eq!(paths.next(at(PATH_MS), &ion(9), &[]), None);
        paths.down(&ion(1));
        assert!(paths.ways.is_empty());
    }

    #[test]
    fn neither_ions_nor_ways_grow_without_end() {
        let mut paths = Paths::default();
        for number in 0..=DESTINATIONS_MAX {
            paths.learn(at(number as u64), ion(number), ion(1));
        }
        assert_eq!(paths.ways.len(), DESTINATIONS_MAX);
        assert_eq!(paths.next(at(0), &ion(0), &[]), None);
        for via in 0..10 {
            paths.learn(at(0), ion(3), ion(via));
        }
        assert_eq!(paths.ways[&ion(3)].len(), WAYS_MAX);
        paths.shrink(Time::MAX);
        assert!(paths.ways.is_empty());
    }
}
