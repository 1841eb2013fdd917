//! Keys for simulations: whoever knows an id can sign for it, which costs one
//! keyed BLAKE3. They show that machines check what they should check, since
//! changed bytes and wrong names fail; they protect nothing.

use super::{IonId, Keys, SEAL_BYTES, Signature};

const SIGNING_CONTEXT: &str = "ionosphere simulation, no secret: signing";

/// Keys without a secret.
#[derive(Clone, Copy, Debug)]
pub struct SimKeys(IonId);

impl SimKeys {
    /// The keys of any id at all.
    pub const fn of(own: IonId) -> Self {
        Self(own)
    }
}

impl Keys for SimKeys {
    fn own(&self) -> IonId {
        self.0
    }

    fn sign(&self, bytes: &[u8]) -> Signature {
        signature(&self.0, bytes)
    }

    fn verify(&self, by: &IonId, bytes: &[u8], signed: &Signature) -> bool {
        signature(by, bytes) == *signed
    }

    fn seal(&self, to: &IonId, context: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        Some([seal(&self.0, to, context, body).as_slice(), body].concat())
    }

    fn open(&self, from: &IonId, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (tag, body) = sealed.split_first_chunk::<SEAL_BYTES>()?;
        (*tag == seal(from, &self.0, context, body)).then(|| body.to_vec())
    }
}

fn signature(by: &IonId, bytes: &[u8]) -> Signature {
    let mut signature = [0; 64];
    let mut hasher = blake3::Hasher::new_keyed(by.as_bytes());
    hasher.update(SIGNING_CONTEXT.as_bytes()).update(bytes);
    hasher.finalize_xof().fill(&mut signature);
    signature
}

fn seal(from: &IonId, to: &IonId, context: &[u8], body: &[u8]) -> [u8; SEAL_BYTES] {
    let mut tag = [0; SEAL_BYTES];
    let mut hasher = blake3::Hasher::new_keyed(from.as_bytes());
    hasher.update(to.as_bytes()).update(&(context.len() as u64).to_le_bytes());
    hasher.update(context).update(body);
    hasher.finalize_xof().fill(&mut tag);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(salt: u8) -> SimKeys {
        SimKeys::of(IonId::from_bytes([salt; 32]))
    }

    #[test]
    fn changed_bytes_and_wrong_names_fail() {
        let signature = keys(1).sign(b"body");
        assert!(keys(2).verify(&keys(1).own(), b"body", &signature));
        assert!(!keys(2).verify(&keys(1).own(), b"bodY", &signature));
        assert!(!keys(2).verify(&keys(2).own(), b"body", &signature));
        let sealed = keys(1).seal(&keys(2).own(), b"ctx", b"body").expect("any id will do");
        assert_eq!(keys(2).open(&keys(1).own(), b"ctx", &sealed), Some(b"body".to_vec()));
        assert_eq!(keys(3).open(&keys(1).own(), b"ctx", &sealed), None);
        assert_eq!(keys(2).open(&keys(1).own(), b"other", &sealed), None);
    }
}
