//! The Files page's state: one folder as it is listed, what is being changed,
//! and what can be undone.
//!
//! Only the answer to the last request counts. Changes are made one after the
//! other: the next is asked for when the one before is on disk.
//!
//! Bounds: what the node lists at once
//! ([`LIST_MAX`](node_core::node::files::LIST_MAX)) is all that is kept of a
//! folder.

pub mod imports;
pub mod kinds;
pub mod words;

#[cfg(test)]
mod tests;

use node_core::node::{
    Problem,
    files::{News, RowKind, RowView, Wish},
};

/// What can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Undo {
    /// A file was deleted: its path and version.
    File(String, String),
    /// A folder was: its path, and the paths and versions that had been deleted
    /// in it before, once known.
    Folder(String, Option<Vec<(String, String)>>),
}

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
    /// Whether the first list has come.
    pub is_listed: bool,
    /// Why nothing could be listed.
    pub problem: Option<Problem>,
    /// The versions of a path, while they are looked at.
    pub versions: Beside,
    /// The folders that something may be moved to, while one is chosen.
    pub places: Beside,
    /// What became of the last change.
    pub changed: Changed,
    undo: Option<Undo>,
    /// Changes that wait for the one before, the next one last.
    queue: Vec<Wish>,
    request: u64,
    listing: u64,
    changing: u64,
    /// The list of what had been deleted before, and of what is to come back.
    surveying: u64,
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
        Wish::List { request: self.listing, folder: self.folder.clone(), deleted }
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
        Wish::List { request, folder: folder.to_owned(), deleted: false }
    }

    /// Makes an empty folder in the one that is shown.
    pub fn make_folder(&mut self, name: &str) -> Wish {
        let path = joined(&self.folder, name.trim());
        self.change(format!("Made {path}"), |request| Wish::MakeFolder { request, path })
    }

    /// Gives a path another one.
    pub fn rename(&mut self, from: String, to: String) -> Wish {
        let words = format!("{from} is now {to}");
        self.change(words, |request| Wish::Rename { request, from, to })
    }

    /// Makes a version the one that stands.
    pub fn restore(&mut self, path: String, version: String) -> Wish {
        let words = format!("Brought back {path}");
        self.change(words, |request| Wish::Restore { request, path, version })
    }

    /// Deletes what a row shows. Before a folder goes, it is asked what had been
    /// deleted in it already: that shall not come back with it.
    pub fn remove(&mut self, row: &RowView) -> Wish {
        let path = row.path.clone();
        let words = format!("Deleted {path}");
        let wish = self.change(words, |request| Wish::Remove { request, path });
        let path = row.path.clone();
        if row.kind != RowKind::Folder {
            self.undo = Some(Undo::File(path, row.version.clone()));
            return wish;
        }
        self.queue.push(wish);
        self.undo = Some(Undo::Folder(path.clone(), None));
        self.surveying = self.next();
        Wish::List { request: self.surveying, folder: path, deleted: true }
    }

    /// What can be brought back after the last change.
    pub fn undoable(&self) -> Option<&str> {
        match (&self.changed, &self.undo) {
            (Changed::Done(_), Some(Undo::File(path, _) | Undo::Folder(path, Some(_)))) => {
                Some(path)
            }
            _ => None,
        }
    }

    /// Brings back what was deleted last.
    pub fn undo(&mut self) -> Option<Wish> {
        match self.undo.clone()? {
            Undo::File(path, version) => Some(self.restore(path, version)),
            Undo::Folder(folder, _) => {
                self.surveying = self.next();
                self.changed = Changed::Doing(format!("Brought back {folder}"));
                Some(Wish::List { request: self.surveying, folder, deleted: true })
            }
        }
    }

    fn change(&mut self, words: String, wish: impl FnOnce(u64) -> Wish) -> Wish {
        self.changed = Changed::Doing(words);
        self.undo = None;
        self.queue.clear();
        self.changing = self.next();
        wish(self.changing)
    }

    /// Takes what the ion tells; what to ask then. Whether anything that is
    /// shown has changed.
    pub fn take(&mut self, news: News) -> (Vec<Wish>, bool) {
        match news {
            News::Listed { request, result, is_more } if request == self.listing => {
                return (Vec::new(), self.listed(result, is_more));
            }
            News::Listed { request, result, .. } if request == self.places.request => {
                let mut rows = result.unwrap_or_default();
                rows.retain(|row| row.kind == RowKind::Folder);
                self.places.rows = Some(rows);
            }
            News::Listed { request, result, .. } if request == self.surveying => {
                return (self.surveyed(result.unwrap_or_default()), true);
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

    fn surveyed(&mut self, rows: Vec<RowView>) -> Vec<Wish> {
        self.surveying = 0;
        let Some(Undo::Folder(folder, before)) = &mut self.undo else { return Vec::new() };
        let found = rows.into_iter().map(|row| (row.path, row.version));
        let Some(before) = before else {
            *before = Some(found.collect());
            return std::mem::take(&mut self.queue);
        };
        let words = format!("Brought back {folder}");
        let back: Vec<_> = found.filter(|one| !before.contains(one)).collect();
        self.changed = Changed::Done(words.clone());
        self.undo = None;
        let restored = |(path, version)| Wish::Restore { request: 0, path, version };
        self.queue = back.into_iter().rev().map(restored).collect();
        self.go_on(words)
    }

    fn done(&mut self, result: Result<(), Problem>) -> Vec<Wish> {
        if let Err(problem) = result {
            self.changed = Changed::Refused(problem);
            self.undo = None;
            self.queue.clear();
            return Vec::new();
        }
        let Changed::Doing(words) = &mut self.changed else { return Vec::new() };
        let words = std::mem::take(words);
        self.changed = Changed::Done(words.clone());
        self.go_on(words)
    }

    /// The next change that waited, if there is one.
    fn go_on(&mut self, words: String) -> Vec<Wish> {
        let Some(Wish::Restore { path, version, .. }) = self.queue.pop() else {
            return Vec::new();
        };
        self.changed = Changed::Doing(words);
        self.changing = self.next();
        vec![Wish::Restore { request: self.changing, path, version }]
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
