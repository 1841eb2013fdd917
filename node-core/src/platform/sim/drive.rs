//! What a simulated machine keeps its bytes on. It outlives the crashes of its
//! machine, and can be full, slow, held by somebody else, emptied or absent.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use super::{
    rng::Rng,
    world::{OwnerId, World},
};
use crate::platform::{
    Time,
    disk::{ByKey, Records},
    storage::{Entries, Error},
};

/// How long a read takes, in virtual milliseconds.
const READ_MS: u64 = 1;
/// How long a write takes before a crash of the process can't undo it.
const WRITE_MS: u64 = 2;
/// How long after that a power cut can.
const UNSYNCED_MS: u64 = 5_000;

/// One drive. Clones are the same.
#[derive(Clone)]
pub(super) struct Drive {
    state: Rc<RefCell<State>>,
}

pub(super) struct State {
    /// The stores of settings, by name.
    pub(super) stores: BTreeMap<String, Entries>,
    databases: BTreeMap<String, Database>,
    databases_made: u64,
    /// Writes to databases that a power cut may undo, oldest first.
    unsynced: VecDeque<Unsynced>,
    /// The start of the machine that may use it now.
    mounted: Option<OwnerId>,
    pub(super) bytes_max: usize,
    pub(super) read_ms: u64,
    write_ms: u64,
    /// When the last write that was begun will be done.
    busy_until: Time,
    pub(super) is_held: bool,
    is_there: bool,
}

/// The records of one disk.
pub(super) struct Database {
    /// Tells it from one of the same name that was deleted.
    pub(super) id: u64,
    pub(super) records: Records,
}

struct Unsynced {
    at: Time,
    id: u64,
    undo: ByKey,
}

impl Drive {
    pub(super) fn empty() -> Self {
        let state = State {
            stores: BTreeMap::new(),
            databases: BTreeMap::new(),
            databases_made: 0,
            unsynced: VecDeque::new(),
            mounted: None,
            bytes_max: usize::MAX,
            read_ms: READ_MS,
            write_ms: WRITE_MS,
            busy_until: Time::ZERO,
            is_held: false,
            is_there: true,
        };
        Self { state: Rc::new(RefCell::new(state)) }
    }

    pub(super) fn mount(&self, owner: OwnerId) {
        self.state.borrow_mut().mounted = Some(owner);
    }

    pub(super) fn limit(&self, bytes_max: usize) {
        self.state.borrow_mut().bytes_max = bytes_max;
    }

    pub(super) fn slow(&self, read_ms: u64, write_ms: u64) {
        let mut state = self.state.borrow_mut();
        (state.read_ms, state.write_ms) = (read_ms, write_ms);
    }

    pub(super) fn hold(&self, is_held: bool) {
        self.state.borrow_mut().is_held = is_held;
    }

    pub(super) fn delete_databases(&self) {
        self.state.borrow_mut().databases.clear();
    }

    pub(super) fn remove(&self) {
        self.state.borrow_mut().is_there = false;
    }

    /// Undoes some of the last writes, as if power was cut at `now`.
    pub(super) fn lose_unsynced(&self, now: Time, rng: &mut Rng) {
        let mut state = self.state.borrow_mut();
        state.sync_before(now);
        for _ in 0..rng.below(state.unsynced.len() as u64 + 1) {
            let Some(last) = state.unsynced.pop_back() else { return };
            let changed = state.databases.values_mut().find(|database| database.id == last.id);
            if let Some(database) = changed {
                database.records.set(last.undo);
            }
        }
    }

    /// The state, if a machine of this owner may use it.
    pub(super) fn used_by<T>(
        &self,
        owner: OwnerId,
        work: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.state.borrow_mut();
        let because = |reason: &str| Err(Error::Unavailable { reason: reason.to_owned() });
        if state.mounted != Some(owner) {
            return because("the machine crashed");
        }
        if !state.is_there {
            return because("the machine has no disk");
        }
        work(&mut state)
    }

    /// How long a write that begins now takes: writes are done in order.
    pub(super) fn write_ms(&self, world: &World) -> u64 {
        let mut state = self.state.borrow_mut();
        state.busy_until = state.busy_until.max(world.now().plus_ms(state.write_ms));
        state.busy_until.since_ms(world.now())
    }
}

impl State {
    /// The database of that name, made if it is not there.
    pub(super) fn database(&mut self, name: &str) -> &mut Database {
        let made = &mut self.databases_made;
        self.databases.entry(name.to_owned()).or_insert_with(|| {
            *made += 1;
            Database { id: *made, records: Records::default() }
        })
    }

    /// The database of that name if it is still that one.
    pub(super) fn same_database(&mut self, name: &str, id: u64) -> Result<&mut Database, Error> {
        let found = self.databases.get_mut(name).filter(|database| database.id == id);
        found.ok_or_else(|| Error::Gone { reason: "it was deleted".to_owned() })
    }

    /// Remembers how to undo a write.
    pub(super) fn written(&mut self, at: Time, id: u64, undo: ByKey) {
        self.sync_before(at);
        self.unsynced.push_back(Unsynced { at, id, undo });
    }

    fn sync_before(&mut self, now: Time) {
        while self.unsynced.front().is_some_and(|write| now.since_ms(write.at) > UNSYNCED_MS) {
            self.unsynced.pop_front();
        }
    }
}
