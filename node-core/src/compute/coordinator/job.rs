//! One job's books: which task is where, what came back, what is next.

mod asking;
mod held;
mod shown;

pub(super) use shown::Around;

use std::{collections::VecDeque, sync::Arc};

use ion_map::{LongMap, LongSet, Map, Set};
use serde_bytes::ByteBuf;
use spark_runtime::{Report, Stop, wire::ModuleHash};

use super::{
    ATTEMPTS_MAX, Done, OVERDUE_MS, PATIENCE_MS, READY_BYTES_MAX, WINDOW_TASKS_MAX,
    leases::Leases,
    reputation::Reputations,
    tally::Tally,
    trials::{Settled, Trials, Voice},
};
use crate::{
    compute::{
        JobId, JobName, Trust,
        receipt::{Hash, Signed, Terms, call_hash, input_hash},
        spans::{Span, Spans},
        spec::{Input, Inputs, Parts, Program},
        view::JobState,
        wire::{Message, TASKS_BYTES, TASKS_HELD_MAX, check_report},
    },
    identity::{IonId, Keys},
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
    /// Its name at its owner, where that is not this ion.
    stands_in_for: Option<JobName>,
    program: Program,
    module: ModuleHash,
    /// The hash of how the program calls it.
    call: Hash,
    binary: Arc<[u8]>,
    inputs: Arc<Inputs>,
    tasks: u64,
    state: JobState,
    /// Since when no task is given out, if so.
    held_at: Option<Time>,
    /// How long it was held before, in milliseconds.
    held_ms: u64,
    /// Whether it was held as all that ended failed, or cannot be known to be in vain.
    was_in_vain: bool,
    started_at: Time,
    ended_at: Time,
    /// Tasks that were done elsewhere.
    elsewhere: Spans,
    /// The first task that was never given out.
    fresh: u64,
    /// Tasks that were given out, have no result, and are open for others.
    requeued: LongSet<u64>,
    leases: Leases,
    ions: Map<IonId, Share>,
    /// Ions that wait for tasks, the one that has waited longest first; and some that no
    /// longer do.
    asking: VecDeque<IonId>,
    /// Tasks that ended in a way that another ion might not meet.
    strikes: LongMap<u64, Strikes>,
    /// Results that do not count yet.
    trials: Trials,
    /// Results that wait for an earlier one.
    ready: LongMap<u64, Done>,
    ready_bytes: usize,
    /// The first task whose result has not been told.
    told: u64,
    retried: u64,
    confirmed: u64,
    tally: Tally,
    changed: bool,
}

/// Who failed at a task, and how the last one did.
#[derive(Debug)]
struct Strikes {
    by: Set<IonId>,
    last: Settled,
    last_at: Time,
}

/// What one ion has to do with the job.
#[derive(Debug, Default)]
struct Share {
    asks: usize,
    asked_at: Time,
    /// Whether it is in the queue of those that wait.
    waits: bool,
    finished: u64,
    outvoted: u64,
    /// Whether its results cannot be compared with those of others.
    is_apart: bool,
    /// Tasks that it had for too long, so that others finished them, since it
    /// last gave a result that counts.
    overtaken: u32,
}

impl Job {
    pub(super) fn new(
        now: Time,
        (own, name): (IonId, JobName),
        parts: Parts,
        elsewhere: Spans,
    ) -> Self {
        let Parts { program, module, binary, inputs, .. } = parts;
        Self {
            stands_in_for: Some(name).filter(|name| name.owner != own),
            trials: Trials::new(program.trust, own),
            call: call_hash(&program),
            program,
            module,
            binary,
            tasks: inputs.len(),
            inputs,
            state: JobState::Running,
            held_at: None,
            held_ms: 0,
            // What others did before may have ended well.
            was_in_vain: elsewhere.count() > 0 || name.owner != own,
            started_at: now,
            ended_at: now,
            elsewhere,
            fresh: 0,
            requeued: LongSet::new(),
            leases: Leases::default(),
            ions: Map::new(),
            asking: VecDeque::new(),
            strikes: LongMap::new(),
            ready: LongMap::new(),
            ready_bytes: 0,
            told: 0,
            retried: 0,
            confirmed: 0,
            tally: Tally::default(),
            changed: true,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == JobState::Running
    }

    pub(super) fn is_complete(&self) -> bool {
        self.told >= self.tasks
    }

    pub(super) fn started_at(&self) -> Time {
        self.started_at
    }

    /// Its name at its owner, where that is not this ion.
    pub(super) fn stands_in_for(&self) -> Option<JobName> {
        self.stands_in_for
    }

    pub(super) fn module(&self) -> &ModuleHash {
        &self.module
    }

    pub(super) fn binary(&self) -> &[u8] {
        &self.binary
    }

    /// Workers are not told how far they are believed: who knew that nobody
    /// compares could lie the more safely.
    pub(super) fn offer(&self, job: JobId) -> Message {
        Message::Offer {
            job,
            of: self.stands_in_for.map(|name| Box::new((name.owner, name.job))),
            program: Program { trust: Trust::Once, ..self.program.clone() },
            module: self.module,
            module_bytes: self.binary.len() as u64,
        }
    }

    /// Ends the job and lets go of what only running needs.
    pub(super) fn end(&mut self, now: Time, state: JobState) {
        self.state = state;
        self.ended_at = now;
        self.binary = Arc::new([]);
        self.inputs = Arc::new(Inputs::List(Vec::new()));
        self.leases = Leases::default();
        self.requeued.clear();
        self.ready.clear();
        self.strikes.clear();
        self.trials.clear();
        self.asking.clear();
        for share in self.ions.values_mut() {
            (share.asks, share.waits) = (0, false);
        }
        self.changed = true;
    }

    /// Gives an ion what it asked for, but no more than its share of what is
    /// open: half of an equal part (guided self-scheduling), so that all
    /// ions end at nearly the same time. One that others overtook gets half as
    /// much with every time, until it gives a result again; one that is shunned
    /// gets nothing where results are compared.
    pub(super) fn lease(
        &mut self,
        now: Time,
        ion: IonId,
        ions: usize,
        reputations: &mut Reputations,
    ) -> Vec<(u64, Input)> {
        let Some(share) = self.ions.get(&ion).filter(|_| !self.is_held()) else {
            return Vec::new();
        };
        if self.trust().compares() && (share.is_apart || reputations.shuns(now, &ion)) {
            return Vec::new();
        }
        let fresh =
            self.tasks.saturating_sub(self.fresh).saturating_mul(self.trust().ions() as u64);
        let open = fresh + self.requeued.len() as u64;
        let part = usize::try_from(open.div_ceil(2 * ions.max(1) as u64)).unwrap_or(usize::MAX);
        let part = (part >> share.overtaken.min(usize::BITS - 1)).max(1);
        let holds = self.leases.count_of(&ion);
        let most = share.asks.min(part).min(TASKS_HELD_MAX.saturating_sub(holds));
        let mut given = self.take_for(now, ion, most);
        if given.is_empty() && most > 0 && self.check_rest(reputations) {
            given = self.take_for(now, ion, most);
        }
        if let Some(share) = self.ions.get_mut(&ion) {
            share.asks -= given.len();
        }
        self.changed |= !given.is_empty();
        given
    }

    /// At most so many tasks, and not many more bytes than fit in a message.
    fn take_for(&mut self, now: Time, ion: IonId, most: usize) -> Vec<(u64, Input)> {
        let (mut given, mut bytes) = (Vec::new(), 0);
        let mut from = 0;
        while given.len() < most && bytes < TASKS_BYTES {
            let Some(task) = self.next_for(ion, from) else { break };
            from = task + 1;
            let input = self.inputs.get(task).expect("only tasks that have an input are open");
            bytes += input.len();
            self.leases.give(now, ion, task);
            self.reopen(task);
            given.push((task, input));
        }
        given
    }

    /// The next task for an ion, of those from `from` on that are open again or
    /// for another copy, else one that was never given out.
    fn next_for(&mut self, ion: IonId, from: u64) -> Option<u64> {
        let again = self.requeued.range_from(&from).copied().find(|task| self.is_new(ion, *task));
        if let Some(task) = again {
            self.requeued.remove(&task);
            let is_copy = self.trials.has_begun(task) || self.leases.held(task) > 0;
            self.retried += u64::from(!is_copy);
            return Some(task);
        }
        self.fresh = self.elsewhere.end_of(self.fresh).unwrap_or(self.fresh);
        self.has_fresh().then(|| {
            self.fresh += 1;
            self.fresh - 1
        })
    }

    /// Whether a task may be given out for the first time: nothing new while too much
    /// waits for an earlier one.
    fn has_fresh(&self) -> bool {
        let limit = self.tasks.min(self.told.saturating_add(WINDOW_TASKS_MAX));
        self.fresh < limit && self.ready_bytes + self.trials.bytes() <= READY_BYTES_MAX
    }

    /// Whether an ion neither has a task, nor returned it, nor failed at it.
    fn is_new(&self, ion: IonId, task: u64) -> bool {
        let struck = self.strikes.get(&task).is_some_and(|one| one.by.contains(&ion));
        !struck
            && !self.elsewhere.contains(task)
            && !self.leases.has_in_hand(ion, task)
            && !self.trials.has_heard(ion, task)
    }

    /// Has results on trust checked that nothing else would check: nothing new
    /// can be given out before they count, or their ions have nothing left to
    /// return; whether there are any.
    fn check_rest(&mut self, reputations: &mut Reputations) -> bool {
        let (is_full, leases) = (self.fresh < self.tasks, &self.leases);
        let tasks = self.trials.check_rest(|ion| is_full || leases.count_of(ion) == 0, reputations);
        for task in &tasks {
            self.reopen(*task);
        }
        !tasks.is_empty()
    }

    pub(super) fn trust(&self) -> Trust {
        self.trials.trust()
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
        self.changed |= !self.is_held();
    }

    /// A task without a result is open for others, unless as many of them hold it
    /// as are wanted.
    fn reopen(&mut self, task: u64) {
        let is_wanted = self.leases.held(task) < self.trials.wanted(task);
        if is_wanted && !self.elsewhere.contains(task) {
            self.requeued.insert(task);
        }
        self.changed = true;
    }

    /// The receipts of results that an ion signed, in their order; `None` where it
    /// did not sign just these.
    pub(super) fn receipts(
        &self,
        keys: &dyn Keys,
        job: JobId,
        ion: IonId,
        signed: &Signed,
        results: &[(u64, Report)],
    ) -> Option<Vec<ByteBuf>> {
        let module = Hash::new(self.module);
        let own = JobName { job, owner: keys.own() };
        let JobName { job, owner } = self.stands_in_for.unwrap_or(own);
        let terms = Terms { module, call: self.call, owner, job };
        // A task that the job has not gives no receipt that anybody could have signed.
        let input = |task: u64| input_hash(&self.inputs.get(task).unwrap_or_default());
        let results = results.iter().map(|(task, report)| (*task, input(*task), report));
        terms.check(keys, ion, signed, results)
    }

    /// An ion's results cannot be compared with those of others: it gets none of
    /// the tasks.
    pub(super) fn set_apart(&mut self, ion: IonId) {
        self.lose(ion);
        self.ions.entry(ion).or_default().is_apart = true;
    }

    /// An ion was found to have lied: what it returned and does not count yet is
    /// open for others where results are compared, and so is what it has in hand.
    pub(super) fn distrust(&mut self, ion: IonId) {
        if !self.trust().compares() {
            return;
        }
        self.lose(ion);
        for task in self.trials.distrust(ion) {
            self.reopen(task);
        }
    }

    /// A result came. The first valid one of a task counts, even if it comes
    /// so late that others were given the task meanwhile; where results are
    /// compared, those count that enough ions returned.
    pub(super) fn accept(
        &mut self,
        now: Time,
        voice: Voice,
        task: u64,
        report: Report,
        reputations: &mut Reputations,
    ) -> Given {
        let ion = voice.ion;
        if !self.leases.allows(ion, task) {
            return Given::NotLeased;
        }
        if self.elsewhere.contains(task) {
            self.leases.take(ion, task);
            return Given::Kept;
        }
        if check_report(&report, &self.program.limits).is_err() {
            let reason = "its result was larger than its limits allow".to_owned();
            let stop = Some(Stop::WorkerLost { reason });
            // What it signed is another report.
            let voice = Voice { receipt: ByteBuf::new(), ..voice };
            self.strike(now, voice, task, Report { stop, ..Report::default() });
            return Given::TooLarge;
        }
        if report.stop.as_ref().is_some_and(|stop| !stop.is_deterministic()) {
            self.strike(now, voice, task, report);
            return Given::Requeued;
        }
        self.leases.take(ion, task);
        self.ions.entry(ion).or_default().overtaken = 0;
        let outcome = self.trials.hear(voice, task, report, reputations);
        for checked in outcome.checked {
            self.reopen(checked);
        }
        for ion in outcome.confirmed {
            reputations.confirmed(now, ion);
        }
        for ion in outcome.outvoted {
            self.ions.entry(ion).or_default().outvoted += 1;
            reputations.outvoted(now, ion);
        }
        if self.trials.has_begun(task) {
            self.requeued.remove(&task);
            self.reopen(task);
        }
        for settled in outcome.settled {
            self.conclude(settled);
        }
        Given::Kept
    }

    fn conclude(&mut self, Settled { task, by, report }: Settled) {
        let Some(ion) = by.first().map(|voice| voice.ion) else { return };
        self.strikes.remove(&task);
        self.requeued.remove(&task);
        if self.elsewhere.contains(task) {
            self.leases.settle(task);
            return;
        }
        for slow in self.leases.settle(task) {
            let share = self.ions.entry(slow).or_default();
            share.overtaken = share.overtaken.saturating_add(1);
        }
        self.confirmed += u64::from(by.len() > 1);
        for voice in &by {
            self.ions.entry(voice.ion).or_default().finished += 1;
        }
        self.tally.count(task, &report);
        self.changed = true;
        let receipts = by.into_iter().map(|voice| voice.receipt).filter(|one| !one.is_empty());
        let done = Done { ion, report, receipts: receipts.collect() };
        self.ready_bytes += done.bytes();
        self.ready.insert(task, done);
    }

    /// Notes who failed at a task, which is open again for the others.
    fn strike(&mut self, now: Time, voice: Voice, task: u64, report: Report) {
        let ion = voice.ion;
        let mut by = self.strikes.remove(&task).map(|one| one.by).unwrap_or_default();
        by.insert(ion);
        let last = Settled { task, by: vec![voice], report };
        self.strikes.insert(task, Strikes { by, last, last_at: now });
        self.leases.take(ion, task);
        self.reopen(task);
    }

    /// Lets tasks fail that nobody else will try: enough have, all that are
    /// linked have, or those that have not are none that would be given it, did not
    /// ask for work for a while, and have nothing else to end first.
    pub(super) fn give_up(
        &mut self,
        now: Time,
        linked: impl Iterator<Item = IonId>,
        reputations: &Reputations,
    ) {
        if self.strikes.is_empty() {
            return;
        }
        let linked: Vec<IonId> = linked.collect();
        let (busy, compares) = (self.leases.holders(), self.trust().compares());
        let is_active = |ion: &IonId| {
            let share = self.ions.get(ion);
            let is_apart = share.is_some_and(|share| share.is_apart);
            let is_shunned = compares && reputations.shuns(now, ion);
            let asks =
                |share: &Share| share.asks > 0 && now.since_ms(share.asked_at) <= PATIENCE_MS;
            !is_apart && !is_shunned && (busy.contains(ion) || share.is_some_and(asks))
        };
        let is_over = |task: u64, one: &Strikes| {
            let is_late = now.since_ms(one.last_at) > PATIENCE_MS;
            let has_tried = |ion: &IonId| one.by.contains(ion) || self.trials.has_heard(*ion, task);
            let mut untried = linked.iter().filter(|ion| !has_tried(ion));
            one.by.len() >= ATTEMPTS_MAX || !untried.any(|ion| is_active(ion) || !is_late)
        };
        let over: Vec<u64> = self
            .strikes
            .iter()
            .filter(|(task, _)| self.requeued.contains(task) && self.leases.held(**task) == 0)
            .filter(|(task, one)| is_over(**task, one))
            .map(|(task, _)| *task)
            .collect();
        for task in over {
            let Some(Strikes { last, .. }) = self.strikes.remove(&task) else { continue };
            for settled in self.trials.drop(task) {
                self.conclude(settled);
            }
            self.conclude(last);
        }
    }

    /// Results in a row whose turn has come, with the first one's task.
    pub(super) fn take_ready(&mut self) -> Option<(u64, Vec<Done>)> {
        self.told = self.elsewhere.end_of(self.told).unwrap_or(self.told);
        let first = self.told;
        let mut results = Vec::new();
        while !self.elsewhere.contains(self.told)
            && let Some(result) = self.ready.remove(&self.told)
        {
            self.told += 1;
            self.ready_bytes = self.ready_bytes.saturating_sub(result.bytes());
            results.push(result);
        }
        (!results.is_empty()).then_some((first, results))
    }

    /// Tasks were done elsewhere: nobody needs to do them here, unless that is done.
    pub(super) fn skip(&mut self, span: Span) {
        let mut start = span.start.max(self.told);
        let own = self.ready.range_from(&start).map(|(task, _)| *task);
        let end = span.end.min(self.tasks);
        let own: Vec<u64> = own.take_while(|task| *task < end).collect();
        for task in own {
            self.elsewhere.insert(start..task);
            start = task + 1;
        }
        self.elsewhere.insert(start..end);
        let open = self.requeued.range_from(&span.start).copied();
        for task in open.take_while(|task| *task < end).collect::<Vec<_>>() {
            self.requeued.remove(&task);
        }
        for task in self.trials.begun_in(&span) {
            for settled in self.trials.drop(task) {
                self.conclude(settled);
            }
        }
        self.changed = true;
    }

    /// Counts results of tasks that were done elsewhere.
    pub(super) fn count(&mut self, first: u64, results: &[Done]) {
        for (task, done) in
            (first..).zip(results).filter(|(task, _)| self.elsewhere.contains(*task))
        {
            self.tally.count(task, &done.report);
            self.ions.entry(done.ion).or_default().finished += 1;
        }
        self.changed = true;
    }
}
