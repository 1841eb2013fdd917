//! How a link comes about: proof, question, answer.

use ion_map::Set;

use super::{Effect, LINKS_MAX, Link, Message, Neighbours, State, WORDS, say, wire::VERSION};
use crate::{
    identity::IonId,
    network::{
        budget::Bucket,
        overlay::{Reason, Standing, Why},
        wire::{Opening, Presence, Room, decode, encode},
    },
    platform::Time,
};

impl Neighbours {
    pub(super) fn want(&mut self, now: Time, ion: IonId, why: Why, effects: &mut Vec<Effect>) {
        let may_ask = ion != self.own
            && self.membership.is_some()
            && !self.offences.are_too_many(now, &ion)
            && !self.is_linked(&ion)
            && self.has_place_for(&ion);
        if !may_ask {
            effects.push(Effect::Failed(ion));
            return;
        }
        self.ask(now, ion, why, effects);
    }

    pub(super) fn ask_again(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        if let Some(State::Asking(_, why)) = self.links.get(&ion).map(|link| link.state) {
            self.ask(now, ion, why, effects);
        }
    }

    fn ask(&mut self, now: Time, ion: IonId, why: Why, effects: &mut Vec<Effect>) {
        self.begin(ion, State::Asking(now, why), now);
        self.reach(ion, effects);
        say(ion, &Message::Ask { standing: self.standing, why }, effects);
    }

    /// A link in that state, in a session of its own; what it has opened stays.
    fn begin(&mut self, ion: IonId, state: State, now: Time) {
        self.sessions = self.sessions.wrapping_add(1);
        let ours = self.sessions;
        let link = self.links.entry(ion).or_insert_with(|| Link::new(state, ours, now));
        link.state = state;
        link.ours = ours;
    }

    /// Whoever only knocks gives way.
    fn has_place_for(&mut self, ion: &IonId) -> bool {
        if self.links.len() < LINKS_MAX || self.links.contains_key(ion) {
            return true;
        }
        let knocking = self.links.iter().filter_map(|(ion, link)| match link.state {
            State::Knocking(since) => Some((since, *ion)),
            _ => None,
        });
        let oldest = knocking.min().map(|(_, ion)| ion);
        oldest.is_some_and(|ion| self.forget(&ion).is_some())
    }

    fn reach(&self, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(membership) = &self.membership else { return };
        let proof = membership.prove(&self.own, &ion);
        let session = self.links.get(&ion).map_or(0, |link| link.ours);
        effects.push(Effect::Reach(ion, encode(&Opening { version: VERSION, proof, session })));
    }

    /// The first bytes of a stream: a proof, or the end.
    pub(super) fn opened(
        &mut self,
        now: Time,
        ion: IonId,
        room: Room,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) {
        let session = self.proven_session(&ion, bytes);
        let session = session.filter(|_| !self.offences.are_too_many(now, &ion));
        let Some(session) = session.filter(|_| self.has_place_for(&ion)) else {
            effects.push(Effect::Refuse(ion));
            self.end(ion, super::Ending::Lost, effects);
            return;
        };
        if !self.links.contains_key(&ion) {
            self.begin(ion, State::Knocking(now), now);
        }
        let Some(link) = self.links.get_mut(&ion) else { return };
        link.heard_at = now;
        if link.theirs.is_some_and(|theirs| theirs != session) {
            link.opened.clear();
            link.pending = None;
            if let State::Linked(_) = link.state {
                link.state = State::Knocking(now);
                self.changed = true;
                effects.push(Effect::Renewed(ion));
            }
        }
        link.theirs = Some(session);
        link.opened.insert(room);
    }

    /// The session of an opening whose proof is right.
    fn proven_session(&self, ion: &IonId, bytes: &[u8]) -> Option<u64> {
        let membership = self.membership.as_ref()?;
        let opening: Opening = decode(bytes)?;
        let is_right = opening.version == VERSION
            && *ion != self.own
            && membership.check(ion, &self.own, &opening.proof);
        is_right.then_some(opening.session)
    }

    pub(super) fn accept(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(state) = self.links.get(&ion).map(|link| link.state) else { return };
        if let State::Knocking(_) = state {
            self.reach(ion, effects);
        }
        say(ion, &Message::Accept { standing: self.standing }, effects);
        if !self.is_linked(&ion) {
            let standing = Standing { links: 1, target: 1, max: 1 };
            self.link(now, ion, standing, effects);
        }
    }

    pub(super) fn link(
        &mut self,
        now: Time,
        ion: IonId,
        standing: Standing,
        effects: &mut Vec<Effect>,
    ) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        link.state = State::Linked(now);
        link.heard_at = now;
        link.pending = None;
        self.changed = true;
        effects.push(Effect::Linked(ion, standing));
        self.beat(now, ion, effects);
    }

    /// No place: said on a connection of its own, which ends with it.
    pub(super) fn full(
        &mut self,
        ion: IonId,
        others: Vec<IonId>,
        is_heard: bool,
        effects: &mut Vec<Effect>,
    ) {
        let Some(state) = self.links.get(&ion).map(|link| link.state) else { return };
        if let State::Knocking(_) = state {
            self.reach(ion, effects);
        }
        say(ion, &Message::Full { others, is_heard }, effects);
        effects.push(Effect::Close(ion));
        self.end(ion, super::Ending::Cut, effects);
    }

    pub(super) fn cut(
        &mut self,
        ion: IonId,
        reason: Reason,
        others: Vec<IonId>,
        effects: &mut Vec<Effect>,
    ) {
        if self.links.contains_key(&ion) {
            say(ion, &Message::Cut { reason, others }, effects);
            effects.push(Effect::Close(ion));
            self.end(ion, super::Ending::Cut, effects);
        }
    }
}

impl Link {
    fn new(state: State, ours: u64, now: Time) -> Self {
        Self {
            state,
            opened: Set::new(),
            theirs: None,
            ours,
            heard_at: now,
            presence: Presence::default(),
            round_trip_ms: 0,
            pending: None,
            words: Bucket::new(WORDS, now),
        }
    }
}
