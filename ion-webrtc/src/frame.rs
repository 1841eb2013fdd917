//! The frames of a stream: what one message on a data channel carries.
//!
//! Each is an unsigned-varint length and a protobuf message with an optional
//! flag and optional bytes, after the libp2p specification `webrtc/README.md`
//! ("Multiplexing"). Frames that are sent are at most [`FRAME_BYTES`] long with
//! their prefix, as the specification demands; received ones may be up to
//! [`RECEIVED_BYTES_MAX`], because some implementations send longer ones.
//! Unknown flags are ignored, also as it demands.

use bytes::{Bytes, BytesMut};

use crate::protobuf::{Fields, Malformed, Value, prefixed, put_length, put_number, put_varint};

/// Longest frame that is sent, in bytes, with its prefix.
pub const FRAME_BYTES: usize = 16 << 10;
/// Longest payload of such a frame: prefix (3), flag (2), field (1), length (3).
pub const PAYLOAD_BYTES: usize = FRAME_BYTES - 9;
/// Longest frame that is taken, in bytes, without its prefix.
pub const RECEIVED_BYTES_MAX: usize = 64 << 10;

const FLAG: u64 = 1;
const MESSAGE: u64 = 2;

/// What a frame says about the stream's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// The sender will send no more.
    Fin,
    /// The sender will read no more.
    StopSending,
    /// The sender abandons both directions.
    Reset,
    /// The sender has received a [`Flag::Fin`].
    FinAck,
}

impl Flag {
    fn number(self) -> u64 {
        match self {
            Self::Fin => 0,
            Self::StopSending => 1,
            Self::Reset => 2,
            Self::FinAck => 3,
        }
    }

    fn of(number: u64) -> Option<Self> {
        [Self::Fin, Self::StopSending, Self::Reset, Self::FinAck]
            .into_iter()
            .find(|flag| flag.number() == number)
    }
}

/// One frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// What it says, if it says something and we know what.
    pub flag: Option<Flag>,
    /// What it carries; empty when it carries nothing.
    pub payload: Bytes,
}

/// A frame that carries bytes, encoded with its prefix.
///
/// `payload` is cut at [`PAYLOAD_BYTES`]; the second value says how many bytes
/// were taken.
pub fn encode_payload(payload: &[u8]) -> (Vec<u8>, usize) {
    let taken = payload.len().min(PAYLOAD_BYTES);
    let body = taken + if taken < 128 { 2 } else { 3 };
    let mut frame = Vec::with_capacity(body + 4);
    put_varint(body as u64, &mut frame);
    put_length(MESSAGE, taken, &mut frame);
    frame.extend_from_slice(&payload[..taken]);
    (frame, taken)
}

/// A frame that only says something, encoded with its prefix.
pub fn encode_flag(flag: Flag) -> Vec<u8> {
    let mut frame = vec![2];
    put_number(FLAG, flag.number(), &mut frame);
    frame
}

/// Decodes the message of a frame, without its prefix. The payload is a
/// part of the message and not a copy.
///
/// # Errors
///
/// When it is not such a message.
pub fn decode(message: &Bytes) -> Result<Frame, Malformed> {
    let mut frame = Frame::default();
    for field in Fields::of(message) {
        match field? {
            (FLAG, Value::Varint(number)) => frame.flag = Flag::of(number),
            (MESSAGE, Value::Bytes(range)) => frame.payload = message.slice(range),
            (FLAG | MESSAGE, _) => return Err(Malformed),
            _ => {}
        }
    }
    Ok(frame)
}

/// Puts frames together from the messages of a data channel.
///
/// Usually a message is a frame and nothing is copied; frames that were split
/// over messages are collected, up to [`RECEIVED_BYTES_MAX`] and one message. A
/// payload that is less than half of what it came in is copied, so that it does not
/// keep the rest: what waits to be read is counted by payloads.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A message of which nothing is missing so far.
    whole: Bytes,
    /// What was collected of a frame that came in pieces.
    partial: BytesMut,
    /// The length of what a payload that is not copied would keep.
    came_in: usize,
}

impl Decoder {
    /// Takes a message; [`Decoder::next`] then gives its frames.
    pub fn push(&mut self, message: Bytes) {
        if self.partial.is_empty() && self.whole.is_empty() {
            self.came_in = message.len();
            self.whole = message;
            return;
        }
        self.partial.extend_from_slice(&std::mem::take(&mut self.whole));
        self.partial.extend_from_slice(&message);
        self.came_in = self.came_in.max(self.partial.len());
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    ///
    /// When the bytes are no frames or a frame is too long. What follows can't
    /// be understood then, and the stream is to be reset.
    #[expect(clippy::should_implement_trait, reason = "it ends with an error, not with `None`")]
    pub fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        let pending = if self.partial.is_empty() { &self.whole[..] } else { &self.partial[..] };
        if pending.is_empty() {
            return Ok(None);
        }
        let Some(range) = prefixed(pending, RECEIVED_BYTES_MAX)? else {
            self.partial.extend_from_slice(&std::mem::take(&mut self.whole));
            return Ok(None);
        };
        let mut message = if self.partial.is_empty() {
            self.whole.split_to(range.end)
        } else {
            self.partial.split_to(range.end).freeze()
        };
        let mut frame = decode(&message.split_off(range.start))?;
        if frame.payload.len() * 2 < self.came_in {
            frame.payload = Bytes::copy_from_slice(&frame.payload);
        }
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(encoded: &[u8]) -> Frame {
        let mut decoder = Decoder::default();
        decoder.push(Bytes::copy_from_slice(encoded));
        decoder.next().unwrap().unwrap()
    }

    #[test]
    fn frames_are_as_they_are() {
        assert_eq!(encode_payload(b"hi").0, [4, 0x12, 2, b'h', b'i']);
        assert_eq!(encode_flag(Flag::Fin), [2, 8, 0]);
        assert_eq!(encode_flag(Flag::StopSending), [2, 8, 1]);
        assert_eq!(encode_flag(Flag::Reset), [2, 8, 2]);
        assert_eq!(encode_flag(Flag::FinAck), [2, 8, 3]);
    }

    #[test]
    fn every_length_comes_back_and_none_is_longer_than_allowed() {
        for length in [0, 1, 127, 128, 129, 16_000, PAYLOAD_BYTES, PAYLOAD_BYTES + 1, 99_999] {
            let bytes = vec![7; length];
            let (frame, taken) = encode_payload(&bytes);
            assert!(frame.len() <= FRAME_BYTES);
            assert_eq!(taken, length.min(PAYLOAD_BYTES));
            assert_eq!(whole(&frame).payload, &bytes[..taken]);
        }
    }

    #[test]
    fn frames_may_be_split_and_joined() {
        let mut all = encode_payload(b"one").0;
        all.extend(encode_flag(Flag::Fin));
        all.extend(encode_payload(&[9; 300]).0);
        for size in 1..all.len() {
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for piece in all.chunks(size) {
                decoder.push(Bytes::copy_from_slice(piece));
                while let Some(frame) = decoder.next().unwrap() {
                    found.push(frame);
                }
            }
            assert_eq!(found.len(), 3, "in pieces of {size}");
            assert_eq!(found[1].flag, Some(Flag::Fin));
            assert_eq!(found[2].payload.len(), 300);
        }
    }

    /// Neither other frames nor fields that nobody knows.
    #[test]
    fn a_small_payload_keeps_nothing_of_the_message_that_it_came_in() {
        let mut all = encode_payload(b"small").0;
        let padding = 16_000_usize;
        let mut unknown = Vec::new();
        put_length(15, padding, &mut unknown);
        unknown.extend(vec![0; padding]);
        put_varint(unknown.len() as u64, &mut all);
        all.extend(unknown);
        let message = Bytes::from(all);
        let mut decoder = Decoder::default();
        decoder.push(message.clone());
        let small = decoder.next().unwrap().unwrap().payload;
        assert!(decoder.next().unwrap().is_some_and(|frame| frame.payload.is_empty()));
        drop(decoder);
        assert_eq!(small, b"small"[..]);
        assert!(message.is_unique(), "nothing holds it but this");
    }

    #[test]
    fn unknown_flags_and_fields_are_ignored_and_nonsense_is_refused() {
        assert_eq!(whole(&[2, 8, 77]), Frame::default());
        assert_eq!(whole(&[2, 0x78, 1]), Frame::default());
        let mut decoder = Decoder::default();
        decoder.push(Bytes::from_static(&[2, 0x12, 9]));
        assert_eq!(decoder.next(), Err(Malformed));
        let mut decoder = Decoder::default();
        decoder.push(Bytes::from_static(&[0xff, 0xff, 0xff, 0x7f]));
        assert_eq!(decoder.next(), Err(Malformed), "longer than any frame");
    }
}
