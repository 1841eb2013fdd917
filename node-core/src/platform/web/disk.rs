//! Records in `IndexedDB`: one database per disk, one object store per table,
//! keys and values as byte arrays.
//!
//! A write is one transaction, of durability "relaxed": it resolves when the
//! browser has handed the changes to the system. They survive the death of the
//! tab and of the browser's process; a power cut within seconds may take the
//! last transactions, whole. "Strict" waits for the platter and would guard
//! against that; one put then takes several times as long, and the copies of
//! other ions guard against it too.
//!
//! A browser may close or delete a database under us. A database carries a
//! number that was drawn when it was made: when the next call finds it again,
//! with the same number, nothing was lost and the call goes on; else the disk
//! is [`Error::Gone`].

mod connection;

use std::{cell::RefCell, rc::Rc};

use futures::future::{FutureExt, LocalBoxFuture};
use ion_map::Set;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbKeyRange, IdbObjectStore, IdbRequest, IdbTransaction, IdbTransactionMode};

use self::connection::Connection;
use super::{
    WebPlatform,
    database::in_time,
    request::{failure, finished, result, success},
    usage,
};
use crate::platform::{
    disk::{
        ByKey, Changes, Disk, Filling, Page, PageLimits, Range, Record, Table, Usage, check_keys,
    },
    storage::{Error, check_name},
};

/// Most bytes of values that filling a page may have in memory beside it.
const READ_BYTES_MAX: usize = 64 << 20;
/// What a block and an entry are guessed to have before one was seen.
const CHUNK_BYTES: usize = 1 << 20;
const ENTRY_BYTES: usize = 256;

/// One database. Clones are the same; the last one closes it.
#[derive(Clone)]
pub struct WebDisk {
    name: Rc<str>,
    platform: WebPlatform,
    /// An error once the database is gone.
    connection: Rc<RefCell<Result<Rc<Connection>, Error>>>,
}

impl WebDisk {
    pub(super) fn open(
        name: String,
        platform: WebPlatform,
    ) -> LocalBoxFuture<'static, Result<Self, Error>> {
        async move {
            check_name(&name)?;
            // No store of settings can have this name.
            let name: Rc<str> = format!("{name}/disk").into();
            let connection = connect(&name, &platform).await;
            let connection = Rc::new(RefCell::new(Ok(connection?)));
            Ok(Self { name, platform, connection })
        }
        .boxed_local()
    }

    /// Begins a transaction; in the same poll, unless the database must be
    /// opened again.
    async fn begin(
        &self,
        tables: impl IntoIterator<Item = Table>,
        mode: IdbTransactionMode,
    ) -> Result<IdbTransaction, Error> {
        let names: Array = tables.into_iter().map(|table| JsValue::from(table.name())).collect();
        let connection = self.connection.borrow().clone()?;
        if let Some(begun) = connection.begin(&names, mode)? {
            return Ok(begun);
        }
        let anew = self.reopen(&connection).await?;
        let closed = || Error::Failed { reason: "the database closes as it opens".to_owned() };
        anew.begin(&names, mode)?.ok_or_else(closed)
    }

    /// Opens the database again, if it is still the same.
    async fn reopen(&self, lost: &Connection) -> Result<Rc<Connection>, Error> {
        let anew = connect(&self.name, &self.platform).await?;
        let state = if anew.is_same_database(lost) { Ok(anew) } else { Err(lost.gone()) };
        self.connection.borrow_mut().clone_from(&state);
        state
    }

    async fn read(&self, table: Table) -> Result<(IdbTransaction, IdbObjectStore), Error> {
        let transaction = self.begin([table], IdbTransactionMode::Readonly).await?;
        let store = transaction.object_store(table.name()).map_err(|error| failure(&error))?;
        Ok((transaction, store))
    }

    async fn values(self, table: Table, keys: Vec<Vec<u8>>) -> Result<Vec<Option<Vec<u8>>>, Error> {
        check_keys(&keys)?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (_transaction, store) = self.read(table).await?;
        let get = |key: Vec<u8>| store.get(&bytes_in(&key)).map_err(|error| failure(&error));
        let requests = keys.into_iter().map(get).collect::<Result<Vec<_>, _>>()?;
        if let Some(last) = requests.last() {
            // Requests are answered in their order.
            success(last).await?;
        }
        let value = |request: IdbRequest| {
            let value: JsValue = result(&request)?;
            if value.is_undefined() {
                Ok(None)
            } else {
                value_array(value).map(|value| Some(value.to_vec()))
            }
        };
        requests.into_iter().map(value).collect()
    }

    async fn page(
        self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> Result<Page<Record>, Error> {
        range.check()?;
        let (mut page, mut read) = (Filling::new(limits), Read { count: 0, bytes: 0 });
        let (_transaction, store) = self.read(table).await?;
        let mut next = Some(range.clone()).filter(|range| !range.is_empty());
        while let Some(part) = next.take() {
            let count = read.next_count(table, limits.possible());
            let found = records(&store, &part, count).await?;
            let last = found.last().filter(|_| found.len() == count).map(|(key, _)| key.clone());
            for (key, value) in found {
                let bytes = key.len() + value.length() as usize;
                page.take((key, value.to_vec()), bytes);
                read = Read { count: read.count + 1, bytes: read.bytes + bytes };
                if page.is_full() {
                    return Ok(page.page(range, |(key, _)| key));
                }
            }
            next = last.map(|last| part.after(&last)).filter(|rest| !rest.is_empty());
        }
        Ok(page.page(range, |(key, _)| key))
    }

    async fn key_page(
        self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> Result<Page<Vec<u8>>, Error> {
        range.check()?;
        let limits = PageLimits { count_max, bytes_max: usize::MAX }.possible();
        let mut page = Filling::new(limits);
        if !range.is_empty() {
            let (_transaction, store) = self.read(table).await?;
            let request = request_keys(&store, &range, limits.count_max)?;
            success(&request).await?;
            let keys: Array = result(&request)?;
            for key in keys.iter() {
                page.take(key_out(key)?, 0);
            }
        }
        Ok(page.page(range, Vec::as_slice))
    }

    async fn apply(self, changes: Changes) -> Result<(), Error> {
        let changes = changes.checked()?;
        let tables: Set<Table> = changes.keys().map(|(table, _)| *table).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let transaction = self.begin(tables, IdbTransactionMode::Readwrite).await?;
        if let Err(error) = request_all(&transaction, changes) {
            // Without this, what was requested before would be made.
            drop(transaction.abort());
            return Err(error);
        }
        finished(&transaction).await
    }

    async fn estimate(self) -> Result<Usage, Error> {
        self.connection.borrow().as_ref().map_err(Clone::clone)?;
        usage::estimate().await
    }
}

impl Disk for WebDisk {
    fn get(
        &self,
        table: Table,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<Vec<Option<Vec<u8>>>, Error>> {
        self.clone().values(table, keys).boxed_local()
    }

    fn scan(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> LocalBoxFuture<'static, Result<Page<Record>, Error>> {
        self.clone().page(table, range, limits).boxed_local()
    }

    fn keys(
        &self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> LocalBoxFuture<'static, Result<Page<Vec<u8>>, Error>> {
        self.clone().key_page(table, range, count_max).boxed_local()
    }

    fn write(&self, changes: Changes) -> LocalBoxFuture<'static, Result<(), Error>> {
        self.clone().apply(changes).boxed_local()
    }

    fn usage(&self) -> LocalBoxFuture<'static, Result<Usage, Error>> {
        self.clone().estimate().boxed_local()
    }
}

/// What a page has read so far. The browser reads a number of records at once,
/// whatever their bytes.
struct Read {
    count: usize,
    bytes: usize,
}

impl Read {
    /// How many records to read next: as many as fit if they are like those
    /// before, and never more than fit [`READ_BYTES_MAX`] at their largest.
    fn next_count(&self, table: Table, limits: PageLimits) -> usize {
        let typical = if table == Table::Chunks { CHUNK_BYTES } else { ENTRY_BYTES };
        let mean = self.bytes.checked_div(self.count).unwrap_or(typical).max(1);
        let fit = limits.bytes_max.saturating_sub(self.bytes) / mean;
        let left = limits.count_max.saturating_sub(self.count);
        fit.min(left).min(READ_BYTES_MAX / table.value_bytes_max()).max(1)
    }
}

/// Connects to a database, within a bounded time.
async fn connect(name: &Rc<str>, platform: &WebPlatform) -> Result<Rc<Connection>, Error> {
    let opening = Connection::open(name.clone(), platform.clone()).boxed_local();
    in_time(opening, platform).await.map(Rc::new)
}

/// Asks for all changes. The transaction outlives this and has all of them
/// once no request is left.
fn request_all(transaction: &IdbTransaction, changes: ByKey) -> Result<(), Error> {
    let mut buffer = bytes_in(&[]);
    for ((table, key), value) in changes {
        let store = transaction.object_store(table.name()).map_err(|error| failure(&error))?;
        let key = bytes_in(&key);
        let requested = match value {
            // One copy, out of our memory: the browser copies the whole buffer of
            // what it is given. It does so at once, so that blocks of one length
            // take turns in one buffer, and leave no garbage of their size.
            Some(value) => {
                if buffer.length() as usize == value.len() {
                    buffer.copy_from(&value);
                } else {
                    buffer = bytes_in(&value);
                }
                store.put_with_key(&buffer, &key)
            }
            None => store.delete(&key),
        };
        requested.map_err(|error| failure(&error))?;
    }
    Ok(())
}

/// Up to `count` records from the start of a range; values still outside our memory.
async fn records(
    store: &IdbObjectStore,
    range: &Range,
    count: usize,
) -> Result<Vec<(Vec<u8>, Uint8Array)>, Error> {
    let keys = request_keys(store, range, count)?;
    let values = store.get_all_with_key_and_limit(&key_range(range)?, limit(count));
    let values = values.map_err(|error| failure(&error))?;
    // Requests are answered in their order.
    success(&values).await?;
    let (keys, values): (Array, Array) = (result(&keys)?, result(&values)?);
    keys.iter()
        .zip(values.iter())
        .map(|(key, value)| Ok((key_out(key)?, value_array(value)?)))
        .collect()
}

fn request_keys(store: &IdbObjectStore, range: &Range, count: usize) -> Result<IdbRequest, Error> {
    let requested = store.get_all_keys_with_key_and_limit(&key_range(range)?, limit(count));
    requested.map_err(|error| failure(&error))
}

/// A range that is not empty, as the browser wants it.
fn key_range(range: &Range) -> Result<JsValue, Error> {
    let start = bytes_in(range.start());
    let made = match range.end() {
        Some(end) => {
            let end = bytes_in(end);
            IdbKeyRange::bound_with_lower_open_and_upper_open(&start, &end, false, true)
        }
        None => IdbKeyRange::lower_bound(&start),
    };
    made.map(JsValue::from).map_err(|error| failure(&error))
}

fn limit(count: usize) -> u32 {
    u32::try_from(count).expect("pages are limited")
}

fn bytes_in(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// A key as the browser gives it back.
fn key_out(key: JsValue) -> Result<Vec<u8>, Error> {
    let buffer: Result<ArrayBuffer, _> = key.dyn_into();
    let other = |_| Error::Corrupt { reason: "a key is not of bytes".to_owned() };
    buffer.map(|buffer| Uint8Array::new(&buffer).to_vec()).map_err(other)
}

fn value_array(value: JsValue) -> Result<Uint8Array, Error> {
    let other = |_| Error::Corrupt { reason: "a value is not a byte array".to_owned() };
    value.dyn_into().map_err(other)
}
