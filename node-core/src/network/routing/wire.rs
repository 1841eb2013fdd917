//! What ions say to each other to reach those that they are not linked to, and
//! what is checked of it before anything is believed.
//!
//! Signatures cover everything but what changes on the way: the path (the
//! *baton*, which every ion that passes it on adds itself to) and counts.

use serde::{Deserialize, Serialize};

use crate::{
    identity::{IonId, Keys, Signature, keys::SEAL_BYTES},
    network::wire::{Room, encode},
};

/// Layers that a request may travel beyond the direct peers.
pub const ECHO_MAX: u8 = 12;
/// Ions on the way of a message, its origin included.
pub const PATH_MAX: usize = 32;
/// A question, in bytes.
pub const QUESTION_BYTES_MAX: usize = 8 << 10;
/// An answer, in bytes, before it is sealed.
pub const ANSWER_BYTES_MAX: usize = 32 << 10;
/// A piece of a message, in bytes, before it is sealed.
pub const PIECE_BYTES_MAX: usize = 60 << 10;
/// An encoded message, in bytes. A piece fits with the longest path and all numbers
/// at their longest, so that what an ion takes and passes on is taken by the next.
pub const FRAME_BYTES_MAX: usize = 64 << 10;
/// A signaling message, in bytes.
pub const SIGNAL_BYTES_MAX: usize = 4 << 10;
/// A word that comes back, in bytes.
pub const ECHO_BYTES_MAX: usize = 64;
const ASK_CONTEXT: &[u8] = b"ionosphere 2026-11 routed question\n";
const ANSWER_CONTEXT: &[u8] = b"ionosphere 2026-11 routed answer\n";
const PACKET_CONTEXT: &[u8] = b"ionosphere 2026-11 routed message\n";

/// What a routed message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Line {
    /// What would be a frame in this room, were there a link.
    Room(Room),
    /// Offers and answers by which two ions make a link.
    Signal,
    /// A word that comes back.
    Echo,
}

impl Line {
    /// Those that go over others; what is for the other rooms, only neighbours hear.
    pub const ROUTED: [Self; 3] = [Self::Room(Room::Compute), Self::Signal, Self::Echo];

    const SIGNAL: &str = "/ionosphere/signal/1";
    const ECHO: &str = "/ionosphere/echo/1";

    /// The longest message, in bytes.
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Room(room) => room.frame_bytes_max(),
            Self::Signal => SIGNAL_BYTES_MAX,
            Self::Echo => ECHO_BYTES_MAX,
        }
    }
}

impl From<Line> for String {
    fn from(line: Line) -> Self {
        match line {
            Line::Room(room) => room.protocol().to_owned(),
            Line::Signal => Line::SIGNAL.to_owned(),
            Line::Echo => Line::ECHO.to_owned(),
        }
    }
}

impl TryFrom<String> for Line {
    type Error = NoSuchLine;

    fn try_from(name: String) -> Result<Self, NoSuchLine> {
        let room = Room::ALL.into_iter().find(|room| room.protocol() == name).map(Self::Room);
        let room = room.or((name == Self::SIGNAL).then_some(Self::Signal));
        room.or((name == Self::ECHO).then_some(Self::Echo)).ok_or(NoSuchLine)
    }
}

/// The name is of nothing that this ion speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no room of that name")]
pub struct NoSuchLine;

/// What a request wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// An answer of whoever has one.
    Question(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A sign of life from one ion, by which the way to it is learned.
    Find(IonId),
}

/// A request: who asks, and what; signed by the asker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Who wants to know.
    pub asker: IonId,
    /// Its name at the asker.
    pub request: u64,
    /// Layers that it may travel beyond the asker's peers.
    pub echo: u8,
    /// What it wants.
    pub what: What,
}

/// An answer, sealed for the asker; signed by who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Who asked.
    pub asker: IonId,
    /// Its name at the asker.
    pub request: u64,
    /// Who answers.
    pub answerer: IonId,
    /// The sealed answer.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
}

/// Which message, and which piece of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Who wrote it.
    pub origin: IonId,
    /// For whom it is.
    pub to: IonId,
    /// What it is for.
    pub line: Line,
    /// Which conversation of the two it belongs to; another one begins anew.
    pub conversation: u64,
    /// Which message of the conversation it is; counts up from 0.
    pub number: u64,
    /// Which piece of the message; counts up from 0.
    pub piece: u32,
    /// How many pieces the message has.
    pub pieces: u32,
}

/// Why a message went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Obstacle {
    /// No way to the addressee is known here that was not tried.
    NoWay,
    /// Too much is on its way here.
    Busy,
}

/// One message between neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A request on its way out.
    Ask {
        /// What its asker signed.
        ask: Ask,
        /// The asker's signature.
        #[serde(with = "serde_bytes")]
        signature: Signature,
        /// Who passed it on, from the asker to the sender of this frame.
        path: Vec<IonId>,
    },
    /// An answer on its way back.
    Answer {
        /// What its author signed.
        answer: Answer,
        /// The author's signature.
        #[serde(with = "serde_bytes")]
        signature: Signature,
    },
    /// Nobody behind the sender will answer any more.
    Done {
        /// Who asked.
        asker: IonId,
        /// Its name at the asker.
        request: u64,
        /// Whether everybody within reach was asked and had time.
        is_complete: bool,
    },
    /// A piece of a message to one ion.
    Packet {
        /// What it is.
        header: Header,
        /// The piece, sealed for the addressee.
        #[serde(with = "serde_bytes")]
        sealed: Vec<u8>,
        /// The origin's signature.
        #[serde(with = "serde_bytes")]
        signature: Signature,
        /// Which attempt of the origin this is.
        attempt: u8,
        /// Who passed it on, from the origin to the sender of this frame.
        path: Vec<IonId>,
    },
    /// A message went no further; goes back along the path.
    Refusal {
        /// Whose message.
        origin: IonId,
        /// For whom it was.
        to: IonId,
        /// Of which conversation.
        conversation: u64,
        /// Which message.
        number: u64,
        /// Which attempt of the origin.
        attempt: u8,
        /// Why.
        why: Obstacle,
        /// The way back: from the origin to the receiver of this frame.
        path: Vec<IonId>,
    },
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Longer than [`FRAME_BYTES_MAX`].
    #[error("the message is longer than {FRAME_BYTES_MAX} bytes")]
    TooLong,
    /// Not a message at all.
    #[error("the bytes are no message of the routing")]
    Malformed,
    /// The path is empty, too long, or not that of who sent the frame.
    #[error("the path is not one by which it could have come")]
    Path,
    /// For a room in which only neighbours speak.
    #[error("it is for a room of neighbours")]
    Line,
    /// A body, a number of layers or of pieces over its limit.
    #[error("a body, the layers or the pieces are more than is taken")]
    TooLarge,
    /// Not signed by whom it names.
    #[error("it is not signed by whom it names")]
    Forged,
}

/// A message from bytes, checked against every limit that needs no context.
pub fn decode(bytes: &[u8]) -> Result<Message, Refused> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(Refused::TooLong);
    }
    let message = ion_codec::from_slice(bytes).map_err(|_| Refused::Malformed)?;
    check(&message)?;
    Ok(message)
}

fn check(message: &Message) -> Result<(), Refused> {
    match message {
        Message::Ask { ask, path, .. } => {
            let bytes = if let What::Question(body) = &ask.what { body.len() } else { 0 };
            let fits = bytes <= QUESTION_BYTES_MAX && ask.echo <= ECHO_MAX;
            check_size(fits)?;
            check_path(path, &ask.asker, usize::from(ask.echo) + 1)
        }
        Message::Answer { answer, .. } => {
            check_size(answer.sealed.len() <= ANSWER_BYTES_MAX + SEAL_BYTES)
        }
        Message::Done { .. } => Ok(()),
        Message::Packet { header, sealed, path, .. } => {
            let pieces_max = header.line.bytes_max().div_ceil(PIECE_BYTES_MAX);
            let is_counted = header.piece < header.pieces;
            let is_short = sealed.len() <= PIECE_BYTES_MAX + SEAL_BYTES;
            check_size(is_counted && is_short && header.pieces as usize <= pieces_max)?;
            check_line(header.line)?;
            check_path(path, &header.origin, PATH_MAX)
        }
        Message::Refusal { origin, path, .. } => check_path(path, origin, PATH_MAX),
    }
}

fn check_size(fits: bool) -> Result<(), Refused> {
    if fits { Ok(()) } else { Err(Refused::TooLarge) }
}

fn check_line(line: Line) -> Result<(), Refused> {
    if Line::ROUTED.contains(&line) { Ok(()) } else { Err(Refused::Line) }
}

fn check_path(path: &[IonId], first: &IonId, longest: usize) -> Result<(), Refused> {
    let fits = path.len() <= longest && path.first() == Some(first);
    if fits { Ok(()) } else { Err(Refused::Path) }
}

fn ask_bytes(ask: &Ask) -> Vec<u8> {
    [ASK_CONTEXT, &encode(ask)].concat()
}

fn answer_bytes(answer: &Answer) -> Vec<u8> {
    [ANSWER_CONTEXT, &encode(answer)].concat()
}

fn packet_bytes(header: &Header, sealed: &[u8]) -> Vec<u8> {
    [PACKET_CONTEXT, &encode(header), sealed].concat()
}

/// What an answer is sealed with.
fn answer_seal(asker: &IonId, request: u64) -> Vec<u8> {
    [ANSWER_CONTEXT, asker.as_bytes(), &request.to_le_bytes()].concat()
}

/// What a piece is sealed with.
fn piece_seal(header: &Header) -> Vec<u8> {
    [PACKET_CONTEXT, &encode(header)].concat()
}

/// A request's signature.
pub(super) fn sign_ask(keys: &dyn Keys, ask: &Ask) -> Signature {
    keys.sign(&ask_bytes(ask))
}

/// Whether the asker signed it.
pub(super) fn check_ask(keys: &dyn Keys, ask: &Ask, signature: &Signature) -> Result<(), Refused> {
    let is_signed = keys.verify(&ask.asker, &ask_bytes(ask), signature);
    if is_signed { Ok(()) } else { Err(Refused::Forged) }
}

/// An answer, sealed and signed; `None` when the asker's id is no key.
pub(super) fn seal_answer(
    keys: &dyn Keys,
    asker: IonId,
    request: u64,
    body: &[u8],
) -> Option<(Answer, Signature)> {
    let sealed = keys.seal(&asker, &answer_seal(&asker, request), body)?;
    let answer = Answer { asker, request, answerer: keys.own(), sealed };
    let signature = keys.sign(&answer_bytes(&answer));
    Some((answer, signature))
}

/// Whether its author signed it.
pub(super) fn check_answer(
    keys: &dyn Keys,
    answer: &Answer,
    signature: &Signature,
) -> Result<(), Refused> {
    let is_signed = keys.verify(&answer.answerer, &answer_bytes(answer), signature);
    if is_signed { Ok(()) } else { Err(Refused::Forged) }
}

/// What an answer to this ion says; `None` when it was not sealed for it.
pub(super) fn open_answer(keys: &dyn Keys, answer: &Answer) -> Option<Vec<u8>> {
    let context = answer_seal(&answer.asker, answer.request);
    keys.open(&answer.answerer, &context, &answer.sealed)
}

/// A piece, sealed and signed; `None` when the addressee's id is no key.
pub(super) fn seal_piece(
    keys: &dyn Keys,
    header: &Header,
    body: &[u8],
) -> Option<(Vec<u8>, Signature)> {
    let sealed = keys.seal(&header.to, &piece_seal(header), body)?;
    let signature = keys.sign(&packet_bytes(header, &sealed));
    Some((sealed, signature))
}

/// Whether the origin signed it.
pub(super) fn check_piece(
    keys: &dyn Keys,
    header: &Header,
    sealed: &[u8],
    signature: &Signature,
) -> Result<(), Refused> {
    let is_signed = keys.verify(&header.origin, &packet_bytes(header, sealed), signature);
    if is_signed { Ok(()) } else { Err(Refused::Forged) }
}

/// What a piece for this ion says; `None` when it was not sealed for it.
pub(super) fn open_piece(keys: &dyn Keys, header: &Header, sealed: &[u8]) -> Option<Vec<u8>> {
    keys.open(&header.origin, &piece_seal(header), sealed)
}
