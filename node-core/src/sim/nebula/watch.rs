//! What was asked, said and sent in a nebula, and what became of it.
//!
//! Every request ends once: a question within [`ask_ms_max`], an echo within
//! [`ECHO_MS_MAX`], a tick of the ion aside; nobody answers a question twice,
//! and nobody is told the same words twice. What an ion that left had asked
//! counts no more.

use std::collections::{BTreeMap, BTreeSet};

use super::{super::turns::Turns, HALL, NebulaWorld, TICK_MS};
use crate::{
    identity::IonId,
    network::{
        mesh::{Input, TO_ALL, echo::ECHO_MS_MAX},
        rooms,
        routing::ask_ms_max,
        wire::Room,
    },
};

/// Of two ticks, the one in which something ends may be the second.
const TICKS_MS: u64 = 2 * TICK_MS;
/// Within what time an answer or a refusal counts as such, in milliseconds: a
/// word that is lost in silence ends later, at [`ECHO_MS_MAX`].
const SILENCE_MS: u64 = ECHO_MS_MAX - TICKS_MS;

/// What was sent, of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Frames.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Sent {
    fn add(&mut self, bytes: &[u8]) {
        self.frames += 1;
        self.bytes += bytes.len() as u64;
    }
}

/// What became of requests that had an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Questions to everybody within some layers.
    pub questions: u64,
    /// Answers to them.
    pub answers: u64,
    /// Words that came back.
    pub echoes: u64,
    /// Words of which it was said that they do not.
    pub refused: u64,
    /// Words of which nothing was heard.
    pub silent: u64,
    /// Of the refused and the silent those between ions which lived, and had a
    /// way to each other, when the word was sent and when it was given up.
    pub broken: u64,
}

/// A word that is awaited.
#[derive(Clone, Copy, Debug)]
struct Call {
    to: usize,
    said_ms: u64,
    /// Whether there was a way.
    is_connected: bool,
}

#[derive(Debug)]
struct Question {
    until_ms: u64,
    answered: BTreeSet<IonId>,
}

#[derive(Debug)]
struct Words {
    speaker: IonId,
    said_ms: u64,
    heard: BTreeSet<usize>,
}

/// The records.
#[derive(Debug, Default)]
pub struct Watch {
    next: u64,
    questions: BTreeMap<(usize, u64), Question>,
    echoes: BTreeMap<(usize, u64), Call>,
    words: Vec<Words>,
    /// What became of requests.
    pub tally: Tally,
    /// What links themselves cost: beats and their answers.
    pub of_links: Sent,
    /// What goes to everybody: presence, rooms, and their announcements.
    pub to_all: Sent,
    /// What goes to one ion over others, and what seeks it.
    pub to_one: Sent,
    /// Connections that were made by offers which others carried.
    pub met: u64,
    /// Streams that were refused.
    pub refusals: u64,
}

impl NebulaWorld {
    /// One ion asks everybody within some layers who is there.
    pub fn ask(&mut self, ion: usize, echo: u8) {
        let request = self.watch.name();
        let until_ms = self.now_ms() + ask_ms_max(echo) + TICKS_MS;
        let question = Question { until_ms, answered: BTreeSet::new() };
        self.watch.questions.insert((ion, request), question);
        self.tell(ion, Input::Ask { request, echo });
    }

    /// One ion sends a word to another that comes back.
    pub fn call(&mut self, ion: usize, other: usize) {
        let request = self.watch.name();
        let is_connected = self.graph().connects(ion, other);
        let call = Call { to: other, said_ms: self.now_ms(), is_connected };
        self.watch.echoes.insert((ion, request), call);
        let ion_called = self.id(other);
        self.tell(ion, Input::Echo { request, ion: ion_called });
    }

    /// A word came back, or none does.
    pub(super) fn echoed(&mut self, ion: usize, request: u64, is_back: bool) -> Result<(), String> {
        let call = self.watch.echoes.remove(&(ion, request));
        let call = call.ok_or_else(|| format!("a word of ion {ion} ends twice"))?;
        let is_broken = !is_back && call.is_connected && self.graph().connects(ion, call.to);
        let tally = &mut self.watch.tally;
        tally.broken += u64::from(is_broken);
        match is_back {
            true => tally.echoes += 1,
            false if self.now_ms - call.said_ms < SILENCE_MS => tally.refused += 1,
            false => tally.silent += 1,
        }
        Ok(())
    }

    /// One ion says something to all others; gives its number.
    pub fn say(&mut self, ion: usize) -> usize {
        let number = self.watch.words.len();
        let (speaker, said_ms) = (self.id(ion), self.now_ms());
        self.watch.words.push(Words { speaker, said_ms, heard: BTreeSet::new() });
        let bytes = [number.to_le_bytes().as_slice(), &[7; 192]].concat();
        self.tell(ion, Input::Rooms(rooms::Input::Publish { room: HALL.to_owned(), bytes }));
        number
    }

    /// Living ions that were linked when the words were said and did not hear
    /// them.
    pub fn missed(&self, number: usize) -> usize {
        let Some(words) = self.watch.words.get(number) else { return 0 };
        let was_there = |ion: &&usize| {
            self.ions[**ion].joined_ms < words.said_ms && self.ions[**ion].id != words.speaker
        };
        let there = self.living().iter().filter(was_there);
        there.filter(|ion| !words.heard.contains(ion)).count()
    }
}

impl Watch {
    fn name(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn sent(&mut self, room: Room, bytes: &[u8]) {
        match room {
            Room::Mesh if bytes.first() == Some(&TO_ALL) => self.to_all.add(bytes),
            Room::Mesh => self.to_one.add(bytes),
            Room::Link | Room::Compute | Room::Kv | Room::Store => self.of_links.add(bytes),
        }
    }

    /// What it asked counts no more.
    pub(super) fn left(&mut self, ion: usize) {
        self.questions.retain(|(asker, _), _| *asker != ion);
        self.echoes.retain(|(asker, _), _| *asker != ion);
    }

    pub(super) fn answered(&mut self, ion: usize, request: u64, from: IonId) -> Result<(), String> {
        let question = self.questions.get_mut(&(ion, request));
        let question = question.ok_or_else(|| format!("ion {ion} hears answers after the end"))?;
        if !question.answered.insert(from) {
            return Err(format!("{from:?} answers ion {ion} twice"));
        }
        Ok(())
    }

    pub(super) fn ended(
        &mut self,
        now_ms: u64,
        ion: usize,
        request: u64,
        answers: usize,
    ) -> Result<(), String> {
        let question = self.questions.remove(&(ion, request));
        let question = question.ok_or_else(|| format!("a question of ion {ion} ends twice"))?;
        if now_ms > question.until_ms {
            return Err(format!("a question of ion {ion} ends late"));
        }
        if answers != question.answered.len() {
            return Err(format!("ion {ion} heard {} of {answers}", question.answered.len()));
        }
        self.tally.questions += 1;
        self.tally.answers += answers as u64;
        Ok(())
    }

    pub(super) fn told(&mut self, ion: usize, author: IonId, payload: &[u8]) -> Result<(), String> {
        let number = payload.first_chunk().map(|bytes| usize::from_le_bytes(*bytes));
        let words = number.and_then(|number| self.words.get_mut(number));
        let words = words.ok_or_else(|| format!("ion {ion} is told what nobody said"))?;
        if words.speaker != author || !words.heard.insert(ion) {
            return Err(format!("ion {ion} is told twice, or by the wrong author"));
        }
        Ok(())
    }

    /// Whether a request has not ended in time, and which.
    pub(super) fn late(&self, now_ms: u64) -> Option<String> {
        let question = self.questions.iter().find(|(_, question)| question.until_ms < now_ms);
        let is_late = |call: &Call| call.said_ms + ECHO_MS_MAX + TICKS_MS < now_ms;
        let echo = self.echoes.iter().find(|(_, call)| is_late(call)).map(|(key, _)| *key);
        let late = question.map(|(key, _)| *key).or(echo);
        late.map(|(ion, request)| format!("request {request} of ion {ion} has not ended"))
    }
}
