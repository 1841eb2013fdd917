//! Modules that a worker has or is fetching, piece by piece. A module counts
//! only when its hash is right.
//!
//! All pieces of one fetch come from one ion, at the length that this ion
//! declared: when another is asked instead, the fetch begins anew. So whoever
//! sends a wrong module is known, and nobody is blamed for another's words.

use ion_map::Map;
use spark_runtime::wire::ModuleHash;

use super::{ASK_AGAIN_MS, Effect, MODULES_BYTES_MAX};
use crate::{compute::wire::Message, identity::IonId, platform::Time};

#[derive(Debug, Default)]
pub(super) struct Modules {
    known: Map<ModuleHash, State>,
}

#[derive(Debug)]
enum State {
    Fetching { length: u64, got: Vec<u8>, from: IonId, asked_at: Time },
    Ready { length: usize },
}

/// A piece that shows that its sender has not what it offered.
#[derive(Debug)]
pub(super) struct Wrong;

impl Modules {
    pub(super) fn is_ready(&self, module: &ModuleHash) -> bool {
        matches!(self.known.get(module), Some(State::Ready { .. }))
    }

    /// Asks an owner for the module, unless it is here or on its way, or there
    /// is no room for it now.
    pub(super) fn fetch(
        &mut self,
        now: Time,
        module: ModuleHash,
        length: u64,
        owner: IonId,
        effects: &mut Vec<Effect>,
    ) {
        match self.known.get(&module) {
            Some(State::Ready { .. }) => return,
            Some(State::Fetching { asked_at, .. }) if now.since_ms(*asked_at) < ASK_AGAIN_MS => {
                return;
            }
            Some(State::Fetching { from, got, .. }) if *from == owner => {
                let offset = got.len() as u64;
                self.ask(now, module, owner, offset, effects);
                return;
            }
            Some(State::Fetching { .. }) | None => {}
        }
        let others = self.known.iter().filter(|(other, _)| **other != module);
        let bytes: u64 = others.map(|(_, state)| state.bytes()).sum();
        if bytes.saturating_add(length) > MODULES_BYTES_MAX as u64 {
            return;
        }
        let state = State::Fetching { length, got: Vec::new(), from: owner, asked_at: now };
        self.known.insert(module, state);
        self.ask(now, module, owner, 0, effects);
    }

    fn ask(
        &mut self,
        now: Time,
        module: ModuleHash,
        owner: IonId,
        offset: u64,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(State::Fetching { asked_at, .. }) = self.known.get_mut(&module) {
            *asked_at = now;
            effects.push(Effect::Send(owner, Message::WantBlock { module, offset }));
        }
    }

    /// A piece came.
    pub(super) fn block(
        &mut self,
        now: Time,
        owner: IonId,
        module: ModuleHash,
        offset: u64,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) -> Result<(), Wrong> {
        let Some(State::Fetching { length, got, from, .. }) = self.known.get_mut(&module) else {
            return Ok(());
        };
        if *from != owner || offset != got.len() as u64 {
            return Ok(());
        }
        if bytes.is_empty() || got.len() as u64 + bytes.len() as u64 > *length {
            self.known.remove(&module);
            return Err(Wrong);
        }
        got.extend_from_slice(bytes);
        let offset = got.len() as u64;
        if offset < *length {
            self.ask(now, module, owner, offset, effects);
            return Ok(());
        }
        let binary = std::mem::take(got);
        if *blake3::hash(&binary).as_bytes() != module {
            self.known.remove(&module);
            return Err(Wrong);
        }
        self.known.insert(module, State::Ready { length: binary.len() });
        effects.push(Effect::Keep(module, binary.into()));
        Ok(())
    }

    /// Nobody needs it now: a fetch is given up, a complete one stays while
    /// there is room.
    pub(super) fn unused(&mut self, module: ModuleHash) {
        if !self.is_ready(&module) {
            self.known.remove(&module);
        }
    }

    /// Lets go of modules without a job while all together take more than half
    /// of the room.
    pub(super) fn shrink(
        &mut self,
        wanted: &dyn Fn(&ModuleHash) -> bool,
        effects: &mut Vec<Effect>,
    ) {
        let mut bytes: u64 = self.known.values().map(State::bytes).sum();
        let idle: Vec<ModuleHash> =
            self.known.keys().filter(|module| !wanted(module)).copied().collect();
        for module in idle {
            if bytes <= MODULES_BYTES_MAX as u64 / 2 {
                return;
            }
            bytes -= self.known.remove(&module).map_or(0, |state| state.bytes());
            effects.push(Effect::Drop(module));
        }
    }
}

impl State {
    /// What it takes, or will take.
    fn bytes(&self) -> u64 {
        match self {
            Self::Fetching { length, .. } => *length,
            Self::Ready { length } => *length as u64,
        }
    }
}
