//! Nebulas, their invitations, and the proof of membership.
//!
//! A nebula is an Ed25519 key pair and its id is the public key. An invitation
//! carries the id and a join secret; both travel in a link's fragment, which
//! browsers never send to a server. Who holds it can prove so to whoever holds
//! it too: the proof is a keyed BLAKE3 of both ions' ids, in the order prover,
//! verifier, under a key derived from id and secret. It needs no nonce, since
//! it is only ever sent over a connection that libp2p has authenticated both
//! ways: a proof that somebody overheard or was given names two other ions and
//! is worth nothing to anybody else, in either direction.
//!
//! The rendezvous namespace is derived from the secret too, so that a relay,
//! or whoever knows only the id, cannot list the members of a nebula.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use libp2p::identity::ed25519;
use serde::{Deserialize, Serialize};

use super::{
    keys::IonId,
    name::{NAME_CHARS_MAX, clean_name},
};

/// An encoded invitation's length, in characters.
pub const INVITATION_CHARS_MAX: usize = 1_000;
/// Hints in an invitation.
pub const HINTS_MAX: usize = 4;
/// A hint's length, in bytes.
pub const HINT_BYTES_MAX: usize = 128;

const VERSION: u8 = 1;
const CHECK_BYTES: usize = 4;
const CHECK_CONTEXT: &str = "ionosphere 2026-11 invitation check";
const MEMBERSHIP_CONTEXT: &str = "ionosphere 2026-11 membership proof";
const TAG_CONTEXT: &str = "ionosphere 2026-11 membership tag";
const RENDEZVOUS_CONTEXT: &str = "ionosphere 2026-11 rendezvous namespace";

/// A nebula's id: its public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NebulaId(#[serde(with = "serde_bytes")] [u8; 32]);

impl NebulaId {
    /// Twenty letters and digits that tell it from others, for names of disks.
    pub fn short_hex(&self) -> String {
        HEXLOWER.encode(&self.0[..10])
    }
}

impl fmt::Display for NebulaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for NebulaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &BASE64URL_NOPAD.encode(&self.0)[..8])
    }
}

/// What lets an ion into a nebula. Whoever reads it can join: it is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The nebula.
    pub nebula: NebulaId,
    #[serde(with = "serde_bytes")]
    secret: [u8; 16],
    /// The nebula's readable name.
    pub name: String,
    /// Whether a relay hands this invitation to everybody.
    pub is_open: bool,
    /// Relays where members can be found, as multiaddrs, beside the one that
    /// serves the page.
    pub hints: Vec<String>,
}

impl Invitation {
    /// Founds a nebula. The first 32 random bytes become its key, of which
    /// the public half is kept; the rest is the join secret.
    pub fn found(
        name: &str,
        is_open: bool,
        hints: Vec<String>,
        random: &[u8; 48],
    ) -> Result<Self, InvitationError> {
        let name = clean_name(name).ok_or(InvitationError::Name)?;
        check_hints(&hints)?;
        let (mut seed, mut secret) = ([0; 32], [0; 16]);
        seed.copy_from_slice(&random[..32]);
        secret.copy_from_slice(&random[32..]);
        let key = ed25519::SecretKey::try_from_bytes(&mut seed)
            .expect("any 32 bytes are the seed of an Ed25519 key");
        let nebula = NebulaId(ed25519::Keypair::from(key).public().to_bytes());
        Ok(Self { nebula, secret, name, is_open, hints })
    }

    /// The code that stands in a link.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(ion_codec::to_vec(self).expect("plain data always has a DAG-CBOR form"));
        bytes.extend(check(&bytes));
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Reads a code, or a link that carries one behind `#join=`.
    pub fn decode(text: &str) -> Result<Self, InvitationError> {
        let code = text.trim();
        let code = code.rsplit_once("join=").map_or(code, |(_, code)| code);
        if code.len() > INVITATION_CHARS_MAX {
            return Err(InvitationError::TooLong);
        }
        let bytes =
            BASE64URL_NOPAD.decode(code.as_bytes()).map_err(|_| InvitationError::Damaged)?;
        let (body, sum) = bytes
            .len()
            .checked_sub(CHECK_BYTES)
            .map(|length| bytes.split_at(length))
            .ok_or(InvitationError::Damaged)?;
        if check(body) != sum {
            return Err(InvitationError::Damaged);
        }
        let (version, body) = body.split_first().ok_or(InvitationError::Damaged)?;
        if *version != VERSION {
            return Err(InvitationError::Version { version: *version });
        }
        let read: Self = ion_codec::from_slice(body).map_err(|_| InvitationError::Damaged)?;
        let name = clean_name(&read.name).ok_or(InvitationError::Name)?;
        check_hints(&read.hints)?;
        Ok(Self { name, ..read })
    }

    /// The same without places to look for it.
    #[must_use]
    pub fn without_hints(mut self) -> Self {
        self.hints.clear();
        self
    }

    /// What an ion needs to prove that it was invited.
    pub fn membership(&self) -> Membership {
        let material = [self.nebula.0.as_slice(), &self.secret].concat();
        let namespace = blake3::derive_key(RENDEZVOUS_CONTEXT, &material);
        Membership {
            key: blake3::derive_key(MEMBERSHIP_CONTEXT, &material),
            namespace: BASE64URL_NOPAD.encode(&namespace[..16]),
        }
    }
}

impl fmt::Debug for Invitation {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invitation({:?}, {:?})", self.nebula, self.name)
    }
}

/// Why a text is no invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// Longer than [`INVITATION_CHARS_MAX`].
    #[error("longer than {INVITATION_CHARS_MAX} characters")]
    TooLong,
    /// Characters are missing or changed.
    #[error("characters are missing or were changed")]
    Damaged,
    /// Made by a newer Ionosphere.
    #[error("it is of version {version}, which this page does not know")]
    Version {
        /// The version it claims.
        version: u8,
    },
    /// The name is empty, too long or has characters that cannot be shown.
    #[error("its name must have 1 to {NAME_CHARS_MAX} visible characters")]
    Name,
    /// Too many hints, or too long ones.
    #[error("it names more than {HINTS_MAX} relays, or one in over {HINT_BYTES_MAX} bytes")]
    Hints,
}

impl fmt::Debug for Membership {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Membership({})", self.namespace)
    }
}

/// A membership proof, as it travels.
pub type Proof = [u8; 32];

/// Makes and checks proofs for one nebula.
#[derive(Clone)]
pub struct Membership {
    key: [u8; 32],
    namespace: String,
}

impl Membership {
    /// The name under which members find each other at a relay.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What `prover` shows to `verifier`.
    pub fn prove(&self, prover: &IonId, verifier: &IonId) -> Proof {
        *self.hash(prover, verifier).as_bytes()
    }

    /// Whether `proof` is what `prover` would show to `verifier`, compared in
    /// constant time.
    pub fn check(&self, prover: &IonId, verifier: &IonId, proof: &Proof) -> bool {
        self.hash(prover, verifier) == *proof
    }

    /// What only a member can make of these bytes: a keyed hash under a key of
    /// its own, so that no tag is a proof and no proof a tag.
    pub fn tag(&self, bytes: &[u8]) -> [u8; 32] {
        let key = blake3::derive_key(TAG_CONTEXT, &self.key);
        *blake3::keyed_hash(&key, bytes).as_bytes()
    }

    fn hash(&self, prover: &IonId, verifier: &IonId) -> blake3::Hash {
        let both = [prover.as_bytes().as_slice(), verifier.as_bytes()].concat();
        blake3::keyed_hash(&self.key, &both)
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = blake3::derive_key(CHECK_CONTEXT, bytes);
    [hash[0], hash[1], hash[2], hash[3]]
}

fn check_hints(hints: &[String]) -> Result<(), InvitationError> {
    let fits = hints.len() <= HINTS_MAX && hints.iter().all(|hint| hint.len() <= HINT_BYTES_MAX);
    if fits { Ok(()) } else { Err(InvitationError::Hints) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation(salt: u8) -> Invitation {
        let hints = vec!["/dns4/relay.example/tcp/443/wss".to_owned()];
        Invitation::found("our lab", false, hints, &[salt; 48]).expect("it is valid")
    }

    fn ion(salt: u8) -> IonId {
        IonId::from_bytes([salt; 32])
    }

    #[test]
    fn a_code_reads_back_also_from_a_link() {
        let ours = invitation(1);
        assert_eq!(Invitation::decode(&ours.encode()), Ok(ours.clone()));
        let link = format!("  https://relay.example/#join={}\n", ours.encode());
        assert_eq!(Invitation::decode(&link), Ok(ours));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let code = invitation(1).encode();
        for position in 0..code.len() {
            let mut changed = code.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("still ASCII");
            assert_eq!(Invitation::decode(&changed), Err(InvitationError::Damaged), "{position}");
            assert!(Invitation::decode(&code[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn garbage_and_lengths_are_refused() {
        for garbage in ["", "join=", "hello", "äöü", "AAAA", &"A".repeat(4_000)] {
            assert!(Invitation::decode(garbage).is_err(), "{garbage}");
        }
        let random = [7; 48];
        assert_eq!(
            Invitation::found("", false, vec![], &random).err(),
            Some(InvitationError::Name)
        );
        let hints = vec!["x".repeat(HINT_BYTES_MAX + 1)];
        assert_eq!(
            Invitation::found("a", false, hints, &random).err(),
            Some(InvitationError::Hints)
        );
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut bytes = vec![9, 1, 2, 3];
        bytes.extend(check(&bytes));
        let code = BASE64URL_NOPAD.encode(&bytes);
        assert_eq!(Invitation::decode(&code), Err(InvitationError::Version { version: 9 }));
    }

    #[test]
    fn a_proof_holds_for_its_pair_and_direction_only() {
        let membership = invitation(1).membership();
        let proof = membership.prove(&ion(1), &ion(2));
        assert!(membership.check(&ion(1), &ion(2), &proof));
        assert!(!membership.check(&ion(2), &ion(1), &proof));
        assert!(!membership.check(&ion(1), &ion(3), &proof));
        assert!(!invitation(2).membership().check(&ion(1), &ion(2), &proof));
    }

    #[test]
    fn namespaces_differ_and_hide_the_id() {
        let (one, two) = (invitation(1), invitation(2));
        assert_ne!(one.membership().namespace(), two.membership().namespace());
        assert!(!one.nebula.to_string().contains(one.membership().namespace()));
    }
}
