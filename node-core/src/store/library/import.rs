//! A file on its way in: read in pieces, cut into blocks, written, and given
//! its ledger.
//!
//! One piece is read and one is written at a time, so that reading, hashing and
//! writing go on beside each other and memory holds two pieces.
//!
//! Of a file that is longer than one piece its [`Parcel`] is on disk beside its
//! blocks. An import that the end of the tab interrupts is *left* then: it waits
//! for the same file, at most [`LEFT_IMPORT_MS`]. That is read again from its
//! beginning, since only hashes tell that it is the same; blocks that are here
//! are not written again.

use crate::{
    codec,
    platform::Time,
    store::{
        chunk::{Block, CHUNK_BYTES, Cid, Codec},
        files::{File, FilePath},
        manifest::{Builder, Manifest},
        replicas::PART_BYTES,
    },
};

use super::held::Sized;

/// Bytes that are read at a time: two blocks.
pub const READ_BYTES: u32 = 2 * CHUNK_BYTES;
/// How long an import waits for its file, from its first block on, in
/// milliseconds: a week.
pub const LEFT_IMPORT_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// An encoded parcel, in bytes: a path, a media type, and a little.
const PARCEL_BYTES_MAX: usize = 2 << 10;
/// Its form's version.
const VERSION: u32 = 1;
/// Over how long a speed is measured, in milliseconds.
const SPEED_MS: u64 = 1_000;

/// What the user brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Where it shall stand.
    pub path: FilePath,
    /// Its media type.
    pub media_type: String,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: u64,
    /// Its size, in bytes.
    pub bytes: u64,
}

impl Parcel {
    /// As it stands on disk, and since when, in milliseconds since 1970.
    pub(super) fn encode(&self, since_ms: u64) -> Vec<u8> {
        let Self { path, media_type, modified_ms, bytes } = self;
        codec::encode(&(VERSION, path, media_type, modified_ms, bytes, since_ms))
    }

    /// The same from disk; `None` where it is none.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, u64)> {
        let (version, path, media_type, modified_ms, bytes, since_ms) =
            codec::decode::<(u32, _, _, _, _, u64)>(bytes, PARCEL_BYTES_MAX)?;
        let parcel = Self { path, media_type, modified_ms, bytes };
        (version == VERSION).then_some((parcel, since_ms))
    }
}

/// Whether nobody waits any more for an import of then.
pub(super) const fn is_long_ago(since_ms: u64, wall_ms: u64) -> bool {
    wall_ms.saturating_sub(since_ms) >= LEFT_IMPORT_MS
}

/// What an import waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its file, which whoever began it had.
    Left,
    /// Its turn.
    Waiting,
    /// Its bytes.
    Reading,
    /// Its ledger to be written.
    Closing,
    /// Its blocks to become those of a file.
    Adopting,
    /// Its name to be written.
    Naming,
}

/// One import.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) parcel: Parcel,
    pub(super) stage: Stage,
    pub(super) is_paused: bool,
    done_bytes: u64,
    /// Since when it is under way, in milliseconds since 1970, where it was left.
    since_ms: u64,
    /// What was on disk of it when it was left, in bytes.
    pub(super) left_bytes: u64,
    builder: Builder,
    lists: Vec<Block>,
    /// Its blocks in order.
    pub(super) blocks: Vec<Sized>,
    /// Blocks of its ledger.
    pub(super) ledger: Vec<Sized>,
    pub(super) file: Option<Cid>,
    /// The next byte that is to be read.
    next: u64,
    is_reading: bool,
    pub(super) writes: usize,
    speed: Speed,
}

/// How fast something goes on.
#[derive(Clone, Copy, Debug, Default)]
struct Speed {
    since: Time,
    bytes: u64,
    per_second: u64,
}

impl Import {
    pub(super) fn new(parcel: Parcel) -> Self {
        Self {
            parcel,
            stage: Stage::Waiting,
            is_paused: false,
            done_bytes: 0,
            since_ms: 0,
            left_bytes: 0,
            builder: Builder::new(CHUNK_BYTES).expect("it is the usual length"),
            lists: Vec::new(),
            blocks: Vec::new(),
            ledger: Vec::new(),
            file: None,
            next: 0,
            is_reading: false,
            writes: 0,
            speed: Speed::default(),
        }
    }

    /// One that was left, and when it had begun, in milliseconds since 1970.
    pub(super) fn left(parcel: Parcel, since_ms: u64) -> Self {
        Self { stage: Stage::Left, since_ms, ..Self::new(parcel) }
    }

    /// Whether nobody came for it in its time.
    pub(super) fn is_left_for_long(&self, wall_ms: u64) -> bool {
        self.stage == Stage::Left && is_long_ago(self.since_ms, wall_ms)
    }

    /// Whether it waits for this very file, as far as can be told before it is read.
    pub(super) fn is_left_of(&self, parcel: &Parcel) -> bool {
        let same = |parcel: &Parcel| (parcel.path.clone(), parcel.bytes);
        self.stage == Stage::Left && same(&self.parcel) == same(parcel)
    }

    /// How much of it is on disk, in bytes.
    pub(super) fn done_bytes(&self) -> u64 {
        self.done_bytes.max(self.left_bytes).min(self.parcel.bytes)
    }

    /// What to read next, from where and how much, if anything may be.
    pub(super) fn read(&mut self) -> Option<(u64, u32)> {
        let may = self.stage == Stage::Reading && !self.is_paused && !self.is_reading;
        let rest = self.parcel.bytes.saturating_sub(self.next);
        if !may || rest == 0 || self.writes > 1 {
            return None;
        }
        self.is_reading = true;
        Some((self.next, u32::try_from(rest).unwrap_or(u32::MAX).min(READ_BYTES)))
    }

    /// Takes what was read: its blocks, each with the part of the file that it
    /// is in, or why the file is not taken.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<(u64, Block)>, String> {
        self.is_reading = false;
        let rest = self.parcel.bytes.saturating_sub(self.next);
        if bytes.len() as u64 != rest.min(u64::from(READ_BYTES)) {
            return Err("the file became shorter while it was read".to_owned());
        }
        let mut blocks = Vec::new();
        for chunk in bytes.chunks(CHUNK_BYTES as usize) {
            let block = Block::of(Codec::Raw, chunk.to_vec());
            let length = u32::try_from(chunk.len()).expect("a chunk is not longer than that");
            let pushed = self.builder.push(block.cid, length, &mut self.lists);
            pushed.map_err(|why| why.to_string())?;
            self.blocks.push((block.cid, length));
            blocks.push((self.next / PART_BYTES, block));
            self.next += u64::from(length);
        }
        Ok(blocks)
    }

    /// Whether all of it was read and is on disk.
    pub(super) fn is_read(&self) -> bool {
        self.stage == Stage::Reading && self.next == self.parcel.bytes && self.writes == 0
    }

    /// Its ledger's blocks, the file's own the last.
    ///
    /// # Errors
    /// A media type that is none.
    pub(super) fn close(&mut self) -> Result<Vec<Block>, String> {
        let empty = Builder::new(CHUNK_BYTES).expect("it is the usual length");
        let builder = std::mem::replace(&mut self.builder, empty);
        let closed = builder.finish(&self.parcel.media_type, &mut self.lists);
        let manifest: Manifest = closed.map_err(|why| why.to_string())?;
        let file = manifest.block();
        self.file = Some(file.cid);
        self.lists.push(file);
        let lists = std::mem::take(&mut self.lists);
        self.ledger.extend(lists.iter().map(sized));
        Ok(lists)
    }

    /// What stands at its path, once its ledger is known.
    pub(super) fn to_file(&self) -> Option<File> {
        Some(File {
            manifest: self.file?,
            size: self.parcel.bytes,
            media_type: self.parcel.media_type.clone(),
            modified_ms: self.parcel.modified_ms,
        })
    }

    /// So many bytes more are on disk.
    pub(super) fn advance(&mut self, now: Time, bytes: u64) {
        self.done_bytes += bytes;
        self.speed.bytes += bytes;
        let ms = now.since_ms(self.speed.since);
        if ms >= SPEED_MS {
            self.speed = Speed { since: now, bytes: 0, per_second: self.speed.bytes * 1_000 / ms };
        }
    }

    pub(super) fn begin(&mut self, now: Time) {
        (self.stage, self.speed.since) = (Stage::Reading, now);
    }

    /// In bytes a second; 0 while it waits.
    pub(super) fn speed(&self) -> u64 {
        if self.is_paused || !self.is_begun() { 0 } else { self.speed.per_second }
    }

    /// Whether it goes on, or would if it were not halted.
    pub(super) fn is_begun(&self) -> bool {
        !matches!(self.stage, Stage::Left | Stage::Waiting)
    }

    /// The file's parts, and the blocks that each keeps.
    pub(super) fn parts(&self) -> impl Iterator<Item = (u64, Vec<Sized>)> {
        let blocks = usize::try_from(PART_BYTES / u64::from(CHUNK_BYTES)).unwrap_or(usize::MAX);
        let none = self.blocks.is_empty().then_some(&[][..]);
        let parts = self.blocks.chunks(blocks).chain(none);
        (0..).zip(parts.map(|part| [part, &self.ledger[..]].concat()))
    }
}

pub(super) fn sized(block: &Block) -> Sized {
    (block.cid, u32::try_from(block.bytes.len()).unwrap_or(u32::MAX))
}
