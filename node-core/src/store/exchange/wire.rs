//! What ions say in the store room (`/ionosphere/store/1`), and what is checked
//! of it before anything is believed.

use serde::{Deserialize, Serialize};

use crate::{
    codec,
    store::chunk::{CHUNK_BYTES, Cid},
};

/// A piece of a block, in bytes.
pub const PIECE_BYTES_MAX: usize = 64 << 10;
/// Names in one message.
pub const CIDS_MAX: usize = 512;
/// A frame of the room, in bytes.
pub const FRAME_BYTES_MAX: usize = 72 << 10;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Which of these have you? Answered by `Have` and `Lack`; and by `Have`
    /// once more for each that comes later.
    Seek(Vec<Cid>),
    /// I have these.
    Have(Vec<Cid>),
    /// I do not have these, or not any more, or cannot send so many.
    Lack(Vec<Cid>),
    /// Send me these, in this order, after those that I wanted before.
    Want(Vec<Cid>),
    /// Do not send me these after all.
    Cancel(Vec<Cid>),
    /// A part of a block that you want.
    Piece(Piece),
}

/// A part of a block. The parts of one come in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The block.
    pub cid: Cid,
    /// Where the part begins, in bytes.
    pub offset: u32,
    /// The whole block, in bytes.
    pub total: u32,
    /// The part: 1 to [`PIECE_BYTES_MAX`] bytes; none of an empty block.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a message at all, or longer than [`FRAME_BYTES_MAX`].
    #[error("the bytes are no message of the store room")]
    Malformed,
    /// No names, or more than fit.
    #[error("a message names 1 to {CIDS_MAX} blocks")]
    Count,
    /// A piece that does not lie within a block.
    #[error("a piece has at most {PIECE_BYTES_MAX} bytes and lies within a block")]
    Piece,
}

/// A message as bytes.
pub fn encode(message: &Message) -> Vec<u8> {
    codec::encode(message)
}

/// A message from bytes, checked against every limit that needs no context.
///
/// # Errors
/// Whatever it is that makes them none.
pub fn decode(bytes: &[u8]) -> Result<Message, Refusal> {
    let message = codec::decode(bytes, FRAME_BYTES_MAX).ok_or(Refusal::Malformed)?;
    match &message {
        Message::Piece(piece) => check_piece(piece)?,
        Message::Seek(cids)
        | Message::Have(cids)
        | Message::Lack(cids)
        | Message::Want(cids)
        | Message::Cancel(cids) => {
            if !(1..=CIDS_MAX).contains(&cids.len()) {
                return Err(Refusal::Count);
            }
        }
    }
    Ok(message)
}

fn check_piece(piece: &Piece) -> Result<(), Refusal> {
    let end = u64::from(piece.offset) + piece.bytes.len() as u64;
    let is_inside = end <= u64::from(piece.total) && piece.total <= CHUNK_BYTES;
    let is_some = !piece.bytes.is_empty() || piece.total == 0;
    let is_good = is_inside && is_some && piece.bytes.len() <= PIECE_BYTES_MAX;
    if is_good { Ok(()) } else { Err(Refusal::Piece) }
}

/// Cuts names into as many messages as they need.
pub(super) fn in_messages(cids: &[Cid], kind: fn(Vec<Cid>) -> Message) -> Vec<Vec<u8>> {
    cids.chunks(CIDS_MAX).map(|part| encode(&kind(part.to_vec()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::chunk::Codec;

    #[test]
    fn the_longest_messages_fit() {
        let cid = Cid::of(Codec::Raw, b"");
        let names = encode(&Message::Cancel(vec![cid; CIDS_MAX]));
        let bytes = vec![0; PIECE_BYTES_MAX];
        let offset = CHUNK_BYTES - u32::try_from(PIECE_BYTES_MAX).expect("it is short");
        let piece = Piece { cid, offset, total: CHUNK_BYTES, bytes };
        for frame in [names, encode(&Message::Piece(piece))] {
            assert!(decode(&frame).is_ok());
        }
    }

    #[test]
    fn what_is_beyond_the_bounds_is_refused() {
        let cid = Cid::of(Codec::Raw, b"");
        let refusal = |message| decode(&encode(&message)).err();
        assert_eq!(refusal(Message::Want(vec![])), Some(Refusal::Count));
        assert_eq!(refusal(Message::Have(vec![cid; CIDS_MAX + 1])), Some(Refusal::Count));
        assert_eq!(decode(&vec![0; FRAME_BYTES_MAX + 1]), Err(Refusal::Malformed));
        let piece = |offset, total, len| {
            refusal(Message::Piece(Piece { cid, offset, total, bytes: vec![0; len] }))
        };
        assert_eq!(piece(0, 0, 0), None);
        for (offset, total, len) in [
            (0, 1, 0),
            (1, 1, 1),
            (u32::MAX, u32::MAX, 1),
            (0, CHUNK_BYTES + 1, 1),
            (0, CHUNK_BYTES, PIECE_BYTES_MAX + 1),
        ] {
            assert_eq!(piece(offset, total, len), Some(Refusal::Piece));
        }
    }
}
