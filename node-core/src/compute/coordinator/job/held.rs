//! A job that gives out nothing for a while.

use super::{super::VAIN_TASKS, Job};
use crate::{identity::IonId, platform::Time};

impl Job {
    /// Gives out no task from now on, or again.
    pub(in super::super) fn hold(&mut self, now: Time, is_held: bool) {
        self.was_in_vain |= self.has_only_failed();
        if let Some(since) = self.held_at.take() {
            self.held_ms += now.since_ms(since);
        }
        self.held_at = is_held.then_some(now);
        self.changed = true;
    }

    /// Whether no task is given out.
    pub(in super::super) fn is_held(&self) -> bool {
        self.held_at.is_some()
    }

    /// Whether there is anything to do for it: to give out, or to come back.
    pub(in super::super) fn is_busy(&self) -> bool {
        self.is_running() && (!self.is_held() || self.leases.tasks_out() > 0)
    }

    /// Whether an ion may forget it for now: it is given nothing, and has nothing.
    pub(in super::super) fn is_idle_for(&self, ion: IonId) -> bool {
        self.is_held() && self.leases.count_of(&ion) == 0
    }

    /// Whether it should be held, as so many tasks failed and none ended well, of two of
    /// so many ions: one alone might only say so.
    pub(in super::super) fn is_in_vain(&self, ions: usize) -> bool {
        let failed_at = || self.ions.values().filter(|share| share.finished > 0).count();
        !self.was_in_vain && self.has_only_failed() && failed_at() >= ions.min(2)
    }

    pub(super) fn has_only_failed(&self) -> bool {
        self.tally.succeeded == 0 && self.tally.failed >= VAIN_TASKS
    }
}
