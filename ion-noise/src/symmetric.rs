//! `CipherState` and `SymmetricState` (Noise, sections 5.1 and 5.2) for
//! ChaCha20-Poly1305 and SHA-256.

use chacha20poly1305::{AeadInPlace, ChaCha20Poly1305, KeyInit, Nonce, Tag};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::Error;

/// The protocol's name: as long as a hash, and so the first hash itself.
const PROTOCOL: [u8; 32] = *b"Noise_XX_25519_ChaChaPoly_SHA256";
/// What sealing adds to a message, in bytes.
pub(crate) const TAG_BYTES: usize = 16;

/// A key and how many messages it has sealed or opened.
pub(crate) struct Cipher {
    key: ChaCha20Poly1305,
    count: u64,
}

impl Cipher {
    fn new(key: &[u8; 32]) -> Self {
        Self { key: ChaCha20Poly1305::new(key.into()), count: 0 }
    }

    /// The number of the next message, and what is counted after it. The last
    /// number of all is never used.
    fn nonce(&self) -> Result<(Nonce, u64), Error> {
        let next = self.count.checked_add(1).ok_or(Error::Malformed("too many messages"))?;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.count.to_le_bytes());
        Ok((nonce.into(), next))
    }

    /// Seals the text where it lies; gives the tag that belongs after it.
    pub(crate) fn seal(&mut self, known: &[u8], text: &mut [u8]) -> Result<Tag, Error> {
        let (nonce, next) = self.nonce()?;
        self.count = next;
        self.key.encrypt_in_place_detached(&nonce, known, text).map_err(|_| Error::Altered)
    }

    /// Opens a sealed text where it lies and gives its part without the tag.
    pub(crate) fn open<'a>(
        &mut self,
        known: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], Error> {
        let length = sealed.len().checked_sub(TAG_BYTES).ok_or(Error::Malformed("half a frame"))?;
        let (text, tag) = sealed.split_at_mut(length);
        let (nonce, next) = self.nonce()?;
        self.key
            .decrypt_in_place_detached(&nonce, known, text, Tag::from_slice(tag))
            .map_err(|_| Error::Altered)?;
        self.count = next;
        Ok(text)
    }
}

/// What both sides know of a handshake so far.
pub(crate) struct Symmetric {
    chaining: Zeroizing<[u8; 32]>,
    hash: [u8; 32],
    cipher: Option<Cipher>,
}

impl Symmetric {
    pub(crate) fn new(prologue: &[u8]) -> Self {
        let chaining = Zeroizing::new(PROTOCOL);
        let mut symmetric = Self { chaining, hash: PROTOCOL, cipher: None };
        symmetric.mix_hash(prologue);
        symmetric
    }

    pub(crate) fn mix_hash(&mut self, data: &[u8]) {
        self.hash = Sha256::new().chain_update(self.hash).chain_update(data).finalize().into();
    }

    pub(crate) fn mix_key(&mut self, shared: &[u8; 32]) {
        let (chaining, key) = derive(&self.chaining, shared);
        self.chaining = chaining;
        self.cipher = Some(Cipher::new(&key));
    }

    /// Adds the text to a message: sealed, once there is a key.
    pub(crate) fn write(&mut self, text: &[u8], message: &mut Vec<u8>) -> Result<(), Error> {
        let start = message.len();
        message.extend_from_slice(text);
        if let Some(cipher) = &mut self.cipher {
            let tag = cipher.seal(&self.hash, &mut message[start..])?;
            message.extend_from_slice(&tag);
        }
        self.mix_hash(&message[start..]);
        Ok(())
    }

    /// Reads what [`write`](Self::write) added.
    pub(crate) fn read(&mut self, part: &[u8]) -> Result<Vec<u8>, Error> {
        let mut text = part.to_vec();
        if let Some(cipher) = &mut self.cipher {
            let length = cipher.open(&self.hash, &mut text)?.len();
            text.truncate(length);
        }
        self.mix_hash(part);
        Ok(text)
    }

    /// How much longer than its text a part of a message is.
    pub(crate) fn overhead(&self) -> usize {
        if self.cipher.is_some() { TAG_BYTES } else { 0 }
    }

    /// The two ciphers of the session: the initiator seals with the first.
    pub(crate) fn split(&self) -> (Cipher, Cipher) {
        let (first, second) = derive(&self.chaining, &[]);
        (Cipher::new(&first), Cipher::new(&second))
    }
}

/// Noise's HKDF with two outputs, which is RFC 5869's without a context.
fn derive(chaining: &[u8; 32], shared: &[u8]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    let mut both = Zeroizing::new([[0; 32]; 2]);
    Hkdf::<Sha256>::new(Some(chaining), shared)
        .expand(&[], both.as_flattened_mut())
        .expect("64 bytes are within HKDF's bound");
    (Zeroizing::new(both[0]), Zeroizing::new(both[1]))
}
