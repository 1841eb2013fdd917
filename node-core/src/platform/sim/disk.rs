//! A simulated disk: it outlives the crashes of its machine, and writes take
//! time, so that a crash can come in the middle.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use futures::future::{FutureExt, LocalBoxFuture};

use super::world::{OwnerId, Sleep, World};
use crate::platform::storage::{Batch, Entries, Error, Storage, check_name};

/// How long a write takes before it is durable, in virtual milliseconds.
const WRITE_MS: u64 = 2;

/// One disk. Clones are the same disk.
#[derive(Clone)]
pub(super) struct Disk {
    state: Rc<RefCell<State>>,
}

struct State {
    stores: BTreeMap<String, Entries>,
    /// The start of the machine that may use it now.
    mounted: Option<OwnerId>,
    bytes_max: usize,
    is_there: bool,
}

impl Disk {
    pub(super) fn empty() -> Self {
        let state =
            State { stores: BTreeMap::new(), mounted: None, bytes_max: usize::MAX, is_there: true };
        Self { state: Rc::new(RefCell::new(state)) }
    }

    pub(super) fn mount(&self, owner: OwnerId) {
        self.state.borrow_mut().mounted = Some(owner);
    }

    pub(super) fn limit(&self, bytes_max: usize) {
        self.state.borrow_mut().bytes_max = bytes_max;
    }

    pub(super) fn remove(&self) {
        self.state.borrow_mut().is_there = false;
    }
}

/// One store on a simulated disk.
#[derive(Clone)]
pub struct SimStorage {
    world: Rc<World>,
    disk: Disk,
    owner: OwnerId,
    name: Rc<str>,
}

impl SimStorage {
    pub(super) fn open(
        world: &Rc<World>,
        disk: &Disk,
        owner: OwnerId,
        name: &str,
    ) -> LocalBoxFuture<'static, Result<Self, Error>> {
        let checked = check_name(name);
        let storage =
            Self { world: world.clone(), disk: disk.clone(), owner, name: Rc::from(name) };
        async move {
            checked?;
            storage.read(|_| ())?;
            Ok(storage)
        }
        .boxed_local()
    }

    fn read<T>(&self, look: impl FnOnce(&Entries) -> T) -> Result<T, Error> {
        let state = self.disk.state.borrow();
        self.check(&state)?;
        Ok(look(state.stores.get(&*self.name).unwrap_or(&Entries::default())))
    }

    fn apply(&self, batch: Batch) -> Result<(), Error> {
        let after = self.read(|entries| entries.after(batch))??;
        let mut state = self.disk.state.borrow_mut();
        if after.bytes() > state.bytes_max {
            return Err(Error::QuotaExceeded);
        }
        state.stores.insert(self.name.to_string(), after);
        Ok(())
    }

    fn check(&self, state: &State) -> Result<(), Error> {
        let because = |reason: &str| Err(Error::Unavailable { reason: reason.to_owned() });
        if state.mounted != Some(self.owner) {
            return because("the machine crashed");
        }
        if !state.is_there {
            return because("the machine has no disk");
        }
        Ok(())
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
            Sleep::new(&storage.world, WRITE_MS).await;
            storage.apply(batch)
        }
        .boxed_local()
    }
}
