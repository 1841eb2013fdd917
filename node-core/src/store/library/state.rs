//! What people are shown.

use super::{
    Library,
    care::parts,
    held::Owner,
    import::{Import, Stage},
};
use crate::store::{chunk::Cid, files::Tree, replicas::Part};

/// How a file is held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Copies {
    /// Whole copies among the ions that are there: of its parts, that of which
    /// there are fewest.
    pub live: usize,
    /// How many there should be.
    pub goal: usize,
    /// How much of it is here, in bytes.
    pub here_bytes: u64,
    /// Whether a part of it is being fetched to be kept.
    pub is_fetching: bool,
    /// Whether a part of it is here alone.
    pub is_only_here: bool,
    /// Whether the user wants it kept here.
    pub is_pinned: bool,
    /// The probability that a part of it is lost before it is copied again.
    pub loss: f64,
}

/// How this ion's store stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// What it gives, in MiB.
    pub gives_mib: u32,
    /// What it holds, in bytes.
    pub held_bytes: u64,
    /// What only it holds, in bytes.
    pub only_here_bytes: u64,
    /// Ions that could take copies.
    pub others: usize,
    /// Parts that it is fetching to keep.
    pub fetching: usize,
    /// What it holds by why it does, in bytes. Blocks that two of them need count
    /// for both.
    pub kinds: Kinds,
}

/// Why an ion holds bytes of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Its user wants them kept here.
    pub pinned: u64,
    /// They were brought in here.
    pub own: u64,
    /// As a copy for the nebula.
    pub copies: u64,
    /// Their user looked at them, or they are of imports that have not ended.
    pub passing: u64,
}

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its name.
    pub import: u64,
    /// Where the file shall stand.
    pub path: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// How much of it is on disk, in bytes.
    pub done_bytes: u64,
    /// In bytes a second; 0 while it waits.
    pub bytes_per_second: u64,
    /// Whether the user halted it.
    pub is_paused: bool,
    /// Whether it waits for its file, since the tab that read it has ended.
    pub is_left: bool,
}

impl Library {
    /// What stands where.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Imports that are under way or wait; those that were left once it is known how
    /// much of them is here.
    pub fn imports(&self) -> impl Iterator<Item = Progress> {
        let is_known = |import: &Import| import.stage != Stage::Left || self.is_open();
        let known = self.imports.iter().filter(move |(_, import)| is_known(import));
        known.map(|(number, import)| Progress {
            import: *number,
            path: import.parcel.path.to_string(),
            bytes: import.parcel.bytes,
            done_bytes: import.done_bytes(),
            bytes_per_second: import.speed(),
            is_paused: import.is_paused,
            is_left: import.stage == Stage::Left,
        })
    }

    /// How a file of that many bytes is held.
    pub fn copies(&self, file: &Cid, bytes: u64) -> Copies {
        let mut copies = Copies { live: usize::MAX, ..Copies::default() };
        copies.is_pinned = self.pins.contains(file);
        for part in parts(*file, bytes) {
            let owner = Owner::Part(part);
            if self.held.is_whole(&owner) {
                copies.here_bytes += part_bytes(part, bytes);
            }
            let Some(health) = self.replicas.health(&part) else { continue };
            copies.live = copies.live.min(health.live);
            copies.goal = copies.goal.max(health.goal);
            copies.is_only_here |= health.is_only_here;
            copies.loss = copies.loss.max(health.loss);
        }
        copies.is_fetching = self.fetching().any(|part| part.file == *file);
        copies.live = if copies.live == usize::MAX { 0 } else { copies.live };
        copies
    }

    /// How this ion's store stands.
    pub fn summary(&self) -> Summary {
        let alone = self
            .wanted
            .iter()
            .flat_map(|(file, wanted)| parts(*file, wanted.bytes).map(|part| (part, wanted.bytes)));
        let alone = alone.filter(|(part, _)| {
            self.replicas.health(part).is_some_and(|health| health.is_only_here)
        });
        Summary {
            gives_mib: self.gives_mib,
            held_bytes: self.held.bytes(),
            only_here_bytes: alone.map(|(part, bytes)| part_bytes(part, bytes)).sum(),
            others: self.live.len(),
            fetching: self.fetching().count(),
            kinds: self.kinds(),
        }
    }

    fn kinds(&self) -> Kinds {
        let mut kinds = Kinds::default();
        for owner in self.held.owners() {
            let is_own = |file| {
                let author = self.wanted.get(file).and_then(|wanted| wanted.author);
                author == Some(self.own)
            };
            let kind = match owner {
                Owner::Part(part) if self.pins.contains(&part.file) => &mut kinds.pinned,
                Owner::Part(part) if is_own(&part.file) => &mut kinds.own,
                Owner::Part(_) => &mut kinds.copies,
                Owner::Import(..) | Owner::Visit(_) => &mut kinds.passing,
            };
            *kind += self.held.bytes_of(owner);
        }
        kinds
    }
}

fn part_bytes(part: Part, bytes: u64) -> u64 {
    use crate::store::replicas::PART_BYTES;
    bytes.saturating_sub(part.number * PART_BYTES).min(PART_BYTES)
}
