//! What the entries of a range say: which versions each path has, which of them
//! stand, and what a folder shows.

use ion_map::{LongMap, Map, Set};

use super::{
    File, FilePath, Refusal, Version, VersionId, What,
    goal::{self, Goals},
};
use crate::{identity::IonId, store::kv::Stamp};

/// A living entry of [`SPACE`](super::SPACE).
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its name there.
    pub name: &'a str,
    /// Its value.
    pub value: &'a [u8],
    /// Who wrote it.
    pub author: IonId,
    /// When.
    pub stamp: Stamp,
}

/// A version that is known, and who wrote it when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub id: VersionId,
    /// What it says.
    pub version: Version,
    /// Who wrote it.
    pub author: IonId,
    /// When.
    pub stamp: Stamp,
}

/// What is known of one path.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    pub(super) copies: Map<VersionId, Known>,
}

impl Item {
    /// The versions that no other came after, the latest first.
    pub(super) fn heads(&self) -> Vec<&Known> {
        let copies = self.copies.values();
        let passed: Set<_> = copies.flat_map(|copy| &copy.version.ancestors).collect();
        let mut heads: Vec<_> =
            self.copies.values().filter(|copy| !passed.contains(&copy.id)).collect();
        ion_map::sort_by_key(&mut heads, |copy| {
            std::cmp::Reverse((copy.stamp, copy.author, copy.id))
        });
        heads
    }

    /// What stands there, the latest first: heads that are not gone, one of
    /// each content.
    pub(super) fn standing(&self) -> Vec<&Known> {
        let mut standing: Vec<&Known> = Vec::new();
        for head in self.heads() {
            let is_same = standing.iter().any(|other| is_same(other, head));
            if head.version.what != What::Gone && !is_same {
                standing.push(head);
            }
        }
        standing
    }
}

fn is_same(one: &Known, other: &Known) -> bool {
    match (&one.version.what, &other.version.what) {
        (What::File(one), What::File(other)) => one.manifest == other.manifest,
        (one, other) => one == other,
    }
}

/// What one line of a folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file as it stands.
    File(File),
    /// A file that was written at the same time as the one that stands.
    Conflict(File),
    /// A file that was deleted, as it was before.
    Deleted(File),
}

/// One line of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The name to be shown; conflicts say in it whose they are.
    pub name: String,
    /// Where it stands.
    pub path: FilePath,
    /// Which version; `None` for folders.
    pub id: Option<VersionId>,
    /// Who wrote it; `None` for folders.
    pub author: Option<IonId>,
    /// When; `None` for folders.
    pub stamp: Option<Stamp>,
    /// What it is.
    pub kind: Kind,
}

/// The paths of a range of entries.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub(super) items: LongMap<FilePath, Item>,
    pub(super) goals: Goals,
    refused: usize,
}

impl Tree {
    /// Reads entries; what is no version of a file is counted and left out. For
    /// a folder those suffice whose names begin with its path and a slash; for
    /// a change, also those of the folders that it is in.
    pub fn read<'a>(rows: impl IntoIterator<Item = Row<'a>>) -> Self {
        let mut tree = Self::default();
        for row in rows {
            if let Some(path) = goal::path_of(row.name) {
                tree.take_goal(path, Some((row.value, row.stamp.ms)));
                continue;
            }
            match Version::read(row.name, row.value) {
                Ok((path, id, version)) => {
                    let copy = Known { id, version, author: row.author, stamp: row.stamp };
                    tree.items.entry(path).or_default().copies.insert(id, copy);
                }
                Err(_) => tree.refused += 1,
            }
        }
        tree
    }

    /// Takes what stands at an entry's name now: a version, or nothing any more.
    /// The files that are not named by it any more, and those that are.
    pub fn take(
        &mut self,
        name: &str,
        row: Option<Row<'_>>,
    ) -> (Option<File>, Option<(File, Stamp)>) {
        if let Some(path) = goal::path_of(name) {
            self.take_goal(path, row.map(|row| (row.value, row.stamp.ms)));
            return (None, None);
        }
        let Ok((path, id)) = Version::read_name(name) else {
            self.refused += 1;
            return (None, None);
        };
        let read =
            row.and_then(|row| Version::read(row.name, row.value).ok().map(|read| (row, read)));
        let Some((row, (_, _, version))) = read else {
            let gone = self.forget(&path, id);
            return (gone.and_then(|copy| copy.version.into_file()), None);
        };
        let new = version.as_file().cloned().map(|file| (file, row.stamp));
        let copy = Known { id, version, author: row.author, stamp: row.stamp };
        let old = self.items.entry(path).or_default().copies.insert(id, copy);
        (old.and_then(|copy| copy.version.into_file()), new)
    }

    fn forget(&mut self, path: &FilePath, id: VersionId) -> Option<Known> {
        let item = self.items.get_mut(path)?;
        let gone = item.copies.remove(&id);
        if item.copies.is_empty() {
            self.items.remove(path);
        }
        gone
    }

    /// Entries that were no versions of files.
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// All versions of a path, the latest first.
    pub fn versions(&self, path: &FilePath) -> Vec<&Known> {
        let mut copies: Vec<_> =
            self.items.get(path).into_iter().flat_map(|item| item.copies.values()).collect();
        ion_map::sort_by_key(&mut copies, |copy| {
            std::cmp::Reverse((copy.stamp, copy.author, copy.id))
        });
        copies
    }

    /// The file that stands at a path.
    ///
    /// # Errors
    /// [`Refusal::Missing`].
    pub fn file(&self, path: &FilePath) -> Result<&File, Refusal> {
        let standing = self.items.get(path).map(Item::standing).unwrap_or_default();
        let file = standing.into_iter().find_map(|copy| match &copy.version.what {
            What::File(file) => Some(file),
            What::Folder | What::Gone => None,
        });
        file.ok_or_else(|| Refusal::Missing { path: path.to_string() })
    }

    /// What stands below a folder, whoever wrote it.
    pub fn standing_below<'a>(
        &'a self,
        folder: &'a FilePath,
    ) -> impl Iterator<Item = (&'a FilePath, &'a Known)> {
        let inside = self.inside(folder);
        inside.flat_map(|(path, item)| item.standing().into_iter().map(move |copy| (path, copy)))
    }

    /// The files of all versions of all paths.
    pub fn files(&self) -> impl Iterator<Item = (&FilePath, &File)> {
        let versions = self.items.iter().flat_map(|(path, item)| {
            item.copies.values().map(move |copy| (path, copy.version.as_file()))
        });
        versions.filter_map(|(path, file)| Some((path, file?)))
    }

    /// What a folder shows: folders first, then files, by name. `None` is the
    /// folder that all are in.
    pub fn list(&self, folder: Option<&FilePath>) -> Vec<Shown> {
        let (mut folders, mut files) = (Map::new(), Vec::new());
        for (path, item) in self.items.iter() {
            let (Some(below), standing) = (path.below(folder), item.standing()) else { continue };
            let deeper = below.split_once('/').map(|(name, _)| name);
            let is_folder = standing.iter().any(|copy| copy.version.what == What::Folder);
            if let Some(name) = deeper.filter(|_| !standing.is_empty()) {
                folders.entry(name).or_insert_with(|| path_of(folder, name));
            } else if deeper.is_none() {
                files.extend(lines(path, &standing));
                if is_folder {
                    folders.insert(below, path.clone());
                }
            }
        }
        let folders = folders.into_iter().map(|(name, path)| {
            let kind = Kind::Folder;
            Shown { name: name.to_owned(), path, id: None, author: None, stamp: None, kind }
        });
        folders.chain(files).collect()
    }

    /// What was deleted below a folder and can be restored, by path.
    pub fn deleted(&self, folder: Option<&FilePath>) -> Vec<Shown> {
        let inside = self.items.iter().filter(|(path, _)| path.below(folder).is_some());
        let gone = inside.filter(|(_, item)| item.standing().is_empty());
        gone.filter_map(|(path, item)| {
            let files = item.copies.values().filter_map(|copy| match &copy.version.what {
                What::File(file) => Some((copy, file)),
                What::Folder | What::Gone => None,
            });
            let (copy, file) = files.max_by_key(|(copy, _)| (copy.stamp, copy.author, copy.id))?;
            Some(line(path, path.name().to_owned(), copy, Kind::Deleted(file.clone())))
        })
        .collect()
    }
}

fn path_of(folder: Option<&FilePath>, name: &str) -> FilePath {
    let path = folder.map_or_else(|| name.parse(), |folder| folder.join(name));
    path.expect("it is the beginning of a path")
}

/// The files that stand at one path: the latest under its name, the others
/// under names that say whose they are.
fn lines(path: &FilePath, standing: &[&Known]) -> Vec<Shown> {
    let mut lines: Vec<Shown> = Vec::new();
    for copy in standing {
        let What::File(file) = &copy.version.what else { continue };
        let (name, kind) = if lines.is_empty() {
            (path.name().to_owned(), Kind::File(file.clone()))
        } else {
            let name = conflict_name(path.name(), &copy.author.readable_name());
            (name, Kind::Conflict(file.clone()))
        };
        lines.push(line(path, name, copy, kind));
    }
    number_alike(&mut lines);
    lines
}

fn line(path: &FilePath, name: String, copy: &Known, kind: Kind) -> Shown {
    let (id, author, stamp) = (Some(copy.id), Some(copy.author), Some(copy.stamp));
    Shown { name, path: path.clone(), id, author, stamp, kind }
}

/// `photo.jpg` of quiet-heron becomes `photo (conflict of quiet-heron).jpg`.
fn conflict_name(name: &str, ion: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() => format!("{stem} (conflict of {ion}).{end}"),
        _ => format!("{name} (conflict of {ion})"),
    }
}

/// Several conflicts of one ion are told apart by numbers.
fn number_alike(lines: &mut [Shown]) {
    let mut seen: Map<String, u32> = Map::new();
    for line in lines {
        let count = seen.entry(line.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            line.name = line.name.replacen("(conflict of", &format!("(conflict {count} of"), 1);
        }
    }
}
