//! A job's books as they are shown.

use super::{Job, Share};
use crate::{
    compute::{
        JobId,
        view::{IonShare, JobState, JobView},
    },
    identity::IonId,
    platform::Time,
};

impl Job {
    pub(in super::super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(in super::super) fn view(
        &self,
        now: Time,
        job: JobId,
        ions: usize,
        heeded: usize,
    ) -> JobView {
        let until = if self.is_running() { self.held_at.unwrap_or(now) } else { self.ended_at };
        let mut by_ion: Vec<IonShare> = self
            .ions
            .iter()
            .map(|(ion, share)| share.view(*ion, self.leases.count_of(ion)))
            .collect();
        ion_map::sort_by_key(&mut by_ion, |share| std::cmp::Reverse(share.finished));
        JobView {
            job,
            name: self.program.name.clone(),
            state: if self.is_running() && self.is_held() { JobState::Paused } else { self.state },
            tasks: self.tasks,
            succeeded: self.tally.succeeded,
            failed: self.tally.failed,
            running: self.leases.tasks_out() as u64,
            retried: self.retried,
            elapsed_ms: until.since_ms(self.started_at).saturating_sub(self.held_ms),
            trust: self.trust(),
            confirmed: self.confirmed,
            fuel: self.tally.fuel,
            by_ion,
            causes: self.tally.causes(),
            waiting: self.waiting(ions, heeded),
        }
    }

    /// Why nothing moves, if nothing does; of so many ions, of whom so many are
    /// not shunned.
    fn waiting(&self, ions: usize, heeded: usize) -> String {
        if !self.is_running() {
            return String::new();
        }
        if self.is_held() {
            return match (self.has_only_failed(), self.leases.tasks_out()) {
                (true, _) => format!(
                    "all {} tasks that ended failed; is it the right spark for these inputs?",
                    self.tally.failed
                ),
                (false, 0) => "no task is given out until it is resumed".to_owned(),
                (false, out) => format!("{out} tasks that ions have in hand still end"),
            };
        }
        let apart = self.ions.values().filter(|share| share.is_apart).count();
        let (wanted, heeded) = (self.trust().ions(), heeded.saturating_sub(apart));
        if ions > 0 && wanted > 1 && heeded < wanted {
            return format!(
                "{wanted} ions must return the same result, and {heeded} can; another has to come"
            );
        }
        if self.leases.tasks_out() > 0 {
            return String::new();
        }
        let asking = self.ions.values().any(|share| share.asks > 0);
        let reason = match (ions, asking) {
            (0, _) => "no ion takes work; is this one still starting?",
            (_, false) => {
                "no ion has asked for tasks yet; they may be paused, busy, or still fetching the spark"
            }
            (_, true) if self.trust().compares() => {
                "every ion that asks has tried the tasks that are left, and too few of them agree; \
                 another ion could try"
            }
            (_, true) => {
                "the tasks that are left failed on every ion that asks; another ion could try"
            }
        };
        reason.to_owned()
    }
}

impl Share {
    fn view(&self, ion: IonId, holds: usize) -> IonShare {
        IonShare {
            id: ion.to_string(),
            name: String::new(),
            is_self: false,
            finished: self.finished,
            outvoted: self.outvoted,
            running: holds as u64,
        }
    }
}
