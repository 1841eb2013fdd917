//! libp2p's security upgrade `/noise` (libp2p specification `noise/README.md`):
//! `Noise_XX_25519_ChaChaPoly_SHA256` after the Noise Protocol Framework,
//! revision 34.
//!
//! It speaks with every other libp2p and holds the one cipher suite that libp2p
//! knows, which keeps a tab's module 30 KiB smaller than a general
//! implementation does. [`Config`] is the upgrade; [`Session`] is what it makes
//! of a stream. The handshake itself is a machine without a stream, a clock or
//! randomness of its own.
//!
//! Refused: handshake messages over [`HANDSHAKE_BYTES_MAX`], a payload that
//! says nothing in the first message or no identity in the others, identities
//! that did not sign the key of the handshake, keys of small order, and every
//! frame that was altered, repeated, left out or moved. A stream that ends
//! inside a frame is an error; one that ends between two frames ends here too,
//! and whoever needs to know that it was meant so says it inside, as yamux does.

use std::{future::Future, iter, pin::Pin};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{
    PeerId,
    core::{
        UpgradeInfo,
        upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
    },
    identity::{Keypair, PublicKey},
};
use zeroize::Zeroizing;

use crate::{
    handshake::{Handshake, Role},
    payload::Payload,
};

mod handshake;
mod payload;
mod session;
mod symmetric;
#[cfg(test)]
mod tests;

pub use session::Session;

/// The largest message of a handshake, in bytes. Those of libp2p, with an
/// Ed25519 identity, have 32, 200 and 168.
pub const HANDSHAKE_BYTES_MAX: usize = 4_096;
/// What precedes the key in what an identity signs.
const SIGNED_PREFIX: &[u8] = b"noise-libp2p-static-key:";

/// Why a stream was not secured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stream failed or ended.
    #[error("the stream failed: {0}")]
    Stream(#[from] std::io::Error),
    /// A message that is no message of this handshake.
    #[error("the other side sent {0}")]
    Malformed(&'static str),
    /// A message that was altered, or made with other keys or another prologue.
    #[error("the other side's message could not be opened")]
    Altered,
    /// The identity did not sign the key of the handshake.
    #[error("the other side does not own the identity that it names")]
    WrongIdentity,
    /// No signature could be made, or no randomness be had.
    #[error("no key could be made: {0}")]
    Unable(String),
}

/// The upgrade of a stream to a [`Session`], under one identity.
#[derive(Clone)]
pub struct Config {
    secret: Zeroizing<[u8; 32]>,
    /// The identity, and what it says of the key above.
    payload: Vec<u8>,
    prologue: Vec<u8>,
}

impl Config {
    /// A new key for handshakes, signed by the identity.
    pub fn new(identity: &Keypair) -> Result<Self, Error> {
        let secret = random()?;
        let signed = [SIGNED_PREFIX, &handshake::public(&secret)].concat();
        let signature = identity.sign(&signed).map_err(|why| Error::Unable(why.to_string()))?;
        let payload = Payload { identity: identity.public().encode_protobuf(), signature };
        Ok(Self { secret, payload: payload.encode(), prologue: Vec::new() })
    }

    /// The bytes that both sides must know already; none at first.
    #[must_use]
    pub fn with_prologue(self, prologue: Vec<u8>) -> Self {
        Self { prologue, ..self }
    }

    async fn secured<T>(self, mut stream: T, role: Role) -> Result<(PeerId, Session<T>), Error>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let mut handshake = Handshake::new(role, &self.prologue, self.secret, random()?);
        let mut said = Payload::default();
        while !handshake.is_done() {
            if handshake.is_our_turn() {
                // The first message is open to all, so nothing is said in it.
                let payload = if handshake.is_open() { &[][..] } else { &self.payload };
                send(&mut stream, &handshake.write(payload)?).await?;
            } else {
                let is_open = handshake.is_open();
                let payload = handshake.read(&receive(&mut stream).await?)?;
                match (is_open, payload.is_empty()) {
                    (true, true) => {}
                    (true, false) => return Err(Error::Malformed("an identity in the open")),
                    (false, _) => said = Payload::decode(&payload)?,
                }
            }
        }
        let (key, ciphers) = handshake.finish();
        Ok((said.owner(&key)?, Session::new(stream, ciphers)))
    }
}

impl std::fmt::Debug for Config {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Config")
    }
}

impl Payload {
    /// Who says this, if the key of the handshake is theirs.
    fn owner(&self, key: &[u8; 32]) -> Result<PeerId, Error> {
        let identity = PublicKey::try_decode_protobuf(&self.identity)
            .map_err(|_| Error::Malformed("an identity of an unknown kind"))?;
        let signed = [SIGNED_PREFIX, key].concat();
        let is_theirs = identity.verify(&signed, &self.signature);
        is_theirs.then(|| identity.to_peer_id()).ok_or(Error::WrongIdentity)
    }
}

fn random() -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|why| Error::Unable(why.to_string()))?;
    Ok(bytes)
}

async fn send<T: AsyncWrite + Unpin>(stream: &mut T, message: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(message.len()).expect("a message of a handshake is short");
    stream.write_all(&[&length.to_be_bytes(), message].concat()).await?;
    Ok(stream.flush().await?)
}

async fn receive<T: AsyncRead + Unpin>(stream: &mut T) -> Result<Vec<u8>, Error> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).await?;
    let length = usize::from(u16::from_be_bytes(length));
    if length > HANDSHAKE_BYTES_MAX {
        return Err(Error::Malformed("a message of a handshake that is too long"));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

type Securing<T> = Pin<Box<dyn Future<Output = Result<(PeerId, Session<T>), Error>> + Send>>;

impl UpgradeInfo for Config {
    type Info = &'static str;
    type InfoIter = iter::Once<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once("/noise")
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> InboundConnectionUpgrade<T> for Config {
    type Output = (PeerId, Session<T>);
    type Error = Error;
    type Future = Securing<T>;

    fn upgrade_inbound(self, stream: T, _: &'static str) -> Securing<T> {
        Box::pin(self.secured(stream, Role::Responder))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> OutboundConnectionUpgrade<T> for Config {
    type Output = (PeerId, Session<T>);
    type Error = Error;
    type Future = Securing<T>;

    fn upgrade_outbound(self, stream: T, _: &'static str) -> Securing<T> {
        Box::pin(self.secured(stream, Role::Initiator))
    }
}
