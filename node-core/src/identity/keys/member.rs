//! Keys of an ion as a member of a nebula.

use std::sync::Arc;

use super::{IonId, Keys, Signature};
use crate::identity::nebula::Membership;

const CONTEXT: &[u8] = b"ionosphere 2026-11 keys of a member\n";

/// What these keys sign and seal counts among members of one nebula only: the
/// signature covers what only a member knows, so nobody else can make one, and
/// one that was made in another nebula is worth nothing here. It takes no room
/// on the wire.
#[derive(Clone)]
pub struct MemberKeys {
    keys: Arc<dyn Keys>,
    secret: [u8; 32],
}

impl MemberKeys {
    /// The keys of an ion in the nebula of that membership.
    pub fn new(keys: Arc<dyn Keys>, membership: &Membership) -> Self {
        Self { keys, secret: membership.tag(CONTEXT) }
    }

    fn among_members(&self, bytes: &[u8]) -> Vec<u8> {
        [self.secret.as_slice(), bytes].concat()
    }
}

impl Keys for MemberKeys {
    fn own(&self) -> IonId {
        self.keys.own()
    }

    fn sign(&self, bytes: &[u8]) -> Signature {
        self.keys.sign(&self.among_members(bytes))
    }

    fn verify(&self, by: &IonId, bytes: &[u8], signature: &Signature) -> bool {
        self.keys.verify(by, &self.among_members(bytes), signature)
    }

    fn seal(&self, to: &IonId, context: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        self.keys.seal(to, &self.among_members(context), body)
    }

    fn open(&self, from: &IonId, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.keys.open(from, &self.among_members(context), sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Ed25519Keys, Invitation};

    fn keys(salt: u8) -> Arc<dyn Keys> {
        Arc::new(Ed25519Keys::of_seed(&[salt; 32]))
    }

    fn membership(salt: u8) -> Membership {
        Invitation::found("lab", false, vec![], &[salt; 48]).expect("it is valid").membership()
    }

    #[test]
    fn only_members_of_one_nebula_sign_and_seal_for_each_other() {
        let one = MemberKeys::new(keys(1), &membership(1));
        let same = MemberKeys::new(keys(2), &membership(1));
        let other = MemberKeys::new(keys(2), &membership(2));
        let signature = one.sign(b"words");
        assert!(same.verify(&one.own(), b"words", &signature));
        assert!(!other.verify(&one.own(), b"words", &signature));
        assert!(!same.verify(&one.own(), b"words", &keys(1).sign(b"words")), "an outsider's");
        let sealed = one.seal(&same.own(), b"to", b"words").expect("it is an ion");
        assert_eq!(same.open(&one.own(), b"to", &sealed), Some(b"words".to_vec()));
        assert_eq!(other.open(&one.own(), b"to", &sealed), None);
    }
}
