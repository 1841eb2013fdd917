//! Links to other ions: whom to reach for, whom to let in, who is still there.
//!
//! Every stream opens with a proof of membership of the same nebula, made for
//! this ion in particular; nothing is taken from, or said to, anybody before.
//! An ion is *linked* when both sides have proved themselves. An opening of
//! another session means that the other side began anew: it is answered within
//! the own session, never by a new one, so that two that begin anew at the same
//! time do not chase each other. A linked ion
//! says so every [`BEAT_MS`] and is gone when nothing was heard of it for
//! [`SILENCE_MS`], or as soon as its connection ends. What is malformed costs
//! its sender: [`OFFENCES_MAX`] offences and it is shut out for [`BAN_MS`].
//!
//! Bounds: [`LINKS_MAX`] links, [`BANS_MAX`] remembered offenders.

use std::collections::{BTreeMap, BTreeSet};

use super::wire::{LinkMessage, Opening, Presence, Room, VERSION, decode, encode};
use crate::{
    identity::{IonId, Membership, name::clean_name},
    platform::Time,
};

/// Ions that one ion is linked to, or reaches for, at once.
pub const LINKS_MAX: usize = 128;
/// Offenders that are remembered; the oldest are forgotten first.
pub const BANS_MAX: usize = 1_024;
/// Between two beats, in milliseconds.
pub const BEAT_MS: u64 = 1_000;
/// After how long a silent ion is gone, in milliseconds.
pub const SILENCE_MS: u64 = 10_000;
/// How long reaching and greeting may take, in milliseconds.
pub const GREETING_MS: u64 = 20_000;
/// How long an ion that could not be reached is left alone at first, in
/// milliseconds; doubles with every failure.
pub const RETRY_MS: u64 = 1_000;
/// The longest that it is left alone, in milliseconds.
pub const RETRY_MS_MAX: u64 = 30_000;
/// Failures in a row after which an ion is forgotten until it is found again.
pub const FAILURES_MAX: u32 = 8;
/// Offences that are forgiven.
pub const OFFENCES_MAX: u32 = 3;
/// How long an offender is shut out, in milliseconds.
pub const BAN_MS: u64 = 600_000;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// These ions were found, at a relay or otherwise.
    Found(Vec<IonId>),
    /// A stream came in; these are its first bytes.
    Opened(IonId, Room, Vec<u8>),
    /// A frame came in.
    Frame(IonId, Room, Vec<u8>),
    /// An ion could not be reached, or it refused.
    Failed(IonId),
    /// The connection to an ion ended.
    Closed(IonId),
    /// Say something to a linked ion.
    Say(IonId, Room, Vec<u8>),
    /// An ion broke the rules of a room.
    Offence(IonId),
    /// What this ion says of itself from now on.
    Presence(Presence),
    /// Leave everybody; from now on another membership counts.
    Move(Membership),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Be ready to send to an ion, reaching for it where needed; every stream
    /// to it opens with these bytes.
    Reach(IonId, Vec<u8>),
    /// Send a frame in a room.
    Send(IonId, Room, Vec<u8>),
    /// Tell whoever sent a wrong proof, on its own stream, and close.
    Refuse(IonId),
    /// End the connection and drop what is on its way.
    Close(IonId),
    /// The link stands, both ways.
    Linked(IonId),
    /// The link is gone.
    Lost(IonId),
    /// A frame for a room above.
    Heard(IonId, Room, Vec<u8>),
}

/// The machine.
pub struct Links {
    own: IonId,
    /// `None` until the ion belongs somewhere: then nobody can prove anything.
    membership: Option<Membership>,
    presence: Presence,
    links: BTreeMap<IonId, Link>,
    offences: BTreeMap<IonId, Offences>,
    beat_at: Time,
    beats: u64,
    /// Names the next session; begins anywhere.
    sessions: u64,
    changed: bool,
}

/// One other ion, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Who.
    pub ion: IonId,
    /// What it says of itself; its name is clean.
    pub presence: Presence,
    /// The smoothed round-trip time in milliseconds; 0 while unknown.
    pub round_trip_ms: u32,
    /// Since when it is linked.
    pub since: Time,
}

#[derive(Debug)]
struct Link {
    state: State,
    /// Rooms that it opened, with a proof that was right.
    opened: BTreeSet<Room>,
    /// The session that it opened them in.
    theirs: Option<u64>,
    /// The session that this ion sends in.
    ours: u64,
    heard_at: Time,
    failures: u32,
    presence: Presence,
    round_trip_ms: u32,
    /// The beat that is not answered yet, and when it was sent.
    pending: Option<(u64, Time)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Our greeting is on its way; since when.
    Greeting(Time),
    /// Both have proved themselves; since when.
    Linked(Time),
    /// Left alone until then.
    Resting(Time),
}

#[derive(Clone, Copy, Debug)]
struct Offences {
    count: u32,
    last_at: Time,
}

impl Links {
    /// A machine for the ion `own`, which belongs nowhere yet.
    pub fn new(own: IonId) -> Self {
        Self {
            own,
            membership: None,
            presence: Presence::default(),
            links: BTreeMap::new(),
            offences: BTreeMap::new(),
            beat_at: Time::default(),
            beats: 0,
            sessions: 0,
            changed: false,
        }
    }

    /// Names sessions from here on, so that those after a restart differ from
    /// those before; to be called once, with random bytes.
    pub fn begin_sessions_at(&mut self, random: u64) {
        self.sessions = random;
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Found(ions) => {
                for ion in ions {
                    self.found(now, ion, effects);
                }
            }
            Input::Opened(ion, room, opening) => self.opened(now, ion, room, &opening, effects),
            Input::Frame(ion, room, bytes) => self.frame(now, ion, room, bytes, effects),
            Input::Failed(ion) => self.failed(now, ion, effects),
            Input::Closed(ion) => self.closed(now, ion, effects),
            Input::Say(ion, room, bytes) => {
                if self.is_linked(&ion) {
                    effects.push(Effect::Send(ion, room, bytes));
                }
            }
            Input::Offence(ion) => self.offence(now, ion, effects),
            Input::Presence(presence) => self.present(now, presence, effects),
            Input::Move(membership) => self.leave_for(membership, effects),
            Input::Tick => self.tick(now, effects),
        }
    }

    /// Every linked ion.
    pub fn neighbours(&self) -> Vec<Neighbour> {
        let linked = self.links.iter().filter_map(|(ion, link)| match link.state {
            State::Linked(since) => Some((ion, link, since)),
            _ => None,
        });
        linked
            .map(|(ion, link, since)| Neighbour {
                ion: *ion,
                presence: link.presence.clone(),
                round_trip_ms: link.round_trip_ms,
                since,
            })
            .collect()
    }

    /// Whether the link to that ion stands.
    pub fn is_linked(&self, ion: &IonId) -> bool {
        self.links.get(ion).is_some_and(|link| matches!(link.state, State::Linked(_)))
    }

    /// Whether what [`Self::neighbours`] tells changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn found(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let is_known = self.links.contains_key(&ion) || ion == self.own;
        if is_known || self.is_banned(now, &ion) || self.membership.is_none() {
            return;
        }
        if self.links.len() < LINKS_MAX {
            self.links.insert(ion, Link::begun(now, &mut self.sessions));
            self.greet(now, ion, effects);
        }
    }

    fn greet(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        if let Some(link) = self.links.get_mut(&ion) {
            link.state = State::Greeting(now);
        }
        self.begin_session(ion);
        self.reach(ion, effects);
        self.beat(now, ion, effects);
    }

    fn begin_session(&mut self, ion: IonId) {
        self.sessions = self.sessions.wrapping_add(1);
        if let Some(link) = self.links.get_mut(&ion) {
            link.ours = self.sessions;
        }
    }

    fn reach(&self, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(membership) = &self.membership else { return };
        let proof = membership.prove(&self.own, &ion);
        let session = self.links.get(&ion).map_or(0, |link| link.ours);
        effects.push(Effect::Reach(ion, encode(&Opening { version: VERSION, proof, session })));
    }

    fn beat(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        self.beats += 1;
        let count = self.beats;
        if let Some(link) = self.links.get_mut(&ion) {
            link.pending.get_or_insert((count, now));
        }
        // Whoever has not proved that it belongs here learns nothing of us.
        let presence =
            if self.is_linked(&ion) { self.presence.clone() } else { Presence::default() };
        let message = LinkMessage::Beat { count, presence };
        effects.push(Effect::Send(ion, Room::Link, encode(&message)));
    }

    /// The first bytes of a stream: a proof, or the end.
    fn opened(
        &mut self,
        now: Time,
        ion: IonId,
        room: Room,
        bytes: &[u8],
        effects: &mut Vec<Effect>,
    ) {
        let session = self.proven_session(&ion, bytes);
        if session.is_some() {
            self.make_room_for(&ion);
        }
        let is_full = !self.links.contains_key(&ion) && self.links.len() >= LINKS_MAX;
        let Some(session) = session.filter(|_| !is_full && !self.is_banned(now, &ion)) else {
            effects.push(Effect::Refuse(ion));
            self.closed(now, ion, effects);
            return;
        };
        let sessions = &mut self.sessions;
        let link = self.links.entry(ion).or_insert_with(|| Link::begun(now, sessions));
        link.heard_at = now;
        let is_anew = link.theirs.is_some_and(|theirs| theirs != session);
        if is_anew {
            link.reset();
        }
        link.theirs = Some(session);
        link.opened.insert(room);
        match link.state {
            State::Linked(_) if !is_anew => {}
            State::Linked(_) => {
                effects.push(Effect::Lost(ion));
                self.answer(now, ion, effects);
            }
            State::Greeting(_) => self.link(now, ion, effects),
            State::Resting(_) => self.answer(now, ion, effects),
        }
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

    /// Whoever is being reached for gives way to whoever has proved itself.
    fn make_room_for(&mut self, ion: &IonId) {
        if self.links.len() < LINKS_MAX || self.links.contains_key(ion) {
            return;
        }
        let unlinked = self.links.iter().find(|(_, link)| !matches!(link.state, State::Linked(_)));
        if let Some(ion) = unlinked.map(|(ion, _)| *ion) {
            self.links.remove(&ion);
        }
    }

    /// The other side began: greet it in turn.
    fn answer(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        self.reach(ion, effects);
        self.link(now, ion, effects);
    }

    fn link(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        link.state = State::Linked(now);
        link.failures = 0;
        // The greeting's answer would tell how long reaching took, not the way.
        link.pending = None;
        self.changed = true;
        self.beat(now, ion, effects);
        effects.push(Effect::Linked(ion));
    }

    fn frame(
        &mut self,
        now: Time,
        ion: IonId,
        room: Room,
        bytes: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(link) = self.links.get_mut(&ion).filter(|link| link.opened.contains(&room)) else {
            effects.push(Effect::Refuse(ion));
            return;
        };
        link.heard_at = now;
        match room {
            Room::Link => self.link_message(now, ion, &bytes, effects),
            Room::Compute | Room::Mesh => effects.push(Effect::Heard(ion, room, bytes)),
        }
    }

    fn link_message(&mut self, now: Time, ion: IonId, bytes: &[u8], effects: &mut Vec<Effect>) {
        match decode(bytes) {
            Some(LinkMessage::Beat { count, presence }) => {
                self.presence_of(ion, &presence);
                let echo = encode(&LinkMessage::Echo { count });
                effects.push(Effect::Send(ion, Room::Link, echo));
            }
            Some(LinkMessage::Echo { count }) => self.echo(now, ion, count),
            Some(LinkMessage::Goodbye) => {
                effects.push(Effect::Close(ion));
                self.forget(ion, effects);
            }
            None => self.offence(now, ion, effects),
        }
    }

    fn presence_of(&mut self, ion: IonId, presence: &Presence) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        let name = clean_name(&presence.name).unwrap_or_default();
        let presence = Presence { name, ..*presence };
        if link.presence != presence {
            link.presence = presence;
            self.changed = true;
        }
    }

    fn echo(&mut self, now: Time, ion: IonId, count: u64) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        let Some((_, sent_at)) = link.pending.take_if(|(pending, _)| *pending == count) else {
            return;
        };
        let measured = u32::try_from(now.since_ms(sent_at)).unwrap_or(u32::MAX).max(1);
        let before = link.round_trip_ms;
        // An eighth of the news each time, as TCP smooths it (RFC 6298).
        link.round_trip_ms = match before {
            0 => measured,
            _ => u32::try_from((u64::from(before) * 7 + u64::from(measured)) / 8)
                .unwrap_or(u32::MAX)
                .max(1),
        };
        self.changed |= link.round_trip_ms != before;
    }

    fn present(&mut self, now: Time, presence: Presence, effects: &mut Vec<Effect>) {
        if self.presence != presence {
            self.presence = presence;
            self.beat_at = now;
            self.beat_all(now, effects);
        }
    }

    fn leave_for(&mut self, membership: Membership, effects: &mut Vec<Effect>) {
        for ion in self.links.keys().copied().collect::<Vec<_>>() {
            if self.is_linked(&ion) {
                let goodbye = encode(&LinkMessage::Goodbye);
                effects.push(Effect::Send(ion, Room::Link, goodbye));
            }
            effects.push(Effect::Close(ion));
            self.forget(ion, effects);
        }
        self.membership = Some(membership);
        self.offences.clear();
    }

    /// Forgets an ion; above it is lost if it was linked.
    fn forget(&mut self, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(link) = self.links.remove(&ion) else { return };
        if let State::Linked(_) = link.state {
            self.changed = true;
            effects.push(Effect::Lost(ion));
        }
    }

    /// The connection ended: reach for it once more soon if it was linked, for
    /// connections end for reasons of their own, such as a relay's limits.
    fn closed(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        let State::Linked(_) = link.state else {
            self.failed(now, ion, effects);
            return;
        };
        link.reset();
        // The one with the smaller id goes first, so that the two do not cross.
        let rest = if self.own < ion { 0 } else { RETRY_MS };
        link.state = State::Resting(now.plus_ms(rest));
        self.changed = true;
        effects.push(Effect::Lost(ion));
    }

    fn failed(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        match link.state {
            State::Linked(_) => self.closed(now, ion, effects),
            State::Resting(_) => {}
            State::Greeting(_) => {
                link.failures += 1;
                if link.failures >= FAILURES_MAX {
                    self.links.remove(&ion);
                    return;
                }
                let rest = RETRY_MS.saturating_mul(1 << link.failures.min(16)).min(RETRY_MS_MAX);
                link.reset();
                link.state = State::Resting(now.plus_ms(rest));
            }
        }
    }

    fn offence(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        if self.offences.len() >= BANS_MAX {
            let oldest = self.offences.iter().min_by_key(|(_, one)| one.last_at);
            let oldest = oldest.map(|(ion, _)| *ion);
            oldest.and_then(|ion| self.offences.remove(&ion));
        }
        let offences = self.offences.entry(ion).or_insert(Offences { count: 0, last_at: now });
        offences.count += 1;
        offences.last_at = now;
        if offences.count > OFFENCES_MAX {
            effects.push(Effect::Close(ion));
            self.forget(ion, effects);
        }
    }

    fn is_banned(&mut self, now: Time, ion: &IonId) -> bool {
        let Some(offences) = self.offences.get(ion) else { return false };
        if now.since_ms(offences.last_at) > BAN_MS {
            self.offences.remove(ion);
            return false;
        }
        offences.count > OFFENCES_MAX
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for ion in self.links.keys().copied().collect::<Vec<_>>() {
            self.check_on(now, ion, effects);
        }
        if now.since_ms(self.beat_at) >= BEAT_MS {
            self.beat_at = now;
            self.beat_all(now, effects);
        }
    }

    fn check_on(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        let Some(link) = self.links.get_mut(&ion) else { return };
        match link.state {
            State::Linked(_) if now.since_ms(link.heard_at) > SILENCE_MS => {
                effects.push(Effect::Close(ion));
                self.closed(now, ion, effects);
            }
            State::Greeting(since) if now.since_ms(since) > GREETING_MS => {
                effects.push(Effect::Close(ion));
                self.failed(now, ion, effects);
            }
            State::Resting(until) if now >= until => self.greet(now, ion, effects),
            _ => {}
        }
    }

    fn beat_all(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for ion in self.neighbours() {
            self.beat(now, ion.ion, effects);
        }
    }
}

impl Link {
    /// A link with a session of its own.
    fn begun(now: Time, sessions: &mut u64) -> Self {
        *sessions = sessions.wrapping_add(1);
        Self {
            state: State::Resting(now),
            opened: BTreeSet::new(),
            theirs: None,
            ours: *sessions,
            heard_at: now,
            failures: 0,
            presence: Presence::default(),
            round_trip_ms: 0,
            pending: None,
        }
    }

    /// Nothing of the old session counts any more.
    fn reset(&mut self) {
        self.opened.clear();
        self.theirs = None;
        self.pending = None;
    }
}

#[cfg(test)]
mod tests;
