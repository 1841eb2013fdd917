//! A word that goes to an ion and comes back, to see the way there.

use ion_map::Map;
use serde::{Deserialize, Serialize};

use super::super::wire::{decode, encode};
use crate::{identity::IonId, platform::Time};

/// Echoes that are waited for; the oldest is given up first.
pub const ECHOES_MAX: usize = 64;
/// How long an echo may take, in milliseconds.
pub const ECHO_MS_MAX: u64 = 30_000;

/// What travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// Say it back.
    Call(u64),
    /// The answer, and how many links the call crossed.
    Back(u64, u16),
}

impl Word {
    pub(super) fn encode(self) -> Vec<u8> {
        encode(&self)
    }

    /// A word from bytes; `None` when they are none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        decode(bytes)
    }
}

/// Whom a word was sent to.
#[derive(Debug)]
struct Waiting {
    request: u64,
    ion: IonId,
    sent_at: Time,
}

/// Words that are awaited.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    next: u64,
    waiting: Map<u64, Waiting>,
}

impl Echoes {
    /// A call to be sent, and the request that it pushes out, if any.
    pub(super) fn call(&mut self, now: Time, request: u64, ion: IonId) -> (Word, Option<u64>) {
        let oldest = (self.waiting.len() >= ECHOES_MAX).then(|| self.waiting.pop_first()).flatten();
        self.next += 1;
        self.waiting.insert(self.next, Waiting { request, ion, sent_at: now });
        (Word::Call(self.next), oldest.map(|(_, one)| one.request))
    }

    /// An answer came: the request, and how long it took in milliseconds.
    pub(super) fn back(&mut self, now: Time, from: &IonId, number: u64) -> Option<(u64, u64)> {
        let waiting = self.waiting.get(&number).filter(|one| one.ion == *from)?;
        let found = (waiting.request, now.since_ms(waiting.sent_at));
        self.waiting.remove(&number);
        Some(found)
    }

    /// The requests that nothing comes of: those to that ion.
    pub(super) fn unreachable(&mut self, ion: &IonId) -> Vec<u64> {
        self.give_up(|one| one.ion == *ion)
    }

    /// The requests that took too long.
    pub(super) fn late(&mut self, now: Time) -> Vec<u64> {
        self.give_up(|one| now.since_ms(one.sent_at) > ECHO_MS_MAX)
    }

    fn give_up(&mut self, is_lost: impl Fn(&Waiting) -> bool) -> Vec<u64> {
        let lost: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, one)| is_lost(one))
            .map(|(number, _)| *number)
            .collect();
        lost.iter()
            .filter_map(|number| self.waiting.remove(number))
            .map(|one| one.request)
            .collect()
    }
}
