//! Conflicts that were decided: two ions wrote at once, one entry stands.
//!
//! An entry says what it takes the place of. Two of different authors that took
//! the place of the same one were written without knowing of each other; the one
//! that lost is kept here for a while, so that people can look at it and put it
//! back. Longer lines of writes that parted are seen at their first step only,
//! by those who heard both.
//!
//! Bounds: the last [`CONFLICTS_MAX`], [`CONFLICTS_BYTES_MAX`] bytes.

use std::collections::VecDeque;

use super::entry::Entry;

/// Conflicts that are kept.
pub const CONFLICTS_MAX: usize = 256;
/// Values of those that lost, in bytes.
pub const CONFLICTS_BYTES_MAX: usize = 2 << 20;

/// Two entries of one key that were written at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The one that stands.
    pub won: Entry,
    /// The one that does not.
    pub lost: Entry,
}

/// The last of them, newest last.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    kept: VecDeque<Conflict>,
    bytes: usize,
}

impl Conflicts {
    /// Of two entries of one key, one stands.
    pub(super) fn decided(&mut self, won: &Entry, lost: &Entry) {
        let is_known = || self.kept.iter().any(|kept| kept.lost.digest() == lost.digest());
        if is_conflict(won, lost) && !is_known() {
            self.keep(Conflict { won: won.clone(), lost: lost.clone() });
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Conflict> {
        self.kept.iter()
    }

    fn keep(&mut self, conflict: Conflict) {
        self.bytes += conflict.lost.cost_bytes();
        self.kept.push_back(conflict);
        while self.kept.len() > CONFLICTS_MAX || self.bytes > CONFLICTS_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.lost.cost_bytes();
        }
    }
}

/// Whether neither author knew of the other's.
fn is_conflict(one: &Entry, other: &Entry) -> bool {
    let (one, other) = (one.body(), other.body());
    one.author != other.author && one.over == other.over && one.value != other.value
}
