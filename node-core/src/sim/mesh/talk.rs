//! What ions of the mesh ask and tell each other over its links, by the very
//! [`Routing`] of tabs, and what has to come of it.
//!
//! A *question* goes to everybody within some layers; a *word* goes to one ion and
//! comes back. Every request of an ion that stays ends once and in time; nobody is
//! asked, or answers, twice. A word between ions that live and have a way to each
//! other comes back or is refused within [`WORD_MS_MAX`]; it is said again
//! every [`AGAIN_MS`], for who goes takes along what it was to pass on.
//!
//! Who is there is known from the world's survey, as the directory would know it.
//! No broadcast hints at ways, so every way is searched for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Happening, MeshWorld, Message};
use crate::{
    identity::{IonId, SimKeys},
    network::{
        mesh::echo::{AGAIN_MS, ECHO_MS_MAX as WORD_MS_MAX},
        routing::{Effect, Input, Line, Routing, ask_ms_max},
    },
    platform::Time,
};

/// Of two ticks of an ion, the one in which something ends may be the second.
const TICKS_MS: u64 = 2_000;
/// What a frame takes beside the way, in milliseconds: at least what any other
/// message takes, so that none overtakes the link that it goes over.
const FRAME_MS: u64 = 5;

/// What became of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Questions that ended.
    pub questions: u64,
    /// Answers to them.
    pub answers: u64,
    /// Words that came back.
    pub words: u64,
    /// Words that were refused.
    pub refused: u64,
    /// Of those the ones between ions which lived, and had a way to each other, when
    /// the word was said and when it was refused.
    pub refused_connected: u64,
}

/// One ion's part of it.
pub(super) struct Talker {
    routing: Routing,
    linked: Vec<IonId>,
}

impl Talker {
    pub(super) fn new(id: IonId) -> Self {
        Self { routing: Routing::new(Arc::new(SimKeys::of(id)), 1), linked: Vec::new() }
    }

    /// What changed since this was last asked.
    fn changes(&mut self, links: &[IonId]) -> Vec<Input> {
        if self.linked == links {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.linked, links.to_vec());
        let gone = before.iter().filter(|ion| !links.contains(ion));
        let new = links.iter().filter(|ion| !before.contains(ion));
        let gone = gone.map(|ion| Input::NeighbourDown(*ion));
        gone.chain(new.map(|ion| Input::NeighbourUp(*ion))).collect()
    }
}

struct Question {
    until_ms: u64,
    answered: BTreeSet<IonId>,
}

struct Word {
    to: usize,
    said_ms: u64,
    again_ms: u64,
    /// Whether there was a way.
    is_connected: bool,
}

/// Everything that was asked, by asker and number.
#[derive(Default)]
pub(super) struct Requests {
    next: u64,
    questions: BTreeMap<(usize, u64), Question>,
    words: BTreeMap<(usize, u64), Word>,
    /// Who was asked what by whom.
    asked: BTreeSet<(usize, IonId, u64)>,
    pub(super) tally: Tally,
}

impl Requests {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// What it asked counts no more.
    pub(super) fn left(&mut self, ion: usize) {
        self.questions.retain(|(asker, _), _| *asker != ion);
        self.words.retain(|(caller, _), _| *caller != ion);
    }

    /// A request that has not ended in time.
    pub(super) fn late(&self, now_ms: u64) -> Option<String> {
        let is_late = |one: &&(usize, u64)| self.questions[one].until_ms < now_ms;
        let question = self.questions.keys().find(is_late);
        let is_silent = |one: &Word| one.said_ms + WORD_MS_MAX + TICKS_MS < now_ms;
        let word = self.words.iter().find(|(_, one)| is_silent(one)).map(|(key, _)| key);
        let late = question.or(word);
        late.map(|(ion, number)| format!("request {number} of ion {ion} has not ended"))
    }
}

impl MeshWorld {
    /// One ion asks everybody within some layers.
    pub fn ask(&mut self, ion: usize, echo: u8) {
        let number = self.requests.number();
        let until_ms = self.now_ms + ask_ms_max(echo) + TICKS_MS;
        let question = Question { until_ms, answered: BTreeSet::new() };
        self.requests.questions.insert((ion, number), question);
        self.route(ion, Input::Ask { request: number, echo, body: b"who?".to_vec() });
    }

    /// One ion says a word to another, which is to come back.
    pub fn call(&mut self, ion: usize, to: usize) {
        let number = self.requests.number();
        let is_connected = self.graph().connects(ion, to);
        let (said_ms, again_ms) = (self.now_ms, self.now_ms + AGAIN_MS);
        let word = Word { to, said_ms, again_ms, is_connected };
        self.requests.words.insert((ion, number), word);
        self.say(ion, to, number, false);
    }

    /// What became of requests so far.
    pub const fn tally(&self) -> Tally {
        self.requests.tally
    }

    fn say(&mut self, ion: usize, to: usize, number: u64, is_back: bool) {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.push(u8::from(is_back));
        let (is_there, to) = (self.hears(ion, to), self.peers[to].id);
        self.route(ion, Input::Send { to, line: Line::Echo, bytes, is_there });
    }

    /// Time passes for what an ion asked.
    pub(super) fn talk_on(&mut self, ion: usize) {
        self.route(ion, Input::Tick);
        let now_ms = self.now_ms;
        let own = self.requests.words.range_mut((ion, 0)..(ion + 1, 0));
        let due = own.filter(|(_, word)| word.again_ms <= now_ms);
        let due = due.map(|((_, number), word)| {
            word.again_ms = now_ms + AGAIN_MS;
            (*number, word.to, word.said_ms)
        });
        for (number, to, said_ms) in due.collect::<Vec<_>>() {
            if now_ms < said_ms + WORD_MS_MAX {
                self.say(ion, to, number, false);
            } else {
                self.give_up(ion, number);
            }
        }
    }

    /// Nothing was heard of a word: that may be where there was no way.
    fn give_up(&mut self, ion: usize, number: u64) {
        let Some(word) = self.requests.words.remove(&(ion, number)) else { return };
        if word.is_connected && self.graph().connects(ion, word.to) {
            let to = word.to;
            self.failure = Some(format!("nothing was heard of a word of ion {ion} to {to}"));
        } else {
            self.requests.tally.refused += 1;
        }
    }

    /// Tells an ion's routing which links stand.
    pub(super) fn follow_links(&mut self, ion: usize) {
        let peer = &mut self.peers[ion];
        for input in peer.talker.changes(peer.overlay.links().keys().as_slice()) {
            self.route(ion, input);
        }
    }

    fn route(&mut self, ion: usize, input: Input) {
        let mut effects = Vec::new();
        let now = Time::from_ms(self.now_ms);
        self.peers[ion].talker.routing.handle(now, input, &mut effects);
        for effect in effects {
            self.routed(ion, effect);
        }
    }

    fn routed(&mut self, ion: usize, effect: Effect) {
        match effect {
            Effect::Send(to, bytes) => self.send_frame(ion, to, bytes),
            Effect::Deliver { from, bytes, .. } => self.told(ion, from, &bytes),
            Effect::Unreachable { to, .. } => self.refused(ion, to),
            Effect::Asked { asker, request, .. } => {
                if !self.requests.asked.insert((ion, asker, request)) {
                    self.failure = Some(format!("ion {ion} is asked twice"));
                }
                self.route(ion, Input::Reply { asker, request, body: Some(Vec::new()) });
            }
            Effect::Answered { request, from, .. } => {
                let question = self.requests.questions.get_mut(&(ion, request));
                if !question.is_some_and(|one| one.answered.insert(from)) {
                    self.failure = Some(format!("{from:?} answers ion {ion} twice, or too late"));
                }
            }
            Effect::Ended { request, answers, .. } => self.ended(ion, request, answers),
            Effect::Offence(other) => {
                self.failure = Some(format!("ion {ion} blames the honest {other:?}"));
            }
        }
    }

    fn ended(&mut self, ion: usize, request: u64, answers: usize) {
        let Some(question) = self.requests.questions.remove(&(ion, request)) else {
            self.failure = Some(format!("a question of ion {ion} ends twice"));
            return;
        };
        if question.answered.len() != answers || self.now_ms > question.until_ms {
            self.failure = Some(format!("a question of ion {ion} ends late, or miscounted"));
        }
        self.requests.tally.questions += 1;
        self.requests.tally.answers += answers as u64;
    }

    fn told(&mut self, ion: usize, from: IonId, bytes: &[u8]) {
        let Some((number, rest)) = bytes.split_first_chunk() else { return };
        let number = u64::from_le_bytes(*number);
        if rest == [0] {
            let from = self.by_id[&from];
            self.say(ion, from, number, true);
        } else if self.requests.words.remove(&(ion, number)).is_some() {
            self.requests.tally.words += 1;
        }
    }

    /// What was said to that ion does not get there.
    fn refused(&mut self, ion: usize, to: IonId) {
        let to = self.by_id[&to];
        let own = self.requests.words.range((ion, 0)..(ion + 1, 0));
        let refused = own.filter(|(_, word)| word.to == to).map(|(key, _)| *key);
        for key in refused.collect::<Vec<_>>() {
            let word = self.requests.words.remove(&key);
            let was_connected = word.is_some_and(|word| word.is_connected);
            let is_connected = was_connected && self.graph().connects(ion, to);
            self.requests.tally.refused += 1;
            self.requests.tally.refused_connected += u64::from(is_connected);
        }
    }

    /// Frames on a link are not lost one by one: they arrive in order, or the link
    /// is at its end.
    fn send_frame(&mut self, from: usize, to: IonId, bytes: Vec<u8>) {
        let to = self.by_id[&to];
        if self.peers[to].is_alive && self.peers[from].side == self.peers[to].side {
            let (delay_ms, life) = (self.latency_ms(from, to) + FRAME_MS, self.peers[to].life);
            let message = Message::Frame(bytes);
            self.plan(delay_ms, Happening::Deliver { from, to, life, message });
        }
    }

    /// A frame on a link that only its sender still holds tells it so.
    pub(super) fn frame(&mut self, from: usize, to: usize, bytes: Vec<u8>) {
        let sender = self.peers[from].id;
        if self.peers[to].overlay.links().contains_key(&sender) {
            self.route(to, Input::Heard(sender, bytes));
        } else if self.peers[from].is_alive {
            let (delay_ms, life) = (self.latency_ms(from, to), self.peers[from].life);
            let message = Message::NoLink;
            self.plan(delay_ms, Happening::Deliver { from: to, to: from, life, message });
        }
    }
}
