//! What to write for a change. Every change is one batch of entries: either all
//! of it stands or none.

use super::{
    File, FilePath, Refusal, Tree, VERSIONS_MAX, Version, VersionId, WRITES_MAX, What, Write,
    tree::{Item, Known},
    version::entry_name,
};

impl Tree {
    /// Puts a file at a path: a new version of what stands there. Its conflicts,
    /// if there are any, stay beside it. Nothing, where the same stands there. Where
    /// nothing stands, the goal of what was deleted there goes.
    ///
    /// # Errors
    /// [`Refusal::Taken`] by a folder, [`Refusal::NotAFolder`] where a file
    /// stands above it, what is wrong with the file.
    pub fn put(&self, path: &FilePath, file: File) -> Result<Vec<Write>, Refusal> {
        file.check()?;
        self.check_place(path)?;
        let item = self.items.get(path);
        let what = What::File(file);
        let standing = item.map(Item::standing).unwrap_or_default();
        if standing.first().is_some_and(|copy| copy.version.what == what) {
            return Ok(Vec::new());
        }
        let heads = item.map(Item::heads).unwrap_or_default();
        let latest = standing.first().map(|copy| copy.id);
        let after = heads
            .into_iter()
            .filter(|head| Some(head.id) == latest || head.version.what == What::Gone);
        let mut writes = self.writes(path, what, &after.collect::<Vec<_>>());
        let room = WRITES_MAX.saturating_sub(writes.len());
        writes.extend(self.drop_goals(path).take(room));
        Ok(writes)
    }

    /// Whether a file may stand at a path.
    ///
    /// # Errors
    /// [`Refusal::Taken`] by a folder, [`Refusal::NotAFolder`] where a file
    /// stands above it.
    pub fn check_place(&self, path: &FilePath) -> Result<(), Refusal> {
        self.check_above(path)?;
        let is_taken = self.is_folder(path);
        if is_taken { Err(Refusal::Taken { path: path.to_string() }) } else { Ok(()) }
    }

    /// Makes an empty folder.
    ///
    /// # Errors
    /// [`Refusal::Taken`] and [`Refusal::NotAFolder`].
    pub fn make_folder(&self, path: &FilePath) -> Result<Vec<Write>, Refusal> {
        self.check_above(path)?;
        self.check_free(path)?;
        Ok(self.writes(path, What::Folder, &self.heads(path)))
    }

    /// Deletes what stands at a path and below it, with all conflicts.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::TooMany`].
    pub fn remove(&self, path: &FilePath) -> Result<Vec<Write>, Refusal> {
        let standing = self.standing_in(path);
        if standing.is_empty() {
            return Err(Refusal::Missing { path: path.to_string() });
        }
        let gone = standing.into_iter().map(|(path, item)| (path, item.heads()));
        bounded(gone.flat_map(|(path, heads)| self.writes(path, What::Gone, &heads)).collect())
    }

    /// Makes a version that is known the one that stands, in place of all that
    /// does: restores an old one, or ends a conflict.
    ///
    /// # Errors
    /// [`Refusal::Missing`], and the reasons of [`put`](Self::put).
    pub fn restore(&self, path: &FilePath, id: VersionId) -> Result<Vec<Write>, Refusal> {
        let copy = self.items.get(path).and_then(|item| item.copies.get(&id));
        let copy = copy.filter(|copy| copy.version.what != What::Gone);
        let copy = copy.ok_or_else(|| Refusal::Missing { path: path.to_string() })?;
        self.check_place(path)?;
        Ok(self.writes(path, copy.version.what.clone(), &self.heads(path)))
    }

    /// Gives what stands at a path, and all below it, another path, with its
    /// conflicts. Its older versions can be restored where it was.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Taken`], [`Refusal::NotAFolder`],
    /// [`Refusal::IntoItself`], [`Refusal::TooMany`], and paths that would
    /// become too long.
    pub fn rename(&self, from: &FilePath, to: &FilePath) -> Result<Vec<Write>, Refusal> {
        let standing = self.standing_in(from);
        if standing.is_empty() {
            return Err(Refusal::Missing { path: from.to_string() });
        }
        if to == from {
            return Ok(Vec::new());
        }
        if to.below(Some(from)).is_some() {
            return Err(Refusal::IntoItself);
        }
        self.check_above(to)?;
        self.check_free(to)?;
        let mut writes = Vec::new();
        for (path, item) in standing {
            let target = path.moved(from, to)?.unwrap_or_else(|| to.clone());
            for copy in item.standing() {
                let what = copy.version.what.clone();
                writes.extend(self.writes(&target, what, &self.heads(&target)));
            }
            writes.extend(self.writes(path, What::Gone, &item.heads()));
        }
        writes.extend(self.move_goals(from, to));
        bounded(writes)
    }

    /// Deletes for good what was deleted at a path and below it: all that is
    /// known of paths where nothing stands. It cannot be restored. That a path is
    /// gone is the last that is forgotten of it, so that it does not stand again if
    /// only a part is written.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::TooMany`].
    pub fn erase(&self, path: &FilePath) -> Result<Vec<Write>, Refusal> {
        let gone = self.inside(path).filter(|(_, item)| item.standing().is_empty());
        let of_path = |(path, item): (&FilePath, &Item)| {
            let copies = item.copies.values();
            let (last, first): (Vec<_>, Vec<_>) =
                copies.partition(|copy| copy.version.what == What::Gone);
            first.into_iter().chain(last).map(|copy| deletion(path, copy.id)).collect::<Vec<_>>()
        };
        let mut writes: Vec<Write> = gone.flat_map(of_path).collect();
        if writes.is_empty() {
            return Err(Refusal::Missing { path: path.to_string() });
        }
        // As many as fit: a goal where nothing stands does no harm.
        let room = WRITES_MAX.saturating_sub(writes.len());
        writes.extend(self.drop_goals(path).take(room));
        bounded(writes)
    }

    /// The entry of a version after these, and the deletions that keep the
    /// number of versions in its bound.
    fn writes(&self, path: &FilePath, what: What, after: &[&Known]) -> Vec<Write> {
        let mut ancestors: Vec<VersionId> = after.iter().map(|copy| copy.id).collect();
        for id in after.iter().flat_map(|copy| &copy.version.ancestors) {
            if !ancestors.contains(id) {
                ancestors.push(*id);
            }
        }
        let (name, value) = Version::new(what, ancestors).entry(path);
        let new = Write { name, value: Some(value) };
        std::iter::once(new).chain(self.surplus(path)).collect()
    }

    /// The oldest versions of a path beyond their bound, one more to come.
    fn surplus(&self, path: &FilePath) -> Vec<Write> {
        let heads: Vec<VersionId> = self.heads(path).iter().map(|head| head.id).collect();
        let versions = self.versions(path);
        let surplus = (versions.len() + 1).saturating_sub(VERSIONS_MAX);
        let old = versions.into_iter().rev().map(|copy| copy.id).filter(|id| !heads.contains(id));
        old.take(surplus).map(|id| deletion(path, id)).collect()
    }

    fn heads(&self, path: &FilePath) -> Vec<&Known> {
        self.items.get(path).map(Item::heads).unwrap_or_default()
    }

    /// The paths at and below one where something stands.
    pub(super) fn standing_in<'a>(&'a self, path: &'a FilePath) -> Vec<(&'a FilePath, &'a Item)> {
        self.inside(path).filter(|(_, item)| !item.standing().is_empty()).collect()
    }

    /// All that is known at a path and below it.
    pub(super) fn inside<'a>(
        &'a self,
        path: &'a FilePath,
    ) -> impl Iterator<Item = (&'a FilePath, &'a Item)> {
        let inside = self.items.range_from(path);
        // What begins alike stands together, but not all of it is below.
        let near = inside.take_while(|(other, _)| other.as_str().starts_with(path.as_str()));
        near.filter(move |(other, _)| *other == path || other.below(Some(path)).is_some())
    }

    fn is_folder(&self, path: &FilePath) -> bool {
        let is_made = |item: &Item| {
            item.standing().first().is_some_and(|copy| copy.version.what == What::Folder)
        };
        self.standing_in(path).into_iter().any(|(other, item)| other != path || is_made(item))
    }

    fn check_free(&self, path: &FilePath) -> Result<(), Refusal> {
        let is_free = self.standing_in(path).is_empty();
        if is_free { Ok(()) } else { Err(Refusal::Taken { path: path.to_string() }) }
    }

    /// Whether no file stands where a folder of this path would be.
    fn check_above(&self, path: &FilePath) -> Result<(), Refusal> {
        match path.folders().find(|folder| self.file(folder).is_ok()) {
            Some(folder) => Err(Refusal::NotAFolder { path: folder.to_string() }),
            None => Ok(()),
        }
    }
}

fn deletion(path: &FilePath, id: VersionId) -> Write {
    Write { name: entry_name(path, id), value: None }
}

fn bounded(writes: Vec<Write>) -> Result<Vec<Write>, Refusal> {
    if writes.len() <= WRITES_MAX { Ok(writes) } else { Err(Refusal::TooMany) }
}
