//! A disk that is none: records in memory, gone with the process.
//!
//! For ions whose machine gives no storage (private windows), for tests, and,
//! as `Records`, for the simulator.

use std::{cell::RefCell, rc::Rc};

use futures::future::{FutureExt, LocalBoxFuture};
use ion_map::{LongMap, Map};

use super::{
    ByKey, Changes, Disk, Error, Filling, Page, PageLimits, Range, Record, Table, Usage, check_keys,
};

/// Records in memory. Clones are the same.
#[derive(Clone, Debug)]
pub struct MemoryDisk {
    records: Rc<RefCell<Records>>,
    bytes_max: u64,
}

impl MemoryDisk {
    /// An empty one that takes at most so many bytes of keys and values.
    pub fn new(bytes_max: u64) -> Self {
        Self { records: Rc::default(), bytes_max }
    }
}

impl Disk for MemoryDisk {
    fn get(
        &self,
        table: Table,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<Vec<Option<Vec<u8>>>, Error>> {
        let disk = self.clone();
        async move { disk.records.borrow().get(table, &keys) }.boxed_local()
    }

    fn scan(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> LocalBoxFuture<'static, Result<Page<Record>, Error>> {
        let disk = self.clone();
        async move { disk.records.borrow().scan(table, range, limits) }.boxed_local()
    }

    fn keys(
        &self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> LocalBoxFuture<'static, Result<Page<Vec<u8>>, Error>> {
        let disk = self.clone();
        async move { disk.records.borrow().keys(table, range, count_max) }.boxed_local()
    }

    fn write(&self, changes: Changes) -> LocalBoxFuture<'static, Result<(), Error>> {
        let disk = self.clone();
        async move { disk.records.borrow_mut().apply(changes, disk.bytes_max).map(drop) }
            .boxed_local()
    }

    fn usage(&self) -> LocalBoxFuture<'static, Result<Usage, Error>> {
        let used_bytes = self.records.borrow().bytes();
        let usage = Usage { used_bytes, quota_bytes: Some(self.bytes_max) };
        async move { Ok(usage) }.boxed_local()
    }
}

/// All tables in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    tables: Map<Table, LongMap<Vec<u8>, Vec<u8>>>,
    bytes: u64,
}

impl Records {
    /// Bytes of all keys and values.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        check_keys(keys)?;
        let records = self.tables.get(&table);
        Ok(keys.iter().map(|key| records?.get(key).cloned()).collect())
    }

    pub(crate) fn scan(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> Result<Page<Record>, Error> {
        let page = self.page(table, &range, limits, |key, value| {
            ((key.clone(), value.clone()), key.len() + value.len())
        })?;
        Ok(page.page(range, |(key, _)| key))
    }

    pub(crate) fn keys(
        &self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> Result<Page<Vec<u8>>, Error> {
        let limits = PageLimits { count_max, bytes_max: usize::MAX };
        let page = self.page(table, &range, limits, |key, _| (key.clone(), 0))?;
        Ok(page.page(range, Vec::as_slice))
    }

    fn page<T>(
        &self,
        table: Table,
        range: &Range,
        limits: PageLimits,
        record: impl Fn(&Vec<u8>, &Vec<u8>) -> (T, usize),
    ) -> Result<Filling<T>, Error> {
        range.check()?;
        let mut page = Filling::new(limits);
        let Some(records) = self.tables.get(&table).filter(|_| !range.is_empty()) else {
            return Ok(page);
        };
        let is_in = |key: &[u8]| range.end().is_none_or(|end| key < end);
        for (key, value) in records.range_from(range.start()).take_while(|(key, _)| is_in(key)) {
            let (record, bytes) = record(key, value);
            page.take(record, bytes);
            if page.is_full() {
                break;
            }
        }
        Ok(page)
    }

    /// Makes all changes and says how to undo them, or none. What makes room
    /// is always possible.
    pub(crate) fn apply(&mut self, changes: Changes, bytes_max: u64) -> Result<ByKey, Error> {
        let bytes_before = self.bytes;
        let undo = self.set(changes.checked()?);
        if self.bytes > bytes_max && self.bytes > bytes_before {
            self.set(undo);
            return Err(Error::QuotaExceeded);
        }
        Ok(undo)
    }

    /// Sets or removes what is at these keys, and gives what was there.
    pub(crate) fn set(&mut self, changes: ByKey) -> ByKey {
        let mut before = ByKey::new();
        for ((table, key), value) in changes {
            let records = self.tables.entry(table).or_default();
            let length = key.len() as u64;
            let old = match value {
                Some(value) => {
                    self.bytes += length + value.len() as u64;
                    records.insert(key.clone(), value)
                }
                None => records.remove(&key),
            };
            self.bytes -= old.as_ref().map_or(0, |old| length + old.len() as u64);
            before.insert((table, key), old);
        }
        before
    }
}
