//! Blocks and their names: a [`Cid`] says which bytes it stands for, so that
//! whoever holds them can give them and nobody can give others.
//!
//! A name is a `CIDv1` (multiformats/cid) with the codec raw, for a file's
//! content, or dag-cbor, for lists of further blocks, and a BLAKE3 multihash of
//! 32 bytes. Inside DAG-CBOR it is a link (tag 42), so that other tools of IPLD
//! can follow it.
//!
//! Refused: every other version, codec, hash or length of a CID, and every
//! other way to write one. Bounds: [`CHUNK_BYTES`] a block.

use std::{fmt, str::FromStr};

use cid::multihash::Multihash;
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A block of a file but the last, in bytes, and the most that any block has:
/// large enough that `IndexedDB` is fast (a browser makes a file of each), small
/// enough to be fetched from many ions at once.
pub const CHUNK_BYTES: u32 = 1 << 20;
/// A CID's length, in bytes.
pub const CID_BYTES: usize = 36;
/// The length of a CID's text, in characters.
pub const CID_CHARS: usize = 59;

/// The hash's length, in bytes.
const HASH_BYTES: usize = 32;
/// Its number among the multihashes.
const BLAKE3: u8 = 0x1e;
/// What text in lower-case base32 begins with (multibase).
const BASE32_LOWER: char = 'b';

/// What the bytes of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// A piece of a file.
    Raw,
    /// DAG-CBOR: a manifest, or a list of further blocks.
    DagCbor,
}

impl Codec {
    const fn number(self) -> u8 {
        match self {
            Self::Raw => 0x55,
            Self::DagCbor => 0x71,
        }
    }

    const fn of_number(number: u64) -> Option<Self> {
        match number {
            0x55 => Some(Self::Raw),
            0x71 => Some(Self::DagCbor),
            _ => None,
        }
    }
}

/// The name of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    codec: Codec,
    hash: [u8; HASH_BYTES],
}

impl Cid {
    /// The name of these bytes. Equal bytes have equal names, empty ones too.
    pub fn of(codec: Codec, bytes: &[u8]) -> Self {
        Self { codec, hash: *blake3::hash(bytes).as_bytes() }
    }

    /// Whether these are the bytes that it stands for.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        bytes.len() <= CHUNK_BYTES as usize && Self::of(self.codec, bytes) == *self
    }

    /// What its bytes are.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The hash alone: equally likely to be any number.
    pub const fn hash(&self) -> &[u8; HASH_BYTES] {
        &self.hash
    }

    /// The binary form.
    pub fn to_bytes(self) -> [u8; CID_BYTES] {
        let mut bytes = [0; CID_BYTES];
        bytes[..4].copy_from_slice(&[1, self.codec.number(), BLAKE3, 32]);
        bytes[4..].copy_from_slice(&self.hash);
        bytes
    }

    /// From the binary form.
    ///
    /// # Errors
    /// [`NotACid`] for anything that [`to_bytes`](Self::to_bytes) does not give.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotACid> {
        let ([1, codec, BLAKE3, 32], hash) = bytes.split_first_chunk().ok_or(NotACid)? else {
            return Err(NotACid);
        };
        let codec = Codec::of_number(u64::from(*codec)).ok_or(NotACid)?;
        Ok(Self { codec, hash: hash.try_into().map_err(|_| NotACid)? })
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = BASE32_NOPAD.encode(&self.to_bytes()).to_ascii_lowercase();
        write!(f, "{BASE32_LOWER}{text}")
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.to_string()[..16])
    }
}

impl FromStr for Cid {
    type Err = NotACid;

    fn from_str(text: &str) -> Result<Self, NotACid> {
        let digits = text.strip_prefix(BASE32_LOWER).ok_or(NotACid)?;
        if text.len() != CID_CHARS || digits.contains(|digit: char| digit.is_ascii_uppercase()) {
            return Err(NotACid);
        }
        let bytes = BASE32_NOPAD.decode(digits.to_ascii_uppercase().as_bytes());
        Self::from_bytes(&bytes.map_err(|_| NotACid)?)
    }
}

impl Serialize for Cid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hash = Multihash::wrap(u64::from(BLAKE3), &self.hash).expect("32 bytes fit into 64");
        cid::Cid::new_v1(u64::from(self.codec.number()), hash).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Cid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let any = cid::Cid::deserialize(deserializer)?;
        let codec = Codec::of_number(any.codec());
        let is_ours = any.version() == cid::Version::V1 && any.hash().code() == u64::from(BLAKE3);
        match (codec, any.hash().digest().try_into()) {
            (Some(codec), Ok(hash)) if is_ours => Ok(Self { codec, hash }),
            _ => Err(de::Error::custom(NotACid)),
        }
    }
}

/// A block with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name.
    pub cid: Cid,
    /// Its bytes, at most [`CHUNK_BYTES`].
    pub bytes: Vec<u8>,
}

impl Block {
    /// The block of these bytes.
    pub fn of(codec: Codec, bytes: Vec<u8>) -> Self {
        Self { cid: Cid::of(codec, &bytes), bytes }
    }
}

/// The bytes or the text name no block of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a block (CIDv1, raw or dag-cbor, BLAKE3)")]
pub struct NotACid;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    /// The BLAKE3 of nothing is published; the rest was written by another
    /// program (Python's base32).
    #[test]
    fn golden() {
        let raw = "bafkr4ifpcne3t5pzugtkaqcn5i3nzskjtpfslsnnyejlpte2spfoihzsmi";
        let list = "bafyr4ifpcne3t5pzugtkaqcn5i3nzskjtpfslsnnyejlpte2spfoihzsmi";
        assert_eq!(Cid::of(Codec::Raw, b"").to_string(), raw);
        assert_eq!(Cid::of(Codec::DagCbor, b"").to_string(), list);
        assert_eq!(raw.parse(), Ok(Cid::of(Codec::Raw, b"")));
    }

    #[test]
    fn it_is_a_link_in_dag_cbor() {
        let cid = Cid::of(Codec::Raw, b"hello");
        let bytes = codec::encode(&cid);
        assert_eq!(bytes[..5], [0xd8, 42, 0x58, 37, 0]);
        assert_eq!(bytes[5..], cid.to_bytes());
        assert_eq!(codec::decode(&bytes, 41), Some(cid));
    }

    #[test]
    fn it_stands_for_its_bytes_only() {
        let cid = Cid::of(Codec::Raw, b"hello");
        assert!(cid.is_of(b"hello") && !cid.is_of(b"hallo") && !cid.is_of(b""));
        let long = vec![0; CHUNK_BYTES as usize + 1];
        assert!(!Cid::of(Codec::Raw, &long).is_of(&long), "no block is that long");
    }

    #[test]
    fn other_names_are_refused() {
        let good = Cid::of(Codec::Raw, b"hello").to_bytes();
        assert_eq!(Cid::from_bytes(&good), Ok(Cid::of(Codec::Raw, b"hello")));
        for place in 0..4 {
            let mut bad = good;
            bad[place] ^= 1;
            assert_eq!(Cid::from_bytes(&bad), Err(NotACid), "byte {place}");
            let link = [&[0xd8, 42, 0x58, 37, 0][..], &bad].concat();
            assert_eq!(codec::decode::<Cid>(&link, 41), None, "byte {place}");
        }
        assert_eq!(Cid::from_bytes(&good[..35]), Err(NotACid));
        assert_eq!(Cid::from_bytes(&[&good[..], &[0]].concat()), Err(NotACid));
    }

    #[test]
    fn other_texts_are_refused() {
        let good = Cid::of(Codec::Raw, b"hello").to_string();
        assert_eq!(good.len(), CID_CHARS);
        // Base32 leaves two bits of the last character unused: they must be zero.
        let loose = format!("{}b", &good[..CID_CHARS - 1]);
        for bad in ["", "b", &good[1..], &good.to_uppercase(), &loose, &format!("{good}a"), "ü"] {
            assert_eq!(bad.parse::<Cid>(), Err(NotACid), "{bad}");
        }
    }
}
