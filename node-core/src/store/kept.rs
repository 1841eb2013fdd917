//! The disk of a nebula where the machine gives one, memory where it does not.

use futures::future::LocalBoxFuture;

use crate::platform::{
    Disk, Platform,
    disk::{Changes, Error, MemoryDisk, Page, PageLimits, Range, Record, Table, Usage},
};

/// Bytes that memory takes where there is no disk.
const MEMORY_BYTES_MAX: u64 = 256 << 20;

/// A disk of the machine, or memory in its place.
#[derive(Clone)]
pub(super) enum Kept<D> {
    Real(D),
    Memory(MemoryDisk),
}

impl<D: Disk> Kept<D> {
    pub(super) fn memory() -> Self {
        Self::Memory(MemoryDisk::new(MEMORY_BYTES_MAX))
    }

    /// The disk of that name; memory where there is none, and why, unless there
    /// is no place to keep anything.
    pub(super) async fn open<P: Platform<Disk = D>>(
        platform: &P,
        place: Option<&str>,
        name: &str,
    ) -> (Self, Option<Error>) {
        let Some(place) = place else { return (Self::memory(), None) };
        match platform.open_disk(&format!("{place}-{name}")).await {
            Ok(disk) => (Self::Real(disk), None),
            Err(why) => (Self::memory(), Some(why)),
        }
    }

    pub(super) fn is_real(&self) -> bool {
        matches!(self, Self::Real(_))
    }
}

impl<D: Disk> Disk for Kept<D> {
    fn get(
        &self,
        table: Table,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<Vec<Option<Vec<u8>>>, Error>> {
        match self {
            Self::Real(disk) => disk.get(table, keys),
            Self::Memory(disk) => disk.get(table, keys),
        }
    }

    fn scan(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> LocalBoxFuture<'static, Result<Page<Record>, Error>> {
        match self {
            Self::Real(disk) => disk.scan(table, range, limits),
            Self::Memory(disk) => disk.scan(table, range, limits),
        }
    }

    fn keys(
        &self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> LocalBoxFuture<'static, Result<Page<Vec<u8>>, Error>> {
        match self {
            Self::Real(disk) => disk.keys(table, range, count_max),
            Self::Memory(disk) => disk.keys(table, range, count_max),
        }
    }

    fn write(&self, changes: Changes) -> LocalBoxFuture<'static, Result<(), Error>> {
        match self {
            Self::Real(disk) => disk.write(changes),
            Self::Memory(disk) => disk.write(changes),
        }
    }

    fn usage(&self) -> LocalBoxFuture<'static, Result<Usage, Error>> {
        match self {
            Self::Real(disk) => disk.usage(),
            Self::Memory(disk) => disk.usage(),
        }
    }
}
