//! Rooms: publish and subscribe by name, over the [`broadcast`](super::broadcast).
//!
//! Every ion passes the rumours of all rooms on; only who subscribed is told.
//! Whoever is in a room says so now and then. The seconds between two beats
//! grow with the number of members, so that all of them together say it at most
//! [`BEATS_PER_S`] times a second, however many there are; in return it takes
//! longer to see that one left without a word. What a member says otherwise
//! counts as a beat.
//!
//! A room has no owner and no list: whoever is in the nebula may enter, and a
//! name is all that a room is. It refuses names of the wrong length or with
//! control characters, and more than its limits; what others say in a room is
//! theirs, bounded by the broadcast.
//!
//! Bounds: [`SUBSCRIPTIONS_MAX`], [`MEMBERS_MAX`] in each, [`WORDS_BYTES_MAX`].

#[cfg(test)]
mod tests;

use ion_map::Map;
use serde::{Deserialize, Serialize};

use super::{
    broadcast::{PAYLOAD_BYTES_MAX, Topic, wire::ROOM_NAME_BYTES_MAX},
    wire::encode,
};
use crate::{
    identity::IonId,
    platform::{Time, sim::Rng},
};

/// Rooms that this ion is in.
pub const SUBSCRIPTIONS_MAX: usize = 32;
/// Members of a room that are remembered.
pub const MEMBERS_MAX: usize = 2_048;
/// What is said at once, in bytes.
pub const WORDS_BYTES_MAX: usize = PAYLOAD_BYTES_MAX - 64;
/// Beats of all members of a room together, in a second.
pub const BEATS_PER_S: u64 = 5;
/// Between two beats of one member at least, in milliseconds.
pub const BEAT_MS_MIN: u64 = 2_000;
/// After how many missed beats a member is gone.
pub const MISSED_MAX: u64 = 3;

/// Between two beats of one ion among so many, in milliseconds.
pub const fn beat_ms(members: usize) -> u64 {
    let fair_ms = (members as u64).saturating_mul(1_000) / BEATS_PER_S;
    if fair_ms > BEAT_MS_MIN { fair_ms } else { BEAT_MS_MIN }
}

/// What travels in a room's rumours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// Something for those in the room.
    Words(#[serde(with = "serde_bytes")] Vec<u8>),
    /// I am here.
    Here,
    /// I leave.
    Bye,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Enter a room.
    Subscribe(String),
    /// Leave it.
    Unsubscribe(String),
    /// Say something in a room, be this ion in it or not.
    Publish {
        /// Its name.
        room: String,
        /// What; at most [`WORDS_BYTES_MAX`].
        bytes: Vec<u8>,
    },
    /// The broadcast delivered a rumour of a room.
    Heard {
        /// Who said it; verified.
        author: IonId,
        /// The room's name.
        room: String,
        /// The rumour's payload.
        payload: Vec<u8>,
    },
    /// This ion left for another nebula, where the same rooms hold others.
    Moved,
    /// Time has passed; wanted about every second.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell everybody.
    Publish(Topic, Vec<u8>),
    /// An ion said what nobody can read.
    Offence(IonId),
    /// Somebody said something in a room that this ion is in.
    Deliver {
        /// Its name.
        room: String,
        /// Who.
        author: IonId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Somebody came into a room that this ion is in, or is in it no more: left,
    /// or was not heard for long.
    Present {
        /// Its name.
        room: String,
        /// Who.
        ion: IonId,
        /// Whether it is there now.
        is_here: bool,
    },
    /// What was wanted is not done.
    Refused(String, Error),
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name is empty, too long, or holds control characters.
    #[error("a room's name has 1 to {ROOM_NAME_BYTES_MAX} bytes and no control characters")]
    Name,
    /// This ion is in [`SUBSCRIPTIONS_MAX`] rooms.
    #[error("this ion is in {SUBSCRIPTIONS_MAX} rooms already")]
    TooMany,
    /// Longer than [`WORDS_BYTES_MAX`].
    #[error("it is longer than {WORDS_BYTES_MAX} bytes")]
    TooLong,
}

#[derive(Debug, Default)]
struct Room {
    /// Who was heard, and when.
    members: Map<IonId, Time>,
    said_at: Time,
    beat_at: Time,
}

/// The machine.
pub struct Rooms {
    rng: Rng,
    rooms: Map<String, Room>,
}

impl Rooms {
    /// In no room. `rng` spreads beats over time.
    pub const fn new(rng: Rng) -> Self {
        Self { rng, rooms: Map::new() }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Subscribe(room) => self.enter(now, room, effects),
            Input::Unsubscribe(room) => {
                if self.rooms.remove(&room).is_some() {
                    say(room, &Said::Bye, effects);
                }
            }
            Input::Publish { room, bytes } => self.publish(now, room, bytes, effects),
            Input::Heard { author, room, payload } => {
                self.heard(now, author, room, &payload, effects);
            }
            Input::Moved => self.moved(now, effects),
            Input::Tick => self.tick(now, effects),
        }
    }

    /// The rooms that this ion is in.
    pub fn subscribed(&self) -> impl Iterator<Item = &str> {
        self.rooms.keys().map(String::as_str)
    }

    /// Who is in a room beside this ion, as far as it was heard.
    pub fn members(&self, room: &str) -> impl Iterator<Item = IonId> {
        self.rooms.get(room).into_iter().flat_map(|room| room.members.keys().copied())
    }

    fn enter(&mut self, now: Time, name: String, effects: &mut Vec<Effect>) {
        if !is_name(&name) {
            return effects.push(Effect::Refused(name, Error::Name));
        }
        if self.rooms.contains_key(&name) {
            return;
        }
        if self.rooms.len() >= SUBSCRIPTIONS_MAX {
            return effects.push(Effect::Refused(name, Error::TooMany));
        }
        let mut room = Room::default();
        room.plan(now, &mut self.rng);
        say(name.clone(), &Said::Here, effects);
        self.rooms.insert(name, room);
    }

    fn publish(&mut self, now: Time, name: String, bytes: Vec<u8>, effects: &mut Vec<Effect>) {
        if !is_name(&name) {
            return effects.push(Effect::Refused(name, Error::Name));
        }
        if bytes.len() > WORDS_BYTES_MAX {
            return effects.push(Effect::Refused(name, Error::TooLong));
        }
        if let Some(room) = self.rooms.get_mut(&name) {
            room.plan(now, &mut self.rng);
        }
        say(name, &Said::Words(bytes), effects);
    }

    /// What can't be read is its author's fault, not the neighbour's: dropped.
    fn heard(
        &mut self,
        now: Time,
        author: IonId,
        name: String,
        payload: &[u8],
        effects: &mut Vec<Effect>,
    ) {
        let Some(room) = self.rooms.get_mut(&name) else { return };
        let Ok(said) = ion_codec::from_slice(payload) else {
            return effects.push(Effect::Offence(author));
        };
        if said == Said::Bye {
            if room.members.remove(&author).is_some() {
                effects.push(Effect::Present { room: name, ion: author, is_here: false });
            }
            return;
        }
        if room.members.len() < MEMBERS_MAX || room.members.contains_key(&author) {
            let is_new = room.members.insert(author, now).is_none();
            if is_new {
                effects.push(Effect::Present { room: name.clone(), ion: author, is_here: true });
            }
        }
        if let Said::Words(bytes) = said {
            effects.push(Effect::Deliver { room: name, author, bytes });
        }
    }

    fn moved(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for (name, room) in &mut self.rooms {
            room.keep(name, |_| false, effects);
            room.plan(now, &mut self.rng);
            say(name.clone(), &Said::Here, effects);
        }
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for (name, room) in &mut self.rooms {
            let gone_ms = MISSED_MAX * room.beat_ms();
            room.keep(name, |heard_at| now.since_ms(heard_at) < gone_ms, effects);
            if now >= room.beat_at && !room.wait(now, &mut self.rng) {
                room.plan(now, &mut self.rng);
                say(name.clone(), &Said::Here, effects);
            }
        }
    }
}

impl Room {
    /// This ion is one of them.
    fn beat_ms(&self) -> u64 {
        beat_ms(self.members.len() + 1)
    }

    /// Lets the other members go, and says so.
    fn keep(&mut self, name: &str, is_here: impl Fn(Time) -> bool, effects: &mut Vec<Effect>) {
        self.members.retain(|ion, heard_at| {
            let is_here = is_here(*heard_at);
            if !is_here {
                effects.push(Effect::Present { room: name.to_owned(), ion: *ion, is_here });
            }
            is_here
        });
    }

    /// Whether so many came since the next beat was planned that it can wait: who
    /// enters knows nobody yet, and would say twice at once that it is here.
    fn wait(&mut self, now: Time, rng: &mut Rng) -> bool {
        let said_at = self.said_at;
        let can_wait = now.since_ms(said_at) < self.beat_ms() / 2;
        if can_wait {
            self.plan(said_at, rng);
            self.beat_at = self.beat_at.max(now);
        }
        can_wait
    }

    /// The next beat: between three and five quarters of the interval, so that
    /// members that entered together do not stay in step.
    fn plan(&mut self, now: Time, rng: &mut Rng) {
        let beat_ms = self.beat_ms();
        self.said_at = now;
        self.beat_at = now.plus_ms(beat_ms * 3 / 4 + rng.below(beat_ms / 2));
    }
}

fn is_name(name: &str) -> bool {
    Topic::Room(name.to_owned()).fits() && !name.chars().any(char::is_control)
}

fn say(room: String, said: &Said, effects: &mut Vec<Effect>) {
    effects.push(Effect::Publish(Topic::Room(room), encode(said)));
}
