//! A change in steps, each asked for when the one before is on disk, and how it
//! is undone.

use node_core::node::files::{RowKind, RowView, Wish};

use super::items;

/// A path and one of its versions.
type Version = (String, String);

/// One thing that is asked of the ion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Make a folder.
    MakeFolder(String),
    /// Delete what stands at a path and below it.
    Remove(String),
    /// Give a path another one.
    Rename(String, String),
    /// Make that version of a path the one that stands.
    Restore(String, String),
    /// Delete for good what was deleted at a path and below it.
    Erase(String),
    /// Keep so many copies of a path.
    SetGoal(String, Option<u8>),
    /// See what had been deleted in a folder already, behind that path.
    Before(String, String),
    /// See what is deleted in a folder now, behind that path, and bring back what
    /// had not been before.
    Back(String, String),
}

/// A folder that is deleted, and what had been deleted in it before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Folder {
    path: String,
    before: Vec<Version>,
}

/// The steps of a change, and what it deletes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The next one last.
    steps: Vec<Step>,
    now: Option<Step>,
    files: Vec<Version>,
    folders: Vec<Folder>,
}

impl Changes {
    /// These steps, one after the other.
    pub(super) fn of(mut steps: Vec<Step>) -> Self {
        steps.reverse();
        Self { steps, ..Self::default() }
    }

    /// Remembers what the steps delete, so that it can be brought back.
    pub(super) fn will_remove(&mut self, rows: &[RowView]) {
        for row in rows {
            let path = row.path.clone();
            if row.kind == RowKind::Folder {
                self.folders.push(Folder { path, before: Vec::new() });
            } else {
                self.files.push((path, row.version.clone()));
            }
        }
    }

    /// What was deleted, in words; `None` where nothing was.
    pub(super) fn removed(&self) -> Option<String> {
        let folders = self.folders.iter().map(|folder| &folder.path);
        let mut paths = folders.chain(self.files.iter().map(|(path, _)| path));
        let first = paths.next()?.clone();
        Some(match paths.count() {
            0 => first,
            others => items(others + 1),
        })
    }

    /// Has the steps bring back what was deleted.
    pub(super) fn bring_back(&mut self) {
        let files = std::mem::take(&mut self.files).into_iter();
        self.steps = files.map(|(path, version)| Step::Restore(path, version)).collect();
        let back = |folder: &Folder| Step::Back(folder.path.clone(), String::new());
        self.steps.extend(self.folders.iter().map(back));
    }

    /// What to ask for the next step, under that number. After the last one of
    /// bringing back there is nothing more to undo.
    pub(super) fn next(&mut self, request: u64) -> Option<Wish> {
        let was_back = matches!(self.now, Some(Step::Back(..) | Step::Restore(..)));
        self.now = self.steps.pop();
        if self.now.is_none() && was_back {
            self.folders.clear();
        }
        Some(match self.now.clone()? {
            Step::MakeFolder(path) => Wish::MakeFolder { request, path },
            Step::Remove(path) => Wish::Remove { request, path },
            Step::Rename(from, to) => Wish::Rename { request, from, to },
            Step::Restore(path, version) => Wish::Restore { request, path, version },
            Step::Erase(path) => Wish::Erase { request, path },
            Step::SetGoal(path, copies) => Wish::SetGoal { request, path, copies },
            Step::Before(folder, after) | Step::Back(folder, after) => {
                Wish::List { request, folder, deleted: true, after }
            }
        })
    }

    /// Takes what was deleted in the folder that was asked for last.
    pub(super) fn surveyed(&mut self, rows: Vec<RowView>, is_more: bool) {
        let Some(Step::Before(path, _) | Step::Back(path, _)) = self.now.clone() else { return };
        let last = rows.last().map(|row| row.path.clone()).filter(|_| is_more);
        let found = rows.into_iter().map(|row| (row.path, row.version));
        let Some(folder) = self.folders.iter_mut().find(|folder| folder.path == path) else {
            return;
        };
        if matches!(self.now, Some(Step::Before(..))) {
            folder.before.extend(found);
            self.steps.extend(last.map(|last| Step::Before(path, last)));
        } else {
            let back = found.filter(|one| !folder.before.contains(one)).collect::<Vec<_>>();
            self.steps.extend(last.map(|last| Step::Back(path, last)));
            let restored = back.into_iter().rev();
            self.steps.extend(restored.map(|(path, version)| Step::Restore(path, version)));
        }
    }
}
