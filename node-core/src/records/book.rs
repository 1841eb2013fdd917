//! What the names of a record's files say.

use ion_map::Map;

use super::{Name, OWNER_MAX, RECORDS_MAX, form::Place};
use crate::{
    compute::{
        JobId,
        spans::{Span, Spans},
        spec::TASKS_MAX,
        view::JobState,
    },
    identity::IonId,
    store::{chunk::Cid, files::FilePath},
};

/// A file below [`JOBS`](crate::store::files::JOBS).
#[derive(Clone, Debug)]
pub struct Row {
    /// Where it stands.
    pub path: FilePath,
    /// Who wrote that.
    pub author: IonId,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The file.
    pub file: Cid,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Whether an ion that is there has the whole of it.
    pub is_held: bool,
}

/// A file, and its size in bytes.
pub(super) type Kept = (Cid, u64);

/// A page of results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) span: Span,
    pub(super) author: IonId,
    pub(super) kept: Kept,
    pub(super) path: FilePath,
}

/// One job's record, as far as names tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Book {
    /// With the number of its tasks.
    pub(super) spec: Option<(Kept, u64)>,
    pub(super) module: Option<Kept>,
    pub(super) inputs: Option<Kept>,
    pub(super) is_cancelled: bool,
    pub(super) is_paused: bool,
    /// The one that begins first is first.
    pub(super) pages: Vec<Page>,
    pub(super) done: Spans,
    /// When its spec was written, in milliseconds since 1970.
    pub(super) at_ms: u64,
}

/// A job's record as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Whose job it is.
    pub owner: IonId,
    /// Its name there.
    pub job: JobId,
    /// Its name here.
    pub id: JobId,
    /// What is run; empty while that is not read yet.
    pub name: String,
    /// When it was submitted, in milliseconds since 1970.
    pub at_ms: u64,
    /// Tasks in all.
    pub tasks: u64,
    /// Tasks whose results are kept.
    pub done: u64,
    /// How far it is.
    pub state: JobState,
    /// Who coordinates it while it runs.
    pub coordinator: IonId,
}

/// The books of all records; files that are none of a record are left out, and
/// pages that nobody has who is there.
/// Whether there may be more records than are looked at comes with them.
pub(super) fn of_rows(
    rows: impl Iterator<Item = Row>,
    is_out: impl Fn(&Name, &Page) -> bool,
) -> (Map<Name, Book>, bool) {
    let (mut books, mut owners) = (Map::<Name, Book>::new(), Map::<IonId, usize>::new());
    for row in rows {
        let Some((name, place)) = Name::of_path(&row.path, row.author) else { continue };
        if matches!(place, Place::Page(..)) && !row.is_held {
            continue;
        }
        let is_new = !books.contains_key(&name);
        let of_owner = owners.entry(name.owner).or_default();
        if is_new && (books.len() >= RECORDS_MAX || *of_owner >= OWNER_MAX) {
            continue;
        }
        *of_owner += usize::from(is_new);
        books.entry(name).or_default().take(place, row);
    }
    let is_full = books.len() >= RECORDS_MAX;
    for (name, book) in &mut books {
        book.pages.sort_by_key(|page| (page.span.start, page.span.end, page.author));
        let tasks = book.tasks();
        book.leave_out(|page| page.span.end > tasks || is_out(name, page));
    }
    (books, is_full)
}

impl Book {
    fn take(&mut self, place: Place, row: Row) {
        let kept = (row.file, row.bytes);
        match place {
            Place::Spec(tasks) if (1..=TASKS_MAX).contains(&tasks) => {
                self.spec = Some((kept, tasks));
                self.at_ms = row.at_ms;
            }
            Place::Spec(_) => {}
            Place::Module => self.module = Some(kept),
            Place::Inputs => self.inputs = Some(kept),
            Place::Cancelled => self.is_cancelled = true,
            Place::Paused => self.is_paused = true,
            Place::Page(span, author) => {
                self.pages.push(Page { span, author, kept, path: row.path });
            }
        }
    }

    /// How many there are; 0 while its spec is not known.
    pub(super) fn tasks(&self) -> u64 {
        self.spec.map_or(0, |(_, tasks)| tasks)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.spec.is_some() && self.done.covers(&(0..self.tasks()))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.is_cancelled || self.is_complete()
    }

    /// Whether some ion should work on it.
    pub(super) fn is_open(&self) -> bool {
        self.spec.is_some() && self.module.is_some() && !self.has_ended()
    }

    /// Lets pages not count.
    pub(super) fn leave_out(&mut self, is_out: impl Fn(&Page) -> bool) {
        self.pages.retain(|page| !is_out(page));
        self.done = self.pages.iter().map(|page| page.span.clone()).collect();
    }

    /// The page that has a task; of several, the one that goes farthest.
    pub(super) fn page_with(&self, task: u64) -> Option<&Page> {
        let with = self.pages.iter().filter(|page| page.span.contains(&task));
        with.max_by_key(|page| page.span.end)
    }

    pub(super) fn state(&self) -> JobState {
        if self.is_complete() {
            JobState::Finished
        } else if self.is_cancelled {
            JobState::Cancelled
        } else if self.is_paused {
            JobState::Paused
        } else {
            JobState::Running
        }
    }

    /// `None` while its spec is not known.
    pub(super) fn view(
        &self,
        (name, own): (Name, IonId),
        title: String,
        coordinator: IonId,
    ) -> Option<View> {
        self.spec?;
        Some(View {
            owner: name.owner,
            job: name.job,
            id: name.at(own),
            name: title,
            at_ms: self.at_ms,
            tasks: self.tasks(),
            done: self.done.count(),
            state: self.state(),
            coordinator,
        })
    }
}
