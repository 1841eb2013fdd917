//! Links to a few other ions: how they come about, who is still there, and who
//! is shut out. Which ones to seek and keep is decided by the overlay.
//!
//! Every stream opens with a proof of membership of the same nebula, made for
//! this ion in particular; nothing is taken from, or said to, anybody before.
//! Whoever wants a link then *asks*, and the other side accepts or says that it
//! is full, which costs nobody anything. An opening of another session means
//! that the other side began anew; its old link carries nothing any more until
//! it asks again.
//!
//! Neighbours beat every [`BEAT_MS`]. One is lost when nothing was heard of it
//! for [`SILENCE_MS`], or as soon as its streams end. What is malformed costs
//! its sender, as does more than [`WORDS`]: [`OFFENCES_MAX`] offences and it is shut out
//! for [`BAN_MS`].
//!
//! It refuses to reach for anybody again by itself: that is the overlay's to
//! wish.
//!
//! Bounds: [`LINKS_MAX`] ions linked, asked or knocking; [`BANS_MAX`]
//! remembered offenders.
//!
//! Reading order: this file, [`wire`], `greeting`, `beats`, `offences`.

use super::{
    budget::{Bucket, Rate},
    directory::{Bond, Ending},
    overlay::{Reason, Standing, Why},
    wire::{Presence, Room, encode},
};
use crate::{
    identity::{IonId, Membership},
    platform::Time,
};

pub mod wire;

mod beats;
mod greeting;
mod offences;

use ion_map::{Map, Set};
use offences::Offences;
use wire::Message;

pub use offences::{BAN_MS, BANS_MAX, OFFENCES_MAX};

/// Ions that are linked, asked or knocking at once.
pub const LINKS_MAX: usize = 128;
/// Between two beats, in milliseconds.
pub const BEAT_MS: u64 = 1_000;
/// After how long a silent neighbour is lost, in milliseconds: everybody is to
/// know within 10 s that an ion is gone, and the news of it takes a while.
pub const SILENCE_MS: u64 = 8_000;
/// Frames in the link room that an ion may send: two a second tell that it is there.
pub const WORDS: Rate = Rate { per_s: 20, burst: 400 };
/// How long reaching and greeting may take, in milliseconds.
pub const GREETING_MS: u64 = 20_000;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The overlay wants a link to that ion.
    Want(IonId, Why),
    /// The overlay lets the ion that asked in.
    Accept(IonId),
    /// The overlay has no place for the ion that asked.
    Full {
        /// Whom to tell.
        ion: IonId,
        /// Others that it may try.
        others: Vec<IonId>,
        /// Whether its presence is heard here.
        is_heard: bool,
    },
    /// The overlay ends a link.
    Cut {
        /// Whose.
        ion: IonId,
        /// Why.
        reason: Reason,
        /// Others that it may try.
        others: Vec<IonId>,
    },
    /// How this ion's links stand from now on.
    Standing(Standing),
    /// A stream came in; these are its first bytes.
    Opened(IonId, Room, Vec<u8>),
    /// A frame came in.
    Frame(IonId, Room, Vec<u8>),
    /// An ion could not be reached, or it refused.
    Failed(IonId),
    /// The connection to an ion ended.
    Closed(IonId),
    /// What is asked of an ion was lost with a connection; another stands now.
    Again(IonId),
    /// Say something to a neighbour.
    Say(IonId, Room, Vec<u8>),
    /// Give a neighbour this ion's word that it is one.
    Bond(IonId, Bond),
    /// An ion broke the rules of a room.
    Offence(IonId),
    /// What this ion says of itself from now on.
    Presence(Presence),
    /// Leave everybody; from now on another membership counts.
    Move(Membership),
    /// Time has passed.
    Tick,
}

/// What is asked of the world and of the overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Be ready to send to an ion, reaching for it where needed; every stream
    /// to it opens with these bytes.
    Reach(IonId, Vec<u8>),
    /// Send a frame in a room.
    Send(IonId, Room, Vec<u8>),
    /// Tell whoever sent a wrong proof, on its own stream, and close.
    Refuse(IonId),
    /// End the connection after what is queued.
    Close(IonId),
    /// A member asks for a link: it wants [`Input::Accept`] or [`Input::Full`].
    Asked(IonId, Standing, Why),
    /// The link stands, both ways.
    Linked(IonId, Standing),
    /// An ion that was asked has no place; whom it names, and whether it hears
    /// this ion's presence.
    Refused(IonId, Vec<IonId>, bool),
    /// An ion that was asked could not be reached, did not answer, or is shut out.
    Failed(IonId),
    /// The link is gone.
    Lost(IonId, Ending),
    /// The link was cut by the other side, which names others; it is lost next.
    WasCut(IonId, Vec<IonId>),
    /// The other side began anew: the link carries nothing until it asks again.
    Renewed(IonId),
    /// A neighbour's word that this ion is one; not checked yet.
    Bond(IonId, Bond),
    /// How a neighbour's links stand.
    Standing(IonId, Standing),
    /// A round trip to a neighbour was measured, in milliseconds, smoothed.
    RoundTrip(IonId, u32),
    /// A frame for a room above.
    Heard(IonId, Room, Vec<u8>),
}

/// The machine.
pub struct Neighbours {
    own: IonId,
    /// `None` until the ion belongs somewhere: then nobody can prove anything.
    membership: Option<Membership>,
    presence: Presence,
    standing: Standing,
    links: Map<IonId, Link>,
    offences: Offences,
    beat_at: Time,
    beats: u64,
    /// Names the next session; begins anywhere.
    sessions: u64,
    changed: bool,
}

/// One neighbour, as it is shown.
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
    opened: Set<Room>,
    /// The session that it opened them in.
    theirs: Option<u64>,
    /// The session that this ion sends in.
    ours: u64,
    heard_at: Time,
    presence: Presence,
    round_trip_ms: u32,
    /// The beat that is not answered yet, and when it was sent.
    pending: Option<(u64, Time)>,
    /// What it may say in the link room.
    words: Bucket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// This ion asked; since when, and what for.
    Asking(Time, Why),
    /// It proved itself and has not asked yet, or is not answered; since when.
    Knocking(Time),
    /// Both agreed; since when.
    Linked(Time),
}

fn say(ion: IonId, message: &Message, effects: &mut Vec<Effect>) {
    effects.push(Effect::Send(ion, Room::Link, encode(message)));
}

impl Neighbours {
    /// A machine for the ion `own`, which belongs nowhere yet.
    pub fn new(own: IonId) -> Self {
        Self {
            own,
            membership: None,
            presence: Presence::default(),
            standing: Standing::default(),
            links: Map::new(),
            offences: Offences::default(),
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
            Input::Want(ion, why) => self.want(now, ion, why, effects),
            Input::Accept(ion) => self.accept(now, ion, effects),
            Input::Full { ion, others, is_heard } => self.full(ion, others, is_heard, effects),
            Input::Cut { ion, reason, others } => self.cut(ion, reason, others, effects),
            Input::Standing(standing) => self.standing = standing,
            Input::Opened(ion, room, opening) => self.opened(now, ion, room, &opening, effects),
            Input::Frame(ion, room, bytes) => self.frame(now, ion, room, bytes, effects),
            Input::Failed(ion) | Input::Closed(ion) => self.end(ion, Ending::Lost, effects),
            Input::Again(ion) => self.ask_again(now, ion, effects),
            Input::Say(ion, room, bytes) => {
                if self.is_linked(&ion) {
                    effects.push(Effect::Send(ion, room, bytes));
                }
            }
            Input::Bond(ion, bond) => {
                if self.is_linked(&ion) {
                    say(ion, &Message::Bond(bond), effects);
                }
            }
            Input::Offence(ion) => self.offence(now, ion, effects),
            Input::Presence(presence) => self.presence = presence,
            Input::Move(membership) => self.leave_for(membership, effects),
            Input::Tick => self.tick(now, effects),
        }
    }

    /// Every linked ion.
    pub fn all(&self) -> Vec<Neighbour> {
        let linked = self.links.iter().filter_map(|(ion, link)| match link.state {
            State::Linked(since) => Some((ion, link, since)),
            _ => None,
        });
        let shown = linked.map(|(ion, link, since)| Neighbour {
            ion: *ion,
            presence: link.presence.clone(),
            round_trip_ms: link.round_trip_ms,
            since,
        });
        shown.collect()
    }

    /// Whether the link to that ion stands.
    pub fn is_linked(&self, ion: &IonId) -> bool {
        self.links.get(ion).is_some_and(|link| matches!(link.state, State::Linked(_)))
    }

    /// Whether anything stands with that ion, a link or an attempt at one.
    pub fn is_known(&self, ion: &IonId) -> bool {
        self.links.contains_key(ion)
    }

    /// Whether this ion asked for a link with that ion and is not answered.
    pub fn is_asking(&self, ion: &IonId) -> bool {
        self.links.get(ion).is_some_and(|link| matches!(link.state, State::Asking(..)))
    }

    /// Whether what [`Self::all`] tells changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
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
        if room == Room::Link {
            let may_say = link.words.take(now, 1);
            match wire::decode(&bytes).filter(|_| may_say) {
                Some(message) => self.said(now, ion, message, effects),
                None => self.offence(now, ion, effects),
            }
            return;
        }
        if let State::Asking(..) = link.state {
            // Rooms overtake each other: it would not speak had it not accepted.
            self.link(now, ion, Standing { links: 1, target: 1, max: 1 }, effects);
        }
        if self.is_linked(&ion) {
            effects.push(Effect::Heard(ion, room, bytes));
        }
    }

    fn said(&mut self, now: Time, ion: IonId, message: Message, effects: &mut Vec<Effect>) {
        let Some(state) = self.links.get(&ion).map(|link| link.state) else { return };
        match (message, state) {
            (Message::Goodbye, _) => {
                effects.push(Effect::Close(ion));
                self.end(ion, Ending::Left, effects);
            }
            (Message::Ask { standing, why }, _) => {
                effects.push(Effect::Asked(ion, standing, why));
            }
            (Message::Accept { standing }, State::Asking(..)) => {
                self.link(now, ion, standing, effects);
            }
            (Message::Accept { standing }, State::Linked(_)) => {
                effects.push(Effect::Standing(ion, standing));
            }
            (Message::Full { others, is_heard }, State::Asking(..)) => {
                self.forget(&ion);
                effects.extend([Effect::Close(ion), Effect::Refused(ion, others, is_heard)]);
            }
            (Message::Cut { others, .. }, State::Linked(_)) => {
                self.forget(&ion);
                effects.push(Effect::Close(ion));
                effects.push(Effect::WasCut(ion, others));
                effects.push(Effect::Lost(ion, Ending::Cut));
            }
            (Message::Cut { others, .. }, State::Asking(..)) => {
                self.forget(&ion);
                effects.extend([Effect::Close(ion), Effect::Refused(ion, others, false)]);
            }
            (Message::Beat { count, presence, standing }, State::Linked(_)) => {
                self.beaten(ion, &presence);
                say(ion, &Message::Echo { count }, effects);
                effects.push(Effect::Standing(ion, standing));
            }
            (Message::Bond(bond), State::Linked(_)) => effects.push(Effect::Bond(ion, bond)),
            (Message::Echo { count }, State::Linked(_)) => self.echo(now, ion, count, effects),
            // Late words of a link that is no more, or not yet.
            _ => {}
        }
    }

    fn leave_for(&mut self, membership: Membership, effects: &mut Vec<Effect>) {
        for ion in self.links.keys().copied().collect::<Vec<_>>() {
            if self.is_linked(&ion) {
                say(ion, &Message::Goodbye, effects);
            }
            effects.push(Effect::Close(ion));
            self.end(ion, Ending::Cut, effects);
        }
        self.membership = Some(membership);
        self.offences = Offences::default();
    }

    /// Forgets an ion; whoever counted on it is told.
    fn end(&mut self, ion: IonId, ending: Ending, effects: &mut Vec<Effect>) {
        match self.forget(&ion) {
            Some(State::Linked(_)) => effects.push(Effect::Lost(ion, ending)),
            Some(State::Asking(..)) => effects.push(Effect::Failed(ion)),
            Some(State::Knocking(_)) => effects.push(Effect::Lost(ion, Ending::Lost)),
            None => {}
        }
    }

    fn forget(&mut self, ion: &IonId) -> Option<State> {
        let link = self.links.remove(ion)?;
        self.changed |= matches!(link.state, State::Linked(_));
        Some(link.state)
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for ion in self.links.keys().copied().collect::<Vec<_>>() {
            self.check_on(now, ion, effects);
        }
        if now.since_ms(self.beat_at) >= BEAT_MS {
            self.beat_at = now;
            for neighbour in self.all() {
                self.beat(now, neighbour.ion, effects);
            }
        }
    }
}

#[cfg(test)]
mod tests;
