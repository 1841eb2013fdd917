//! Time as machines see it: a number that they are handed.
//!
//! There is no way here to read a clock. Arithmetic saturates at both ends, so
//! that a deadline computed from a peer's number can't overflow.

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
    time::Duration,
};

/// Milliseconds since the platform started. Comparable only within one run of
/// one platform; never sent or stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The platform's start.
    pub const ZERO: Self = Self(0);
    /// Later than everything: a deadline that never comes.
    pub const MAX: Self = Self(u64::MAX);

    /// That many milliseconds after the start.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the start.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// `ms` milliseconds later, at most [`MAX`](Self::MAX).
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// `ms` milliseconds earlier, at least [`ZERO`](Self::ZERO).
    #[must_use]
    pub const fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` until this; 0 when `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time from `earlier` until this; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.since_ms(earlier))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.plus_ms(whole_ms(duration))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        self.minus_ms(whole_ms(duration))
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000, self.0 % 1_000)
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_both_ends() {
        assert_eq!(Time::MAX.plus_ms(1), Time::MAX);
        assert_eq!(Time::from_ms(5).minus_ms(6), Time::ZERO);
        assert_eq!(Time::from_ms(5) + Duration::MAX, Time::MAX);
        assert_eq!(Time::from_ms(5) - Duration::MAX, Time::ZERO);
    }

    #[test]
    fn what_lies_in_the_future_is_no_time_ago() {
        let (early, late) = (Time::from_ms(3), Time::from_ms(10));
        assert_eq!(late.since_ms(early), 7);
        assert_eq!(early.since_ms(late), 0);
        assert_eq!(late - early, Duration::from_millis(7));
    }

    #[test]
    fn it_reads_as_seconds() {
        assert_eq!(Time::from_ms(12_034).to_string(), "12.034 s");
    }
}
