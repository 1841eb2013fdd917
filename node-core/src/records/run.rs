//! Jobs that this ion coordinates: beginning, writing what came, letting go.

use std::collections::VecDeque;

use super::{
    AGAIN_MS, ALONE_MS, Effect, HANDOVER_MS, Name, PAGE_BYTES, PAGE_MS, PAGE_PARTS, Parts, Place,
    Records, STAND_INS_MAX, Show, Spec, WAITING_BYTES_MAX,
    form::{encode_inputs, encode_page, vouchers},
    load::Load,
};
use crate::{
    compute::{
        JobId,
        coordinator::Done,
        receipt::Hash,
        spans::{Span, Spans},
    },
    platform::Time,
};

/// What the file holds that tells that a job is paused.
const PAUSED: &[u8] = b"paused\n";

/// A job that this ion coordinates, or is about to.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub(super) struct Run {
    /// Since when it is this ion's turn.
    since: Time,
    /// Since when it is another's.
    replaced_since: Option<Time>,
    pub(super) is_begun: bool,
    /// Whether it was submitted here, and never let go since.
    pub(super) is_new: bool,
    /// Whether its record was there once.
    pub(super) is_recorded: bool,
    /// Nothing more comes; it goes when all is written.
    is_ending: bool,
    /// Whether no task of it is given out.
    pub(super) is_held: bool,
    /// When the nebula was last told that it is, or that it is not any more.
    held_told_at: Time,
    tasks: u64,
    /// How many ions must have signed a result to be written; 0 for the owner's.
    vouchers: usize,
    /// Tasks that its coordinator here has the results of, or knows to be done.
    pub(super) known: Spans,
    /// Those of them that it was told are done.
    pub(super) relied: Spans,
    /// Since when a page of those is not there any more.
    pub(super) lacks_since: Option<Time>,
    /// Results that no page has yet, each with its task.
    waiting: VecDeque<(u64, Done)>,
    waiting_bytes: usize,
    wrote_at: Time,
    is_writing: bool,
}

/// A file that is being stored.
#[derive(Debug)]
pub(super) struct Writing {
    name: Name,
    pub(super) place: Place,
    bytes: Vec<u8>,
    /// When it is tried again.
    again_at: Option<Time>,
}

impl Run {
    fn new(now: Time, tasks: u64) -> Self {
        Self {
            since: now,
            replaced_since: None,
            is_begun: false,
            is_new: false,
            is_recorded: false,
            is_ending: false,
            is_held: false,
            held_told_at: now,
            tasks,
            vouchers: 0,
            known: Spans::default(),
            relied: Spans::default(),
            lacks_since: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            wrote_at: now,
            is_writing: false,
        }
    }

    /// Takes results, of which the oldest go where too much waits.
    fn take(&mut self, now: Time, first: u64, results: Vec<Done>) {
        self.known.insert(first..first + results.len() as u64);
        if self.waiting.is_empty() && !self.is_writing {
            self.wrote_at = now;
        }
        let vouched = |done: &Done| done.receipts.len() >= self.vouchers;
        let kept = (first..).zip(results).filter(|(_, done)| vouched(done));
        for (task, done) in kept {
            self.waiting_bytes += done.bytes();
            self.waiting.push_back((task, done));
        }
        while self.waiting_bytes > WAITING_BYTES_MAX {
            self.pop();
        }
    }

    fn pop(&mut self) -> Option<(u64, Done)> {
        let one = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(one.1.bytes());
        Some(one)
    }

    /// Whether it is time for a page.
    fn is_due(&self, now: Time) -> bool {
        let pace_ms = PAGE_MS.max(now.since_ms(self.since) / PAGE_PARTS);
        let is_due = self.waiting_bytes >= PAGE_BYTES
            || now.since_ms(self.wrote_at) >= pace_ms
            || self.known.covers(&(0..self.tasks));
        // Whoever pauses it may go.
        let is_last = self.is_ending || self.is_held;
        !self.is_writing && !self.waiting.is_empty() && (is_due || is_last)
    }

    /// The next page: results in a row.
    fn next_page(&mut self) -> Option<(Span, Vec<Done>)> {
        let (first, one) = self.pop()?;
        let mut bytes = one.bytes();
        let mut results = vec![one];
        while bytes < PAGE_BYTES
            && let Some((task, _)) = self.waiting.front()
            && *task == first + results.len() as u64
            && let Some((_, done)) = self.pop()
        {
            bytes += done.bytes();
            results.push(done);
        }
        Some((first..first + results.len() as u64, results))
    }

    /// What waits from a task on, in a row.
    pub(super) fn waiting_from(&self, task: u64) -> Vec<Done> {
        if self.waiting.back().is_none_or(|(last, _)| *last < task) {
            return Vec::new();
        }
        let behind = self.waiting.iter().skip_while(|(one, _)| *one != task);
        let row = (task..).zip(behind).take_while(|(task, one)| *task == one.0);
        row.map(|(_, (_, done))| done.clone()).collect()
    }

    /// It is this ion's turn; it may have been let go, and not all been written since.
    fn take_back(&mut self) {
        if self.replaced_since.take().is_some() && self.is_ending {
            (self.is_ending, self.is_begun, self.is_new) = (false, false, false);
        }
    }

    /// Its record is another's from now on, and nothing of it is there.
    pub(super) fn begin_again(&mut self) {
        (self.is_recorded, self.is_writing, self.replaced_since) = (false, false, None);
        (self.relied, self.lacks_since) = (Spans::default(), None);
    }

    /// Whether the nebula was told of a pause, or of its end, so long ago that it should
    /// know.
    pub(super) fn was_told(&self, now: Time) -> bool {
        now.since_ms(self.held_told_at) >= AGAIN_MS
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.is_writing
    }
}

impl Records {
    pub(super) fn submit(
        &mut self,
        now: Time,
        job: JobId,
        parts: Parts,
        effects: &mut Vec<Effect>,
    ) {
        let name = Name { job, owner: self.keys.own() };
        let module = Hash::new(parts.module);
        let spec = Spec::new(parts.program.clone(), module, &parts.inputs, parts.about.clone());
        self.runs.insert(
            name,
            Run { is_begun: true, is_new: true, ..Run::new(now, parts.inputs.len()) },
        );
        self.shows.insert(name, Show::begun(now));
        self.resumed.insert(name);
        self.loads.insert(name, Load::of(spec, parts));
        self.keep(name, effects);
    }

    /// Stores what a job is.
    pub(super) fn keep(&mut self, name: Name, effects: &mut Vec<Effect>) {
        let Some(load) = self.loads.get(&name) else { return };
        let (Some(spec), Some(inputs)) = (&load.spec, &load.inputs) else { return };
        let (spec, tasks, list) = (spec.encode(), inputs.len(), encode_inputs(inputs));
        let binary = load.binary.as_ref().map(|binary| binary.to_vec());
        let files =
            [(Place::Module, binary), (Place::Inputs, list), (Place::Spec(tasks), Some(spec))];
        for (place, bytes) in files {
            if let Some(bytes) = bytes {
                self.store(name, place, bytes, effects);
            }
        }
        if self.runs.get(&name).is_some_and(|run| run.is_held) {
            self.store(name, Place::Paused, PAUSED.to_vec(), effects);
        }
    }

    /// Lets all ions know that no task of an own job is to begin, or that they are again.
    pub(super) fn hold(&mut self, now: Time, job: JobId, is_held: bool, effects: &mut Vec<Effect>) {
        let name = Name { job, owner: self.keys.own() };
        let Some(run) = self.runs.get_mut(&name).filter(|run| run.is_held != is_held) else {
            return;
        };
        run.is_held = is_held;
        // How long it waited says nothing of how often pages are due.
        run.since = now;
        effects.push(Effect::Hold(name, is_held));
        self.tell_held(now, name, effects);
    }

    /// Writes down that an own job is held, or takes that back; again where it did not
    /// come about.
    pub(super) fn tell_held(&mut self, now: Time, name: Name, effects: &mut Vec<Effect>) {
        let Some(run) = self.runs.get_mut(&name) else { return };
        run.held_told_at = now;
        let is_held = run.is_held;
        let is_under_way = |one: &Writing| one.name == name && matches!(one.place, Place::Paused);
        if self.writes.values().any(is_under_way) {
            // Seen again as soon as it is stored.
            return;
        }
        if is_held {
            self.store(name, Place::Paused, PAUSED.to_vec(), effects);
        } else {
            effects.push(Effect::Remove(name.path(&Place::Paused)));
        }
    }

    pub(super) fn cancel(&mut self, job: JobId, effects: &mut Vec<Effect>) {
        let name = Name { job, owner: self.keys.own() };
        let is_over = self.books.get(&name).is_some_and(super::Book::has_ended);
        if is_over || !(self.books.contains_key(&name) || self.runs.contains_key(&name)) {
            return;
        }
        self.cancelled.insert(name);
        if let Some(run) = self.runs.get_mut(&name) {
            run.is_ending = true;
        }
        self.store(name, Place::Cancelled, b"cancelled\n".to_vec(), effects);
    }

    pub(super) fn results(&mut self, now: Time, name: Name, first: u64, results: Vec<Done>) {
        if let Some(run) = self.runs.get_mut(&name) {
            run.take(now, first, results);
        }
    }

    /// Sees whose turn each job is.
    pub(super) fn take_over(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let own = self.keys.own();
        let is_open =
            |(name, book): &(&Name, &super::Book)| book.is_open() && !self.cancelled.contains(name);
        let open = self.books.iter().filter(is_open);
        let row = |(name, book): (&Name, &super::Book)| (*name, book.tasks(), book.is_paused);
        let open: Vec<(Name, u64, bool)> = open.map(row).collect();
        for (name, tasks, is_held) in open {
            let is_mine = self.rightful(&name) == own;
            match self.runs.get_mut(&name) {
                None if is_mine && (name.owner == own || !is_held) => {
                    let others = self.runs.keys().filter(|name| name.owner != own).count();
                    if name.owner != own && others >= STAND_INS_MAX {
                        continue;
                    }
                    let run = Run { is_recorded: true, is_held, ..Run::new(now, tasks) };
                    self.runs.insert(name, run);
                    if name.owner == own && self.resumed.insert(name) {
                        self.open(now, name);
                    }
                }
                None => {}
                Some(run) if is_mine => run.take_back(),
                Some(run) if !run.is_begun => run.is_ending = true,
                Some(run) => {
                    let since = *run.replaced_since.get_or_insert(now);
                    if now.since_ms(since) >= HANDOVER_MS && !run.is_ending {
                        run.is_ending = true;
                        effects.push(Effect::Release(name));
                    }
                }
            }
        }
        let over = |(name, run): &(&Name, &super::Run)| {
            let has_ended = self.books.get(name).is_some_and(super::Book::has_ended);
            run.is_idle() && (run.is_ending || has_ended)
        };
        let over: Vec<Name> = self.runs.iter().filter(over).map(|(name, _)| *name).collect();
        for name in over {
            let run = self.runs.remove(&name);
            if name.owner != own && run.is_some_and(|run| run.is_begun && !run.is_ending) {
                effects.push(Effect::Release(name));
            }
        }
    }

    /// Begins jobs of which all is here.
    pub(super) fn begin_loaded(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let own = self.keys.own();
        let away_ms = if self.live.is_empty() { ALONE_MS } else { HANDOVER_MS };
        for (name, run) in &mut self.runs {
            let wait_ms = if name.owner == own { 0 } else { away_ms };
            if run.is_begun || run.is_ending || now.since_ms(run.since) < wait_ms {
                continue;
            }
            let Some(book) = self.books.get(name).filter(|book| book.is_open()) else { continue };
            let Some(parts) = self.loads.get(name).and_then(Load::parts) else { continue };
            if parts.inputs.len() != book.tasks() {
                continue;
            }
            run.is_begun = true;
            run.vouchers = if name.owner == own { 0 } else { vouchers(parts.program.trust) };
            (run.known, run.relied) = (book.done.clone(), book.done.clone());
            run.lacks_since = None;
            effects.push(Effect::Begin(*name, Box::new(parts), run.known.clone()));
            if run.is_held {
                effects.push(Effect::Hold(*name, true));
            }
        }
    }

    /// Writes pages whose time has come, and what could not be written before.
    pub(super) fn write(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let own = self.keys.own();
        let due = self.runs.iter().filter(|(_, run)| run.is_due(now)).map(|(name, _)| *name);
        for name in due.collect::<Vec<_>>() {
            let Some(run) = self.runs.get_mut(&name) else { continue };
            let Some((span, results)) = run.next_page() else { continue };
            (run.is_writing, run.wrote_at) = (true, now);
            self.store(name, Place::Page(span, own), encode_page(&results), effects);
        }
        for (number, writing) in &mut self.writes {
            if writing.again_at.take_if(|at| now >= *at).is_some() {
                effects.push(writing.to_store(*number));
            }
        }
    }

    fn store(&mut self, name: Name, place: Place, bytes: Vec<u8>, effects: &mut Vec<Effect>) {
        let number = self.next_number();
        let writing = Writing { name, place, bytes, again_at: None };
        effects.push(writing.to_store(number));
        self.writes.insert(number, writing);
    }

    /// Gives a part of what is being stored.
    pub(super) fn source(&self, write: u64, from: u64, bytes: u32, effects: &mut Vec<Effect>) {
        let all = self.writes.get(&write).map_or(&[][..], |writing| &writing.bytes);
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(all.len());
        let end = from.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX)).min(all.len());
        effects.push(Effect::Give(write, all[from..end].to_vec()));
    }

    pub(super) fn stored(
        &mut self,
        now: Time,
        write: u64,
        is_stored: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(writing) = self.writes.get_mut(&write) else { return };
        let name = writing.name;
        if !is_stored {
            writing.again_at = Some(now.plus_ms(AGAIN_MS));
            // What was removed meanwhile is not written any more.
            let run = self.runs.get(&name);
            let is_wanted =
                self.books.contains_key(&name) || run.is_some_and(|one| !one.is_recorded);
            if is_wanted {
                return;
            }
        }
        let place = self.writes.remove(&write).map(|writing| writing.place);
        match (place, self.runs.get_mut(&name)) {
            (Some(Place::Page(..)), Some(run)) => run.is_writing = false,
            // It was resumed meanwhile.
            (Some(Place::Paused), Some(run)) if !run.is_held => {
                effects.push(Effect::Remove(name.path(&Place::Paused)));
            }
            _ => {}
        }
        self.write(now, effects);
    }
}

impl Writing {
    fn to_store(&self, number: u64) -> Effect {
        Effect::Store(number, self.name.path(&self.place), self.bytes.len() as u64)
    }
}
