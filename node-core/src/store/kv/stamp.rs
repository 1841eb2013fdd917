//! Hybrid logical time (Kulkarni, Demirbas et al., "Logical Physical Clocks",
//! 2014): the wall clock where it can be trusted, and a counter where it can't.
//!
//! What an ion writes is later than all it has seen, even when its own clock is
//! behind. Clocks that are hours ahead cannot pull the others along: stamps
//! from further ahead than [`AHEAD_MS_MAX`] are not heard.

use serde::{Deserialize, Serialize};

/// How far ahead of the wall clock a stamp is taken, in milliseconds.
pub const AHEAD_MS_MAX: u64 = 60_000;

/// A moment of hybrid logical time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Milliseconds since 1970 by the clock of whoever wrote it, or of somebody
    /// it had heard of.
    pub ms: u64,
    /// Tells apart what happened in one millisecond.
    pub count: u32,
}

impl Stamp {
    /// The first stamp of a millisecond.
    pub const fn at_ms(ms: u64) -> Self {
        Self { ms, count: 0 }
    }

    /// The next stamp.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.count.checked_add(1) {
            Some(count) => Self { ms: self.ms, count },
            None => Self::at_ms(self.ms.saturating_add(1)),
        }
    }

    /// Whether it lies too far ahead of the wall clock to be taken.
    pub const fn is_ahead_of(self, wall_ms: u64) -> bool {
        self.ms > wall_ms.saturating_add(AHEAD_MS_MAX)
    }
}

/// An ion's hybrid logical clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    last: Stamp,
}

impl Clock {
    /// A stamp for what is written now: later than every one given or heard.
    pub fn tick(&mut self, wall_ms: u64) -> Stamp {
        self.last = self.last.next().max(Stamp::at_ms(wall_ms));
        self.last
    }

    /// The wall clock was wrong and is right now: forgets what lies ahead of it.
    pub fn set_back(&mut self, wall_ms: u64) {
        if self.last.is_ahead_of(wall_ms) {
            self.last = Stamp::at_ms(wall_ms);
        }
    }

    /// Hears a stamp of others, unless it lies too far ahead.
    pub fn hear(&mut self, stamp: Stamp, wall_ms: u64) {
        if !stamp.is_ahead_of(wall_ms) {
            self.last = self.last.max(stamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_later_than_all_that_was_heard() {
        let mut clock = Clock::default();
        let first = clock.tick(1_000);
        clock.hear(Stamp { ms: 1_500, count: 7 }, 1_001);
        let second = clock.tick(1_002);
        assert_eq!((first, second), (Stamp::at_ms(1_000), Stamp { ms: 1_500, count: 8 }));
        assert_eq!(clock.tick(2_000), Stamp::at_ms(2_000));
    }

    #[test]
    fn a_clock_that_goes_back_does_not_repeat_itself() {
        let mut clock = Clock::default();
        let before = clock.tick(5_000);
        assert!(clock.tick(1_000) > before);
    }

    #[test]
    fn who_is_hours_ahead_is_not_followed() {
        let mut clock = Clock::default();
        clock.hear(Stamp::at_ms(3_600_000), 1_000);
        assert_eq!(clock.tick(1_000), Stamp::at_ms(1_000));
    }

    #[test]
    fn a_full_counter_runs_over_into_the_next_millisecond() {
        let full = Stamp { ms: 1, count: u32::MAX };
        assert_eq!(full.next(), Stamp::at_ms(2));
    }
}
