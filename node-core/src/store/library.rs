//! The nebula's files as one machine: what this ion brings in, what it keeps for
//! the nebula, what its user reads, and what stands in which folder.
//!
//! It lets the parts work together. [`files`](super::files) says what stands
//! where, from entries of the shared memory; [`exchange`] brings blocks from
//! neighbours; [`replicas`] says which parts of which files this ion shall keep;
//! `held` knows which blocks are on disk, and for whom. Ions tell each other
//! what they hold by [`holdings`], in the shared memory too.
//!
//! A file that is brought in gets its name only when all its blocks and its
//! ledger are on disk, so that no name stands for what is not there; an import
//! that a crash ends waits for its file, [`LEFT_IMPORT_MS`]. Parts that no name needs any more
//! are deleted after [`ORPHAN_MS`], pieces of parts that others hold whole and
//! that are not fetched any more after [`LEFT_MS`].
//!
//! Refused: paths and media types that are none, more imports than
//! [`IMPORTS_MAX`], reads beyond [`READ_BYTES_MAX`] or more than [`READS_MAX`].
//! Bounds: those of the parts; [`ACTIVE_MAX`] imports go on at a time;
//! [`AUTHOR_PARTS_MAX`] parts are looked after for whoever named their files.

pub mod holdings;

mod care;
mod fetching;
mod gather;
mod held;
mod import;
mod imports;
mod names;
mod state;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use ion_map::{Map, Set};

pub use held::{BLOCKS_MAX, Change};
pub use import::{LEFT_IMPORT_MS, Parcel, READ_BYTES};
pub use state::{Copies, Kinds, Progress, Summary};

use self::{
    gather::Gather,
    held::Held,
    holdings::Holdings,
    import::{Import, Stage},
};
use super::{
    chunk::Cid,
    exchange::{self, Exchange},
    files::{self, FilePath, Tree, VersionId},
    kv,
    replicas::{self, Part, Replicas},
};
use crate::{
    identity::IonId,
    platform::{Time, sim::Rng, storage},
};

/// Imports that may be under way or wait.
pub const IMPORTS_MAX: usize = 4_096;
/// Imports that go on at a time.
pub const ACTIVE_MAX: usize = 4;
/// Bytes that one read may ask for.
pub const READ_BYTES_MAX: u32 = 1 << 20;
/// Reads that may be under way.
pub const READS_MAX: usize = 32;
/// How long a read waits for somebody who has what it needs, in milliseconds.
pub const READ_MS_MAX: u64 = 20_000;
/// How long a part that no name needs stays, in milliseconds.
pub const ORPHAN_MS: u64 = 600_000;
/// How long a piece of a part stays while the rest is not fetched, in
/// milliseconds.
pub const LEFT_MS: u64 = 3_600_000;
/// How often this ion says anew what it holds at most, in milliseconds.
pub const TELL_MS: u64 = 1_000;
/// How long its statements last unless they are said again, in milliseconds:
/// two weeks.
pub const STATEMENT_MS: u64 = 14 * 24 * 60 * 60 * 1_000;
/// How long a file counts as new, in milliseconds: its copies do not wait.
pub const NEW_MS: u64 = 600_000;
/// What an ion gives unless its user says otherwise, in MiB.
pub const GIVES_MIB: u32 = 4_096;
/// Parts that are looked after for one author: sizes are its own word.
pub const AUTHOR_PARTS_MAX: u64 = replicas::PARTS_MAX as u64 / 4;
/// Changes of one write that deletes, and a few.
const CHANGES_MAX: usize = 2_000;
/// How often copies are looked after, in milliseconds.
const CARE_MS: u64 = 500;
/// How long an ion that was about to leave counts as leaving, in milliseconds.
pub const LEAVING_MS: u64 = 60_000;
/// How often the exchange is told that time passes, in milliseconds.
const EXCHANGE_MS: u64 = 200;

/// What the user wants of the names. All are checked against what stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Make an empty folder.
    Folder(FilePath),
    /// Delete what stands there and below.
    Remove(FilePath),
    /// Give what stands at the first path the second.
    Rename(FilePath, FilePath),
    /// Let this version stand.
    Restore(FilePath, VersionId),
    /// Forget for good what was deleted there and below.
    Erase(FilePath),
    /// Keep so many copies of what stands there and below, or as many as of the
    /// folder it is in; `None` is the folder that all are in.
    Goal(Option<FilePath>, Option<u8>),
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Another disk is being opened: what was known before does not count any
    /// more. What was to be imported before the first is imported there.
    Begin,
    /// Records that were on the disk.
    Records(Vec<(Vec<u8>, Vec<u8>)>),
    /// Those were all; whether what is written outlasts the tab.
    Opened(bool),
    /// A write ended.
    Written(u64, Result<(), storage::Error>),
    /// What stands under a block's name on disk; `None` where nothing does.
    Bytes(Cid, Option<Vec<u8>>),
    /// What was read of a source, or why it cannot be.
    Source(u64, Result<Vec<u8>, String>),
    /// These entries of the shared memory stand now; some may be dead.
    Entries(Vec<kv::Entry>),
    /// Changes of that ticket are on disk, or why they are not.
    Put(u64, Result<(), kv::machine::Error>),
    /// These ions are linked.
    Links(Vec<IonId>),
    /// The session with an ion ended or began anew: what was on the way is lost.
    Cut(IonId),
    /// These ions are in the nebula, this one not included.
    Live(Vec<IonId>),
    /// A frame of the store room.
    Frame(IonId, Vec<u8>),
    /// A piece of a block left for an ion.
    Sent(IonId),
    /// Bring a file in, from the source of that number.
    Import(u64, Parcel),
    /// Halt an import, or go on.
    Pause(u64, bool),
    /// Give an import up, unless its name is being written.
    Cancel(u64),
    /// Change names.
    Edit(u64, Edit),
    /// Bytes of a file: where they begin, and how many.
    Read {
        /// The caller's name for it.
        request: u64,
        /// The file's ledger.
        file: Cid,
        /// The first byte.
        from: u64,
        /// How many.
        bytes: u32,
    },
    /// The answer to a read is not wanted any more.
    CancelRead(u64),
    /// Keep these files whatever others do, and no others.
    Pins(Vec<Cid>),
    /// Give so much space, in MiB.
    Give(u32),
    /// This ion is about to leave: others are to fetch at once what only it holds.
    /// Holds for [`LEAVING_MS`], as its user may think better of it.
    Leave,
    /// What the machine's clock claims, in milliseconds since 1970.
    Clock(u64),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make these changes on disk, all or none, and say so.
    Write(u64, Vec<Change>),
    /// Read a block from disk.
    Read(Cid),
    /// Read so many bytes of a source from that place on.
    Source(u64, u64, u32),
    /// A source is not needed any more.
    Forget(u64),
    /// Make these changes in the shared memory, all or none.
    Put(u64, Vec<kv::Change>),
    /// Say something to a neighbour.
    Say(IonId, Vec<u8>),
    /// A link to that ion would be of use.
    Useful(IonId),
    /// Without a link to that ion, or one like it, nothing goes on.
    Needed(IonId),
    /// A neighbour broke the rules.
    Offence(IonId),
    /// An import ended: the path, and the file or why not.
    Imported(u64, FilePath, Result<Cid, Error>),
    /// An edit ended.
    Edited(u64, Result<(), Error>),
    /// What was to be read, or why it is not.
    Bytes(u64, Result<Vec<u8>, Error>),
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The path, or what stands there, does not allow it.
    #[error(transparent)]
    Refused(#[from] files::Refusal),
    /// The file cannot be read where it comes from.
    #[error("{0}")]
    Source(String),
    /// The disk did not take it.
    #[error(transparent)]
    Disk(#[from] storage::Error),
    /// The shared memory did not take it.
    #[error(transparent)]
    Memory(#[from] kv::machine::Error),
    /// Nobody who can be reached has it.
    #[error("no ion that can be reached has it")]
    Nowhere,
    /// What names the file is no ledger of one.
    #[error("what it names is no file")]
    NoFile,
    /// Too much is under way.
    #[error("too much is under way")]
    Busy,
    /// It was given up.
    #[error("it was given up")]
    Cancelled,
}

/// Why something is written on disk.
#[derive(Debug)]
enum Writing {
    /// Blocks of an import, so many bytes of the file.
    Import(u64, u64),
    /// What an import brought becomes a file's.
    Adopt(u64),
    /// Blocks that came from others.
    Fetched(Cid),
    /// A part is whole.
    Whole(Part),
    /// What is not needed is deleted.
    Drop,
}

/// A write under way: why, and the blocks in it.
#[derive(Debug)]
struct Write {
    what: Writing,
    cids: Vec<Cid>,
}

/// Changes of names under way.
#[derive(Debug)]
struct Putting {
    who: Putter,
    /// Batches that are not told to be on disk yet.
    left: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Putter {
    Import(u64),
    Edit(u64),
    Nobody,
}

/// A file that some name stands for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    bytes: u64,
    /// How many versions name it.
    versions: u32,
    /// Until when it counts as new, in milliseconds since 1970.
    new_until_ms: u64,
    /// How many copies there should be: of those that its paths want, the most.
    goal: u8,
    /// Whose share of the parts its parts count to; `None` where there was no
    /// room in it, and they are not looked after.
    author: Option<IonId>,
}

/// The disk in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    /// None yet: no nebula was entered.
    None,
    Opening,
    Open {
        /// Whether what is written outlasts the tab.
        is_kept: bool,
    },
}

/// The machine.
pub struct Library {
    own: IonId,
    wall_ms: u64,
    held: Held,
    disk: Disk,
    exchange: Exchange,
    replicas: Replicas,
    tree: Tree,
    holdings: Holdings,
    wanted: Map<Cid, Wanted>,
    /// Whether goals have to be looked at again.
    has_new_goals: bool,
    /// Parts that are looked after, by who named their files.
    shares: Map<IonId, u64>,
    pins: Set<Cid>,
    gives_mib: u32,
    leaves_until: Time,
    links: Set<IonId>,
    live: Set<IonId>,
    imports: Map<u64, Import>,
    gathers: Map<u64, Gather>,
    /// Blocks that are being read, and whether the exchange asked for them.
    reading: Map<Cid, bool>,
    writes: Map<u64, Write>,
    puts: Map<u64, u64>,
    putting: Map<u64, Putting>,
    /// Statements that have to be said, and when they were.
    unsaid: Set<u8>,
    /// Statements that stand.
    said: Set<u8>,
    said_at: Time,
    said_all_at: Time,
    said_offer: Option<replicas::placement::Offer>,
    /// Files that had a name until it was taken away.
    unnamed: Set<Cid>,
    /// Parts that no name needs, and since when.
    orphans: Map<Part, Time>,
    exchange_at: Time,
    care_at: Time,
    /// When the disk was last full.
    full_at: Option<Time>,
    number: u64,
    is_changed: bool,
    /// What the exchange has still to be told, in order.
    queue: VecDeque<exchange::Input>,
    seed: u64,
}

impl Library {
    /// A machine that knows nothing yet.
    pub fn new(own: IonId, seed: u64, now: Time) -> Self {
        Self {
            own,
            wall_ms: 0,
            held: Held::default(),
            disk: Disk::None,
            exchange: Exchange::new(Rng::new(seed)),
            replicas: Replicas::new(own, now),
            tree: Tree::default(),
            holdings: Holdings::default(),
            wanted: Map::new(),
            has_new_goals: false,
            shares: Map::new(),
            pins: Set::new(),
            gives_mib: GIVES_MIB,
            leaves_until: Time::ZERO,
            links: Set::new(),
            live: Set::new(),
            imports: Map::new(),
            gathers: Map::new(),
            reading: Map::new(),
            writes: Map::new(),
            puts: Map::new(),
            putting: Map::new(),
            unsaid: Set::new(),
            said: Set::new(),
            said_at: Time::ZERO,
            said_all_at: now,
            said_offer: None,
            unnamed: Set::new(),
            orphans: Map::new(),
            exchange_at: Time::ZERO,
            care_at: Time::ZERO,
            full_at: None,
            number: 0,
            is_changed: false,
            queue: VecDeque::new(),
            seed,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Begin => self.begin(now, effects),
            Input::Records(records) => {
                for (key, value) in &records {
                    self.load(key, value);
                }
            }
            Input::Opened(is_kept) => {
                self.disk = Disk::Open { is_kept };
                self.opened(now, effects);
            }
            Input::Written(number, result) => self.written(now, number, result, effects),
            Input::Bytes(cid, bytes) => self.read(now, cid, bytes, effects),
            Input::Source(import, result) => self.sourced(now, import, result, effects),
            Input::Entries(entries) => self.entries(now, &entries, effects),
            Input::Put(ticket, result) => self.put_done(now, ticket, result, effects),
            Input::Links(ions) => self.link(ions),
            Input::Cut(ion) => self.cut(ion),
            Input::Live(ions) => {
                let live: Set<IonId> = ions.into_iter().collect();
                self.is_changed |= !live.iter().eq(self.live.iter());
                self.live = live;
            }
            Input::Frame(ion, bytes) => self.queue.push_back(exchange::Input::Frame(ion, bytes)),
            Input::Sent(ion) => self.queue.push_back(exchange::Input::Sent(ion)),
            Input::Import(import, parcel) => self.import(now, import, parcel, effects),
            Input::Pause(import, paused) => self.pause(now, import, paused, effects),
            Input::Cancel(import) => self.cancel_import(now, import, effects),
            Input::Edit(request, edit) => self.edit(request, &edit, effects),
            Input::Read { request, file, from, bytes } => {
                self.read_file(now, request, (file, from, bytes), effects);
            }
            Input::CancelRead(request) => self.cancel_read(request),
            Input::Pins(pins) => self.pin(now, pins, effects),
            Input::Give(mib) => {
                self.gives_mib = mib;
                self.is_changed = true;
                self.say_all();
            }
            Input::Leave => {
                self.leaves_until = now.plus_ms(LEAVING_MS);
                self.look_after(now, effects);
                self.say(now, effects);
            }
            Input::Clock(wall_ms) => self.wall_ms = wall_ms,
            Input::Tick => self.tick(now, effects),
        }
        self.exchange(now, effects);
    }

    /// Whether anything that is shown changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Something that is shown beside it changed.
    pub fn touch(&mut self) {
        self.is_changed = true;
    }

    fn is_open(&self) -> bool {
        matches!(self.disk, Disk::Open { .. })
    }

    /// Another nebula's files: nothing that was known counts. What a user brought in
    /// before there was any nebula is for this one.
    fn begin(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let mut imports = std::mem::take(&mut self.imports);
        if self.disk != Disk::None {
            // What was left stays on its disk.
            let all = std::mem::take(&mut imports).into_iter();
            for (import, gone) in all.filter(|(_, import)| import.stage != Stage::Left) {
                effects.push(Effect::Imported(import, gone.parcel.path, Err(Error::Cancelled)));
                effects.push(Effect::Forget(import));
            }
        }
        for gather in self.gathers.values() {
            if let gather::Purpose::Read(request) = gather.purpose {
                effects.push(Effect::Bytes(request, Err(Error::Cancelled)));
            }
        }
        let (wall_ms, gives_mib, pins) = (self.wall_ms, self.gives_mib, self.pins.clone());
        let number = self.number;
        *self = Self::new(self.own, self.seed.wrapping_add(1), now);
        (self.wall_ms, self.gives_mib, self.pins, self.number) = (wall_ms, gives_mib, pins, number);
        (self.imports, self.disk) = (imports, Disk::Opening);
    }

    fn opened(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.is_changed = true;
        let owners: Vec<held::Owner> = self.held.owners().copied().collect();
        for owner in owners {
            match owner {
                held::Owner::Part(part) if self.held.is_whole(&owner) => {
                    let own = self.own;
                    self.care(now, replicas::Input::Holds(own, part), effects);
                }
                held::Owner::Part(_) => {}
                held::Owner::Import(import, _) if self.imports.contains_key(&import) => {
                    let bytes = self.held.bytes_of(&owner);
                    self.imports.get_mut(&import).expect("it is known").left_bytes += bytes;
                }
                // Whoever they were for is gone.
                held::Owner::Import(..) | held::Owner::Visit(_) => self.drop_owner(&owner, effects),
            }
        }
        self.say_all();
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if !self.is_open() {
            return;
        }
        if now.since_ms(self.exchange_at) >= EXCHANGE_MS {
            self.exchange_at = now;
            self.queue.push_back(exchange::Input::Tick);
            self.end_late_reads(now, effects);
        }
        if now.since_ms(self.care_at) >= CARE_MS {
            self.care_at = now;
            self.end_left(now, effects);
            self.look_after(now, effects);
        }
        self.advance_imports(now, effects);
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn write(&mut self, what: Writing, changes: Vec<Change>, effects: &mut Vec<Effect>) {
        let number = self.next_number();
        let body = |change: &Change| match change {
            Change::Bytes(cid, _) => Some(*cid),
            _ => None,
        };
        let cids = changes.iter().filter_map(body).collect();
        self.writes.insert(number, Write { what, cids });
        effects.push(Effect::Write(number, changes));
    }

    fn drop_owner(&mut self, owner: &held::Owner, effects: &mut Vec<Effect>) {
        let mut batch = Vec::new();
        for change in self.held.drop(owner) {
            // A block goes together with the record that names it.
            if batch.len() >= CHANGES_MAX && matches!(change, Change::Forget(_)) {
                self.write(Writing::Drop, std::mem::take(&mut batch), effects);
            }
            batch.push(change);
        }
        if !batch.is_empty() {
            self.is_changed = true;
            self.write(Writing::Drop, batch, effects);
        }
    }

    fn written(
        &mut self,
        now: Time,
        number: u64,
        result: Result<(), storage::Error>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(Write { what, cids }) = self.writes.remove(&number) else { return };
        match &result {
            Ok(()) => cids.iter().for_each(|cid| self.held.written(cid)),
            Err(why) => {
                if matches!(why, storage::Error::QuotaExceeded) {
                    self.full_at = Some(now);
                }
                // An earlier write may have put them there.
                for cid in cids.iter().filter(|cid| !self.held.has(cid)).collect::<Vec<_>>() {
                    self.lose(now, cid, effects);
                }
            }
        }
        self.is_changed = true;
        match what {
            Writing::Import(import, bytes) => {
                self.import_written(now, import, bytes, result, effects);
            }
            Writing::Adopt(import) => self.adopted(now, import, result, effects),
            Writing::Fetched(cid) => {
                self.queue.push_back(exchange::Input::Stored(cid, result.is_ok()));
            }
            Writing::Whole(part) => self.kept(now, part, result.is_ok(), effects),
            // What could not be deleted is, the next time that this ion begins.
            Writing::Drop => {}
        }
    }
}
