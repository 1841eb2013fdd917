//! Counts fuel over slices.

/// The fuel between two looks at the clock: some 20 ms natively, 100 ms in a
/// tab. The interpreter re-enters compiled code at each.
pub const SLICE_FUEL: u64 = 10_000_000;

/// What a run was given and what it owes.
pub(crate) struct Fuel {
    max: u64,
    /// Handed to the engine so far.
    granted: u64,
    /// Used by calls to the host beyond what the engine had left.
    owed: u64,
    /// Whether something became owed since the last slice.
    is_due: bool,
}

impl Fuel {
    /// Nothing given yet, `max` to give.
    pub(crate) fn new(max: u64) -> Self {
        Self { max, granted: 0, owed: 0, is_due: false }
    }

    /// Fuel used, when the engine has that much left.
    pub(crate) fn used(&self, remaining: u64) -> u64 {
        (self.granted - remaining).saturating_add(self.owed)
    }

    /// What the engine is to have next; `None` when less is left than it needs.
    pub(crate) fn next_slice(&mut self, remaining: u64, required: u64) -> Option<u64> {
        let used = self.used(remaining);
        let left = self.max.checked_sub(used).filter(|left| *left > 0 && *left >= required)?;
        let next = left.min(SLICE_FUEL.max(required));
        self.granted = self.granted - remaining + next;
        self.is_due = false;
        Some(next)
    }

    /// Takes a cost from what the engine has left, and returns what then remains.
    pub(crate) fn charge(&mut self, remaining: u64, cost: u64) -> u64 {
        let short = cost.saturating_sub(remaining);
        self.owed = self.owed.saturating_add(short);
        self.is_due |= short > 0;
        remaining.saturating_sub(cost)
    }

    /// Whether the slice must be renewed before the host does more work.
    pub(crate) fn is_due(&self) -> bool {
        self.is_due
    }
}
