//! What this ion and others say to each other about the shared memory.

use serde_bytes::ByteBuf;

use super::{Effect, Kv};
use crate::{
    identity::IonId,
    platform::Time,
    store::kv::{
        entry::{Entry, Verifier},
        reconcile::{GIVEN_MAX, Message},
        table::Span,
        wire::Frame,
    },
};

impl Kv {
    /// Asks neighbours whose turn it is whether they hold the same.
    pub(super) fn ask_neighbours(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let due = self.peers.due(now);
        if due.is_empty() {
            return;
        }
        let sum = self.sum();
        let question = self.frame(&Message::first(self.replica.table()));
        for ion in due {
            self.peers.asked(now, &ion, sum, self.number);
            effects.push(Effect::Say(ion, question.clone()));
        }
    }

    fn frame(&self, message: &Message) -> Vec<u8> {
        Frame::compare(message, self.clock_ms, self.touch_ms.unwrap_or_default())
    }

    fn sum(&self) -> [u8; 16] {
        self.replica.table().sum(Span::ALL).short()
    }

    pub(super) fn heard(&mut self, now: Time, ion: IonId, bytes: &[u8], effects: &mut Vec<Effect>) {
        if !self.is_open {
            return;
        }
        let is_good = match Frame::decode(bytes) {
            Some(Frame::Compare(bytes, clock_ms, touch_ms)) => {
                self.peers.clock(&ion, self.clock_ms, clock_ms);
                let is_fresher = self.is_fresher(clock_ms, touch_ms);
                self.compare(ion, &bytes, is_fresher, effects)
            }
            Some(Frame::Give(entries)) => self.given(now, &entries),
            Some(Frame::Same(sum)) => {
                self.peers.holds(now, &ion, *sum, self.number);
                self.spread();
                if *sum == self.sum() {
                    self.is_level(ion, effects);
                }
                true
            }
            None => false,
        };
        effects.extend((!is_good).then_some(Effect::Offence(ion)));
    }

    fn compare(
        &mut self,
        ion: IonId,
        bytes: &[u8],
        is_fresher: bool,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Ok(message) = Message::decode(bytes) else { return false };
        let Ok(answer) = message.answer(self.replica.table()) else { return false };
        let is_same = answer.message.is_none() && answer.given.is_empty() && message.is_first();
        if is_same {
            let sum = self.sum();
            effects.push(Effect::Say(ion, Frame::same(sum)));
            self.peers.level(&ion, self.number);
            self.spread();
            self.is_level(ion, effects);
            return true;
        }
        if is_fresher && self.old.is_none() {
            self.begin_anew(ion);
            let question = self.frame(&Message::first(self.replica.table()));
            effects.push(Effect::Say(ion, question));
            return true;
        }
        let given = Frame::give(answer.given);
        effects.extend(given.into_iter().map(|frame| Effect::Say(ion, frame)));
        let answer = answer.message.map(|message| self.frame(&message));
        effects.extend(answer.map(|frame| Effect::Say(ion, frame)));
        self.is_heard();
        true
    }

    /// Takes what a neighbour gives, up to the first that is not good.
    fn given(&mut self, now: Time, entries: &[ByteBuf]) -> bool {
        let keys = self.keys.clone();
        let mut verifier = Verifier::new(&*keys);
        let good: Vec<Entry> =
            entries.iter().map_while(|entry| verifier.decode(entry).ok()).collect();
        let is_good = good.len() == entries.len() && entries.len() <= GIVEN_MAX;
        self.absorb(now, good);
        is_good
    }

    /// What was to be told to all was not, as too much is told: neighbours are given
    /// it, so that they need not wait, and the others find it by comparing.
    pub(super) fn give_untold(&mut self, effects: &mut Vec<Effect>) {
        let frames = Frame::give(&std::mem::take(&mut self.told));
        for ion in self.peers.ions() {
            effects.extend(frames.iter().map(|frame| Effect::Say(*ion, frame.clone())));
        }
    }

    /// Takes what an ion told all. What is not good is that ion's fault, not that of
    /// those who passed it on.
    pub(super) fn told(&mut self, now: Time, ion: IonId, bytes: &[u8], effects: &mut Vec<Effect>) {
        match Entry::decode_group(&*self.keys, bytes) {
            Ok(entries) => self.absorb(now, entries),
            Err(_) => effects.push(Effect::Offence(ion)),
        }
    }
}
