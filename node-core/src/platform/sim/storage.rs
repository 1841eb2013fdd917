//! Settings on a simulated drive: writes take time, so that a crash can come
//! in the middle.

use std::rc::Rc;

use futures::future::{FutureExt, LocalBoxFuture};

use super::{
    drive::Drive,
    world::{OwnerId, Sleep, World},
};
use crate::platform::storage::{Batch, Entries, Error, Storage, check_name};

/// One store on a simulated disk.
#[derive(Clone)]
pub struct SimStorage {
    world: Rc<World>,
    drive: Drive,
    owner: OwnerId,
    name: Rc<str>,
}

impl SimStorage {
    pub(super) fn open(
        world: &Rc<World>,
        drive: &Drive,
        owner: OwnerId,
        name: &str,
    ) -> LocalBoxFuture<'static, Result<Self, Error>> {
        let checked = check_name(name);
        let storage =
            Self { world: world.clone(), drive: drive.clone(), owner, name: Rc::from(name) };
        async move {
            checked?;
            storage.read(|_| ())?;
            Ok(storage)
        }
        .boxed_local()
    }

    fn read<T>(&self, look: impl FnOnce(&Entries) -> T) -> Result<T, Error> {
        self.drive.used_by(self.owner, |state| {
            Ok(look(state.stores.get(&*self.name).unwrap_or(&Entries::default())))
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), Error> {
        let after = self.read(|entries| entries.after(batch))??;
        self.drive.used_by(self.owner, |state| {
            if after.bytes() > state.bytes_max {
                return Err(Error::QuotaExceeded);
            }
            state.stores.insert(self.name.to_string(), after);
            Ok(())
        })
    }
}

impl Storage for SimStorage {
    fn get(&self, key: &str) -> LocalBoxFuture<'static, Result<Option<Vec<u8>>, Error>> {
        let (storage, key) = (self.clone(), key.to_owned());
        async move { storage.read(|entries| entries.get(&key)) }.boxed_local()
    }

    fn list(&self, prefix: &str) -> LocalBoxFuture<'static, Result<Vec<String>, Error>> {
        let (storage, prefix) = (self.clone(), prefix.to_owned());
        async move { storage.read(|entries| entries.list(&prefix)) }.boxed_local()
    }

    fn write(&self, batch: Batch) -> LocalBoxFuture<'static, Result<(), Error>> {
        let storage = self.clone();
        async move {
            Sleep::new(&storage.world, storage.drive.write_ms(&storage.world)).await;
            storage.apply(batch)
        }
        .boxed_local()
    }
}
