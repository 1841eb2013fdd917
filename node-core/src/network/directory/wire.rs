//! What ions tell all others of themselves, and of those who are gone.
//!
//! Carried by the broadcast, whose rumours are signed by their authors: what
//! stands in a message is said by its author and nobody else.

use serde::{Deserialize, Serialize};

use crate::{
    identity::IonId,
    network::{overlay::Standing, wire},
};

/// The version of these messages; another one is refused.
pub const VERSION: u32 = 1;
/// One message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 512;

/// How new what is said of an ion is: first its incarnation, then its counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Age {
    /// Higher after each restart.
    pub incarnation: u64,
    /// Higher with each beat.
    pub counter: u64,
}

impl Age {
    /// That of the beat after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { incarnation: self.incarnation, counter: self.counter.saturating_add(1) }
    }
}

/// What an ion says of itself to everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its readable name; empty for that of its key.
    pub name: String,
    /// Guest workers that it lends; 0 while paused.
    pub workers: u16,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// I am here.
    Beat {
        /// How new this is.
        age: Age,
        /// When the next one comes at the latest, in milliseconds.
        interval_ms: u32,
        /// What I am.
        profile: Profile,
        /// How my links stand.
        standing: Standing,
    },
    /// I leave.
    Goodbye {
        /// How new this is.
        age: Age,
    },
    /// My link with that ion ended without a word; I heard it last so old.
    Gone {
        /// Who.
        ion: IonId,
        /// What it said last.
        age: Age,
    },
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u32,
    message: Message,
}

/// A message as bytes.
pub fn encode(message: &Message) -> Vec<u8> {
    wire::encode(&Envelope { version: VERSION, message: message.clone() })
}

/// A message from bytes; `None` when they are none of this version.
pub fn decode(bytes: &[u8]) -> Option<Message> {
    let fits = bytes.len() <= MESSAGE_BYTES_MAX;
    let envelope: Envelope = wire::decode(bytes).filter(|_| fits)?;
    (envelope.version == VERSION).then_some(envelope.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        let age = Age { incarnation: 2, counter: 3 };
        let bytes = encode(&Message::Goodbye { age });
        let text = b"\xa2gmessage\xa1gGoodbye\xa1cage\xa2gcounter\x03kincarnation\x02gversion\x01";
        assert_eq!(bytes, text);
        assert_eq!(decode(&bytes), Some(Message::Goodbye { age }));
        assert_eq!(decode(&bytes[1..]), None);
    }

    #[test]
    fn the_longest_beat_fits() {
        let profile = Profile { name: "🦉".repeat(32), workers: u16::MAX };
        let age = Age { incarnation: u64::MAX, counter: u64::MAX };
        let standing = Standing { links: 255, target: 255, max: 255 };
        let beat = Message::Beat { age, interval_ms: u32::MAX, profile, standing };
        assert_eq!(decode(&encode(&beat)), Some(beat));
    }
}
