//! `HandshakeState` (Noise, section 5.3) for the pattern XX:
//!
//! ```text
//! -> e
//! <- e, ee, s, es
//! -> s, se
//! ```
//!
//! A machine: keys are handed in, messages go in and come out. After an error
//! it is of no more use.

use zeroize::Zeroizing;

use crate::{
    Error,
    symmetric::{Cipher, Symmetric},
};

const KEY_BYTES: usize = 32;

/// Who speaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

/// A part of a message.
#[derive(Clone, Copy)]
enum Token {
    /// A key for this handshake alone.
    Ephemeral,
    /// The key that the identity signed.
    Static,
    /// The secret that two keys share: the initiator's and the responder's.
    Shared(Key, Key),
}

#[derive(Clone, Copy)]
enum Key {
    E,
    S,
}

/// The pattern, message by message; the initiator writes the first.
const PATTERN: [&[Token]; 3] = [
    &[Token::Ephemeral],
    &[
        Token::Ephemeral,
        Token::Shared(Key::E, Key::E),
        Token::Static,
        Token::Shared(Key::E, Key::S),
    ],
    &[Token::Static, Token::Shared(Key::S, Key::E)],
];

type Secret = Zeroizing<[u8; KEY_BYTES]>;

/// One side of a handshake.
pub(crate) struct Handshake {
    role: Role,
    symmetric: Symmetric,
    ephemeral: Secret,
    fixed: Secret,
    /// The other side's keys: nought until they are said.
    their_ephemeral: [u8; KEY_BYTES],
    their_static: [u8; KEY_BYTES],
    messages: usize,
}

impl Handshake {
    /// `fixed` is the static key; `ephemeral` must be random and used only here.
    pub(crate) fn new(role: Role, prologue: &[u8], fixed: Secret, ephemeral: Secret) -> Self {
        let symmetric = Symmetric::new(prologue);
        let [their_ephemeral, their_static] = [[0; KEY_BYTES]; 2];
        Self { role, symmetric, ephemeral, fixed, their_ephemeral, their_static, messages: 0 }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.messages == PATTERN.len()
    }

    pub(crate) fn is_our_turn(&self) -> bool {
        self.messages.is_multiple_of(2) == (self.role == Role::Initiator)
    }

    /// Whether anybody can read the next message.
    pub(crate) fn is_open(&self) -> bool {
        self.messages == 0
    }

    /// The next message, which is ours.
    pub(crate) fn write(&mut self, payload: &[u8]) -> Result<Vec<u8>, Error> {
        let mut message = Vec::new();
        for token in PATTERN[self.messages] {
            match token {
                Token::Ephemeral => {
                    let key = public(&self.ephemeral);
                    self.symmetric.mix_hash(&key);
                    message.extend_from_slice(&key);
                }
                Token::Static => self.symmetric.write(&public(&self.fixed), &mut message)?,
                Token::Shared(first, second) => self.mix(*first, *second)?,
            }
        }
        self.symmetric.write(payload, &mut message)?;
        self.messages += 1;
        Ok(message)
    }

    /// Reads the next message, which is theirs; gives its payload.
    pub(crate) fn read(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut rest = message;
        for token in PATTERN[self.messages] {
            match token {
                Token::Ephemeral => {
                    let key = take(&mut rest, KEY_BYTES)?;
                    self.symmetric.mix_hash(key);
                    self.their_ephemeral = key.try_into().expect("as long as was taken");
                }
                Token::Static => {
                    let part = take(&mut rest, KEY_BYTES + self.symmetric.overhead())?;
                    let key = self.symmetric.read(part)?;
                    self.their_static = key.try_into().expect("as long as was taken");
                }
                Token::Shared(first, second) => self.mix(*first, *second)?,
            }
        }
        let payload = self.symmetric.read(rest)?;
        self.messages += 1;
        Ok(payload)
    }

    /// The other side's static key, and the ciphers to send and to receive with.
    pub(crate) fn finish(self) -> ([u8; KEY_BYTES], (Cipher, Cipher)) {
        let (first, second) = self.symmetric.split();
        let ciphers = match self.role {
            Role::Initiator => (first, second),
            Role::Responder => (second, first),
        };
        (self.their_static, ciphers)
    }

    fn mix(&mut self, initiators: Key, responders: Key) -> Result<(), Error> {
        let (ours, theirs) = match self.role {
            Role::Initiator => (initiators, responders),
            Role::Responder => (responders, initiators),
        };
        let ours = match ours {
            Key::E => &self.ephemeral,
            Key::S => &self.fixed,
        };
        let theirs = match theirs {
            Key::E => self.their_ephemeral,
            Key::S => self.their_static,
        };
        let shared = Zeroizing::new(x25519_dalek::x25519(**ours, theirs));
        // A key of small order would make a secret that everybody knows.
        if *shared == [0; KEY_BYTES] {
            return Err(Error::Malformed("a key of small order"));
        }
        self.symmetric.mix_key(&shared);
        Ok(())
    }
}

/// The public half of a key.
pub(crate) fn public(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    x25519_dalek::x25519(*secret, x25519_dalek::X25519_BASEPOINT_BYTES)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Error> {
    let (part, after) =
        rest.split_at_checked(length).ok_or(Error::Malformed("half a message of a handshake"))?;
    *rest = after;
    Ok(part)
}

#[cfg(test)]
mod tests;
