//! A word that goes to an ion and comes back, to see the way there.

use ion_map::Map;
use serde::{Deserialize, Serialize};

use super::super::wire::{decode, encode};
use crate::{identity::IonId, platform::Time};

/// Echoes that are waited for; the oldest is given up first.
pub const ECHOES_MAX: usize = 64;
/// How long an echo may take, in milliseconds.
pub const ECHO_MS_MAX: u64 = 30_000;
/// Between two times that a word is sent, in milliseconds: messages that ions on
/// the way take with them when they go are lost without a sign.
pub const AGAIN_MS: u64 = 3_000;
/// How often a word is sent.
pub const CALLS_MAX: u32 = 6;
const _: () = assert!(AGAIN_MS * CALLS_MAX as u64 <= ECHO_MS_MAX, "the last may come back");

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
    calls: u32,
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
        self.waiting.insert(self.next, Waiting { request, ion, sent_at: now, calls: 1 });
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

    /// The words to be sent again.
    pub(super) fn again(&mut self, now: Time) -> Vec<(Word, IonId)> {
        let is_due = |one: &Waiting| {
            one.calls < CALLS_MAX && now.since_ms(one.sent_at) >= AGAIN_MS * u64::from(one.calls)
        };
        let due = self.waiting.iter_mut().filter(|(_, one)| is_due(one));
        let again = due.map(|(number, one)| {
            one.calls += 1;
            (Word::Call(*number), one.ion)
        });
        again.collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_does_not_come_back_is_sent_again_until_it_does() {
        let mut echoes = Echoes::default();
        let ion = IonId::from_bytes([1; 32]);
        let (word, _) = echoes.call(Time::ZERO, 5, ion);
        assert_eq!(echoes.again(Time::from_ms(AGAIN_MS - 1)), []);
        assert_eq!(echoes.again(Time::from_ms(AGAIN_MS)), [(word, ion)]);
        assert_eq!(echoes.again(Time::from_ms(AGAIN_MS)), []);
        let later = (2..100).flat_map(|turn| echoes.again(Time::from_ms(turn * AGAIN_MS)));
        assert_eq!(later.count(), CALLS_MAX as usize - 2);
        let Word::Call(number) = word else { panic!("it is a call") };
        assert_eq!(echoes.back(Time::from_ms(7), &ion, number), Some((5, 7)));
        assert_eq!(echoes.back(Time::from_ms(8), &ion, number), None);
    }
}
