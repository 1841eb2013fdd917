//! Counts fuel over slices.
//!
//! The guest counts down a slice by itself. It may go below nothing: what it
//! calls the host for then has been charged, and has not begun.

/// The fuel between two looks at the clock: some 20 ms natively, 100 ms in a
/// tab. The interpreter re-enters compiled code at each.
pub const SLICE_FUEL: u64 = 10_000_000;

/// What a run may use, and what it was given of that.
pub(crate) struct Fuel {
    max: u64,
    /// Handed to the guest so far.
    granted: u64,
}

impl Fuel {
    /// Nothing given yet, `max` to give.
    pub(crate) fn new(max: u64) -> Self {
        Self { max, granted: 0 }
    }

    /// Fuel used, when the guest has that much left.
    pub(crate) fn used(&self, remaining: i64) -> u64 {
        if remaining < 0 {
            self.granted.saturating_add(remaining.unsigned_abs())
        } else {
            self.granted.saturating_sub(remaining.unsigned_abs())
        }
    }

    /// What the guest is to have next; `None` when it has used more than it may.
    pub(crate) fn next_slice(&mut self, remaining: i64) -> Option<i64> {
        let used = self.used(remaining);
        let next = self.max.checked_sub(used)?.min(SLICE_FUEL);
        self.granted = used.saturating_add(next);
        i64::try_from(next).ok()
    }
}

/// Takes a cost from what is left.
pub(crate) fn charged(remaining: i64, cost: u64) -> i64 {
    remaining.saturating_sub_unsigned(cost)
}
