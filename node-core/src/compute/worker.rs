//! The side of an ion that works: pulls tasks of every job it is offered, runs
//! them in guest workers, returns results in batches.
//!
//! How many tasks to ask for is measured, not set: when a guest worker runs
//! dry although more was asked for, the round trip was not hidden and the
//! batch doubles. What is in hand is said every [`HOLD_MS`], so that leases of
//! a worker that vanished lapse while those of a slow one do not. A guest that
//! outstays its deadline by [`GRACE_MS`] is ended from outside. Guest workers
//! are shared evenly between owners, then between the jobs of each: whoever has
//! many jobs gets no more for it. Short tasks go to a guest worker several at once,
//! as many as their job's last ones let expect to be done in 20 ms; those behind one that
//! takes longer all the same are given to another. What ran, and for whom, is remembered
//! ([`Worker::log`]).
//!
//! Bounds: [`JOBS_MAX`] jobs, [`JOBS_PER_OWNER_MAX`] of one owner,
//! [`TASKS_HELD_MAX`] tasks of one job, [`MODULES_BYTES_MAX`] of modules, [`LOG_MAX`] jobs
//! that are remembered.

mod jobs;
mod log;
mod modules;
mod pace;
mod turns;

use std::{collections::VecDeque, sync::Arc};

use ion_map::Map;
use spark_runtime::{Call, Lane, Limits, Report, Stop, wire::ModuleHash};

pub use self::{
    jobs::Key,
    log::{LOG_MAX, Row},
};
use self::{
    jobs::{Job, Task},
    log::Log,
    modules::Modules,
    turns::Turns,
};
use super::wire::Message;
use crate::{
    compute::JobId,
    identity::{IonId, Keys},
    platform::Time,
};

/// Jobs that an ion works for at once.
pub const JOBS_MAX: usize = 256;
/// Jobs of one owner that an ion works for at once.
pub const JOBS_PER_OWNER_MAX: usize = 16;
/// Modules kept in memory, or on their way, in bytes; a job whose module has
/// no room waits.
pub const MODULES_BYTES_MAX: usize = 64 << 20;
/// Inputs in hand of one job, in bytes, unless a single one is larger.
pub const HELD_BYTES_MAX: usize = 8 << 20;
/// How often a worker says what it has in hand, in milliseconds.
pub const HOLD_MS: u64 = 3_000;
/// After how long a request without an answer is made again, in milliseconds.
pub const ASK_AGAIN_MS: u64 = 3_000;
/// How long a result may wait for company, in milliseconds.
pub const FLUSH_MS: u64 = 20;
/// How far beyond its deadline a guest is ended from outside, in milliseconds:
/// a guest worker may have to start and to compile the module first.
pub const GRACE_MS: u64 = 10_000;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A coordinator said something.
    Said(IonId, Message),
    /// A coordinator is gone, and nobody wants its results.
    Lost(IonId),
    /// The next guests of a run ended, in the order of its calls.
    Done {
        /// As named in [`Effect::Run`].
        run: u64,
        /// How.
        reports: Vec<Report>,
    },
    /// The last guests of a run are not begun: the one before them takes long.
    Yielded {
        /// As named in [`Effect::Run`].
        run: u64,
        /// How many tasks.
        tasks: usize,
    },
    /// A run ended before all of its guests had.
    Broke {
        /// As named in [`Effect::Run`].
        run: u64,
        /// What ended it, and the guest that ran then.
        stop: Stop,
    },
    /// How many guest workers to lend from now on; 0 is a pause.
    Lend(u16),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell a coordinator.
    Send(IonId, Message),
    /// Keep a module ready to run.
    Keep(ModuleHash, Arc<[u8]>),
    /// Let go of a module.
    Drop(ModuleHash),
    /// Run guests in one guest worker, one after the other; answered by
    /// [`Input::Done`], as often as it takes, or by [`Input::Broke`].
    Run {
        /// A name for the run.
        run: u64,
        /// A module that is kept.
        module: ModuleHash,
        /// What is to run it.
        lane: Lane,
        /// What to call, at least one.
        calls: Vec<Call>,
        /// How far each may go.
        limits: Limits,
    },
    /// End a run; no answer is wanted.
    Kill(u64),
    /// A coordinator broke the rules.
    Offence(IonId),
}

/// The machine.
pub struct Worker {
    signer: Signer,
    jobs: Map<Key, Job>,
    modules: Modules,
    running: Map<u64, Running>,
    lends: u16,
    runs: u64,
    turns: Turns,
    done: u64,
    log: Log,
}

/// Signs what is returned.
struct Signer {
    keys: Arc<dyn Keys>,
    /// Milliseconds since 1970 when its own clock showed 0.
    origin_ms: u64,
}

#[derive(Debug)]
struct Running {
    key: Key,
    /// Tasks that have not ended, the one at work first.
    tasks: VecDeque<Task>,
    /// How many there were.
    calls: usize,
    limits: Limits,
    began: Time,
    /// When the task at work was begun at the latest.
    since: Time,
}

impl Worker {
    /// One that lends nothing yet. Its results are signed by these keys, and dated
    /// by its own clock, which showed 0 so many milliseconds after 1970.
    pub fn new(keys: Arc<dyn Keys>, origin_ms: u64) -> Self {
        Self {
            signer: Signer { keys, origin_ms },
            jobs: Map::new(),
            modules: Modules::default(),
            running: Map::new(),
            lends: 0,
            runs: 0,
            turns: Turns::default(),
            done: 0,
            log: Log::default(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Said(owner, message) => self.said(now, owner, message, effects),
            Input::Lost(owner) => {
                for key in self.keys_of(owner) {
                    self.forget(now, key, effects);
                }
            }
            Input::Done { run, reports } => self.done(now, run, reports, effects),
            Input::Yielded { run, tasks } => self.yielded(run, tasks),
            Input::Broke { run, stop } => self.broke(now, run, stop, effects),
            Input::Lend(workers) => self.lend(now, workers, effects),
            Input::Tick => self.tick(now, effects),
        }
        self.advance(now, effects);
    }

    /// Guests that run now.
    pub fn busy(&self) -> u16 {
        u16::try_from(self.running.len()).unwrap_or(u16::MAX)
    }

    /// Whether any job is here.
    pub fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Whose jobs these are.
    pub(crate) fn owners(&self) -> impl Iterator<Item = IonId> {
        self.jobs.keys().map(|(owner, _)| *owner)
    }

    /// What ran here, the latest job first.
    pub fn log(&self) -> impl Iterator<Item = &Row> {
        self.log.rows()
    }

    /// Tasks finished since the start.
    pub fn tasks_done(&self) -> u64 {
        self.done
    }

    fn said(&mut self, now: Time, owner: IonId, message: Message, effects: &mut Vec<Effect>) {
        match message {
            Message::Offer { job, of, program, module, module_bytes } => {
                let key = (owner, job);
                if !self.jobs.contains_key(&key) && self.has_room_for(owner) {
                    let job = Job::new(
                        key,
                        of.map_or(key, |of| *of),
                        program,
                        module,
                        module_bytes,
                        self.lends,
                    );
                    self.jobs.insert(key, job);
                }
            }
            Message::Withdraw { job } => self.forget(now, (owner, job), effects),
            Message::Tasks { job, tasks } => self.tasks((owner, job), tasks, effects),
            Message::Block { module, offset, bytes } => {
                if self.modules.block(now, owner, module, offset, &bytes, effects).is_err() {
                    effects.push(Effect::Offence(owner));
                    self.forget_jobs_with(now, owner, module, effects);
                }
            }
            Message::Pull { .. }
            | Message::Holding { .. }
            | Message::Return { .. }
            | Message::Results { .. }
            | Message::WantBlock { .. } => effects.push(Effect::Offence(owner)),
        }
    }

    fn has_room_for(&self, owner: IonId) -> bool {
        self.jobs.len() < JOBS_MAX && self.keys_of(owner).len() < JOBS_PER_OWNER_MAX
    }

    fn keys_of(&self, owner: IonId) -> Vec<Key> {
        self.jobs.range((owner, JobId::MIN)..=(owner, JobId::MAX)).map(|(key, _)| *key).collect()
    }

    fn tasks(&mut self, key: Key, tasks: Vec<(u64, super::Input)>, effects: &mut Vec<Effect>) {
        // While paused, or when the job is gone, or beyond what may be held:
        // they are free for others at once.
        let back = match self.jobs.get_mut(&key).filter(|_| self.lends > 0) {
            Some(job) => job.take(tasks),
            None => tasks.into_iter().map(|(task, _)| task).collect(),
        };
        if !back.is_empty() {
            effects.push(Effect::Send(key.0, Message::Return { job: key.1, tasks: back }));
        }
    }

    fn done(&mut self, now: Time, run: u64, reports: Vec<Report>, effects: &mut Vec<Effect>) {
        let Some(running) = self.running.get_mut(&run) else { return };
        let Some(job) = self.jobs.get_mut(&running.key) else { return };
        self.log.ran(now, job.of(), running.since);
        running.since = now;
        for report in reports {
            let Some(task) = running.tasks.pop_front() else { break };
            self.done += 1;
            self.log.end(job.of(), &report);
            job.finish(&task, report);
        }
        if running.tasks.is_empty() {
            job.note_pace(now.since_ms(running.began), running.calls);
            self.running.remove(&run);
        }
        job.flush(now, FLUSH_MS, &self.signer, effects);
    }

    /// The last tasks of a run wait for another guest worker.
    fn yielded(&mut self, run: u64, tasks: usize) {
        let Some(running) = self.running.get_mut(&run) else { return };
        // The one at work goes on, whatever is said.
        let kept = running.tasks.len().saturating_sub(tasks).max(1);
        let back = running.tasks.split_off(kept.min(running.tasks.len()));
        if let Some(job) = self.jobs.get_mut(&running.key) {
            job.put_back(back);
        }
    }

    /// The task at work ended so; those behind it wait for another guest worker.
    fn broke(&mut self, now: Time, run: u64, stop: Stop, effects: &mut Vec<Effect>) {
        self.done(now, run, vec![Report { stop: Some(stop), ..Report::default() }], effects);
        let Some(running) = self.running.remove(&run) else { return };
        if let Some(job) = self.jobs.get_mut(&running.key) {
            job.put_back(running.tasks);
        }
    }

    fn lend(&mut self, now: Time, workers: u16, effects: &mut Vec<Effect>) {
        self.lends = workers;
        if workers > 0 {
            return;
        }
        for run in self.running.keys().copied().collect::<Vec<_>>() {
            self.kill(now, run, effects);
        }
        for (key, job) in &mut self.jobs {
            job.flush(now, 0, &self.signer, effects);
            job.give_back(*key, effects);
        }
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.fence(now, effects);
        for (key, job) in &mut self.jobs {
            job.flush(now, FLUSH_MS, &self.signer, effects);
            job.hold(now, *key, effects);
        }
    }

    /// Ends guests that outstayed their deadline without ending themselves.
    fn fence(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let late = |running: &Running| {
            now.since_ms(running.since) > running.limits.wall_ms_max.saturating_add(GRACE_MS)
        };
        let over: Vec<u64> =
            self.running.iter().filter(|(_, one)| late(one)).map(|(run, _)| *run).collect();
        for run in over {
            effects.push(Effect::Kill(run));
            let wall_ms_max = self.running[&run].limits.wall_ms_max;
            self.broke(now, run, Stop::Deadline { wall_ms_max }, effects);
        }
    }

    /// Ends a run that nobody waits for.
    fn kill(&mut self, now: Time, run: u64, effects: &mut Vec<Effect>) {
        let Some(running) = self.running.remove(&run) else { return };
        if let Some(job) = self.jobs.get(&running.key) {
            self.log.ran(now, job.of(), running.since);
        }
        effects.push(Effect::Kill(run));
    }

    fn forget(&mut self, now: Time, key: Key, effects: &mut Vec<Effect>) {
        let mine = |running: &Running| running.key == key;
        let runs: Vec<u64> =
            self.running.iter().filter(|(_, one)| mine(one)).map(|(run, _)| *run).collect();
        for run in runs {
            self.kill(now, run, effects);
        }
        let Some(job) = self.jobs.remove(&key) else { return };
        self.turns.forget(key);
        let wanted = |module: &ModuleHash| self.jobs.values().any(|job| job.module() == module);
        if !wanted(job.module()) {
            self.modules.unused(*job.module());
        }
        self.modules.shrink(&wanted, effects);
    }

    /// Fills free guest workers, then asks for more.
    fn advance(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.lends == 0 {
            return;
        }
        while self.running.len() < usize::from(self.lends) && self.start_one(now, effects) {}
        let has_idle = self.running.len() < usize::from(self.lends);
        for (key, job) in &mut self.jobs {
            if self.modules.is_ready(job.module()) {
                job.pull(now, *key, self.lends, has_idle, effects);
            } else {
                let (module, bytes) = (*job.module(), job.module_bytes());
                self.modules.fetch(now, module, bytes, key.0, effects);
            }
        }
    }

    /// An owner offered what it does not have.
    fn forget_jobs_with(
        &mut self,
        now: Time,
        owner: IonId,
        module: ModuleHash,
        effects: &mut Vec<Effect>,
    ) {
        for key in self.keys_of(owner) {
            if self.jobs.get(&key).is_some_and(|job| *job.module() == module) {
                self.forget(now, key, effects);
            }
        }
    }

    /// The job whose turn it is, of those that could start a task.
    fn next_job(&mut self) -> Option<Key> {
        let could_start = |job: &Job| job.has_tasks() && self.modules.is_ready(job.module());
        let ready: Vec<Key> =
            self.jobs.iter().filter(|(_, job)| could_start(job)).map(|(key, _)| *key).collect();
        let busy = self.running.values().map(|one| one.key).collect::<Vec<_>>();
        self.turns.next(&ready, &busy)
    }

    /// Starts the next tasks of the job whose turn it is; whether there was one.
    fn start_one(&mut self, now: Time, effects: &mut Vec<Effect>) -> bool {
        let Some(key) = self.next_job() else { return false };
        let job = self.jobs.get_mut(&key).expect("it was just found");
        self.log.begin(now, job.of(), &job.program().name);
        let (mut tasks, mut calls) = (VecDeque::new(), Vec::new());
        for task in job.next(self.lends) {
            match job.program().entry.bind(&task.input) {
                Ok(call) => {
                    tasks.push_back(task);
                    calls.push(call);
                }
                Err(stop) => {
                    let report = Report { stop: Some(stop), ..Report::default() };
                    self.log.end(job.of(), &report);
                    job.finish(&task, report);
                    job.flush(now, FLUSH_MS, &self.signer, effects);
                }
            }
        }
        if calls.is_empty() {
            return true;
        }
        self.runs += 1;
        let (run, module) = (self.runs, *job.module());
        let (limits, lane) = (job.program().limits, job.program().lane);
        let running = Running { key, tasks, calls: calls.len(), limits, began: now, since: now };
        self.running.insert(run, running);
        effects.push(Effect::Run { run, module, lane, calls, limits });
        true
    }
}

#[cfg(test)]
mod tests;
