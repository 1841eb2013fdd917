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
    PeerId,
    core::{PeerRecord, SignedEnvelope},
};

use super::wire::Refusal;

/// Bytes of a signed record.
pub(super) const RECORD_BYTES_MAX: usize = 8 << 10;

/// A record that its peer has signed. Clones share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) peer: PeerId,
    pub(super) bytes: Arc<[u8]>,
}

impl Record {
    /// Checks that these bytes are a record that the sender made of itself.
    pub(super) fn check(bytes: &[u8], sender: PeerId) -> Result<Self, Refusal> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(Refusal::RecordTooLong);
        }
        let envelope = SignedEnvelope::from_protobuf_encoding(bytes);
        let envelope = envelope.map_err(|_| Refusal::RecordInvalid)?;
        let record = PeerRecord::from_signed_envelope(envelope);
        let record = record.map_err(|_| Refusal::RecordInvalid)?;
        if record.peer_id() != sender {
            return Err(Refusal::RecordOfAnother);
        }
        // Written anew, it holds nothing but what was checked.
        let bytes = record.into_signed_envelope().into_protobuf_encoding();
        Ok(Self { peer: sender, bytes: bytes.into() })
    }
}

#[cfg(test)]
mod tests {
    use libp2p::identity::Keypair;

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
        assert_eq!(refused, Err(Refusal::RecordOfAnother));
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
        assert_eq!(Record::check(&long, peer), Err(Refusal::RecordTooLong));
        let newer = PeerRecord::new_interop(&key, Vec::new()).expect("it is signed");
        let newer = newer.into_signed_envelope().into_protobuf_encoding();
        assert_eq!(Record::check(&newer, peer), Err(Refusal::RecordInvalid));
        assert_eq!(Record::check(b"", peer), Err(Refusal::RecordInvalid));
    }
}
