//! A job's books as they are shown.

use ion_map::Map;

use super::{
    super::{Ion, PATIENCE_MS, READY_BYTES_MAX, WINDOW_TASKS_MAX, reputation::Reputations},
    Job, Share, Strikes,
};
use crate::{
    compute::{
        JobId,
        view::{IonShare, JobState, JobView, Supply, TaskView, Waiting},
    },
    identity::IonId,
    platform::Time,
};

/// What is around a job at its coordinator.
pub(in super::super) struct Around<'a> {
    /// Ions that are there.
    pub(in super::super) ions: &'a Map<IonId, Ion>,
    pub(in super::super) reputations: &'a Reputations,
    /// Jobs that give out tasks.
    pub(in super::super) jobs: usize,
}

impl Job {
    pub(in super::super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(in super::super) fn view(&self, now: Time, job: JobId, around: &Around<'_>) -> JobView {
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
            waiting: self.waiting(now, around),
        }
    }

    /// Why nothing moves, if nothing does.
    fn waiting(&self, now: Time, around: &Around<'_>) -> Waiting {
        if !self.is_running() {
            return Waiting::Nothing;
        }
        let out = self.leases.tasks_out() as u64;
        if self.is_held() {
            let failed = self.tally.failed;
            return if self.has_only_failed() { Waiting::Vain(failed) } else { Waiting::Held(out) };
        }
        let supply = self.supply(now, around);
        let able = supply.ions.saturating_sub(supply.shunned + supply.apart);
        let is_short = supply.wanted > 1 && able < supply.wanted;
        if is_short || out == 0 { Waiting::Ions(supply) } else { Waiting::Nothing }
    }

    /// Who could work for it. Who lends nothing is not known here.
    fn supply(&self, now: Time, around: &Around<'_>) -> Supply {
        let compares = self.trust().compares();
        let mut supply = Supply {
            ions: around.ions.len() as u64,
            wanted: self.trust().ions() as u64,
            struck: self.strikes.len() as u64,
            jobs: around.jobs as u64,
            ..Supply::default()
        };
        let fails_ms = self.strikes.values().map(|one| one.fails_ms(now)).min();
        supply.fails_ms = fails_ms.unwrap_or_default();
        for ion in around.ions.keys() {
            let share = self.ions.get(ion);
            supply.asking += u64::from(share.is_some_and(|share| share.asks > 0));
            if share.is_some_and(|share| share.is_apart) {
                supply.apart += 1;
            } else if compares && let Some(until) = around.reputations.shunned_until(now, ion) {
                let again_ms = until.since_ms(now);
                let is_first = supply.shunned == 0 || again_ms < supply.again_ms;
                supply.again_ms = if is_first { again_ms } else { supply.again_ms };
                supply.shunned += 1;
            }
        }
        supply
    }

    pub(in super::super) fn has(&self, task: u64) -> bool {
        task < self.tasks
    }

    /// Where one task stands; `name` is an ion's readable name.
    pub(in super::super) fn task(
        &self,
        now: Time,
        task: u64,
        name: &dyn Fn(&IonId) -> String,
    ) -> TaskView {
        let strikes = self.strikes.get(&task);
        let is_fresh = task >= self.fresh && !self.requeued.contains(&task);
        let is_full = self.ready_bytes + self.trials.bytes() > READY_BYTES_MAX;
        let again = self.requeued.iter().take_while(|other| is_fresh || **other < task);
        let skipped = self
            .elsewhere
            .iter()
            .map(|span| span.end.min(task).saturating_sub(span.start.max(self.fresh)));
        let fresh = task.saturating_sub(self.fresh).saturating_sub(skipped.sum());
        TaskView {
            task,
            is_known: true,
            has_ended: task < self.told
                || self.elsewhere.contains(task)
                || self.ready.contains_key(&task),
            first: self.told,
            ahead: again.count() as u64 + if is_fresh { fresh } else { 0 },
            is_beyond: is_fresh && (is_full || task >= self.told.saturating_add(WINDOW_TASKS_MAX)),
            leases: self.leases.views(now, task, name),
            failed_at: strikes.map_or_else(Vec::new, |one| one.by.iter().map(name).collect()),
            stop: strikes.and_then(|one| one.last.report.stop.clone()),
            fails_ms: strikes.map_or(0, |one| one.fails_ms(now)),
            returned: self.trials.heard(task).iter().map(name).collect(),
            wanted: self.trials.wanted(task) as u64,
            ..TaskView::default()
        }
    }
}

impl Strikes {
    /// When the task fails for good if no other ion tries it, in milliseconds from now.
    fn fails_ms(&self, now: Time) -> u64 {
        self.last_at.plus_ms(PATIENCE_MS).since_ms(now)
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
