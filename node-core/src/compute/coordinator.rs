//! The side of an ion that owns jobs: gives out leases, takes results, keeps
//! their order.
//!
//! A worker asks for tasks ([`Message::Pull`]) and gets at most its share of
//! what is open, so that the end of a job is spread over all ions. Each task
//! given out is a lease: it lapses when its ion is lost, returns it, or stops
//! saying that it still has it in hand, and the task goes to the next ion that
//! asks. An ion that keeps saying so for longer than a task may take keeps
//! nobody waiting: the task is given to another as well. Any message may be
//! lost; every state mends itself by repeated offers, renewals and pulls. The
//! first valid result of a task counts, once, whoever else ran it.
//!
//! Where the job asks for more [`Trust`](crate::compute::Trust), tasks are leased
//! to several ions, and their results count when enough of them agree. Who
//! was outvoted is shunned for a while, and what it returned and does not count
//! yet is run again by others. Whose results are not signed, or were metered by
//! another version of the pass, takes no part in such jobs: they could differ
//! without a lie. Results that their ion did not sign as it says are an offence.
//!
//! A job may be held: what is out comes back and counts, nothing is given out, and whoever
//! has nothing of it in hand may forget it. One whose first [`VAIN_TASKS`] tasks all
//! failed is held by itself, once.
//!
//! Bounds: [`JOBS_MAX`] jobs, [`WINDOW_TASKS_MAX`] tasks between the first
//! unfinished one and the last one given out, [`ATTEMPTS_MAX`] attempts for a
//! task that ends in a way that another ion might not meet,
//! [`LEASES_PER_TASK_MAX`] ions that may give the same task's result.

mod job;
mod leases;
mod reputation;
pub(crate) mod tally;
mod trials;

use std::sync::Arc;

use ion_map::Map;
use serde_bytes::ByteBuf;
use spark_runtime::{Report, meter::VERSION, wire::ModuleHash};

use self::{
    job::{Around, Given, Job},
    reputation::Reputations,
    trials::Voice,
};
use super::{
    receipt::Signed,
    spans::{Span, Spans},
    spec::Parts,
    wire::{BLOCK_BYTES, Message, TASKS_HELD_MAX, report_bytes},
};
use crate::{
    compute::{
        JobId, JobName,
        view::{JobState, JobView, TaskView},
    },
    identity::{IonId, Keys},
    platform::Time,
};

/// Jobs that one ion keeps, ended ones included; the oldest ended one makes room.
pub const JOBS_MAX: usize = 64;
/// Tasks from the first unfinished one that may be out or wait for their turn.
pub const WINDOW_TASKS_MAX: u64 = 4_096;
/// Results of one job that wait for an earlier one, in bytes, before no more
/// new tasks are given out.
pub const READY_BYTES_MAX: usize = 64 << 20;
/// Attempts for a task that ended in a way that may not repeat elsewhere.
pub const ATTEMPTS_MAX: usize = 3;
/// How long a lease lasts without a sign that it is still in hand, in milliseconds.
pub const LEASE_MS: u64 = 10_000;
/// How long beyond its wall-clock limit a task may be in one ion's hand, in
/// milliseconds, before others get it as well: it may wait for its turn there,
/// and for a guest worker to start.
pub const OVERDUE_MS: u64 = 20_000;
/// Ions that may give the result of one task at a time; of more, the first is
/// not waited for any longer.
pub const LEASES_PER_TASK_MAX: usize = 8;
/// How long a task that failed waits for a linked ion that has not tried it and
/// does not ask for work, in milliseconds.
pub const PATIENCE_MS: u64 = 10_000;
/// How often an ion that has not asked for tasks hears of a job again, in milliseconds.
pub const OFFER_MS: u64 = 5_000;
/// Tasks that failed, while none ended well, after which a new job is held: what fails on
/// every input need not fail on all of them. Where there are two ions, two must have
/// found so.
pub const VAIN_TASKS: u64 = 100;

/// What is signed for a secret of this ion's alone; the signature never leaves it.
const CHECKS_CONTEXT: &[u8] = b"ionosphere 2026-11 secret of checks\n";

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A job was submitted; its parts have been checked.
    Submit {
        /// Its name.
        job: JobId,
        /// What it is.
        parts: Parts,
        /// Its name in the nebula: it is this ion's own, or another's for which it stands
        /// in.
        name: JobName,
        /// Tasks whose results are there already.
        done: Spans,
    },
    /// Tasks of a job were done elsewhere; their results are not wanted.
    Done {
        /// Which.
        job: JobId,
        /// From the first task up to the end.
        span: Span,
    },
    /// Results of tasks that were done elsewhere, from a task on, to be counted.
    Count {
        /// Which.
        job: JobId,
        /// The first one's task.
        first: u64,
        /// One per task.
        results: Vec<Done>,
    },
    /// Another ion coordinates a job from now on.
    Release {
        /// Which.
        job: JobId,
    },
    /// The user wants no more of a job.
    Cancel {
        /// Which.
        job: JobId,
    },
    /// No task of a job is given out from now on, or they are again.
    Hold {
        /// Which.
        job: JobId,
        /// Whether none is.
        is_held: bool,
    },
    /// An ion can take work now; this ion itself counts.
    Linked(IonId),
    /// An ion is gone.
    Lost(IonId),
    /// A worker said something.
    Said(IonId, Message),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell a worker.
    Send(IonId, Message),
    /// Results in order, each exactly once.
    Results {
        /// The job.
        job: JobId,
        /// The first one's task.
        first: u64,
        /// One per task.
        results: Vec<Done>,
    },
    /// No more tasks of this job are given out, as all that ended failed.
    Held(JobId),
    /// A worker broke the rules.
    Offence(IonId),
}

/// A task's result that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The ion that ran it; of several, the first.
    pub ion: IonId,
    /// What it returned.
    pub report: Report,
    /// The receipts of all ions that returned it, as
    /// [`receipt::verify`](crate::compute::receipt::verify) checks them; none of
    /// an ion that signs nothing.
    pub receipts: Vec<ByteBuf>,
}

impl Done {
    /// Roughly how long it is, in bytes.
    pub fn bytes(&self) -> usize {
        report_bytes(&self.report) + self.receipts.iter().map(|one| one.len()).sum::<usize>()
    }
}

/// The machine.
pub struct Coordinator {
    keys: Arc<dyn Keys>,
    jobs: Map<JobId, Job>,
    ions: Map<IonId, Ion>,
    reputations: Reputations,
}

/// What is known of an ion that takes work.
#[derive(Debug)]
struct Ion {
    /// When it was last told of open jobs.
    offered_at: Time,
}

impl Coordinator {
    /// Without jobs. The seed is random; the secret by which results are drawn for
    /// checks takes it and the ion's key to foresee.
    pub fn new(keys: Arc<dyn Keys>, seed: u64) -> Self {
        let secret = keys.sign(&[CHECKS_CONTEXT, &seed.to_le_bytes()].concat());
        let reputations = Reputations::new(*blake3::hash(&secret).as_bytes());
        Self { keys, jobs: Map::new(), ions: Map::new(), reputations }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Submit { job, parts, name, done } => {
                self.make_room();
                let own = self.keys.own();
                let added = Job::new(now, (own, name), parts, done);
                for ion in self.ions.keys() {
                    effects.push(Effect::Send(*ion, added.offer(job)));
                }
                self.jobs.insert(job, added);
            }
            Input::Done { job, span } => {
                if let Some(kept) = self.jobs.get_mut(&job).filter(|job| job.is_running()) {
                    kept.skip(span);
                    self.advance(now, job, effects);
                }
            }
            Input::Count { job, first, results } => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.count(first, &results);
                }
            }
            Input::Release { job } => {
                self.end(now, job, JobState::Cancelled, effects);
                self.jobs.remove(&job);
            }
            Input::Cancel { job } => self.end(now, job, JobState::Cancelled, effects),
            Input::Hold { job, is_held } => {
                if let Some(kept) = self.jobs.get_mut(&job).filter(|job| job.is_running()) {
                    kept.hold(now, is_held);
                    self.offer_held(job, effects);
                    self.serve_waiting(now, job, effects);
                }
            }
            Input::Linked(ion) => self.linked(now, ion, effects),
            Input::Lost(ion) => self.lost(now, ion, effects),
            Input::Said(ion, message) => self.said(now, ion, message, effects),
            Input::Tick => self.tick(now, effects),
        }
    }

    /// Whether another job may be submitted.
    pub fn has_room(&self) -> bool {
        self.jobs.len() < JOBS_MAX || self.jobs.values().any(|job| !job.is_running())
    }

    /// Whether a job of that name is kept.
    pub fn knows(&self, job: JobId) -> bool {
        self.jobs.contains_key(&job)
    }

    /// What a job is called in the nebula, if it is kept.
    pub fn name_of(&self, job: JobId) -> Option<JobName> {
        let own = JobName { job, owner: self.keys.own() };
        self.jobs.get(&job).map(|job| job.stands_in_for().unwrap_or(own))
    }

    /// Whether any job has tasks that are out or may be given out.
    pub fn is_busy(&self) -> bool {
        self.jobs.values().any(Job::is_busy)
    }

    /// Jobs that changed since this was last asked, as they are now. Names of
    /// ions are left empty.
    pub fn changed(&mut self, now: Time) -> Vec<JobView> {
        let jobs = self.jobs.values().filter(|job| job.is_running() && !job.is_held()).count();
        let around = Around { ions: &self.ions, reputations: &self.reputations, jobs };
        let changed = self
            .jobs
            .iter_mut()
            .filter_map(|(id, job)| job.take_changed().then(|| job.view(now, *id, &around)));
        changed.collect()
    }

    /// Where one task of a job stands, if the job is kept and has it; `name` is an ion's
    /// readable name.
    pub fn task(
        &self,
        now: Time,
        job: JobId,
        task: u64,
        name: &dyn Fn(&IonId) -> String,
    ) -> Option<TaskView> {
        let view = self.jobs.get(&job).filter(|job| job.has(task))?.task(now, task, name);
        Some(TaskView { job, ..view })
    }

    fn make_room(&mut self) {
        if self.jobs.len() < JOBS_MAX {
            return;
        }
        let ended = self.jobs.iter().filter(|(_, job)| !job.is_running());
        let oldest = ended.min_by_key(|(_, job)| job.started_at()).map(|(id, _)| *id);
        oldest.and_then(|id| self.jobs.remove(&id));
    }

    fn linked(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        self.ions.insert(ion, Ion { offered_at: now });
        for (id, job) in self.jobs.iter().filter(|(_, job)| job.is_running() && !job.is_held()) {
            effects.push(Effect::Send(ion, job.offer(*id)));
        }
    }

    fn lost(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        if self.ions.remove(&ion).is_none() {
            return;
        }
        for id in self.running() {
            if let Some(job) = self.jobs.get_mut(&id) {
                job.lose(ion);
            }
            self.advance(now, id, effects);
        }
    }

    fn said(&mut self, now: Time, ion: IonId, message: Message, effects: &mut Vec<Effect>) {
        if !self.ions.contains_key(&ion) {
            return;
        }
        match message {
            Message::Pull { job, tasks } => self.pull(now, ion, job, tasks, effects),
            Message::Holding { job, tasks } => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.renew(now, ion, &tasks);
                }
            }
            Message::Return { job, tasks } => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.give_back(ion, &tasks);
                }
                self.serve_waiting(now, job, effects);
            }
            Message::Results { job, results, signed } => {
                self.results(now, ion, job, results, signed, effects);
            }
            Message::WantBlock { module, offset } => self.block(ion, module, offset, effects),
            Message::Offer { .. }
            | Message::Withdraw { .. }
            | Message::Tasks { .. }
            | Message::Block { .. } => effects.push(Effect::Offence(ion)),
        }
    }

    fn pull(&mut self, now: Time, ion: IonId, id: JobId, tasks: u32, effects: &mut Vec<Effect>) {
        match self.jobs.get_mut(&id) {
            Some(job) if job.is_running() && !job.is_idle_for(ion) => {
                job.ask(now, ion, usize::try_from(tasks).unwrap_or(usize::MAX).min(TASKS_HELD_MAX));
                self.serve(now, id, ion, effects);
            }
            // The job is over, held, or was another's: the worker need not ask again.
            other => {
                if let Some(job) = other {
                    job.give_back(ion, &[]);
                }
                effects.push(Effect::Send(ion, Message::Withdraw { job: id }));
            }
        }
    }

    fn serve(&mut self, now: Time, id: JobId, ion: IonId, effects: &mut Vec<Effect>) {
        let ions = self.ions.len();
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let tasks = job.lease(now, ion, ions, &mut self.reputations);
        job.wait(ion);
        if !tasks.is_empty() {
            effects.push(Effect::Send(ion, Message::Tasks { job: id, tasks }));
        }
    }

    /// Serves those whose wish could not be met before, as far as there is anything to
    /// give.
    fn serve_waiting(&mut self, now: Time, id: JobId, effects: &mut Vec<Effect>) {
        let asking = self.jobs.get(&id).map_or(0, Job::asking);
        for _ in 0..asking {
            let Some(ion) = self.jobs.get_mut(&id).and_then(Job::next_asking) else { return };
            self.serve(now, id, ion, effects);
        }
    }

    fn results(
        &mut self,
        now: Time,
        ion: IonId,
        id: JobId,
        results: Vec<(u64, Report)>,
        signed: Option<Signed>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.is_running()) else { return };
        let tasks: Vec<u64> = results.iter().map(|(task, _)| *task).collect();
        let receipts = match &signed {
            Some(signed) => job.receipts(&*self.keys, id, ion, signed, &results),
            None => Some(vec![ByteBuf::new(); results.len()]),
        };
        let is_comparable = signed.is_some_and(|signed| signed.version == VERSION);
        match receipts {
            None => {
                effects.push(Effect::Offence(ion));
                job.give_back(ion, &tasks);
            }
            Some(_) if job.trust().compares() && !is_comparable => job.set_apart(ion),
            Some(receipts) => {
                for ((task, report), receipt) in results.into_iter().zip(receipts) {
                    let voice = Voice { ion, receipt };
                    let given = job.accept(now, voice, task, report, &mut self.reputations);
                    if given == Given::TooLarge {
                        effects.push(Effect::Offence(ion));
                    }
                }
            }
        }
        for liar in self.reputations.take_caught() {
            self.jobs
                .values_mut()
                .filter(|job| job.is_running())
                .for_each(|job| job.distrust(liar));
        }
        self.advance(now, id, effects);
    }

    /// Tells what is ready, ends what is complete, serves who waits.
    fn advance(&mut self, now: Time, id: JobId, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.give_up(now, self.ions.keys().copied(), &self.reputations);
        while let Some((first, results)) = job.take_ready() {
            effects.push(Effect::Results { job: id, first, results });
        }
        if job.is_complete() {
            self.end(now, id, JobState::Finished, effects);
        } else if job.is_in_vain(self.ions.len()) {
            job.hold(now, true);
            effects.push(Effect::Held(id));
        } else {
            self.serve_waiting(now, id, effects);
        }
    }

    fn block(&self, ion: IonId, module: ModuleHash, offset: u64, effects: &mut Vec<Effect>) {
        let holders = self.jobs.iter().filter(|(_, job)| *job.module() == module);
        let Some((_, job)) = holders.clone().find(|(_, job)| job.is_running()) else {
            // The worker missed the end of the job, and would ask for ever.
            effects
                .extend(holders.map(|(id, _)| Effect::Send(ion, Message::Withdraw { job: *id })));
            return;
        };
        let binary = job.binary();
        let Some(begin) = usize::try_from(offset).ok().filter(|begin| *begin < binary.len()) else {
            effects.push(Effect::Offence(ion));
            return;
        };
        let length = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        let end = binary.len().min(begin.saturating_add(length));
        let bytes = binary[begin..end].to_vec();
        effects.push(Effect::Send(ion, Message::Block { module, offset, bytes }));
    }

    fn end(&mut self, now: Time, id: JobId, state: JobState, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.is_running()) else { return };
        job.end(now, state);
        for ion in self.ions.keys() {
            effects.push(Effect::Send(*ion, Message::Withdraw { job: id }));
        }
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for id in self.running() {
            if let Some(job) = self.jobs.get_mut(&id) {
                job.age(now);
            }
            self.advance(now, id, effects);
        }
        self.offer_again(now, effects);
    }

    fn offer_again(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for (ion, known) in &mut self.ions {
            if now.since_ms(known.offered_at) < OFFER_MS {
                continue;
            }
            known.offered_at = now;
            let open = self.jobs.iter().filter(|(_, job)| job.is_running() && !job.is_held());
            for (id, job) in open {
                if !job.has_asked_since(*ion, now, OFFER_MS) {
                    effects.push(Effect::Send(*ion, job.offer(*id)));
                }
            }
        }
    }

    /// Offers a job that was held to those who forgot it meanwhile.
    fn offer_held(&self, id: JobId, effects: &mut Vec<Effect>) {
        let job = self.jobs.get(&id).filter(|job| !job.is_held());
        let offers = job
            .into_iter()
            .flat_map(|job| self.ions.keys().map(move |ion| Effect::Send(*ion, job.offer(id))));
        effects.extend(offers);
    }

    fn running(&self) -> Vec<JobId> {
        self.jobs.iter().filter(|(_, job)| job.is_running()).map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests;
