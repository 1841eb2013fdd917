//! What ions say to each other to spread a rumour, and what is checked of it
//! before anything is believed.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::{
    identity::{IonId, Keys, Signature},
    network::wire::encode,
};

/// What one rumour carries, in bytes: a state entry fits, with its frame.
pub const PAYLOAD_BYTES_MAX: usize = 72 << 10;
/// An encoded rumour, in bytes.
pub const BODY_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 256;
/// An encoded message, in bytes: a rumour, with all numbers at their longest, so that
/// what an ion takes and passes on is taken by the next.
pub const FRAME_BYTES_MAX: usize = BODY_BYTES_MAX + 256;
/// Ids in one message.
pub const IDS_MAX: usize = 256;
/// A room's name, in bytes.
pub const ROOM_NAME_BYTES_MAX: usize = 64;

const SIGNING_CONTEXT: &[u8] = b"ionosphere 2026-11 broadcast\n";

/// What a rumour is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Topic {
    /// Who is in the nebula.
    Presence,
    /// A room, by its name of 1 to [`ROOM_NAME_BYTES_MAX`] bytes.
    Room(String),
    /// The shared memory.
    Entries,
}

impl Topic {
    /// Whether the name has a length that ions take.
    pub fn fits(&self) -> bool {
        match self {
            Self::Presence | Self::Entries => true,
            Self::Room(name) => (1..=ROOM_NAME_BYTES_MAX).contains(&name.len()),
        }
    }
}

/// A rumour's name: the first half of its body's BLAKE3 hash. An author could
/// with much work make two of the same name, of which each ion would hear one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Id(#[serde(with = "serde_bytes")] pub [u8; 16]);

impl Ord for Id {
    /// That of their bytes, as two machine words: names are looked up for every
    /// announcement of every neighbour.
    fn cmp(&self, other: &Self) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Id {
    /// The name of a rumour with this encoded body.
    pub fn of(body: &[u8]) -> Self {
        let hash = blake3::hash(body);
        Self(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
    }
}

/// The order in which an author says things: first its lives, then a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Serial {
    /// Higher after each restart.
    pub life: u64,
    /// Higher with each rumour.
    pub number: u64,
}

/// What an author signs, as a member of the nebula.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rumour {
    /// Who says it.
    pub author: IonId,
    /// About what.
    pub topic: Topic,
    /// Tells it from what the author said before.
    pub serial: Serial,
    /// What.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

/// One message between neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A rumour itself.
    Push {
        /// Links that it crossed, this one included. Not signed: for measuring.
        hops: u16,
        /// How long ago it was said, in milliseconds, what it took on links aside.
        /// Not signed either.
        age_ms: u32,
        /// Whether the sender, or the receiver, had to ask for it: then it may
        /// come on a link that leads backwards, which says nothing about the tree.
        is_repair: bool,
        /// The encoded [`Rumour`], as its author signed it.
        #[serde(with = "serde_bytes")]
        body: Vec<u8>,
        /// The author's signature.
        #[serde(with = "serde_bytes")]
        signature: Signature,
    },
    /// I have these, over so many links; ask for what you lack.
    Have(Vec<(Id, u16)>),
    /// Send me these, and from now on everything at once.
    Graft(Vec<Id>),
    /// Send me these; I stay as eager or lazy as I was.
    Fetch(Vec<Id>),
    /// From now on tell me only what you have.
    Prune,
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`FRAME_BYTES_MAX`].
    #[error("the message is longer than {FRAME_BYTES_MAX} bytes")]
    TooLong,
    /// Not a message at all.
    #[error("the bytes are no message of the broadcast")]
    Malformed,
    /// More ids than fit.
    #[error("more than {IDS_MAX} names in one message")]
    TooManyIds,
    /// A rumour or its payload over its limit, or a room's name of the wrong length.
    #[error("a payload or a room's name is longer than is taken")]
    TooLarge,
    /// Not signed by its author.
    #[error("the rumour is not signed by its author")]
    Forged,
}

/// A message from bytes, checked against every limit that needs no context.
pub fn decode(bytes: &[u8]) -> Result<Message, Refusal> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(Refusal::TooLong);
    }
    let message = ion_codec::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
    let ids = match &message {
        Message::Have(ids) => ids.len(),
        Message::Graft(ids) | Message::Fetch(ids) => ids.len(),
        Message::Push { .. } | Message::Prune => 0,
    };
    if ids > IDS_MAX { Err(Refusal::TooManyIds) } else { Ok(message) }
}

/// A rumour's body, signed.
pub(super) fn signed(keys: &dyn Keys, rumour: &Rumour) -> (Vec<u8>, Signature) {
    let body = encode(rumour);
    let signature = keys.sign(&signing_bytes(&body));
    (body, signature)
}

/// A rumour from its body, checked, its signature last.
pub fn read(keys: &dyn Keys, body: &[u8], signature: &Signature) -> Result<Rumour, Refusal> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let rumour: Rumour = ion_codec::from_slice(body).map_err(|_| Refusal::Malformed)?;
    if rumour.payload.len() > PAYLOAD_BYTES_MAX || !rumour.topic.fits() {
        return Err(Refusal::TooLarge);
    }
    let is_signed = keys.verify(&rumour.author, &signing_bytes(body), signature);
    if is_signed { Ok(rumour) } else { Err(Refusal::Forged) }
}

fn signing_bytes(body: &[u8]) -> Vec<u8> {
    [SIGNING_CONTEXT, body].concat()
}
