//! What a side says of itself in a handshake: the Protobuf message
//! `NoiseHandshakePayload` of libp2p's specification.
//!
//! Fields that are not known, such as the extensions, are passed over; a field
//! that is there twice counts as the last one, as Protobuf has it.

use unsigned_varint::{decode, encode};

use crate::Error;

const IDENTITY: u64 = 1;
const SIGNATURE: u64 = 2;

/// Wire types of Protobuf.
const VARINT: u64 = 0;
const EIGHT_BYTES: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FOUR_BYTES: u64 = 5;

/// An identity, and its signature under the key of the handshake.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Payload {
    /// The public key in libp2p's own encoding.
    pub(crate) identity: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Payload {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (field, value) in [(IDENTITY, &self.identity), (SIGNATURE, &self.signature)] {
            let mut buffer = encode::u64_buffer();
            bytes.extend_from_slice(encode::u64(field << 3 | LENGTH_DELIMITED, &mut buffer));
            bytes.extend_from_slice(encode::u64(value.len() as u64, &mut buffer));
            bytes.extend_from_slice(value);
        }
        bytes
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, Error> {
        let mut payload = Self::default();
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let length = match key & 7 {
                VARINT => {
                    varint(&mut bytes)?;
                    continue;
                }
                EIGHT_BYTES => 8,
                FOUR_BYTES => 4,
                LENGTH_DELIMITED => varint(&mut bytes)?,
                _ => return Err(malformed()),
            };
            let length = usize::try_from(length).map_err(|_| malformed())?;
            let (value, rest) = bytes.split_at_checked(length).ok_or_else(malformed)?;
            bytes = rest;
            match (key >> 3, key & 7) {
                (IDENTITY, LENGTH_DELIMITED) => payload.identity = value.to_vec(),
                (SIGNATURE, LENGTH_DELIMITED) => payload.signature = value.to_vec(),
                _ => {}
            }
        }
        Ok(payload)
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Error> {
    let (value, rest) = decode::u64(bytes).map_err(|_| malformed())?;
    *bytes = rest;
    Ok(value)
}

fn malformed() -> Error {
    Error::Malformed("an identity that cannot be read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_fields_are_passed_over() {
        let payload = Payload { identity: vec![1, 2], signature: vec![3] };
        let unknown = [&[0x22, 2, 9, 9][..], &[0x28, 0x96, 1], &[0x2d, 1, 2, 3, 4], &[0x31; 9]];
        let bytes = [unknown.concat(), payload.encode()].concat();
        assert_eq!(Payload::decode(&bytes).unwrap(), payload);
    }

    #[test]
    fn what_ends_too_soon_is_refused() {
        let bytes = Payload { identity: vec![1, 2], signature: vec![3] }.encode();
        for end in [1, 2, 3, 5, 6] {
            assert!(Payload::decode(&bytes[..end]).is_err(), "{end}");
        }
        assert!(Payload::decode(&[0x0b]).is_err(), "a group");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Payload::decode(&bytes);
        }
    }
}
