//! One file: transactions of redb, and what can go wrong with them.

use std::{
    io::ErrorKind,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use redb::{Database, ReadOnlyTable, ReadableDatabase, TableDefinition};

use super::super::{make_folder, rights};
use crate::platform::{
    disk::{
        ByKey, Filling, PAGE_BYTES_MAX, Page, PageLimits, Range, Record, Table, Usage, check_keys,
    },
    storage::Error,
};

/// Most bytes of the file that redb keeps in memory.
const CACHE_BYTES_MAX: usize = 32 << 20;

/// Longest piece that a value is stored in. redb rounds what does not fit a
/// page up to a power of two, which doubles a block of 256 KiB; a piece of this
/// length, with its key, fills 64 KiB.
const PIECE_BYTES_MAX: usize = (64 << 10) - 256;

/// Pieces of values, by key and number, from 0 without a gap.
type Definition = TableDefinition<'static, (&'static [u8], u8), &'static [u8]>;
type Pieces = ReadOnlyTable<(&'static [u8], u8), &'static [u8]>;

/// A file that is open.
pub(super) struct DiskFile {
    path: PathBuf,
    id: rights::FileId,
    /// Absent after a failure, until the next call opens it again.
    database: RwLock<Option<Database>>,
}

impl DiskFile {
    /// Opens a file, and makes it if it is not there.
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        let database = open(&path)?;
        let id = rights::file_id(&path).map_err(|error| unavailable(&path, &error))?;
        Ok(Self { path, id, database: RwLock::new(Some(database)) })
    }

    /// Whether the file is still that which was opened.
    pub(super) fn check(&self) -> Result<(), Error> {
        match rights::file_id(&self.path) {
            Ok(id) if id == self.id => Ok(()),
            _ => Err(Error::Gone { reason: format!("{} is another", self.path.display()) }),
        }
    }

    pub(super) fn get(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        check_keys(keys)?;
        self.read(table, |pieces| keys.iter().map(|key| value(pieces, key)).collect())
    }

    pub(super) fn scan(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> Result<Page<Record>, Error> {
        self.page(table, range, limits, <[u8]>::to_vec)
    }

    pub(super) fn keys(
        &self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> Result<Page<Vec<u8>>, Error> {
        let limits = PageLimits { count_max, bytes_max: PAGE_BYTES_MAX };
        let page = self.page(table, range, limits, |_| Vec::new())?;
        let records = page.records.into_iter().map(|(key, _)| key).collect();
        Ok(Page { records, rest: page.rest })
    }

    fn page(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
        wanted: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Result<Page<Record>, Error> {
        range.check()?;
        let mut page = Filling::new(limits);
        if !range.is_empty() {
            self.read(table, |pieces| fill(&mut page, pieces, &range, wanted))?;
        }
        Ok(page.page(range, |(key, _)| key))
    }

    pub(super) fn write(&self, changes: &ByKey) -> Result<(), Error> {
        self.using(|database| write(database, changes))
    }

    pub(super) fn usage(&self) -> Result<Usage, Error> {
        self.check()?;
        let file = self.path.metadata().map_err(|error| unavailable(&self.path, &error))?;
        Ok(Usage { used_bytes: file.len(), quota_bytes: None })
    }

    fn read<T>(
        &self,
        table: Table,
        look: impl FnOnce(&Pieces) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        self.using(|database| look(&database.begin_read()?.open_table(definition(table))?))
    }

    /// Works with the database, which is opened again if the last work failed.
    fn using<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        self.check()?;
        self.reopen_if_closed()?;
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let closed = || Error::Failed { reason: "another call just failed".to_owned() };
        let done = work(database.as_ref().ok_or_else(closed)?);
        drop(database);
        done.map_err(|error| {
            drop(self.database.write().unwrap_or_else(PoisonError::into_inner).take());
            failure(&self.path, error)
        })
    }

    fn reopen_if_closed(&self) -> Result<(), Error> {
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            *database = Some(open(&self.path)?);
        }
        Ok(())
    }
}

fn definition(table: Table) -> Definition {
    TableDefinition::new(table.name())
}

fn open(path: &Path) -> Result<Database, Error> {
    let folder = path.parent().expect("the file was joined to a folder");
    let file = make_folder(folder).and_then(|()| rights::open_for_owner(path));
    let file = file.map_err(|error| unavailable(path, &error))?;
    let database = Database::builder().set_cache_size(CACHE_BYTES_MAX).create_file(file);
    let database = database.map_err(|error| refusal(path, error))?;
    lay_out(&database).map_err(|error| failure(path, error))?;
    // The file's name must not be lost where its contents are synced.
    rights::sync_folder(folder).map_err(|error| unavailable(path, &error))?;
    Ok(database)
}

/// Makes the tables that are not there, so that reads find them.
fn lay_out(database: &Database) -> Result<(), redb::Error> {
    let there = database.begin_read()?.list_tables()?.count();
    if there == Table::ALL.len() {
        return Ok(());
    }
    let transaction = database.begin_write()?;
    for table in Table::ALL {
        transaction.open_table(definition(table))?;
    }
    Ok(transaction.commit()?)
}

fn write(database: &Database, changes: &ByKey) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    // Else a file of many gigabytes takes minutes to open after a crash.
    transaction.set_quick_repair(true);
    for table in Table::ALL {
        let from = (Bound::Included((table, Vec::new())), Bound::Unbounded);
        let mut changes = changes.range(from).take_while(|((of, _), _)| *of == table).peekable();
        if changes.peek().is_none() {
            continue;
        }
        let mut pieces = transaction.open_table(definition(table))?;
        for ((_, key), value) in changes {
            let mut count = 0;
            for piece in value.iter().flat_map(|value| split(value)) {
                pieces.insert((key.as_slice(), count), piece)?;
                count += 1;
            }
            while pieces.remove((key.as_slice(), count))?.is_some() {
                count += 1;
            }
        }
    }
    Ok(transaction.commit()?)
}

/// The pieces of a value; of an empty one, one that is empty.
fn split(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let empty = value.is_empty().then_some(value);
    empty.into_iter().chain(value.chunks(PIECE_BYTES_MAX))
}

fn value(pieces: &Pieces, key: &[u8]) -> Result<Option<Vec<u8>>, redb::Error> {
    let mut value: Option<Vec<u8>> = None;
    for piece in pieces.range::<(&[u8], u8)>((key, 0)..=(key, u8::MAX))? {
        value.get_or_insert_default().extend_from_slice(piece?.1.value());
    }
    Ok(value)
}

/// Fills a page with the records of a range, whose pieces follow each other.
fn fill(
    page: &mut Filling<Record>,
    pieces: &Pieces,
    range: &Range,
    wanted: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<(), redb::Error> {
    let end = range.end().map_or(Bound::Unbounded, |end| Bound::Excluded((end, 0)));
    let mut record: Option<Record> = None;
    let mut take = |(key, value): Record| {
        let bytes = key.len() + value.len();
        page.take((key, value), bytes);
        page.is_full()
    };
    for piece in pieces.range::<(&[u8], u8)>((Bound::Included((range.start(), 0)), end))? {
        let (at, piece) = piece?;
        let ((key, number), piece) = (at.value(), wanted(piece.value()));
        match &mut record {
            Some((_, value)) if number > 0 => value.extend(piece),
            _ => {
                if record.replace((key.to_vec(), piece)).is_some_and(&mut take) {
                    return Ok(());
                }
            }
        }
    }
    record.map(take);
    Ok(())
}

/// Why a file could not be opened.
fn refusal(path: &Path, error: redb::DatabaseError) -> Error {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => Error::Blocked,
        redb::DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() != ErrorKind::InvalidData =>
        {
            unavailable(path, &error)
        }
        other => Error::Corrupt {
            reason: format!("{}: {other}; move the file away to begin anew", path.display()),
        },
    }
}

fn unavailable(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::QuotaExceeded,
        _ => Error::Unavailable { reason: format!("{}: {error}", path.display()) },
    }
}

/// Why work with an open file failed.
fn failure(path: &Path, error: redb::Error) -> Error {
    match error {
        redb::Error::Io(error)
            if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
        {
            Error::QuotaExceeded
        }
        redb::Error::Corrupted(why) => Error::Corrupt {
            reason: format!("{}: {why}; move the file away to begin anew", path.display()),
        },
        other => Error::Failed { reason: format!("{}: {other}", path.display()) },
    }
}
