//! The disk of an ion: records that are large, many and ordered.
//!
//! A disk holds [`Table`]s of keys and values, both bytes; keys are ordered as
//! bytes. It carries the shared memory ([`Table::Entries`]) and the blocks of
//! files ([`Table::Chunks`]); what is few and small (keys, names) has a
//! [`Storage`](super::Storage) of its own, which opens faster.
//!
//! What it promises:
//! - [`Changes`] over several tables are made whole or not at all, and in the
//!   order in which their futures were first polled.
//! - When a write resolves, it survives the death of the tab and of the
//!   browser's process; not in every backend a power cut, but what that takes
//!   are the last writes, never one in the middle or a part of one.
//! - Futures are lazy: one that is never polled does nothing. Of a write that
//!   is dropped half-way it is not known whether it was made, except that it
//!   was not made in part.
//! - A read sees every write that resolved before it was first polled.
//!
//! What it refuses: keys, values and writes over the limits below, before
//! anything is touched; queries other than by key and by range. It verifies
//! nothing: whoever reads a chunk checks its hash.
//!
//! Four backends pass one suite, `tests/platform/conformance/disk.rs`:
//! [`MemoryDisk`], the simulator's, `IndexedDB` and, natively, redb.

mod changes;
mod memory;
mod range;

use futures::future::LocalBoxFuture;

pub(crate) use changes::ByKey;
pub use changes::{CHANGES_MAX, Changes, WRITE_BYTES_MAX};
pub use memory::MemoryDisk;
pub(crate) use memory::Records;
pub(crate) use range::Filling;
pub use range::{Page, PageLimits, Range};

pub use super::storage::Error;

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 2_048;
/// Most keys that one [`Disk::get`] may ask for.
pub const GET_KEYS_MAX: usize = 1_024;
/// Most records on one page.
pub const PAGE_COUNT_MAX: usize = 8_192;
/// Most bytes of keys and values on one page; a single record may be longer.
pub const PAGE_BYTES_MAX: usize = 16 << 20;

/// One key and its value.
pub type Record = (Vec<u8>, Vec<u8>);

/// What a record is for. Tables do not share keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Entries of the shared memory.
    Entries,
    /// Blocks of files and modules, named by their hash.
    Chunks,
    /// What points at chunks: imports under way, pins, who wants what.
    Names,
    /// Few small records about the rest: positions, versions, totals.
    Meta,
}

impl Table {
    /// All tables, in the order of their first change in a write.
    pub const ALL: [Self; 4] = [Self::Entries, Self::Chunks, Self::Names, Self::Meta];

    /// What backends call it. These names are stored: they never change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Chunks => "chunks",
            Self::Names => "names",
            Self::Meta => "meta",
        }
    }

    /// Longest value, in bytes: a block of 1 MiB and a little, else 128 KiB.
    pub const fn value_bytes_max(self) -> usize {
        match self {
            Self::Chunks => (1 << 20) + (16 << 10),
            Self::Entries | Self::Names | Self::Meta => 128 << 10,
        }
    }
}

/// One named disk. Clones are the same disk.
///
/// Every call can fail with what [`Error`] says of the machine: `Unavailable`,
/// `QuotaExceeded` (writes only: nothing of it was written, all else is still
/// there), `Corrupt`, `Failed`. After [`Error::Gone`] this disk and its clones
/// fail for ever: what was stored may be lost, so whoever holds knowledge of it
/// opens the disk again and looks.
pub trait Disk: Clone + 'static {
    /// The values at these keys, in their order, from one moment. At most
    /// [`GET_KEYS_MAX`] keys; all their values are in memory at once.
    fn get(
        &self,
        table: Table,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<Vec<Option<Vec<u8>>>, Error>>;

    /// The records of a range in ascending order, up to a page.
    fn scan(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> LocalBoxFuture<'static, Result<Page<Record>, Error>>;

    /// The keys of a range in ascending order, up to `count_max` (itself at
    /// most [`PAGE_COUNT_MAX`]); values are not read.
    fn keys(
        &self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> LocalBoxFuture<'static, Result<Page<Vec<u8>>, Error>>;

    /// Makes all changes, or none and an error.
    fn write(&self, changes: Changes) -> LocalBoxFuture<'static, Result<(), Error>>;

    /// How much is used, and how much there is.
    fn usage(&self) -> LocalBoxFuture<'static, Result<Usage, Error>>;
}

/// The space of a disk, as the machine claims: browsers round it, and count
/// all that the origin stores, of every disk and tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes that may be in use, where the machine tells.
    pub quota_bytes: Option<u64>,
}

/// Refuses requests for too much, or for keys that can't be.
pub(crate) fn check_keys(keys: &[Vec<u8>]) -> Result<(), Error> {
    if keys.len() > GET_KEYS_MAX {
        return Err(Error::TooMany { entries_max: GET_KEYS_MAX });
    }
    keys.iter().try_for_each(|key| super::storage::within("key", key.len(), KEY_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These stand in databases and files.
    #[test]
    fn names_of_tables_never_change() {
        let names = Table::ALL.map(Table::name);
        assert_eq!(names, ["entries", "chunks", "names", "meta"]);
    }

    #[test]
    fn more_keys_than_allowed_are_refused() {
        assert_eq!(check_keys(&vec![vec![0; KEY_BYTES_MAX]; GET_KEYS_MAX]), Ok(()));
        let many = Err(Error::TooMany { entries_max: GET_KEYS_MAX });
        assert_eq!(check_keys(&vec![vec![]; GET_KEYS_MAX + 1]), many);
        let long = check_keys(&[vec![0; KEY_BYTES_MAX + 1]]);
        assert!(matches!(long, Err(Error::TooLarge { what: "key", .. })), "{long:?}");
    }
}
