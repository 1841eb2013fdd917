//! One job as a worker sees it: what is in hand, what was asked for, what
//! waits to be sent.

use std::collections::VecDeque;

use ion_map::Set;
use spark_runtime::{Report, wire::ModuleHash};

use super::{ASK_AGAIN_MS, Effect, HELD_BYTES_MAX, HOLD_MS, Signer, pace::Pace};
use crate::{
    compute::{
        JobId,
        receipt::{Hash, Terms, call_hash, input_hash},
        spec::{Input, Program},
        wire::{Message, RESULTS_BYTES, TASKS_HELD_MAX, report_bytes},
    },
    identity::IonId,
    platform::Time,
};

/// Who coordinates a job, or whose it is, and its name there.
pub type Key = (IonId, JobId);

/// A task in hand.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) task: u64,
    pub(super) input: Input,
}

#[derive(Debug)]
pub(super) struct Job {
    key: Key,
    program: Program,
    module: ModuleHash,
    module_bytes: u64,
    queue: VecDeque<Task>,
    running: Set<u64>,
    terms: Terms,
    /// Each with the hash of its input.
    results: Vec<(u64, Hash, Report)>,
    results_bytes: usize,
    flushed_at: Time,
    /// Tasks that were asked for and have not come.
    asked: usize,
    asked_at: Time,
    held_at: Time,
    /// How many tasks to have in hand or on the way.
    batch: usize,
    pace: Pace,
    /// Whether tasks have come at all: before that, running dry means nothing.
    has_begun: bool,
}

impl Job {
    /// Its owner, and its name there, may be others than the key names.
    pub(super) fn new(
        key: Key,
        (owner, job): Key,
        program: Program,
        module: ModuleHash,
        module_bytes: u64,
        workers: u16,
    ) -> Self {
        let terms = Terms { module: Hash::new(module), call: call_hash(&program), owner, job };
        Self {
            key,
            terms,
            program,
            module,
            module_bytes,
            queue: VecDeque::new(),
            running: Set::new(),
            results: Vec::new(),
            results_bytes: 0,
            flushed_at: Time::default(),
            asked: 0,
            asked_at: Time::default(),
            held_at: Time::default(),
            batch: 2 * usize::from(workers.max(1)),
            pace: Pace::default(),
            has_begun: false,
        }
    }

    /// Whose it is, and its name there.
    pub(super) fn of(&self) -> Key {
        (self.terms.owner, self.terms.job)
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn module(&self) -> &ModuleHash {
        &self.module
    }

    /// How long its owner says the module is.
    pub(super) fn module_bytes(&self) -> u64 {
        self.module_bytes
    }

    pub(super) fn has_tasks(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Takes tasks in hand; gives the numbers of those that were not asked for
    /// or that there is no room for.
    pub(super) fn take(&mut self, tasks: Vec<(u64, Input)>) -> Vec<u64> {
        let mut bytes: usize = self.queue.iter().map(|held| held.input.len()).sum();
        let mut asked = self.asked;
        self.asked = self.asked.saturating_sub(tasks.len());
        self.has_begun |= !tasks.is_empty();
        let mut back = Vec::new();
        for (task, input) in tasks {
            // What was asked for twice, because an answer seemed lost, may come twice.
            if self.running.contains(&task) || self.queue.iter().any(|held| held.task == task) {
                continue;
            }
            let has_room = self.queue.is_empty() || bytes + input.len() <= HELD_BYTES_MAX;
            if asked > 0 && has_room {
                asked -= 1;
                bytes += input.len();
                self.queue.push_back(Task { task, input });
            } else {
                back.push(task);
            }
        }
        back
    }

    /// The tasks that one guest worker is to have next: no more than its equal part
    /// of those in hand.
    pub(super) fn next(&mut self, workers: u16) -> Vec<Task> {
        let part = self.queue.len().div_ceil(usize::from(workers.max(1)));
        let next: Vec<Task> = self.queue.drain(..part.min(self.pace.at_once())).collect();
        self.running.extend(next.iter().map(|next| next.task));
        next
    }

    /// Tasks that a guest worker was given, and did not begin, are first in line.
    pub(super) fn put_back(&mut self, tasks: VecDeque<Task>) {
        for task in tasks.into_iter().rev() {
            self.running.remove(&task.task);
            self.queue.push_front(task);
        }
    }

    /// A guest worker took so long for so many tasks.
    pub(super) fn note_pace(&mut self, took_ms: u64, tasks: usize) {
        self.pace.note(took_ms, tasks);
    }

    pub(super) fn finish(&mut self, task: &Task, report: Report) {
        self.running.remove(&task.task);
        self.results_bytes += report_bytes(&report);
        self.results.push((task.task, input_hash(&task.input), report));
    }

    /// Sends results when they are many, old, or all there will be.
    pub(super) fn flush(
        &mut self,
        now: Time,
        wait_ms: u64,
        signer: &Signer,
        effects: &mut Vec<Effect>,
    ) {
        let is_last = self.queue.is_empty() && self.running.is_empty();
        let is_old = now.since_ms(self.flushed_at) >= wait_ms;
        let is_full =
            self.results_bytes >= RESULTS_BYTES || self.results.len() >= TASKS_HELD_MAX / 2;
        if self.results.is_empty() || !(is_last || is_old || is_full) {
            return;
        }
        self.flushed_at = now;
        self.results_bytes = 0;
        let (mut part, mut bytes) = (Vec::new(), 0);
        for result in std::mem::take(&mut self.results) {
            let length = report_bytes(&result.2);
            if !part.is_empty() && (bytes + length > RESULTS_BYTES || part.len() >= TASKS_HELD_MAX)
            {
                effects.push(self.sign(now, signer, std::mem::take(&mut part)));
                bytes = 0;
            }
            bytes += length;
            part.push(result);
        }
        effects.push(self.sign(now, signer, part));
    }

    /// Results as they are sent, each with a receipt.
    fn sign(&self, now: Time, by: &Signer, part: Vec<(u64, Hash, Report)>) -> Effect {
        let at_ms = by.origin_ms.saturating_add(now.as_ms());
        let results = part.iter().map(|(task, input, report)| (*task, *input, report));
        let signed = Some(self.terms.sign(&*by.keys, at_ms, results));
        let results = part.into_iter().map(|(task, _, report)| (task, report)).collect();
        Effect::Send(self.key.0, Message::Results { job: self.key.1, results, signed })
    }

    /// Says what is in hand, so that its leases go on.
    pub(super) fn hold(&mut self, now: Time, key: Key, effects: &mut Vec<Effect>) {
        if now.since_ms(self.held_at) < HOLD_MS {
            return;
        }
        self.held_at = now;
        let tasks = self.in_hand();
        if !tasks.is_empty() {
            effects.push(Effect::Send(key.0, Message::Holding { job: key.1, tasks }));
        }
    }

    /// Puts everything back.
    pub(super) fn give_back(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let tasks = self.in_hand();
        self.queue.clear();
        self.running.clear();
        self.asked = 0;
        if !tasks.is_empty() {
            effects.push(Effect::Send(key.0, Message::Return { job: key.1, tasks }));
        }
    }

    fn in_hand(&self) -> Vec<u64> {
        self.running.iter().copied().chain(self.queue.iter().map(|held| held.task)).collect()
    }

    /// Asks for more when less than half of a batch is in hand or on the way.
    pub(super) fn pull(
        &mut self,
        now: Time,
        key: Key,
        workers: u16,
        has_idle: bool,
        effects: &mut Vec<Effect>,
    ) {
        let is_dry = has_idle && self.queue.is_empty();
        if self.asked > 0 && now.since_ms(self.asked_at) >= ASK_AGAIN_MS {
            self.asked = 0;
        }
        if is_dry && self.has_begun && self.asked > 0 {
            // The round trip showed: hold more next time. Counted once a trip.
            self.batch = (self.batch * 2).min(TASKS_HELD_MAX / 2);
            self.has_begun = false;
        }
        let batch = self.batch.max(2 * usize::from(workers)).min(TASKS_HELD_MAX / 2);
        let expected = self.queue.len() + self.asked;
        if expected * 2 > batch {
            return;
        }
        let room = TASKS_HELD_MAX - (self.queue.len() + self.running.len()).min(TASKS_HELD_MAX);
        let wanted = (batch - self.queue.len().min(batch)).min(room);
        if wanted <= self.asked {
            return;
        }
        (self.asked, self.asked_at) = (wanted, now);
        let tasks = u32::try_from(wanted).unwrap_or(u32::MAX);
        effects.push(Effect::Send(key.0, Message::Pull { job: key.1, tasks }));
    }
}
