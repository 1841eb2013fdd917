//! What two linked ions say to each other about the shared memory.
//!
//! Refused: frames beyond [`FRAME_BYTES_MAX`], bytes that are none. What is told
//! to all at once, a group of entries signed together, is
//! [`Entry::encode_group`].

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use super::{
    entry::{ENTRY_BYTES_MAX, Entry},
    reconcile::{self, MESSAGE_BYTES_MAX},
};
use crate::codec;

/// A frame, in bytes: the longest message and what names it.
pub const FRAME_BYTES_MAX: usize = MESSAGE_BYTES_MAX + 64;
/// Entries of one frame, in bytes, unless a single one is longer.
const GIVEN_BYTES: usize = 192 << 10;

const _: () = assert!(GIVEN_BYTES + 64 < FRAME_BYTES_MAX, "many entries fit into a frame");
const _: () = assert!(ENTRY_BYTES_MAX + 64 < FRAME_BYTES_MAX, "the longest entry fits");

/// One frame.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Frame {
    /// Where the two may differ: an encoded [`reconcile::Message`]; and what the
    /// sender's clock claims, and claimed when it last knew what others know (0
    /// for never), both in milliseconds since 1970.
    Compare(ByteBuf, u64, u64),
    /// Entries that the other side lacks.
    Give(Vec<ByteBuf>),
    /// The sender holds the very entries that this short sum is of.
    Same(ByteArray<16>),
}

impl Frame {
    pub(super) fn compare(message: &reconcile::Message, clock_ms: u64, touch_ms: u64) -> Vec<u8> {
        codec::encode(&Self::Compare(ByteBuf::from(message.encode()), clock_ms, touch_ms))
    }

    pub(super) fn same(short: [u8; 16]) -> Vec<u8> {
        codec::encode(&Self::Same(ByteArray::new(short)))
    }

    /// As many frames as it takes.
    pub(super) fn give<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Vec<u8>> {
        let (mut frames, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
        for entry in entries {
            let entry = ByteBuf::from(entry.encode());
            if bytes + entry.len() > GIVEN_BYTES && !part.is_empty() {
                frames.push(codec::encode(&Self::Give(std::mem::take(&mut part))));
                bytes = 0;
            }
            bytes += entry.len() + 4;
            part.push(entry);
        }
        if !part.is_empty() {
            frames.push(codec::encode(&Self::Give(part)));
        }
        frames
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        codec::decode(bytes, FRAME_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::kv::table::tests::entry;

    #[test]
    fn many_entries_take_several_frames_that_all_fit() {
        let value = "x".repeat(50_000);
        let entries: Vec<Entry> =
            (0..9).map(|number| entry(&format!("{number}"), Some(&value), 1, 1)).collect();
        let frames = Frame::give(&entries);
        assert!(frames.iter().all(|frame| frame.len() <= FRAME_BYTES_MAX));
        let counts = frames.iter().map(|frame| match Frame::decode(frame) {
            Some(Frame::Give(given)) => given.len(),
            other => panic!("{other:?}"),
        });
        assert_eq!(counts.collect::<Vec<_>>(), [3, 3, 3]);
    }

    #[test]
    fn what_is_no_frame_is_none() {
        for bytes in [&b""[..], b"frame", &[0xff; 90]] {
            assert_eq!(Frame::decode(bytes), None);
        }
        assert_eq!(Frame::decode(&vec![0; FRAME_BYTES_MAX + 1]), None);
    }
}
