//! Counts fuel over slices.
//!
//! The guest counts down a slice by itself. It may go below nothing: what it
//! calls the host for then has been charged, and has not begun.
//!
//! Between two slices the clock is looked at, so a slice is to be short in time, and
//! what fuel takes depends on lane, machine and guest. Slices that took long are
//! halved, short ones doubled. That changes when the clock is looked at, and no result.

/// The most fuel between two looks at the clock: some milliseconds compiled, 40 ms
/// interpreted in a tab, where the interpreter re-enters compiled code at each.
pub const SLICE_FUEL: u64 = 4_000_000;
/// The least.
const SLICE_FUEL_MIN: u64 = SLICE_FUEL / 64;
/// A slice that took so long is too long, in milliseconds.
const SLICE_MS_MAX: u64 = 20;
/// A slice that took no longer than this is too short, in milliseconds.
const SLICE_MS_MIN: u64 = 5;

/// What a run may use, and what it was given of that.
pub(super) struct Fuel {
    max: u64,
    /// Handed to the guest so far.
    granted: u64,
    slice: u64,
}

impl Fuel {
    /// Nothing given yet, `max` to give.
    pub(super) fn new(max: u64) -> Self {
        Self { max, granted: 0, slice: SLICE_FUEL / 2 }
    }

    /// Fuel used, when the guest has that much left.
    pub(super) fn used(&self, remaining: i64) -> u64 {
        if remaining < 0 {
            self.granted.saturating_add(remaining.unsigned_abs())
        } else {
            self.granted.saturating_sub(remaining.unsigned_abs())
        }
    }

    /// What it may still use; `None` when it has used more than it may.
    pub(super) fn rest(&self, remaining: i64) -> Option<u64> {
        self.max.checked_sub(self.used(remaining))
    }

    /// Grants what the guest is to have next, of that rest. `took_ms` is how long the
    /// slice took that it was granted before.
    pub(super) fn grant(&mut self, remaining: i64, rest: u64, took_ms: u64) -> i64 {
        let is_used_up = self.granted > 0 && remaining <= 0;
        if is_used_up && took_ms >= SLICE_MS_MAX {
            self.slice = (self.slice / 2).max(SLICE_FUEL_MIN);
        } else if is_used_up && took_ms <= SLICE_MS_MIN {
            self.slice = (self.slice * 2).min(SLICE_FUEL);
        }
        let next = rest.min(self.slice);
        self.granted = self.used(remaining).saturating_add(next);
        i64::try_from(next).unwrap_or(i64::MAX)
    }
}

/// Takes a cost from what is left.
pub(super) fn charged(remaining: i64, cost: u64) -> i64 {
    remaining.saturating_sub_unsigned(cost)
}

/// Whether a call to the host has to wait for the next slice.
pub(super) fn owes(remaining: i64) -> bool {
    remaining < 0
}
