//! The last interactions, and how many were with whom.
//!
//! Bounds: [`USES_MAX`] interactions; older ones are forgotten.

use std::collections::VecDeque;

use ion_map::Map;

use crate::identity::IonId;

/// Interactions that count.
pub const USES_MAX: usize = 100;

/// The last interactions.
#[derive(Debug, Default)]
pub struct Uses {
    last: VecDeque<IonId>,
    counts: Map<IonId, usize>,
}

impl Uses {
    /// One more interaction with that ion.
    pub fn note(&mut self, ion: IonId) {
        if self.last.len() >= USES_MAX
            && let Some(old) = self.last.pop_front()
        {
            self.forget_one(&old);
        }
        self.last.push_back(ion);
        *self.counts.entry(ion).or_insert(0) += 1;
    }

    fn forget_one(&mut self, ion: &IonId) {
        if let Some(count) = self.counts.get_mut(ion) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(ion);
            }
        }
    }

    /// How many of them were with that ion.
    pub fn of(&self, ion: &IonId) -> usize {
        self.counts.get(ion).copied().unwrap_or(0)
    }

    /// Whether there were [`USES_MAX`], so that shares mean something.
    pub fn are_complete(&self) -> bool {
        self.last.len() >= USES_MAX
    }

    /// Everybody who was used, and how often.
    pub fn all(&self) -> impl Iterator<Item = (&IonId, usize)> {
        self.counts.iter().map(|(ion, count)| (ion, *count))
    }
}
