//! Keys as they are in the world: Ed25519 (RFC 8032) to sign, X25519 (RFC 7748)
//! and ChaCha20-Poly1305 (RFC 8439) to seal.
//!
//! The X25519 keys are the Edwards keys in Montgomery form, as in libsodium.
//! Both sides of a pair derive the same secret, so a sealed body could have
//! been made by either and by nobody else. The one-time key of a body is
//! derived from that secret, direction and context and from a keyed hash of
//! the body itself (a synthetic nonce, after Rogaway and Shrimpton 2006): there
//! is no counter or random number whose repetition could give anything away
//! but that the same body was sealed twice in the same context.
//!
//! It refuses small-order keys and loose signatures (`verify_strict`). There is
//! no forward secrecy: who learns an ion's secret reads what was recorded.

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use super::{IonId, Keys, SEAL_BYTES, Signature};

const SHARED_CONTEXT: &str = "ionosphere 2026-11 sealing, shared secret";
const NONCE_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const _: () = assert!(NONCE_BYTES + TAG_BYTES == SEAL_BYTES);

/// The keys of an ion, secret half included.
pub struct Ed25519Keys {
    signing: SigningKey,
    own: IonId,
}

impl Ed25519Keys {
    /// The keys whose secret is this seed, as [`IonId::of_seed`].
    pub fn of_seed(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let own = IonId::from_bytes(signing.verifying_key().to_bytes());
        Self { signing, own }
    }

    /// Whether `by` signed these bytes, which needs no keys.
    pub fn is_signed(by: &IonId, bytes: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        VerifyingKey::from_bytes(by.as_bytes())
            .is_ok_and(|key| key.verify_strict(bytes, &signature).is_ok())
    }

    /// What this ion and another both know and nobody else: in this direction.
    fn shared(&self, other: &IonId, from: &IonId, to: &IonId) -> Option<[u8; 32]> {
        let key = VerifyingKey::from_bytes(other.as_bytes()).ok().filter(|key| !key.is_weak())?;
        let point = key.to_montgomery().mul_clamped(self.signing.to_scalar_bytes());
        let material = [point.as_bytes().as_slice(), from.as_bytes(), to.as_bytes()].concat();
        Some(blake3::derive_key(SHARED_CONTEXT, &material))
    }
}

impl std::fmt::Debug for Ed25519Keys {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ed25519Keys({:?})", self.own)
    }
}

impl Keys for Ed25519Keys {
    fn own(&self) -> IonId {
        self.own
    }

    fn sign(&self, bytes: &[u8]) -> Signature {
        self.signing.sign(bytes).to_bytes()
    }

    fn verify(&self, by: &IonId, bytes: &[u8], signature: &Signature) -> bool {
        Self::is_signed(by, bytes, signature)
    }

    fn seal(&self, to: &IonId, context: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        let shared = self.shared(to, &self.own, to)?;
        let nonce = nonce(&shared, context, body);
        let payload = Payload { msg: body, aad: context };
        let sealed = cipher(&shared, &nonce).encrypt(&[0; 12].into(), payload).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, from: &IonId, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let shared = self.shared(from, from, &self.own)?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: context };
        cipher(&shared, nonce).decrypt(&[0; 12].into(), payload).ok()
    }
}

/// Follows from everything that is sealed, so that equal nonces mean equal bodies.
fn nonce(shared: &[u8; 32], context: &[u8], body: &[u8]) -> [u8; NONCE_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(shared);
    hasher.update(b"nonce");
    hasher.update(&(context.len() as u64).to_le_bytes());
    hasher.update(context).update(body);
    *hasher.finalize().as_bytes()
}

/// The cipher under the one-time key of this nonce.
fn cipher(shared: &[u8; 32], nonce: &[u8; NONCE_BYTES]) -> ChaCha20Poly1305 {
    let mut hasher = blake3::Hasher::new_keyed(shared);
    hasher.update(b"cipher").update(nonce);
    ChaCha20Poly1305::new(hasher.finalize().as_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(salt: u8) -> Ed25519Keys {
        Ed25519Keys::of_seed(&[salt; 32])
    }

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn golden_signature() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let keys = Ed25519Keys::of_seed(&seed.try_into().unwrap());
        let public = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        assert_eq!(keys.own().as_bytes().as_slice(), public);
        let signature = hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
        assert_eq!(keys.sign(&[0x72]).as_slice(), signature);
    }

    #[test]
    fn it_is_the_ion_of_the_same_seed() {
        assert_eq!(keys(7).own(), IonId::of_seed([7; 32]));
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_author_only() {
        let signature = keys(1).sign(b"body");
        assert!(keys(2).verify(&keys(1).own(), b"body", &signature));
        assert!(!keys(2).verify(&keys(1).own(), b"bodY", &signature));
        assert!(!keys(2).verify(&keys(2).own(), b"body", &signature));
        assert!(!keys(2).verify(&IonId::from_bytes([2; 32]), b"body", &signature));
    }

    #[test]
    fn only_the_addressee_opens_what_was_sealed() {
        let sealed = keys(1).seal(&keys(2).own(), b"ctx", b"secret").unwrap();
        assert_eq!(sealed.len(), 6 + SEAL_BYTES);
        let opened =
            |by: u8, from: u8, context: &[u8]| keys(by).open(&keys(from).own(), context, &sealed);
        assert_eq!(opened(2, 1, b"ctx").as_deref(), Some(b"secret".as_slice()));
        assert_eq!(opened(3, 1, b"ctx"), None);
        assert_eq!(opened(2, 3, b"ctx"), None);
        assert_eq!(opened(2, 1, b"other"), None);
        // Not even its author takes it back as if the other had written it.
        assert_eq!(opened(1, 2, b"ctx"), None);
    }

    #[test]
    fn a_changed_seal_does_not_open() {
        let sealed = keys(1).seal(&keys(2).own(), b"", b"secret").unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(keys(2).open(&keys(1).own(), b"", &changed), None, "{place}");
            assert_eq!(keys(2).open(&keys(1).own(), b"", &sealed[..place]), None, "{place}");
        }
    }

    /// A point of small order would make a secret that everybody knows.
    #[test]
    fn nothing_is_sealed_for_a_weak_key() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(keys(1).seal(&IonId::from_bytes(neutral), b"", b"body"), None);
    }
}
