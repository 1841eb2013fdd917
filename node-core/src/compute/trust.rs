//! How far the ions that work for a job are believed.
//!
//! Only deterministic tasks can be compared: a task that is the same function of
//! its input everywhere gives the same bits on every ion that does not lie.
//! Today every task is one, since guests find a virtual clock and random bytes
//! that follow from their call; [`varying`] refuses what may come to be offered
//! beside that.
//!
//! None of this helps against collusion: ions that agree to lie alike pass for
//! right wherever all copies of a task are theirs. Against that only running the
//! task again helps, on an ion whose owner is trusted. With a part of c colluders
//! among all, about c^k of the results that k ions must agree on are theirs.

use serde::{Deserialize, Serialize};
use spark_runtime::inspect::{Import, Inspection};

/// What it takes for a result to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// One ion returned it.
    #[default]
    Once,
    /// So many ions returned the same, bit by bit; 2 to [`COPIES_MAX`]. No wrong
    /// result counts unless so many ions tell the same lie.
    Copies(u8),
    /// Two ions returned the same, until an ion has earned trust by
    /// [`TRUSTED_AFTER`] such results in a row. From then on it is checked with
    /// probability one in the number of these, and at least at every
    /// [`UNCHECKED_MAX`]th result. What it returned between two checks waits for
    /// the later one, and is run again by others if that fails.
    ///
    /// Promised: no wrong result of an ion that lies always, or always from some
    /// time on. One that lies now and then gets a lie past with the probability
    /// that just this one is not checked.
    Adaptive,
}

/// Copies of a task that a job may ask for.
pub const COPIES_MAX: u8 = 5;
/// Results in a row that others confirmed, before an ion is trusted.
pub const TRUSTED_AFTER: u32 = 10;
/// Results of a trusted ion from one check to the next at most, that one included.
pub const UNCHECKED_MAX: usize = 32;

impl Trust {
    /// Whether results are compared at all.
    pub fn compares(self) -> bool {
        self != Self::Once
    }

    /// How many ions it takes at most where all agree.
    pub fn ions(self) -> usize {
        match self {
            Self::Once => 1,
            Self::Copies(copies) => usize::from(copies),
            Self::Adaptive => 2,
        }
    }

    /// Whether it is within its bounds.
    pub fn is_sound(self) -> bool {
        !matches!(self, Self::Copies(copies) if !(2..=COPIES_MAX).contains(&copies))
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde hands over")]
    pub(super) fn is_once(&self) -> bool {
        *self == Self::Once
    }
}

/// The only module that guests may import from and whose functions answer alike
/// on every ion: WASI preview 1, as `spark_runtime` offers it.
const ALIKE: &str = "wasi_snapshot_preview1";

/// The first import whose answers may differ from ion to ion, so that results of
/// the module cannot be compared; `None` where it is deterministic.
pub fn varying(seen: &Inspection) -> Option<&Import> {
    seen.imports.iter().find(|import| import.module != ALIKE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_answers_alike_everywhere_is_compared() {
        let import = |module: &str| Import {
            module: module.to_owned(),
            name: "read".to_owned(),
            offered: true,
        };
        let with = |imports: Vec<Import>| Inspection {
            bytes: 1,
            is_command: true,
            exports: Vec::new(),
            imports,
            memory_bytes: 0,
            anatomy: Vec::new(),
        };
        assert_eq!(varying(&with(vec![import(ALIKE)])), None);
        let live = with(vec![import(ALIKE), import("ionosphere")]);
        assert_eq!(varying(&live), Some(&import("ionosphere")));
    }

    #[test]
    fn one_copy_is_no_comparison_and_many_are_refused() {
        for copies in [0, 1, COPIES_MAX + 1] {
            assert!(!Trust::Copies(copies).is_sound(), "{copies}");
        }
        for trust in [Trust::Once, Trust::Copies(2), Trust::Copies(COPIES_MAX), Trust::Adaptive] {
            assert!(trust.is_sound(), "{trust:?}");
        }
    }
}
