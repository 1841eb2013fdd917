//! Counts fuel over slices.
//!
//! The guest counts down a slice by itself. It may go below nothing: what it
//! calls the host for then has been charged, and has not begun.

/// The fuel between two looks at the clock: some 20 ms natively, 100 ms in a
/// tab. The interpreter re-enters compiled code at each.
pub const SLICE_FUEL: u64 = 10_000_000;

/// What a run may use, and what it was given of that.
pub(super) struct Fuel {
    max: u64,
    /// Handed to the guest so far.
    granted: u64,
}

impl Fuel {
    /// Nothing given yet, `max` to give.
    pub(super) fn new(max: u64) -> Self {
        Self { max, granted: 0 }
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

    /// Grants what the guest is to have next, of that rest.
    pub(super) fn grant(&mut self, remaining: i64, rest: u64) -> i64 {
        let next = rest.min(SLICE_FUEL);
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
