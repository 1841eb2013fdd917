//! What ions tell all others of themselves, and of those who are gone.
//!
//! Carried by the broadcast, whose rumours are signed by their authors: what
//! stands in a message is said by its author and nobody else.

use serde::{Deserialize, Serialize};

use crate::{
    identity::{IonId, Keys, Signature},
    network::{overlay::Standing, wire},
};

/// The version of these messages; another one is refused.
pub const VERSION: u32 = 2;
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

/// An ion's word that another is its neighbour: whoever holds it may tell of the
/// ion's end, and a name that somebody made up may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
    /// The ion's run; the bond ends with it.
    pub incarnation: u64,
    /// That of the ion, over what [`Bond::new`] says.
    #[serde(with = "serde_bytes")]
    pub signature: Signature,
}

const BOND_CONTEXT: &[u8] = b"ionosphere 2026-11 bond of neighbours\n";

impl Bond {
    /// The bond of the ion whose keys these are with its neighbour: a signature over
    /// a context, the incarnation in eight bytes, the most significant first, and the
    /// neighbour's key.
    pub fn new(keys: &dyn Keys, incarnation: u64, neighbour: &IonId) -> Self {
        Self { incarnation, signature: keys.sign(&bond_bytes(incarnation, neighbour)) }
    }

    /// Whether it is that of `ion` with `neighbour`.
    pub fn is_of(&self, keys: &dyn Keys, ion: &IonId, neighbour: &IonId) -> bool {
        keys.verify(ion, &bond_bytes(self.incarnation, neighbour), &self.signature)
    }
}

fn bond_bytes(incarnation: u64, neighbour: &IonId) -> Vec<u8> {
    [BOND_CONTEXT, &incarnation.to_be_bytes(), neighbour.as_bytes()].concat()
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
    /// My link with that ion ended without a word.
    Gone {
        /// Who.
        ion: IonId,
        /// The counter of its last beat, of the run that the bond names.
        counter: u64,
        /// Its word that I was its neighbour.
        bond: Bond,
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
    use crate::identity::SimKeys;

    #[test]
    fn golden() {
        let age = Age { incarnation: 2, counter: 3 };
        let bytes = encode(&Message::Goodbye { age });
        let text = b"\xa2gmessage\xa1gGoodbye\xa1cage\xa2gcounter\x03kincarnation\x02gversion\x02";
        assert_eq!(bytes, text);
        assert_eq!(decode(&bytes), Some(Message::Goodbye { age }));
        assert_eq!(decode(&bytes[1..]), None);
    }

    #[test]
    fn the_longest_beat_and_notice_fit() {
        let profile = Profile { name: "🦉".repeat(32), workers: u16::MAX };
        let age = Age { incarnation: u64::MAX, counter: u64::MAX };
        let standing = Standing { links: 255, target: 255, max: 255 };
        let beat = Message::Beat { age, interval_ms: u32::MAX, profile, standing };
        assert_eq!(decode(&encode(&beat)), Some(beat));
        let keys = SimKeys::of(IonId::from_bytes([9; 32]));
        let bond = Bond::new(&keys, u64::MAX, &IonId::from_bytes([1; 32]));
        let gone = Message::Gone { ion: keys.own(), counter: u64::MAX, bond };
        assert_eq!(decode(&encode(&gone)), Some(gone));
    }

    #[test]
    fn a_bond_is_of_two_and_of_one_run() {
        let keys = SimKeys::of(IonId::from_bytes([9; 32]));
        let (one, other) = (IonId::from_bytes([1; 32]), IonId::from_bytes([2; 32]));
        let bond = Bond::new(&keys, 5, &one);
        assert!(bond.is_of(&keys, &keys.own(), &one));
        assert!(!bond.is_of(&keys, &keys.own(), &other));
        assert!(!bond.is_of(&keys, &other, &one));
        assert!(!Bond { incarnation: 6, ..bond }.is_of(&keys, &keys.own(), &one));
    }
}
