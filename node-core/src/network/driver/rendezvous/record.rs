//! Signed peer records: a peer's id and addresses under its own signature.
//!
//! Refused are records of anybody but the sender, those longer than
//! [`RECORD_BYTES_MAX`], and those in the newer of libp2p's two formats: ions
//! use the older one, and one record that a client cannot read would spoil the
//! whole answer for it.
//!
//! Specification: libp2p RFC 0002 (envelopes) and 0003 (records).

use std::sync::Arc;

use libp2p::{
    Multiaddr, PeerId,
    core::{PeerRecord, SignedEnvelope},
    identity::Keypair,
};

/// Bytes of a signed record.
pub const RECORD_BYTES_MAX: usize = 8 << 10;

/// A record that its peer has signed. Clones share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub peer: PeerId,
    /// The record with its signature.
    pub bytes: Arc<[u8]>,
}

/// Why bytes are no record of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is longer than records may be.
    #[error("a signed peer record has at most 8 KiB")]
    TooLong,
    /// It cannot be read, or its signature is wrong.
    #[error("the signed peer record is not valid")]
    Invalid,
    /// It is of another than who sends it.
    #[error("a peer registers only itself")]
    OfAnother,
    /// It cannot be signed.
    #[error("the key cannot sign a peer record")]
    Unsigned,
}

impl Record {
    /// Signs a record of who has this key and is reached at these addresses.
    pub fn sign(key: &Keypair, addresses: Vec<Multiaddr>) -> Result<Self, RecordError> {
        let record = PeerRecord::new(key, addresses).map_err(|_| RecordError::Unsigned)?;
        let peer = record.peer_id();
        let bytes = record.into_signed_envelope().into_protobuf_encoding();
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::TooLong);
        }
        Ok(Self { peer, bytes: bytes.into() })
    }

    /// Checks that these bytes are a record that some peer made of itself.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::TooLong);
        }
        let envelope = SignedEnvelope::from_protobuf_encoding(bytes);
        let envelope = envelope.map_err(|_| RecordError::Invalid)?;
        let record = PeerRecord::from_signed_envelope(envelope);
        let record = record.map_err(|_| RecordError::Invalid)?;
        // Written anew, it holds nothing but what was checked.
        let peer = record.peer_id();
        let bytes = record.into_signed_envelope().into_protobuf_encoding();
        Ok(Self { peer, bytes: bytes.into() })
    }

    /// Checks that these bytes are a record that the sender made of itself.
    pub fn check(bytes: &[u8], sender: PeerId) -> Result<Self, RecordError> {
        let record = Self::read(bytes)?;
        if record.peer == sender { Ok(record) } else { Err(RecordError::OfAnother) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> Keypair {
        Keypair::ed25519_from_bytes([seed; 32]).expect("32 bytes are a key")
    }

    fn signed(key: &Keypair, addresses: usize) -> Vec<u8> {
        let address = "/dns4/relay.example/tcp/4001/ws".parse().expect("it is an address");
        let record = PeerRecord::new(key, vec![address; addresses]).expect("it is signed");
        record.into_signed_envelope().into_protobuf_encoding()
    }

    #[test]
    fn a_peers_own_record_is_taken_as_it_is() {
        let key = key(1);
        let peer = key.public().to_peer_id();
        let bytes = signed(&key, 2);
        let record = Record::check(&bytes, peer).expect("it is valid");
        assert_eq!((record.peer, &record.bytes[..]), (peer, &bytes[..]));
    }

    #[test]
    fn others_records_are_refused() {
        let refused = Record::check(&signed(&key(1), 1), key(2).public().to_peer_id());
        assert_eq!(refused, Err(RecordError::OfAnother));
    }

    #[test]
    fn every_changed_byte_is_noticed_or_means_nothing() {
        let key = key(1);
        let peer = key.public().to_peer_id();
        let valid = signed(&key, 1);
        for at in 0..valid.len() {
            let mut changed = valid.clone();
            changed[at] ^= 1;
            if let Ok(record) = Record::check(&changed, peer) {
                assert_eq!(record.bytes[..], valid[..], "byte {at}");
            }
        }
    }

    #[test]
    fn what_is_too_long_or_in_the_other_format_is_refused() {
        let key = key(1);
        let peer = key.public().to_peer_id();
        let long = signed(&key, 400);
        assert!(long.len() > RECORD_BYTES_MAX);
        assert_eq!(Record::check(&long, peer), Err(RecordError::TooLong));
        let newer = PeerRecord::new_interop(&key, Vec::new()).expect("it is signed");
        let newer = newer.into_signed_envelope().into_protobuf_encoding();
        assert_eq!(Record::check(&newer, peer), Err(RecordError::Invalid));
        assert_eq!(Record::check(b"", peer), Err(RecordError::Invalid));
    }
}
