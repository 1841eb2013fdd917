//! A simulated disk: reads and writes take time, so that a crash can come in
//! the middle.

use std::rc::Rc;

use futures::future::{FutureExt, LocalBoxFuture};

use super::{
    drive::{Database, Drive},
    world::{OwnerId, Sleep, World},
};
use crate::platform::{
    disk::{Changes, Disk, Page, PageLimits, Range, Record, Table, Usage},
    storage::{Error, check_name},
};

/// How long opening waits for others to let go, in virtual milliseconds.
const OPEN_MS_MAX: u64 = 5_000;

/// One named disk on a simulated drive.
#[derive(Clone)]
pub struct SimDisk {
    world: Rc<World>,
    drive: Drive,
    owner: OwnerId,
    name: Rc<str>,
    id: u64,
}

impl SimDisk {
    pub(super) fn open(
        world: &Rc<World>,
        drive: &Drive,
        owner: OwnerId,
        name: &str,
    ) -> LocalBoxFuture<'static, Result<Self, Error>> {
        let checked = check_name(name);
        let mut disk =
            Self { world: world.clone(), drive: drive.clone(), owner, name: Rc::from(name), id: 0 };
        async move {
            checked?;
            if disk.drive.used_by(owner, |state| Ok(state.is_held))? {
                Sleep::new(&disk.world, OPEN_MS_MAX).await;
            }
            disk.id = disk.drive.used_by(owner, |state| {
                if state.is_held { Err(Error::Blocked) } else { Ok(state.database(&disk.name).id) }
            })?;
            Ok(disk)
        }
        .boxed_local()
    }

    /// Looks at the records after the time that this takes.
    fn read<T: 'static>(
        &self,
        look: impl FnOnce(&Database) -> Result<T, Error> + 'static,
    ) -> LocalBoxFuture<'static, Result<T, Error>> {
        let disk = self.clone();
        async move {
            let read_ms = disk.drive.used_by(disk.owner, |state| Ok(state.read_ms))?;
            Sleep::new(&disk.world, read_ms).await;
            disk.drive.used_by(disk.owner, |state| look(state.same_database(&disk.name, disk.id)?))
        }
        .boxed_local()
    }

    fn apply(&self, changes: Changes) -> Result<(), Error> {
        self.drive.used_by(self.owner, |state| {
            let bytes_max = state.bytes_max as u64;
            let database = state.same_database(&self.name, self.id)?;
            let undo = database.records.apply(changes, bytes_max)?;
            state.written(self.world.now(), self.id, undo);
            Ok(())
        })
    }
}

impl Disk for SimDisk {
    fn get(
        &self,
        table: Table,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<Vec<Option<Vec<u8>>>, Error>> {
        self.read(move |database| database.records.get(table, &keys))
    }

    fn scan(
        &self,
        table: Table,
        range: Range,
        limits: PageLimits,
    ) -> LocalBoxFuture<'static, Result<Page<Record>, Error>> {
        self.read(move |database| database.records.scan(table, range, limits))
    }

    fn keys(
        &self,
        table: Table,
        range: Range,
        count_max: usize,
    ) -> LocalBoxFuture<'static, Result<Page<Vec<u8>>, Error>> {
        self.read(move |database| database.records.keys(table, range, count_max))
    }

    fn write(&self, changes: Changes) -> LocalBoxFuture<'static, Result<(), Error>> {
        let disk = self.clone();
        async move {
            Sleep::new(&disk.world, disk.drive.write_ms(&disk.world)).await;
            disk.apply(changes)
        }
        .boxed_local()
    }

    fn usage(&self) -> LocalBoxFuture<'static, Result<Usage, Error>> {
        let disk = self.clone();
        async move {
            disk.drive.used_by(disk.owner, |state| {
                let quota_bytes = Some(state.bytes_max as u64);
                let used_bytes = state.same_database(&disk.name, disk.id)?.records.bytes();
                Ok(Usage { used_bytes, quota_bytes })
            })
        }
        .boxed_local()
    }
}
