//! Modules that a worker has or is fetching, piece by piece, from whoever
//! offered a job with them. A module counts only when its hash is right.

use std::collections::BTreeMap;

use spark_runtime::wire::ModuleHash;

use super::{ASK_AGAIN_MS, Effect, MODULES_BYTES_MAX};
use crate::{compute::wire::Message, identity::IonId, platform::Time};

#[derive(Debug, Default)]
pub(super) struct Modules {
    known: BTreeMap<ModuleHash, State>,
}

#[derive(Debug)]
enum State {
    Fetching { length: u64, got: Vec<u8>, from: IonId, asked_at: Option<Time> },
    Ready { length: usize },
    Refused,
}

impl Modules {
    pub(super) fn want(&mut self, module: ModuleHash, length: u64, from: IonId) {
        let state = State::Fetching { length, got: Vec::new(), from, asked_at: None };
        let known = self.known.entry(module).or_insert_with(|| State::Refused);
        if let State::Refused = known {
            *known = state;
        }
    }

    pub(super) fn is_ready(&self, module: &ModuleHash) -> bool {
        matches!(self.known.get(module), Some(State::Ready { .. }))
    }

    pub(super) fn is_refused(&self, module: &ModuleHash) -> bool {
        matches!(self.known.get(module), None | Some(State::Refused))
    }

    /// Asks for the next piece, unless an answer is on its way. When the ion
    /// that was asked has gone or is silent, `owner`, who has it too, is asked.
    pub(super) fn fetch(
        &mut self,
        now: Time,
        module: ModuleHash,
        owner: IonId,
        effects: &mut Vec<Effect>,
    ) {
        let Some(State::Fetching { got, from, asked_at, .. }) = self.known.get_mut(&module) else {
            return;
        };
        if asked_at.is_some_and(|at| now.since_ms(at) < ASK_AGAIN_MS) {
            return;
        }
        (*from, *asked_at) = (owner, Some(now));
        let offset = got.len() as u64;
        effects.push(Effect::Send(owner, Message::WantBlock { module, offset }));
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
    ) {
        let Some(State::Fetching { length, got, from, asked_at }) = self.known.get_mut(&module)
        else {
            return;
        };
        if *from != owner || offset != got.len() as u64 {
            return;
        }
        if bytes.is_empty() || got.len() as u64 + bytes.len() as u64 > *length {
            effects.push(Effect::Offence(owner));
            self.known.insert(module, State::Refused);
            return;
        }
        got.extend_from_slice(bytes);
        *asked_at = None;
        if (got.len() as u64) < *length {
            self.fetch(now, module, owner, effects);
            return;
        }
        let binary = std::mem::take(got);
        self.complete(module, owner, binary, effects);
    }

    fn complete(
        &mut self,
        module: ModuleHash,
        owner: IonId,
        binary: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        if *blake3::hash(&binary).as_bytes() != module {
            effects.push(Effect::Offence(owner));
            self.known.insert(module, State::Refused);
            return;
        }
        self.known.insert(module, State::Ready { length: binary.len() });
        effects.push(Effect::Keep(module, binary.into()));
    }

    /// Nobody needs it now: a fetch is given up, a complete one stays while
    /// there is room.
    pub(super) fn unused(&mut self, module: ModuleHash) {
        if !self.is_ready(&module) {
            self.known.remove(&module);
        }
    }

    /// Lets go of modules without a job while all together take too much room.
    pub(super) fn shrink(
        &mut self,
        wanted: &dyn Fn(&ModuleHash) -> bool,
        effects: &mut Vec<Effect>,
    ) {
        let mut bytes: usize = self.known.values().map(State::bytes).sum();
        let idle: Vec<ModuleHash> =
            self.known.keys().filter(|module| !wanted(module)).copied().collect();
        for module in idle {
            if bytes <= MODULES_BYTES_MAX {
                return;
            }
            bytes -= self.known.remove(&module).map_or(0, |state| state.bytes());
            effects.push(Effect::Drop(module));
        }
    }
}

impl State {
    fn bytes(&self) -> usize {
        match self {
            Self::Fetching { got, .. } => got.len(),
            Self::Ready { length } => *length,
            Self::Refused => 0,
        }
    }
}
