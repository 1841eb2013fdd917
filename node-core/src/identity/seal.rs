//! One signature for many statements: that of the root of a binary hash tree over
//! their digests (Merkle, "A Digital Signature Based on a Conventional
//! Encryption Function", 1987), of which each statement carries its way to the root.
//!
//! Signing is what a small statement costs most, so that those which come together
//! are signed together. Each can be passed on and verified by itself all
//! the same. A row of odd length hands its last node up as it is; a node's hash
//! is derived in another way than a statement's digest, so that neither passes for
//! the other. Every kind of statement has a context of its own, with which what is
//! signed begins.
//!
//! Bounds: [`GROUP_MAX`] statements under one signature, so at most
//! [`SIBLINGS_MAX`] hashes with each.

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use super::{IonId, Keys, Signature};

/// What statements are told apart by: a BLAKE3 hash.
pub type Digest = [u8; 32];

/// Statements under one signature.
pub const GROUP_MAX: usize = 256;
/// Hashes from a statement to the root: the tree of [`GROUP_MAX`] is so high.
pub const SIBLINGS_MAX: usize = 8;

/// What hashes of nodes are derived under.
const NODE_CONTEXT: &str = "ionosphere 2026-11 node of a tree of entries";

/// What shows that a statement is its author's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    signature: Signature,
    /// From the statement up; beside each hash whether it stands on the left.
    siblings: Box<[(bool, Digest)]>,
}

/// As it travels: the signature, the sides as bits, the hashes in a row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wire(ByteBuf, u8, ByteBuf);

impl Seal {
    /// Signs statements by their digests, of which there are 1 to [`GROUP_MAX`].
    pub fn sign(keys: &dyn Keys, context: &[u8], digests: &[Digest]) -> Signature {
        keys.sign(&signed(context, &climb(digests).0))
    }

    /// Signs statements by their digests, of which there are 1 to [`GROUP_MAX`];
    /// gives one seal for each.
    pub fn all(keys: &dyn Keys, context: &[u8], digests: &[Digest]) -> Vec<Self> {
        let (root, ways) = climb(digests);
        let signature = keys.sign(&signed(context, &root));
        let seal = |siblings: Vec<_>| Self { signature, siblings: siblings.into() };
        ways.into_iter().map(seal).collect()
    }

    /// The seals of statements that were signed together, all of them, by their
    /// digests in the same order; `None` where the author did not sign them.
    pub fn of_group(
        keys: &dyn Keys,
        context: &[u8],
        author: &IonId,
        digests: &[Digest],
        signature: &Signature,
    ) -> Option<Vec<Self>> {
        if !(1..=GROUP_MAX).contains(&digests.len()) {
            return None;
        }
        let (root, ways) = climb(digests);
        let seal = |siblings: Vec<_>| Self { signature: *signature, siblings: siblings.into() };
        keys.verify(author, &signed(context, &root), signature)
            .then(|| ways.into_iter().map(seal).collect())
    }

    /// The signature, which all statements that were signed together share.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The root that the signature is for, if this is the seal of that digest.
    pub fn root(&self, digest: &Digest) -> Digest {
        self.siblings.iter().fold(*digest, |below, (is_left, sibling)| {
            if *is_left { node(sibling, &below) } else { node(&below, sibling) }
        })
    }

    pub(crate) fn to_wire(&self) -> Wire {
        let sides =
            self.siblings.iter().rev().fold(0, |bits, (is_left, _)| bits << 1 | u8::from(*is_left));
        let hashes = self.siblings.iter().flat_map(|(_, hash)| *hash).collect::<Vec<u8>>();
        Wire(ByteBuf::from(self.signature), sides, ByteBuf::from(hashes))
    }

    pub(crate) fn from_wire(Wire(signature, sides, hashes): &Wire) -> Option<Self> {
        let signature = signature.as_slice().try_into().ok()?;
        let (hashes, rest) = hashes.as_chunks();
        if !rest.is_empty() || hashes.len() > SIBLINGS_MAX {
            return None;
        }
        let side = |(place, hash): (usize, &Digest)| (sides >> place & 1 == 1, *hash);
        Some(Self { signature, siblings: hashes.iter().enumerate().map(side).collect() })
    }
}

/// Whether an author signed this root.
pub fn is_signed(
    keys: &dyn Keys,
    context: &[u8],
    author: &IonId,
    root: &Digest,
    signature: &Signature,
) -> bool {
    keys.verify(author, &signed(context, root), signature)
}

/// A signature as it travels by itself.
pub(crate) type SignatureWire = ByteArray<64>;

/// The bytes that are signed.
pub fn signed(context: &[u8], root: &Digest) -> Vec<u8> {
    [context, root].concat()
}

fn node(left: &Digest, right: &Digest) -> Digest {
    *blake3::Hasher::new_derive_key(NODE_CONTEXT).update(left).update(right).finalize().as_bytes()
}

/// The root over digests, and each one's way to it.
fn climb(digests: &[Digest]) -> (Digest, Vec<Vec<(bool, Digest)>>) {
    let mut ways = vec![Vec::new(); digests.len()];
    let mut row = digests.to_vec();
    let mut reach = 1;
    while row.len() > 1 {
        for (place, way) in ways.iter_mut().enumerate() {
            let at = place / reach;
            if let Some(sibling) = row.get(at ^ 1) {
                way.push((at % 2 == 1, *sibling));
            }
        }
        row = row.chunks(2).map(above).collect();
        reach *= 2;
    }
    (row.first().copied().unwrap_or_default(), ways)
}

fn above(pair: &[Digest]) -> Digest {
    match pair {
        [left, right] => node(left, right),
        alone => alone.first().copied().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SimKeys;

    const CONTEXT: &[u8] = b"a test";

    fn digests(count: usize) -> Vec<Digest> {
        (0..count).map(|number| *blake3::hash(&number.to_le_bytes()).as_bytes()).collect()
    }

    #[test]
    fn each_of_a_group_can_be_verified_by_itself() {
        let author = IonId::from_bytes([1; 32]);
        let keys = SimKeys::of(author);
        for count in [1, 2, 3, 5, 8, 100, GROUP_MAX] {
            let digests = digests(count);
            let seals = Seal::all(&keys, CONTEXT, &digests);
            assert_eq!(seals.len(), count);
            for (seal, digest) in seals.iter().zip(&digests) {
                assert!(is_signed(&keys, CONTEXT, &author, &seal.root(digest), seal.signature()));
                assert_eq!(Seal::from_wire(&seal.to_wire()).as_ref(), Some(seal));
                assert!(seal.siblings.len() <= SIBLINGS_MAX);
            }
            let signature = seals[0].signature();
            assert_eq!(Seal::sign(&keys, CONTEXT, &digests), *signature);
            assert_eq!(Seal::of_group(&keys, b"other", &author, &digests, signature), None);
            assert_eq!(
                Seal::of_group(&keys, CONTEXT, &author, &digests, signature),
                Some(seals.clone())
            );
            assert_eq!(Seal::of_group(&keys, CONTEXT, &author, &digests[1..], signature), None);
        }
    }

    #[test]
    fn a_seal_is_no_seal_of_another_entry_nor_of_a_node() {
        let author = IonId::from_bytes([1; 32]);
        let keys = SimKeys::of(author);
        let digests = digests(4);
        let seals = Seal::all(&keys, CONTEXT, &digests);
        let is_good = |seal: &Seal, digest: &Digest| {
            is_signed(&keys, CONTEXT, &author, &seal.root(digest), seal.signature())
        };
        assert!(!is_good(&seals[0], &digests[1]));
        let shorter = Seal { siblings: seals[0].siblings[1..].into(), ..seals[0].clone() };
        assert!(is_good(&shorter, &node(&digests[0], &digests[1])), "which no entry's digest is");
        assert!(!is_good(&shorter, &digests[0]));
    }
}
