//! An ion's id, which is its Ed25519 public key and its libp2p peer id, and
//! what its secret half can do: [`Keys`] signs, verifies, seals and opens.
//!
//! [`Ed25519Keys`] is what runs in the world, as [`MemberKeys`] inside a nebula; [`SimKeys`] keeps no secret and
//! is cheap enough for thousands of simulated ions.

mod ed25519;
mod member;
mod sim;

use std::{cmp::Ordering, fmt, str::FromStr};

use libp2p::PeerId;
use serde::{Deserialize, Serialize};

pub use ed25519::Ed25519Keys;
pub use member::MemberKeys;
pub use sim::SimKeys;

/// A signature's length, in bytes.
pub const SIGNATURE_BYTES: usize = 64;
/// What sealing adds to a body, in bytes.
pub const SEAL_BYTES: usize = 48;

/// A signature, as it travels.
pub type Signature = [u8; SIGNATURE_BYTES];

/// What an ion does with its key. Every caller begins what it signs with a
/// context of its own, so that no signature counts for anything else.
pub trait Keys: Send + Sync {
    /// Whose keys these are.
    fn own(&self) -> IonId;

    /// Signs bytes.
    fn sign(&self, bytes: &[u8]) -> Signature;

    /// Whether `by` signed these bytes. An id that is no key has signed nothing.
    fn verify(&self, by: &IonId, bytes: &[u8], signature: &Signature) -> bool;

    /// Encrypts a body so that only `to` can read it and only this ion can have
    /// written it; `context` travels beside it and must be the same on opening.
    /// [`SEAL_BYTES`] longer than the body. `None` when `to` is no key.
    fn seal(&self, to: &IonId, context: &[u8], body: &[u8]) -> Option<Vec<u8>>;

    /// Decrypts what `from` sealed for this ion in this context. `None` when it
    /// did not.
    fn open(&self, from: &IonId, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;
}

/// What a libp2p peer id of an Ed25519 key begins with: the identity multihash
/// of 36 bytes, which are the key's protobuf (libp2p peer-ids specification).
const PEER_ID_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// An ion. Shown as a libp2p peer id (base58).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IonId(#[serde(with = "serde_bytes")] [u8; 32]);

impl Ord for IonId {
    /// That of their bytes. The first eight tell nearly all apart, in one machine
    /// word: ions are looked up for every frame, in every machine.
    fn cmp(&self, other: &Self) -> Ordering {
        self.first_word().cmp(&other.first_word()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for IonId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl IonId {
    fn first_word(&self) -> u64 {
        u64::from_be_bytes(*self.0.first_chunk().expect("a key has 32 bytes"))
    }

    /// The ion whose secret key is this seed.
    pub fn of_seed(mut seed: [u8; 32]) -> Self {
        let secret = libp2p::identity::ed25519::SecretKey::try_from_bytes(&mut seed)
            .expect("any 32 bytes are the seed of an Ed25519 key");
        Self(libp2p::identity::ed25519::Keypair::from(secret).public().to_bytes())
    }

    /// From a public key's bytes.
    pub const fn from_bytes(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The public key's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From a libp2p peer id; `None` when its key is of another kind.
    pub fn from_peer(peer: &PeerId) -> Option<Self> {
        let bytes = peer.to_bytes();
        bytes.strip_prefix(&PEER_ID_PREFIX)?.try_into().ok().map(Self)
    }

    /// As a libp2p peer id.
    pub fn to_peer(self) -> PeerId {
        let mut bytes = PEER_ID_PREFIX.to_vec();
        bytes.extend(self.0);
        PeerId::from_bytes(&bytes).expect("an identity multihash of 36 bytes is a peer id")
    }

    /// The readable name that belongs to the key.
    pub fn readable_name(&self) -> String {
        super::name::readable_name(&self.0)
    }
}

impl fmt::Display for IonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_peer().fmt(f)
    }
}

impl fmt::Debug for IonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.to_string()[..16])
    }
}

impl FromStr for IonId {
    type Err = NotAnIonId;

    fn from_str(text: &str) -> Result<Self, NotAnIonId> {
        let peer = PeerId::from_str(text).map_err(|_| NotAnIonId)?;
        Self::from_peer(&peer).ok_or(NotAnIonId)
    }
}

/// The text is no peer id of an Ed25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an ion")]
pub struct NotAnIonId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ion_is_the_peer_id_of_its_key() {
        let pair = libp2p::identity::ed25519::Keypair::generate();
        let ion = IonId::from_bytes(pair.public().to_bytes());
        let peer = libp2p::identity::Keypair::from(pair).public().to_peer_id();
        assert_eq!(ion.to_peer(), peer);
        assert_eq!(IonId::from_peer(&peer), Some(ion));
        assert_eq!(ion.to_string().parse(), Ok(ion));
    }

    #[test]
    fn other_text_is_refused() {
        assert_eq!("quiet-heron".parse::<IonId>(), Err(NotAnIonId));
        let rsa_like = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        assert_eq!(rsa_like.parse::<IonId>(), Err(NotAnIonId));
    }
}
