//! The Files page's state: one folder as it is listed, what is being changed,
//! and what can be undone.
//!
//! Only the answer to the last request counts. Changes are made one after the
//! other: the next is asked for when the one before is on disk.
//!
//! Bounds: what the node lists at once
//! ([`LIST_MAX`](node_core::node::files::LIST_MAX)) is all that is kept of a
//! folder. What was deleted in a folder is asked for as often as that takes, when
//! the folder is deleted and when it is brought back.

mod changes;
pub mod imports;
pub mod kinds;
pub mod marks;
pub mod words;

#[cfg(test)]
mod tests;

use node_core::node::{
    Problem,
    files::{GoalView, News, RowKind, RowView, Wish},
};

use super::format::counted;
use changes::{Changes, Step};

/// What became of the last change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Changed {
    /// Nothing was changed.
    #[default]
    Nothing,
    /// It is being made.
    Doing(String),
    /// It is made and on disk.
    Done(String),
    /// It was not made.
    Refused(Problem),
}

/// Rows that are listed beside the folder that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The path whose versions, or the folder whose folders these are.
    pub path: String,
    /// The rows; `None` until they have come.
    pub rows: Option<Vec<RowView>>,
    request: u64,
}

/// The state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The folder that is shown; the root is empty.
    pub folder: String,
    /// Whether what was deleted is shown, instead of what stands.
    pub deleted: bool,
    /// Folders first, then files, by name.
    pub rows: Vec<RowView>,
    /// Whether there are more than are listed.
    pub is_more: bool,
    /// How many copies there should be of what is in the folder.
    pub goal: GoalView,
    /// Whether the first list has come.
    pub is_listed: bool,
    /// Why nothing could be listed.
    pub problem: Option<Problem>,
    /// The versions of a path, while they are looked at.
    pub versions: Beside,
    /// The files that are kept here whatever others do.
    pub pinned: Beside,
    /// The folders that something may be moved to, while one is chosen.
    pub places: Beside,
    /// What became of the last change.
    pub changed: Changed,
    changes: Changes,
    request: u64,
    listing: u64,
    changing: u64,
}

impl Files {
    fn next(&mut self) -> u64 {
        self.request += 1;
        self.request
    }

    /// Shows a folder, or what was deleted in it; what to ask for that.
    pub fn show(&mut self, folder: String, deleted: bool) -> Wish {
        if (&self.folder, self.deleted) != (&folder, deleted) {
            self.rows.clear();
            (self.is_more, self.is_listed) = (false, false);
            (self.folder, self.deleted) = (folder, deleted);
            self.problem = None;
        }
        self.listing = self.next();
        let (folder, after) = (self.folder.clone(), String::new());
        Wish::List { request: self.listing, folder, deleted, after }
    }

    /// What to ask for to have the versions of a path.
    pub fn show_versions(&mut self, path: &str) -> Wish {
        let request = self.next();
        self.versions = Beside { path: path.to_owned(), rows: None, request };
        Wish::Versions { request, path: path.to_owned() }
    }

    /// What to ask for to choose among the folders of a folder.
    pub fn show_places(&mut self, folder: &str) -> Wish {
        let request = self.next();
        self.places = Beside { path: folder.to_owned(), rows: None, request };
        let (folder, after) = (folder.to_owned(), String::new());
        Wish::List { request, folder, deleted: false, after }
    }

    /// What to ask for to see what is kept here whatever others do.
    pub fn show_pinned(&mut self) -> Wish {
        let request = self.next();
        self.pinned.request = request;
        Wish::ListPinned { request }
    }

    /// Makes an empty folder in the one that is shown.
    pub fn make_folder(&mut self, name: &str) -> Option<Wish> {
        let path = joined(&self.folder, name.trim());
        self.change(format!("Made {path}"), vec![Step::MakeFolder(path)])
    }

    /// Gives a path another one.
    pub fn rename(&mut self, from: String, to: String) -> Option<Wish> {
        self.change(format!("{from} is now {to}"), vec![Step::Rename(from, to)])
    }

    /// Moves paths into a folder, under the names that they have.
    pub fn move_into(&mut self, paths: &[String], folder: &str) -> Option<Wish> {
        let to = |path: &String| joined(folder, name(path));
        let step = |path: &String| Step::Rename(path.clone(), to(path));
        let steps = paths.iter().filter(|path| to(path) != **path).map(step).collect();
        let into = if folder.is_empty() { "All files" } else { folder };
        let words = match paths {
            [path] => format!("{path} is now {}", to(path)),
            paths => format!("Moved {} into {into}", items(paths.len())),
        };
        self.change(words, steps)
    }

    /// Makes a version the one that stands.
    pub fn restore(&mut self, path: String, version: String) -> Option<Wish> {
        self.change(format!("Brought back {path}"), vec![Step::Restore(path, version)])
    }

    /// Deletes for good what was deleted at a path. It cannot be undone: whoever asks
    /// for it was asked first.
    pub fn erase(&mut self, path: String) -> Option<Wish> {
        self.change(format!("Deleted {path} for good"), vec![Step::Erase(path)])
    }

    /// Has so many copies kept of what stands at a path, or as many as of its folder.
    pub fn set_goal(&mut self, path: String, copies: Option<u8>) -> Option<Wish> {
        let whose = if path.is_empty() { "All files" } else { &path };
        let words = match copies {
            Some(copies) => format!("{whose}: {} wanted", words::copies(copies)),
            None => format!("{whose}: as many copies as of its folder"),
        };
        self.change(words, vec![Step::SetGoal(path, copies)])
    }

    /// Deletes what rows show. Before a folder goes, it is asked what had been
    /// deleted in it already: that shall not come back with it.
    pub fn remove(&mut self, rows: &[RowView]) -> Option<Wish> {
        let words = match rows {
            [row] => format!("Deleted {}", row.path),
            rows => format!("Deleted {}", items(rows.len())),
        };
        let mut steps = Vec::new();
        for row in rows {
            if row.kind == RowKind::Folder {
                steps.push(Step::Before(row.path.clone(), String::new()));
            }
            steps.push(Step::Remove(row.path.clone()));
        }
        let wish = self.change(words, steps);
        self.changes.will_remove(rows);
        wish
    }

    /// What can be brought back after the last change, in words.
    pub fn undoable(&self) -> Option<String> {
        matches!(self.changed, Changed::Done(_)).then(|| self.changes.removed()).flatten()
    }

    /// Brings back what was deleted last.
    pub fn undo(&mut self) -> Option<Wish> {
        let words = format!("Brought back {}", self.undoable()?);
        self.changed = Changed::Doing(words);
        self.changes.bring_back();
        self.go_on()
    }

    fn change(&mut self, words: String, steps: Vec<Step>) -> Option<Wish> {
        self.changed = Changed::Doing(words);
        self.changes = Changes::of(steps);
        self.go_on()
    }

    /// Takes what the ion tells; what to ask then. Whether anything that is
    /// shown has changed.
    pub fn take(&mut self, news: News) -> (Vec<Wish>, bool) {
        match news {
            News::Listed { request, result, is_more, goal } if request == self.listing => {
                let is_other = std::mem::replace(&mut self.goal, goal) != goal;
                return (Vec::new(), self.listed(result, is_more) || is_other);
            }
            News::Listed { request, result, .. } if request == self.pinned.request => {
                let rows = Some(result.unwrap_or_default());
                let is_other = self.pinned.rows != rows;
                self.pinned.rows = rows;
                return (Vec::new(), is_other);
            }
            News::Listed { request, result, .. } if request == self.places.request => {
                let mut rows = result.unwrap_or_default();
                rows.retain(|row| row.kind == RowKind::Folder);
                self.places.rows = Some(rows);
            }
            News::Listed { request, result, is_more, .. } if request == self.changing => {
                let listed = result.map(|rows| self.changes.surveyed(rows, is_more));
                return (self.done(listed), true);
            }
            News::Versions { request, result } if request == self.versions.request => {
                self.versions.rows = Some(result.unwrap_or_default());
            }
            News::Done { request, result } if request == self.changing => {
                return (self.done(result), true);
            }
            News::Changed => {
                let (folder, deleted) = (self.folder.clone(), self.deleted);
                return (vec![self.show(folder, deleted)], false);
            }
            _ => return (Vec::new(), false),
        }
        (Vec::new(), true)
    }

    /// Whether the list is another one than before.
    fn listed(&mut self, result: Result<Vec<RowView>, Problem>, is_more: bool) -> bool {
        let (rows, problem) = match result {
            Ok(rows) => (Some(rows), None),
            Err(problem) => (None, Some(problem)),
        };
        let is_same = self.is_listed
            && (self.is_more, &self.problem) == (is_more, &problem)
            && rows.as_ref().is_none_or(|rows| *rows == self.rows);
        (self.is_more, self.is_listed, self.problem) = (is_more, true, problem);
        self.rows = rows.unwrap_or_else(|| std::mem::take(&mut self.rows));
        !is_same
    }

    fn done(&mut self, result: Result<(), Problem>) -> Vec<Wish> {
        if let Err(problem) = result {
            self.changed = Changed::Refused(problem);
            self.changes = Changes::default();
            return Vec::new();
        }
        self.go_on().into_iter().collect()
    }

    /// What to ask for the next step; without one, the change is made.
    fn go_on(&mut self) -> Option<Wish> {
        let request = self.next();
        let wish = self.changes.next(request);
        self.changing = request;
        if wish.is_none()
            && let Changed::Doing(words) = &mut self.changed
        {
            self.changed = Changed::Done(std::mem::take(words));
        }
        wish
    }

    /// The present ion is another one: nothing that was asked is answered.
    pub fn interrupt(&mut self) {
        let (folder, deleted) = (std::mem::take(&mut self.folder), self.deleted);
        *self = Self { folder, deleted, request: self.request, ..Self::default() };
    }

    /// The file that stands at a path, if it is listed.
    pub fn at(&self, path: &str) -> Option<&RowView> {
        self.rows.iter().find(|row| row.kind != RowKind::Conflict && row.path == path)
    }

    /// The file that is listed before (-1) or after (1) a path's.
    pub fn beside(&self, path: &str, step: isize) -> Option<&str> {
        let files: Vec<&str> = self
            .rows
            .iter()
            .filter(|row| row.kind == RowKind::File)
            .map(|row| row.path.as_str())
            .collect();
        let here = files.iter().position(|file| *file == path)?;
        files.get(here.checked_add_signed(step)?).copied()
    }
}

/// Files and folders, counted.
pub fn items(count: usize) -> String {
    counted(count as u64, "item")
}

/// The path of a name in a folder.
pub fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The folder that a path is in; that of the root is the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last name of a path.
pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The folders on the way to a path and itself: each one's name and path.
pub fn crumbs(path: &str) -> Vec<(&str, &str)> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let crumb = |end| (name(&path[..end]), &path[..end]);
    if path.is_empty() { Vec::new() } else { ends.map(crumb).collect() }
}
