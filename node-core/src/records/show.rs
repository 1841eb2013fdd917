//! Jobs that this ion's user looks at: all results once, in order.

use ion_map::Map;

use super::{Effect, JobState, JobView, Name, Records, book::Book, load::Load};
use crate::{
    compute::{
        JobId,
        coordinator::{Done, tally::Tally},
        view::{IonShare, Waiting},
    },
    identity::IonId,
    platform::Time,
};

/// A job that the user looks at.
#[derive(Debug)]
pub(super) struct Show {
    /// The first task whose result was not told.
    pub(super) next: u64,
    /// The first task whose result was not told before, where this is not the first
    /// time that the user looks at the job.
    fresh: u64,
    since: Time,
    /// Whether the user was told what it is.
    is_opened: bool,
    tally: Tally,
    by_ion: Map<IonId, u64>,
    /// How it stood when that was last told: tasks told and kept, and the state.
    viewed: Option<(u64, u64, JobState)>,
}

impl Show {
    /// Of a job that the user submits just now.
    pub(super) fn begun(now: Time) -> Self {
        Self { is_opened: true, ..Self::new(now) }
    }

    /// Whether something has to be read for it.
    pub(super) fn needs_more(&self, book: &Book) -> bool {
        !self.is_opened || book.page_with(self.next).is_some()
    }

    fn new(now: Time) -> Self {
        Self {
            next: 0,
            fresh: 0,
            since: now,
            is_opened: false,
            tally: Tally::default(),
            by_ion: Map::new(),
            viewed: None,
        }
    }
}

impl Records {
    /// The user looks at a job, or looks at it anew.
    pub(super) fn open(&mut self, now: Time, name: Name) {
        if self.books.contains_key(&name) {
            let fresh = self.shows.get(&name).map_or(0, |show| show.next.max(show.fresh));
            self.shows.insert(name, Show { fresh, ..Show::new(now) });
        }
    }

    /// Tells of jobs what is here to be told.
    pub(super) fn show(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for name in self.shows.keys().copied().collect::<Vec<_>>() {
            let Some(show) = self.shows.get_mut(&name) else { continue };
            if !show.is_opened {
                let Some(parts) = self.loads.get(&name).and_then(Load::parts) else { continue };
                show.is_opened = true;
                effects.push(Effect::Opened(name, Box::new(parts)));
            }
            let next = show.next;
            let waiting = self.runs.get(&name).map(|run| run.waiting_from(next));
            if let Some(results) = waiting.filter(|results| !results.is_empty()) {
                self.tell(name, next, &results, false, effects);
            }
            self.view(now, name, effects);
        }
    }

    /// Tells the user those results, from a task on, that are next.
    pub(super) fn tell(
        &mut self,
        name: Name,
        first: u64,
        results: &[Done],
        is_of_page: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(show) = self.shows.get_mut(&name).filter(|show| show.is_opened) else { return };
        let known = show.next.checked_sub(first).and_then(|known| usize::try_from(known).ok());
        let Some(new) = known.and_then(|known| results.get(known..)) else { return };
        let from = show.next;
        for (task, done) in (from..).zip(new) {
            show.tally.count(task, &done.report);
            *show.by_ion.entry(done.ion).or_default() += 1;
        }
        show.next += new.len() as u64;
        if new.is_empty() {
            return;
        }
        effects.push(Effect::Tell(name, from, new.to_vec()));
        let begin = show.fresh.max(from);
        if is_of_page
            && let Some(fresh) = new.get(usize::try_from(begin - from).unwrap_or(usize::MAX)..)
        {
            effects.push(Effect::Count(name, begin, fresh.to_vec()));
        }
    }

    /// Who coordinates a job that the user looks at, by its name here, and whether a task's
    /// result is kept.
    pub fn task(&self, job: JobId, task: u64) -> Option<(IonId, bool)> {
        let own = self.keys.own();
        let name = self.shows.keys().find(|name| name.at(own) == job)?;
        let book = self.books.get(name)?;
        Some((self.rightful(name), book.done.contains(task)))
    }

    /// Tells how a job stands that this ion does not coordinate.
    fn view(&mut self, now: Time, name: Name, effects: &mut Vec<Effect>) {
        if self.runs.get(&name).is_some_and(|run| run.is_begun) {
            return;
        }
        let coordinator = self.rightful(&name);
        let (Some(show), Some(book)) = (self.shows.get_mut(&name), self.books.get(&name)) else {
            return;
        };
        let Some(spec) = self.loads.get(&name).and_then(|load| load.spec.as_ref()) else { return };
        // Its results are still being read.
        let is_behind = book.page_with(show.next).is_some();
        let state = if is_behind { JobState::Running } else { book.state() };
        let standing = (show.next, book.done.count(), state);
        if !show.is_opened || show.viewed == Some(standing) {
            return;
        }
        show.viewed = Some(standing);
        let share = |(ion, finished): (&IonId, &u64)| IonShare {
            id: ion.to_string(),
            name: String::new(),
            is_self: false,
            finished: *finished,
            outvoted: 0,
            running: 0,
        };
        let elsewhere = |ion: IonId| Waiting::Elsewhere(ion.to_string());
        let waiting = match state {
            JobState::Running if is_behind => Waiting::Reading,
            JobState::Running => elsewhere(coordinator),
            JobState::Paused => elsewhere(name.owner),
            JobState::Finished | JobState::Cancelled => Waiting::Nothing,
        };
        effects.push(Effect::View(Box::new(JobView {
            job: name.at(self.keys.own()),
            name: spec.program.name.clone(),
            state,
            tasks: book.tasks(),
            succeeded: show.tally.succeeded,
            failed: show.tally.failed,
            running: 0,
            retried: 0,
            elapsed_ms: now.since_ms(show.since),
            trust: spec.program.trust,
            confirmed: 0,
            fuel: show.tally.fuel,
            by_ion: show.by_ion.iter().map(share).collect(),
            causes: show.tally.causes(),
            waiting,
        })));
    }
}
