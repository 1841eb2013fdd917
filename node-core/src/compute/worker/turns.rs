//! Whose turn it is to use a guest worker.
//!
//! The owner with the fewest guests at work goes first, and of its jobs the one
//! with the fewest; who was served last goes last among equals. So an owner
//! with many jobs, or with long tasks, takes no more than an equal part while
//! others want theirs.

use super::jobs::Key;
use crate::{compute::JobId, identity::IonId};

/// Remembers who was served.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Owners and jobs in the order in which they were served, the last one last.
    owners: Vec<IonId>,
    jobs: Vec<Key>,
}

impl Turns {
    /// The one of `ready` that is served next; `busy` has the job of every
    /// guest at work.
    pub(super) fn next(&mut self, ready: &[Key], busy: &[Key]) -> Option<Key> {
        let of_owner = |owner: IonId| busy.iter().filter(|key| key.0 == owner).count();
        let of_job = |job: Key| busy.iter().filter(|key| **key == job).count();
        let rank = |key: &&Key| {
            let (owner, job) = (place(&self.owners, &key.0), place(&self.jobs, *key));
            (of_owner(key.0), owner, of_job(**key), job)
        };
        let next = *ready.iter().min_by_key(rank)?;
        self.served(next);
        Some(next)
    }

    /// Forgets a job, and its owner when it was the last of it.
    pub(super) fn forget(&mut self, (owner, job): (IonId, JobId)) {
        self.jobs.retain(|key| *key != (owner, job));
        if !self.jobs.iter().any(|key| key.0 == owner) {
            self.owners.retain(|one| *one != owner);
        }
    }

    fn served(&mut self, key: Key) {
        self.owners.retain(|owner| *owner != key.0);
        self.owners.push(key.0);
        self.jobs.retain(|job| *job != key);
        self.jobs.push(key);
    }
}

/// Where one stands among those that were served; 0 for one that never was.
fn place<T: PartialEq>(served: &[T], one: &T) -> usize {
    served.iter().position(|other| other == one).map_or(0, |place| place + 1)
}
