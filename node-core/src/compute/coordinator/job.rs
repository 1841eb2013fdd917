//! One job's books: which task is where, what came back, what is next.

use std::sync::Arc;

use ion_map::{LongMap, LongSet, Map, Set};
use spark_runtime::{Report, Stop, wire::ModuleHash};

use super::{
    ATTEMPTS_MAX, OVERDUE_MS, PATIENCE_MS, READY_BYTES_MAX, WINDOW_TASKS_MAX, leases::Leases,
};
use crate::{
    compute::{
        CAUSES_MAX, JobId,
        spec::{Input, Inputs, Program},
        view::{Cause, IonShare, JobState, JobView},
        wire::{Message, TASKS_BYTES, TASKS_HELD_MAX, check_report, report_bytes},
    },
    identity::IonId,
    platform::Time,
};

/// What became of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// It counts.
    Kept,
    /// The task is tried again by another ion.
    Requeued,
    /// It was not this ion's to give, or another's came first.
    NotLeased,
    /// It is larger than its limits allow; the task is tried again.
    TooLarge,
}

#[derive(Debug)]
pub(super) struct Job {
    program: Program,
    module: ModuleHash,
    binary: Arc<[u8]>,
    inputs: Inputs,
    tasks: u64,
    state: JobState,
    started_at: Time,
    ended_at: Time,
    /// The first task that was never given out.
    fresh: u64,
    /// Tasks that were given out, have no result, and are open for others.
    requeued: LongSet<u64>,
    leases: Leases,
    ions: Map<IonId, Share>,
    /// Tasks that ended in a way that another ion might not meet.
    strikes: LongMap<u64, Strikes>,
    /// Results that wait for an earlier one.
    ready: LongMap<u64, (IonId, Report)>,
    ready_bytes: usize,
    /// The first task whose result has not been told.
    told: u64,
    succeeded: u64,
    failed: u64,
    retried: u64,
    fuel: u64,
    causes: Map<String, (u64, u64)>,
    changed: bool,
}

/// Who failed at a task, and how the last one did.
#[derive(Debug)]
struct Strikes {
    by: Set<IonId>,
    last: (IonId, Report),
    last_at: Time,
}

/// What one ion has to do with the job.
#[derive(Debug, Default)]
struct Share {
    asks: usize,
    asked_at: Time,
    finished: u64,
    /// Tasks that it had for too long, so that others finished them, since it
    /// last gave a result that counts.
    overtaken: u32,
}

impl Job {
    pub(super) fn new(
        now: Time,
        program: Program,
        module: ModuleHash,
        binary: Arc<[u8]>,
        inputs: Inputs,
    ) -> Self {
        Self {
            program,
            module,
            binary,
            tasks: inputs.len(),
            inputs,
            state: JobState::Running,
            started_at: now,
            ended_at: now,
            fresh: 0,
            requeued: LongSet::new(),
            leases: Leases::default(),
            ions: Map::new(),
            strikes: LongMap::new(),
            ready: LongMap::new(),
            ready_bytes: 0,
            told: 0,
            succeeded: 0,
            failed: 0,
            retried: 0,
            fuel: 0,
            causes: Map::new(),
            changed: true,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == JobState::Running
    }

    pub(super) fn is_complete(&self) -> bool {
        self.told == self.tasks
    }

    pub(super) fn started_at(&self) -> Time {
        self.started_at
    }

    pub(super) fn module(&self) -> &ModuleHash {
        &self.module
    }

    pub(super) fn binary(&self) -> &[u8] {
        &self.binary
    }

    pub(super) fn offer(&self, job: JobId) -> Message {
        Message::Offer {
            job,
            program: self.program.clone(),
            module: self.module,
            module_bytes: self.binary.len() as u64,
        }
    }

    /// Ends the job and lets go of what only running needs.
    pub(super) fn end(&mut self, now: Time, state: JobState) {
        self.state = state;
        self.ended_at = now;
        self.binary = Arc::new([]);
        self.inputs = Inputs::List(Vec::new());
        self.leases = Leases::default();
        self.requeued.clear();
        self.ready.clear();
        self.strikes.clear();
        for share in self.ions.values_mut() {
            share.asks = 0;
        }
        self.changed = true;
    }

    /// An ion has room for that many more tasks.
    pub(super) fn ask(&mut self, now: Time, ion: IonId, tasks: usize) {
        let share = self.ions.entry(ion).or_default();
        (share.asks, share.asked_at) = (tasks, now);
    }

    pub(super) fn has_asked_since(&self, ion: IonId, now: Time, ms: u64) -> bool {
        let asked = self.ions.get(&ion).filter(|share| share.asks > 0);
        self.leases.count_of(&ion) > 0
            || asked.is_some_and(|share| now.since_ms(share.asked_at) < ms)
    }

    /// Ions whose wish is not met yet.
    pub(super) fn asking(&self) -> Vec<IonId> {
        self.ions.iter().filter(|(_, share)| share.asks > 0).map(|(ion, _)| *ion).collect()
    }

    /// Gives an ion what it asked for, but no more than its share of what is
    /// open: half of an equal part (guided self-scheduling), so that all
    /// ions end at nearly the same time. One that others overtook gets half as
    /// much with every time, until it gives a result again.
    pub(super) fn lease(&mut self, now: Time, ion: IonId, ions: usize) -> Vec<(u64, Input)> {
        let Some(share) = self.ions.get(&ion) else { return Vec::new() };
        let open = self.tasks - self.fresh + self.requeued.len() as u64;
        let part = usize::try_from(open.div_ceil(2 * ions.max(1) as u64)).unwrap_or(usize::MAX);
        let part = (part >> share.overtaken.min(usize::BITS - 1)).max(1);
        let holds = self.leases.count_of(&ion);
        let most = share.asks.min(part).min(TASKS_HELD_MAX.saturating_sub(holds));
        let (mut given, mut bytes) = (Vec::new(), 0);
        while given.len() < most && bytes < TASKS_BYTES {
            let Some(task) = self.next_for(ion) else { break };
            let input = self.inputs.get(task).expect("only tasks that have an input are open");
            bytes += input.len();
            self.leases.give(now, ion, task);
            given.push((task, input));
        }
        if let Some(share) = self.ions.get_mut(&ion) {
            share.asks -= given.len();
        }
        self.changed |= !given.is_empty();
        given
    }

    /// Takes the next open task that this ion has not failed at and has not in
    /// hand.
    fn next_for(&mut self, ion: IonId) -> Option<u64> {
        let struck = |task: &u64| self.strikes.get(task).is_some_and(|one| one.by.contains(&ion));
        let is_new = |task: &u64| !struck(task) && !self.leases.has_in_hand(ion, *task);
        let again = self.requeued.iter().copied().find(is_new);
        if let Some(task) = again {
            self.requeued.remove(&task);
            self.retried += 1;
            return Some(task);
        }
        // Nothing new while too much waits for an earlier task.
        if self.ready_bytes > READY_BYTES_MAX {
            return None;
        }
        let limit = self.tasks.min(self.told.saturating_add(WINDOW_TASKS_MAX));
        (self.fresh < limit).then(|| {
            self.fresh += 1;
            self.fresh - 1
        })
    }

    /// An ion says that it still has these in hand.
    pub(super) fn renew(&mut self, now: Time, ion: IonId, tasks: &[u64]) {
        for task in tasks {
            self.leases.renew(now, ion, *task);
        }
    }

    /// An ion will not run these after all.
    pub(super) fn give_back(&mut self, ion: IonId, tasks: &[u64]) {
        for task in tasks {
            if self.leases.take(ion, *task) {
                self.reopen(*task);
            }
        }
        if let Some(share) = self.ions.get_mut(&ion) {
            share.asks = 0;
        }
    }

    /// An ion is gone, and with it what it had in hand.
    pub(super) fn lose(&mut self, ion: IonId) {
        let held = self.leases.of(ion);
        self.give_back(ion, &held);
    }

    /// Opens tasks for others whose leases nobody renewed, or that are in hand
    /// for longer than a task may take.
    pub(super) fn age(&mut self, now: Time) {
        let ms_max = self.program.limits.wall_ms_max.saturating_add(OVERDUE_MS);
        for task in self.leases.age(now, ms_max) {
            self.reopen(task);
        }
        // The clock on the page goes on while nothing else happens.
        self.changed = true;
    }

    /// A task without a result is open for others, unless one of them holds it.
    fn reopen(&mut self, task: u64) {
        if !self.leases.is_held(task) {
            self.requeued.insert(task);
        }
        self.changed = true;
    }

    /// A result came. The first valid one of a task counts, even if it comes
    /// so late that others were given the task meanwhile.
    pub(super) fn accept(&mut self, now: Time, ion: IonId, task: u64, report: Report) -> Given {
        if !self.leases.allows(ion, task) {
            return Given::NotLeased;
        }
        if check_report(&report, &self.program.limits).is_err() {
            let reason = "its result was larger than its limits allow".to_owned();
            let stop = Some(Stop::WorkerLost { reason });
            self.strike(now, ion, task, Report { stop, ..Report::default() });
            return Given::TooLarge;
        }
        if report.stop.as_ref().is_some_and(|stop| !stop.is_deterministic()) {
            self.strike(now, ion, task, report);
            return Given::Requeued;
        }
        self.leases.take(ion, task);
        self.conclude(ion, task, report);
        self.ions.entry(ion).or_default().overtaken = 0;
        Given::Kept
    }

    fn conclude(&mut self, ion: IonId, task: u64, report: Report) {
        self.strikes.remove(&task);
        self.requeued.remove(&task);
        for slow in self.leases.settle(task) {
            let share = self.ions.entry(slow).or_default();
            share.overtaken = share.overtaken.saturating_add(1);
        }
        self.count(ion, task, &report);
        self.ready_bytes += report_bytes(&report);
        self.ready.insert(task, (ion, report));
    }

    /// Notes who failed at a task, which is open again for the others.
    fn strike(&mut self, now: Time, ion: IonId, task: u64, report: Report) {
        let mut by = self.strikes.remove(&task).map(|one| one.by).unwrap_or_default();
        by.insert(ion);
        self.strikes.insert(task, Strikes { by, last: (ion, report), last_at: now });
        self.leases.take(ion, task);
        self.reopen(task);
    }

    /// Lets tasks fail that nobody else will try: enough have, all that are
    /// linked have, or those that have not did not ask for work for a while.
    pub(super) fn give_up(&mut self, now: Time, linked: &Set<IonId>) {
        let is_active = |ion: &IonId| {
            self.leases.count_of(ion) > 0 || self.ions.get(ion).is_some_and(|share| share.asks > 0)
        };
        let is_over = |one: &Strikes| {
            let is_late = now.since_ms(one.last_at) > PATIENCE_MS;
            let mut untried = linked.iter().filter(|ion| !one.by.contains(ion));
            one.by.len() >= ATTEMPTS_MAX || !untried.any(|ion| is_active(ion) || !is_late)
        };
        let over: Vec<u64> = self
            .strikes
            .iter()
            .filter(|(task, _)| self.requeued.contains(task) && !self.leases.is_out(**task))
            .filter(|(_, one)| is_over(one))
            .map(|(task, _)| *task)
            .collect();
        for task in over {
            if let Some(Strikes { last: (ion, report), .. }) = self.strikes.remove(&task) {
                self.conclude(ion, task, report);
            }
        }
    }

    fn count(&mut self, ion: IonId, task: u64, report: &Report) {
        self.ions.entry(ion).or_default().finished += 1;
        self.fuel = self.fuel.saturating_add(report.fuel);
        self.changed = true;
        let Some(stop) = &report.stop else {
            self.succeeded += 1;
            return;
        };
        self.failed += 1;
        let reason = stop.to_string();
        let is_known = self.causes.contains_key(&reason);
        let reason = if is_known || self.causes.len() < CAUSES_MAX {
            reason
        } else {
            format!("other causes, such as: {}", stop.name())
        };
        let cause = self.causes.entry(reason).or_insert((0, task));
        *cause = (cause.0 + 1, cause.1.min(task));
    }

    /// Results whose turn has come, with the first one's task.
    pub(super) fn take_ready(&mut self) -> (u64, Vec<(IonId, Report)>) {
        let first = self.told;
        let mut results = Vec::new();
        while let Some(result) = self.ready.remove(&self.told) {
            self.told += 1;
            self.ready_bytes = self.ready_bytes.saturating_sub(report_bytes(&result.1));
            results.push(result);
        }
        (first, results)
    }

    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(super) fn view(&self, now: Time, job: JobId, ions: usize) -> JobView {
        let until = if self.is_running() { now } else { self.ended_at };
        let mut by_ion: Vec<IonShare> = self
            .ions
            .iter()
            .map(|(ion, share)| share.view(*ion, self.leases.count_of(ion)))
            .collect();
        ion_map::sort_by_key(&mut by_ion, |share| std::cmp::Reverse(share.finished));
        let mut causes: Vec<Cause> = self
            .causes
            .iter()
            .map(|(reason, (count, first))| Cause {
                reason: reason.clone(),
                count: *count,
                first_task: *first,
            })
            .collect();
        ion_map::sort_by_key(&mut causes, |cause| std::cmp::Reverse(cause.count));
        causes.truncate(CAUSES_MAX);
        JobView {
            job,
            name: self.program.name.clone(),
            state: self.state,
            tasks: self.tasks,
            succeeded: self.succeeded,
            failed: self.failed,
            running: self.leases.tasks_out() as u64,
            retried: self.retried,
            elapsed_ms: until.since_ms(self.started_at),
            fuel: self.fuel,
            by_ion,
            causes,
            waiting: self.waiting(ions),
        }
    }

    /// Why nothing moves, if nothing does.
    fn waiting(&self, ions: usize) -> String {
        if !self.is_running() || self.leases.tasks_out() > 0 {
            return String::new();
        }
        let asking = self.ions.values().any(|share| share.asks > 0);
        let reason = match (ions, asking) {
            (0, _) => "no ion takes work; is this one still starting?",
            (_, false) => {
                "no ion has asked for tasks yet; they may be paused, busy, or still fetching the spark"
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
            running: holds as u64,
        }
    }
}
