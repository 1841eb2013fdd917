//! What an ion takes from another in a time: token buckets.
//!
//! A bucket fills by a rate up to a burst; who takes more than is in it is
//! refused and the bucket left as it was. Arithmetic saturates, so no number
//! from outside can make it panic.

use ion_map::Map;

use crate::{identity::IonId, platform::Time};

/// Neighbours that are gone and of which something is kept.
pub const LEFT_MAX: usize = 256;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units that it gains in a second.
    pub per_s: u64,
    /// Units that it holds at most; a new one is full.
    pub burst: u64,
}

/// One bucket.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate: Rate,
    /// What is in it, in thousandths of a unit.
    milli: u64,
    at: Time,
}

impl Bucket {
    /// A full one.
    pub const fn new(rate: Rate, now: Time) -> Self {
        Self { rate, milli: rate.burst.saturating_mul(1_000), at: now }
    }

    /// Takes that many units; `false`, and nothing is taken, when there are fewer.
    pub fn take(&mut self, now: Time, units: u64) -> bool {
        self.fill(now);
        let Some(rest) = self.milli.checked_sub(units.saturating_mul(1_000)) else {
            return false;
        };
        self.milli = rest;
        true
    }

    /// Whether that many units are in it.
    pub fn holds(&mut self, now: Time, units: u64) -> bool {
        self.fill(now);
        self.milli >= units.saturating_mul(1_000)
    }

    fn fill(&mut self, now: Time) {
        let gained = now.since_ms(self.at).saturating_mul(self.rate.per_s);
        let full = self.rate.burst.saturating_mul(1_000);
        self.milli = self.milli.saturating_add(gained).min(full);
        self.at = self.at.max(now);
    }
}

/// A bucket of frames and one of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    frames: Bucket,
    bytes: Bucket,
}

impl Budget {
    /// A full one.
    pub const fn new(frames: Rate, bytes: Rate, now: Time) -> Self {
        Self { frames: Bucket::new(frames, now), bytes: Bucket::new(bytes, now) }
    }

    /// Takes one frame of that many bytes; `false`, and nothing is taken, when
    /// either bucket has too little.
    pub fn spend(&mut self, now: Time, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let fits = self.frames.holds(now, 1) && self.bytes.holds(now, bytes);
        fits && self.frames.take(now, 1) && self.bytes.take(now, bytes)
    }

    /// When it was last used.
    pub const fn used_at(&self) -> Time {
        self.frames.at
    }
}

/// What is kept of neighbours that are gone, so that a new session is no new budget.
/// Beyond [`LEFT_MAX`], those that left first are forgotten.
#[derive(Debug)]
pub struct Left<T> {
    all: Map<IonId, (Time, T)>,
}

impl<T> Default for Left<T> {
    fn default() -> Self {
        Self { all: Map::new() }
    }
}

impl<T> Left<T> {
    /// Keeps something of who leaves now.
    pub fn put(&mut self, now: Time, ion: IonId, kept: T) {
        self.all.insert(ion, (now, kept));
        if self.all.len() > LEFT_MAX {
            let first = self.all.iter().min_by_key(|(_, (left_at, _))| *left_at);
            if let Some(first) = first.map(|(ion, _)| *ion) {
                self.all.remove(&first);
            }
        }
    }

    /// Gives back what was kept of who comes again.
    pub fn take(&mut self, ion: &IonId) -> Option<T> {
        self.all.remove(ion).map(|(_, kept)| kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_ms(ms)
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(Rate { per_s: 2, burst: 3 }, at(0));
        assert!(bucket.take(at(0), 3));
        assert!(!bucket.take(at(499), 1));
        assert!(bucket.take(at(500), 1));
        assert!(bucket.take(at(60_000), 3));
        assert!(!bucket.take(at(60_000), 1));
    }

    #[test]
    fn a_clock_that_goes_back_and_huge_numbers_change_nothing() {
        let mut bucket = Bucket::new(Rate { per_s: u64::MAX, burst: 1 }, at(10));
        assert!(bucket.take(at(10), 1));
        assert!(!bucket.take(at(5), 1));
        assert!(!bucket.take(Time::MAX, u64::MAX));
        assert!(bucket.take(Time::MAX, 1));
    }

    #[test]
    fn what_is_kept_of_who_left_has_a_limit() {
        let ion = |name: &[u8]| IonId::from_bytes(*blake3::hash(name).as_bytes());
        let mut left = Left::default();
        for number in 0..256_u64 {
            left.put(at(number), ion(&number.to_le_bytes()), number);
        }
        let one = ion(&1_u64.to_le_bytes());
        assert_eq!((left.take(&one), left.take(&one)), (Some(1), None));
        left.put(at(300), ion(b"one"), 300);
        left.put(at(301), ion(b"more"), 301);
        assert_eq!((left.all.len(), left.take(&ion(&[0; 8]))), (LEFT_MAX, None));
        assert_eq!(left.take(&ion(b"one")), Some(300));
    }

    #[test]
    fn a_refused_frame_costs_nothing() {
        let rate = |burst| Rate { per_s: 0, burst };
        let mut budget = Budget::new(rate(2), rate(10), at(0));
        assert!(!budget.spend(at(0), 11));
        assert!(budget.spend(at(0), 5));
        assert!(budget.spend(at(0), 5));
        assert!(!budget.spend(at(0), 0));
    }
}
