//! Which ions want tasks of a job, and in which order they get them.

use super::Job;
use crate::{identity::IonId, platform::Time};

impl Job {
    /// An ion has room for that many more tasks.
    pub(in super::super) fn ask(&mut self, now: Time, ion: IonId, tasks: usize) {
        let share = self.ions.entry(ion).or_default();
        (share.asks, share.asked_at) = (tasks, now);
    }

    pub(in super::super) fn has_asked_since(&self, ion: IonId, now: Time, ms: u64) -> bool {
        let asked = self.ions.get(&ion).filter(|share| share.asks > 0);
        self.leases.count_of(&ion) > 0
            || asked.is_some_and(|share| now.since_ms(share.asked_at) < ms)
    }

    /// An ion that did not get all that it asked for waits behind those that do already.
    pub(in super::super) fn wait(&mut self, ion: IonId) {
        let unmet = self.ions.get_mut(&ion).filter(|share| share.asks > 0 && !share.waits);
        if let Some(share) = unmet {
            share.waits = true;
            self.asking.push_back(ion);
        }
    }

    /// How many may wait.
    pub(in super::super) fn asking(&self) -> usize {
        self.asking.len()
    }

    /// The ion that has waited longest, which waits no longer; `None` where nobody does,
    /// or there is nothing to give.
    pub(in super::super) fn next_asking(&mut self) -> Option<IonId> {
        // Of results that are compared, some may have to be checked: a wish tells.
        let may_give = !self.requeued.is_empty() || self.has_fresh() || self.trust().compares();
        if self.is_held() || !may_give {
            return None;
        }
        let ion = self.asking.pop_front()?;
        if let Some(share) = self.ions.get_mut(&ion) {
            share.waits = false;
        }
        Some(ion)
    }
}
