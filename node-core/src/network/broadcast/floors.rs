//! What was said so long ago that its name is forgotten: who passes it on again
//! replays it.
//!
//! Authors number what they say. When a rumour's name is forgotten, everything
//! that its author said up to then counts as old. Nothing is dated: clocks of
//! machines differ by hours. An ion that has heard nothing of an author yet
//! takes what it is given, once; those around it do not pass it on.
//!
//! Bounds: [`FLOORS_MAX`] authors, the one silent longest forgotten first, each
//! for [`FLOOR_MS`] after it was silent: an author that starts again with a
//! clock set back is not heard for at most so long.

use ion_map::Map;

use super::wire::Serial;
use crate::{identity::IonId, platform::Time};

/// Authors of whom it is remembered.
pub const FLOORS_MAX: usize = 4_096;
/// How long it is remembered, in milliseconds.
pub const FLOOR_MS: u64 = 3_600_000;

#[derive(Debug, Default)]
pub(super) struct Floors {
    /// The newest that is forgotten of each, and when it was.
    floors: Map<IonId, (Serial, Time)>,
}

impl Floors {
    /// A rumour's name is forgotten.
    pub(super) fn raise(&mut self, now: Time, author: IonId, serial: Serial) {
        if self.floors.len() >= FLOORS_MAX && !self.floors.contains_key(&author) {
            let silent = self.floors.iter().min_by_key(|(_, (_, at))| *at).map(|(ion, _)| *ion);
            silent.and_then(|ion| self.floors.remove(&ion));
        }
        let (floor, at) = self.floors.entry(author).or_insert((serial, now));
        (*floor, *at) = (serial.max(*floor), now);
    }

    /// Whether a rumour whose name is not known was said before one that is
    /// forgotten.
    pub(super) fn is_old(&self, now: Time, author: &IonId, serial: Serial) -> bool {
        let floor = self.floors.get(author);
        floor.is_some_and(|(floor, at)| serial <= *floor && now.since_ms(*at) < FLOOR_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ion(number: usize) -> IonId {
        IonId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    fn serial(life: u64, number: u64) -> Serial {
        Serial { life, number }
    }

    #[test]
    fn what_is_older_than_the_forgotten_is_old_for_a_time() {
        let mut floors = Floors::default();
        floors.raise(Time::ZERO, ion(1), serial(5, 7));
        floors.raise(Time::ZERO, ion(1), serial(5, 3));
        let is_old = |one, ms| floors.is_old(Time::from_ms(ms), &ion(1), one);
        assert!(is_old(serial(5, 7), 1) && is_old(serial(4, 99), 1));
        assert!(!is_old(serial(5, 8), 1) && !is_old(serial(6, 0), 1));
        assert!(!is_old(serial(5, 7), FLOOR_MS));
        assert!(!floors.is_old(Time::ZERO, &ion(2), serial(0, 0)));
    }

    #[test]
    fn authors_do_not_grow_without_end() {
        let mut floors = Floors::default();
        for number in 0..FLOORS_MAX + 10 {
            floors.raise(Time::from_ms(number as u64), ion(number), serial(1, 1));
        }
        assert_eq!(floors.floors.len(), FLOORS_MAX);
        assert!(!floors.is_old(Time::ZERO, &ion(0), serial(1, 1)));
    }
}
