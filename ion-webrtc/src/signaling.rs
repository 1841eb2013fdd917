//! The messages by which two peers agree on a connection, and their encoding:
//! protocol `/webrtc-signaling/0.0.1` of the libp2p specification
//! `webrtc/webrtc.md`.
//!
//! A frame is an unsigned-varint length and a protobuf message of a type and a
//! string. The type is always written, though 0 is its default: others refuse
//! its absence. Candidates are the JSON of `RTCIceCandidate.toJSON()`. Bounds:
//! [`FRAME_BYTES_MAX`] for a frame; what is longer or malformed is refused.

use ion_codec::{from_json, json_text};
use serde::Deserialize;

use crate::protobuf::{Fields, Malformed, Value, prefixed, put_length, put_number, put_varint};

/// The protocol's name.
pub const PROTOCOL: &str = "/webrtc-signaling/0.0.1";
/// Longest frame that is taken, in bytes, without its prefix.
pub const FRAME_BYTES_MAX: usize = 64 << 10;

const TYPE: u64 = 1;
const DATA: u64 = 2;

/// One way that leads to a peer, as browsers describe it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IceCandidate {
    /// The line, as in an SDP, without `a=`.
    pub candidate: String,
    /// The section of the SDP it belongs to.
    #[serde(default)]
    pub sdp_mid: Option<String>,
    /// The same as an index.
    #[serde(default, rename = "sdpMLineIndex")]
    pub sdp_mline_index: Option<u16>,
    /// The session it belongs to.
    #[serde(default)]
    pub username_fragment: Option<String>,
}

impl IceCandidate {
    /// A candidate of the only section that a data connection has.
    pub fn of_line(candidate: String) -> Self {
        Self { candidate, sdp_mid: None, sdp_mline_index: Some(0), username_fragment: None }
    }
}

/// What one side tells the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// How the one who starts can be reached, as an SDP.
    Offer(String),
    /// How the other can be reached, as an SDP.
    Answer(String),
    /// One more way; `None` when there are no more.
    Candidate(Option<IceCandidate>),
}

impl Message {
    /// The message as a frame, with its prefix.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, data) = match self {
            Self::Offer(sdp) => (0, sdp.clone()),
            Self::Answer(sdp) => (1, sdp.clone()),
            Self::Candidate(None) => (2, "null".to_owned()),
            Self::Candidate(Some(candidate)) => (2, json(candidate)),
        };
        let mut message = Vec::with_capacity(data.len() + 8);
        put_number(TYPE, kind, &mut message);
        put_length(DATA, data.len(), &mut message);
        message.extend_from_slice(data.as_bytes());
        let mut frame = Vec::with_capacity(message.len() + 3);
        put_varint(message.len() as u64, &mut frame);
        frame.extend(message);
        frame
    }

    /// Decodes a message without its prefix.
    ///
    /// # Errors
    ///
    /// When it is no such message, or of a type that nobody knows.
    pub fn decode(message: &[u8]) -> Result<Self, Malformed> {
        let (mut kind, mut data) = (None, 0..0);
        for field in Fields::of(message) {
            match field? {
                (TYPE, Value::Varint(number)) => kind = Some(number),
                (DATA, Value::Bytes(range)) => data = range,
                (TYPE | DATA, _) => return Err(Malformed),
                _ => {}
            }
        }
        let data = std::str::from_utf8(&message[data]).map_err(|_| Malformed)?;
        match kind {
            Some(0) => Ok(Self::Offer(data.to_owned())),
            Some(1) => Ok(Self::Answer(data.to_owned())),
            Some(2) => Ok(Self::Candidate(candidate(data)?)),
            _ => Err(Malformed),
        }
    }
}

fn json(candidate: &IceCandidate) -> String {
    let null = || "null".to_owned();
    let text = |text: &Option<String>| text.as_deref().map_or_else(null, json_text);
    format!(
        r#"{{"candidate":{},"sdpMid":{},"sdpMLineIndex":{},"usernameFragment":{}}}"#,
        json_text(&candidate.candidate),
        text(&candidate.sdp_mid),
        candidate.sdp_mline_index.map_or_else(null, |index| index.to_string()),
        text(&candidate.username_fragment),
    )
}

fn candidate(data: &str) -> Result<Option<IceCandidate>, Malformed> {
    if data.trim().is_empty() {
        return Ok(None);
    }
    let found: Option<IceCandidate> = from_json(data.as_bytes()).map_err(|_| Malformed)?;
    Ok(found.filter(|candidate| !candidate.candidate.is_empty()))
}

/// Puts messages together from the bytes of a stream.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

impl Decoder {
    /// Takes bytes; [`Decoder::next`] then gives their messages.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    ///
    /// # Errors
    ///
    /// When the bytes are no messages or one is longer than
    /// [`FRAME_BYTES_MAX`]. The stream is of no use then.
    #[expect(clippy::should_implement_trait, reason = "it ends with an error, not with `None`")]
    pub fn next(&mut self) -> Result<Option<Message>, Malformed> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let Some(range) = prefixed(&self.pending, FRAME_BYTES_MAX)? else { return Ok(None) };
        let message = Message::decode(&self.pending[range.clone()])?;
        self.pending.drain(..range.end);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(frame: &[u8]) -> Result<Option<Message>, Malformed> {
        let mut decoder = Decoder::default();
        decoder.push(frame);
        decoder.next()
    }

    #[test]
    fn messages_are_as_they_are() {
        let offer = Message::Offer("v=0".to_owned());
        assert_eq!(offer.encode(), [7, 8, 0, 0x12, 3, 0x76, 0x3d, 0x30]);
        assert_eq!(Message::Answer(String::new()).encode(), [4, 8, 1, 0x12, 0]);
        assert_eq!(Message::Candidate(None).encode(), b"\x08\x08\x02\x12\x04null");
        let candidate = Message::Candidate(Some(IceCandidate::of_line("c".to_owned())));
        let text = r#"{"candidate":"c","sdpMid":null,"sdpMLineIndex":0,"usernameFragment":null}"#;
        assert_eq!(&candidate.encode()[5..], text.as_bytes());
    }

    #[test]
    fn messages_come_back_also_in_pieces() {
        let messages = [
            Message::Offer("v=0\r\n".repeat(200)),
            Message::Candidate(Some(IceCandidate::of_line("candidate:1 1 udp".to_owned()))),
            Message::Candidate(None),
            Message::Answer("v=0".to_owned()),
        ];
        let all: Vec<u8> = messages.iter().flat_map(Message::encode).collect();
        for size in [1, 2, 3, 100, 5_000] {
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for piece in all.chunks(size) {
                decoder.push(piece);
                while let Some(message) = decoder.next().unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, messages);
        }
    }

    #[test]
    fn no_more_candidates_is_said_in_many_ways() {
        let ways: [&[u8]; 4] = [
            b"\x02\x08\x02",
            b"\x04\x08\x02\x12\x00",
            b"\x08\x08\x02\x12\x04null",
            b"\x15\x08\x02\x12\x11{\"candidate\": \"\"}",
        ];
        for way in ways {
            assert_eq!(whole(way), Ok(Some(Message::Candidate(None))), "{way:?}");
        }
    }

    #[test]
    fn what_is_too_long_or_makes_no_sense_is_refused() {
        assert_eq!(whole(&[0x81, 0x80, 0x04]), Err(Malformed), "64 KiB and one");
        assert_eq!(whole(&[0x80, 0x80, 0x04]), Ok(None), "64 KiB may still come");
        assert_eq!(whole(&[2, 0x12, 0]), Err(Malformed), "no type");
        assert_eq!(whole(&[2, 8, 9]), Err(Malformed), "unknown type");
        assert_eq!(whole(b"\x05\x08\x00\x12\x01\xff"), Err(Malformed), "no text");
        assert_eq!(whole(b"\x05\x08\x02\x12\x01{"), Err(Malformed), "no JSON");
    }
}
