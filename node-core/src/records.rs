//! Jobs as the nebula keeps them, so that none ends with the tab that began it.
//!
//! A job's record is files like others ([`form`]): a spec that never changes, and
//! pages of results that ions add, each its own. What is done is the union of all
//! pages, whoever wrote them; so two coordinators after a split do double work and
//! no harm, and neither undoes what the other did. What is written is copied and
//! mended as all files are.
//!
//! The owner's ion coordinates its jobs where it is there: its user looks at the
//! results. Else the ion does that rendezvous hashing over the living names, once
//! that held for [`HANDOVER_MS`]; it goes on with the tasks that no page has. It
//! writes only results for which the ions that ran them signed, as only those are
//! believed of others; the rest is left for the owner.
//!
//! Whoever shows a job to its user is told all results once, in the order of the
//! tasks, from memory where they just came, else from the pages. A page that is not
//! what its name says is removed, and its tasks are done again.
//!
//! The owner may pause its job: a file says so, and no task is given out anywhere until
//! that is gone. What ions have in hand still ends.
//!
//! Bounds: [`RECORDS_MAX`], [`OWNER_MAX`], [`STAND_INS_MAX`], [`OWN_MAX`], [`READS_MAX`],
//! [`WAITING_BYTES_MAX`]; those of [`form`].

pub mod form;

mod book;
mod load;
mod run;
mod show;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ion_map::{Map, Set};

use self::{
    book::Book,
    form::{Place, Spec},
    load::{Load, Reading},
    run::{Run, Writing},
    show::Show,
};
pub use crate::compute::JobName as Name;

pub use self::{
    book::{Row, View},
    form::ABOUT_BYTES_MAX,
};
use crate::{
    compute::{
        JobId, Parts,
        coordinator::Done,
        spans::{Span, Spans},
        view::{JobState, JobView},
    },
    identity::{IonId, Keys},
    platform::Time,
    store::{chunk::Cid, files::FilePath},
};

/// Records that are looked at; of more, those with the highest names are not.
pub const RECORDS_MAX: usize = 1_024;
/// Records of one owner that are looked at.
pub const OWNER_MAX: usize = 64;
/// Jobs of others for which an ion stands in at a time.
pub const STAND_INS_MAX: usize = 4;
/// Ended jobs of its own that an ion keeps; the oldest is removed.
pub const OWN_MAX: usize = 32;
/// Files that are read at a time.
pub const READS_MAX: usize = 4;
/// How long it must hold that another ion should coordinate, in milliseconds.
pub const HANDOVER_MS: u64 = 3_000;
/// How often it is seen whose turn each job is, in milliseconds, where nothing is new.
pub const TURN_MS: u64 = 500;
/// How long an ion that sees no other waits before it stands in, in milliseconds: it
/// may not have found the others yet.
pub const ALONE_MS: u64 = 30_000;
/// How long a page that could not be had does not count, in milliseconds.
pub const MISSED_MS: u64 = 60_000;
/// How long a page must be gone with those who had it until its tasks are done
/// again, in milliseconds.
pub const LOST_MS: u64 = 10_000;
/// The least time between two pages of a job, in milliseconds.
pub const PAGE_MS: u64 = 2_000;
/// A page is written once for so many parts of the time that a job runs already, so
/// that a long job has few pages and its end loses little.
pub const PAGE_PARTS: u64 = 32;
/// Results of one job that make a page by themselves, in bytes.
pub const PAGE_BYTES: usize = 1 << 20;
/// Results of one job that wait to be written, in bytes; of more, the oldest are let
/// go, and their tasks are done again if the owner ends.
pub const WAITING_BYTES_MAX: usize = 32 << 20;
/// How soon what could not be read or written is tried again, in milliseconds; what was
/// not read again and again, after up to [`AGAIN_PARTS_MAX`] times as long.
pub const AGAIN_MS: u64 = 3_000;
/// See [`AGAIN_MS`].
pub const AGAIN_PARTS_MAX: u64 = 64;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Another nebula's records: nothing that was known counts.
    Begin,
    /// The files below [`JOBS`](crate::store::files::JOBS), all of them.
    Listed(Vec<Row>),
    /// These other ions are there.
    Live(Vec<IonId>),
    /// A job of this ion's user began; this ion coordinates it.
    Submit(JobId, Box<Parts>),
    /// This ion's user wants no more of its job.
    Cancel(JobId),
    /// No task of a job of this ion's user begins from now on, or they do again.
    Hold(JobId, bool),
    /// Results of a job that this ion coordinates, from a task on.
    Results(Name, u64, Vec<Done>),
    /// Bytes that were to be read, or none.
    Read(u64, Option<Vec<u8>>),
    /// Bytes of a file that is to be stored are asked for: where they begin, how many.
    Source(u64, u64, u32),
    /// A file is stored and has its name, or not.
    Stored(u64, bool),
    /// The user looks at a job.
    Open(Name),
    /// The user wants a record to be removed.
    Forget(Name),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Debug)]
pub enum Effect {
    /// Store a file of so many bytes at a path.
    Store(u64, FilePath, u64),
    /// Bytes of a file that is stored.
    Give(u64, Vec<u8>),
    /// Read so many bytes of a file from a place on.
    Read(u64, Cid, u64, u32),
    /// Remove what stands at a path, and below it, for good.
    Remove(FilePath),
    /// Coordinate a job; these tasks are done.
    Begin(Name, Box<Parts>, Spans),
    /// Tasks of a job that is coordinated here are done elsewhere.
    Done(Name, Span),
    /// Give out no more tasks of a job that is coordinated here, or do so again.
    Hold(Name, bool),
    /// Coordinate a job no longer; it has not ended.
    Release(Name),
    /// A job was cancelled by its owner elsewhere.
    Cancelled(Name),
    /// The user sees this job from now on.
    Opened(Name, Box<Parts>),
    /// Results for the user, from a task on.
    Tell(Name, u64, Vec<Done>),
    /// The same, where the user was not told them before: they were read from pages.
    Count(Name, u64, Vec<Done>),
    /// How a job stands that the user sees and this ion does not coordinate.
    View(Box<JobView>),
}

/// The machine.
pub struct Records {
    keys: Arc<dyn Keys>,
    live: Set<IonId>,
    books: Map<Name, Book>,
    runs: Map<Name, Run>,
    shows: Map<Name, Show>,
    loads: Map<Name, Load>,
    reads: Map<u64, Reading>,
    writes: Map<u64, Writing>,
    /// Whose pages of which jobs were not what their names say.
    bad: Set<(Name, IonId)>,
    /// Pages that could not be had, and until when they do not count.
    missed: Map<FilePath, Time>,
    /// When it was last seen whose turn each job is.
    turned_at: Option<Time>,
    /// Jobs of its own that its user was told of since this ion started.
    resumed: Set<Name>,
    /// Jobs of its own that its user cancelled.
    cancelled: Set<Name>,
    number: u64,
    is_changed: bool,
}

impl Records {
    /// A machine that knows nothing yet.
    ///
    /// The seed is random: files that an earlier life of this ion began to store have
    /// other numbers.
    pub fn new(keys: Arc<dyn Keys>, seed: u64) -> Self {
        Self {
            keys,
            live: Set::new(),
            books: Map::new(),
            runs: Map::new(),
            shows: Map::new(),
            loads: Map::new(),
            reads: Map::new(),
            writes: Map::new(),
            bad: Set::new(),
            missed: Map::new(),
            turned_at: None,
            resumed: Set::new(),
            cancelled: Set::new(),
            number: seed >> 2,
            is_changed: true,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Begin => self.begin(effects),
            Input::Listed(rows) => self.listed(now, rows, effects),
            Input::Live(ions) => {
                self.live = ions.into_iter().collect();
                self.turned_at = None;
            }
            Input::Submit(job, parts) => self.submit(now, job, *parts, effects),
            Input::Cancel(job) => self.cancel(job, effects),
            Input::Hold(job, is_held) => self.hold(now, job, is_held, effects),
            Input::Results(name, first, results) => {
                self.tell(name, first, &results, false, effects);
                self.results(now, name, first, results);
            }
            Input::Read(request, bytes) => self.read(now, request, bytes, effects),
            Input::Source(write, from, bytes) => self.source(write, from, bytes, effects),
            Input::Stored(write, is_stored) => self.stored(now, write, is_stored, effects),
            Input::Open(name) => self.open(now, name),
            Input::Forget(name) => self.forget(name, effects),
            Input::Tick => {}
        }
        self.advance(now, effects);
    }

    /// Whether anything that [`Self::views`] shows changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// All records, the latest first.
    pub fn views(&self) -> Vec<View> {
        let own = self.keys.own();
        let view = |(name, book): (&Name, &Book)| {
            let program = self.loads.get(name).and_then(|load| load.spec.as_ref());
            let title = program.map(|spec| spec.program.name.clone()).unwrap_or_default();
            book.view((*name, own), title, self.rightful(name))
        };
        let mut views: Vec<View> = self.books.iter().filter_map(view).collect();
        ion_map::sort_by_key(&mut views, |view| std::cmp::Reverse(view.at_ms));
        views
    }

    /// How many results of a job, by its name here, the user was told; `None` where it
    /// does not see that job.
    pub fn told(&self, job: JobId) -> Option<u64> {
        let own = self.keys.own();
        let mut shows = self.shows.iter();
        shows.find(|(name, _)| name.at(own) == job).map(|(_, show)| show.next)
    }

    fn begin(&mut self, effects: &mut Vec<Effect>) {
        let own = self.keys.own();
        let new = Self::new(self.keys.clone(), self.number << 2);
        let old = std::mem::replace(self, new);
        (self.loads, self.shows) = (old.loads, old.shows);
        for (name, mut run) in old.runs {
            if run.is_begun && name.owner != own {
                effects.push(Effect::Release(name));
            }
            if run.is_begun && name.owner == own {
                run.begin_again();
                self.runs.insert(name, run);
            }
        }
        let is_own = |name: &Name| self.runs.contains_key(name);
        self.loads.retain(|name, _| is_own(name));
        self.loads.values_mut().for_each(Load::begin_again);
        self.shows.retain(|name, _| is_own(name));
        // The jobs that run here go on, and are this nebula's now.
        for name in self.runs.keys().copied().collect::<Vec<_>>() {
            self.keep(name, effects);
        }
    }

    fn listed(&mut self, now: Time, rows: Vec<Row>, effects: &mut Vec<Effect>) {
        self.missed.retain(|_, until| now < *until);
        let is_out = |name: &Name, page: &book::Page| {
            self.bad.contains(&(*name, page.author)) || self.missed.contains_key(&page.path)
        };
        let (books, is_full) = book::of_rows(rows.into_iter(), is_out);
        self.turned_at = None;
        self.is_changed |= books != self.books;
        self.books = books;
        let gone = |name: &Name, runs: &Map<Name, Run>| {
            // Among too many records, one that is not seen may be there.
            !is_full && runs.get(name).is_some_and(|run| run.is_recorded && run.is_begun)
        };
        for name in self.runs.keys().copied().collect::<Vec<_>>() {
            match self.books.get(&name) {
                None if gone(&name, &self.runs) => {
                    self.runs.remove(&name);
                    effects.push(Effect::Cancelled(name));
                }
                Some(book) if book.is_cancelled => {
                    self.runs.remove(&name);
                    effects.push(Effect::Cancelled(name));
                }
                Some(_) | None => self.tell_done(now, name, effects),
            }
        }
        self.loads.retain(|name, _| self.books.contains_key(name) || self.runs.contains_key(name));
    }

    /// Tells the coordinator here what others did meanwhile. Where what it relies on
    /// is not there any more, it begins anew.
    fn tell_done(&mut self, now: Time, name: Name, effects: &mut Vec<Effect>) {
        let (Some(book), Some(run)) = (self.books.get(&name), self.runs.get_mut(&name)) else {
            return;
        };
        run.is_recorded = true;
        let is_own = name.owner == self.keys.own();
        if !is_own && run.is_held != book.is_paused {
            run.is_held = book.is_paused;
            if run.is_begun {
                effects.push(Effect::Hold(name, run.is_held));
            }
        }
        // The owner's word comes before the file that tells others.
        let is_untold = is_own && run.is_held != book.is_paused && run.was_told(now);
        self.tell_pages(now, name, effects);
        if is_untold {
            self.tell_held(now, name, effects);
        }
    }

    fn tell_pages(&mut self, now: Time, name: Name, effects: &mut Vec<Effect>) {
        let (Some(book), Some(run)) = (self.books.get(&name), self.runs.get_mut(&name)) else {
            return;
        };
        // Who has it in hand from its first task on needs nobody's pages.
        if !run.is_begun || run.is_new {
            return;
        }
        for span in book.done.iter().filter(|span| !run.known.covers(span)) {
            effects.push(Effect::Done(name, span.clone()));
        }
        for span in book.done.iter().cloned() {
            run.known.insert(span.clone());
            run.relied.insert(span);
        }
        if run.relied.iter().all(|span| book.done.covers(span)) {
            run.lacks_since = None;
        } else if now.since_ms(*run.lacks_since.get_or_insert(now)) >= LOST_MS {
            run.is_begun = false;
            effects.push(Effect::Release(name));
        }
    }

    /// Who should coordinate a job.
    fn rightful(&self, name: &Name) -> IonId {
        let own = self.keys.own();
        if name.owner == own || self.live.contains(&name.owner) {
            return name.owner;
        }
        let weight = |ion: &IonId| {
            let mut hash = blake3::Hasher::new();
            hash.update(&name.job.to_le_bytes()).update(name.owner.as_bytes());
            *hash.update(ion.as_bytes()).finalize().as_bytes()
        };
        let all = self.live.iter().copied().chain([own]);
        all.max_by_key(weight).unwrap_or(own)
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Lets everything do its next step.
    fn advance(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.turned_at.is_none_or(|at| now.since_ms(at) >= TURN_MS) {
            self.turned_at = Some(now);
            self.take_over(now, effects);
        }
        self.load(now, effects);
        self.begin_loaded(now, effects);
        self.show(now, effects);
        self.write(now, effects);
        self.clear_away(effects);
    }

    /// Own jobs that ended long ago go, the oldest first.
    fn clear_away(&mut self, effects: &mut Vec<Effect>) {
        let own = self.keys.own();
        let ended = |(name, book): &(&Name, &Book)| {
            name.owner == own && book.has_ended() && !self.runs.contains_key(name)
        };
        let mut ended: Vec<(u64, Name)> =
            self.books.iter().filter(ended).map(|(name, book)| (book.at_ms, *name)).collect();
        if ended.len() > OWN_MAX {
            ended.sort_unstable();
            let name = ended[0].1;
            self.forget(name, effects);
        }
    }

    fn forget(&mut self, name: Name, effects: &mut Vec<Effect>) {
        if self.books.remove(&name).is_some() {
            self.is_changed = true;
            effects.push(Effect::Remove(name.folder()));
        }
    }
}
