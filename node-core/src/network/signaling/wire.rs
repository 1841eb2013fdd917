//! Offers and answers as they travel: DAG-CBOR, signed.

use serde::{Deserialize, Serialize};

use crate::{
    identity::{IonId, Keys, NebulaId, Signature},
    network,
};

/// A description, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 2 << 10;
/// An encoded signal, in bytes.
pub const SIGNAL_BYTES_MAX: usize = DESCRIPTION_BYTES_MAX + 512;

const CONTEXT: &[u8] = b"ionosphere 2026-11 signal\n";

/// Which half of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The first.
    Offer,
    /// The second.
    Answer,
    /// Whether offers come here; without a description.
    Probe,
    /// The answer to that.
    Probed,
}

/// Names an offer; its answer repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Nonce(#[serde(with = "serde_bytes")] pub [u8; 16]);

/// One half of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Which half.
    pub kind: Kind,
    /// Who made it.
    pub from: IonId,
    /// For whom.
    pub to: IonId,
    /// In which nebula.
    pub nebula: NebulaId,
    /// Of which offer.
    pub nonce: Nonce,
    /// What the driver's other half needs to know.
    #[serde(with = "serde_bytes")]
    pub description: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
    #[serde(with = "serde_bytes")]
    signature: Signature,
}

/// Why bytes are no signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Longer than [`SIGNAL_BYTES_MAX`], or its description over its limit.
    #[error("the signal is longer than {SIGNAL_BYTES_MAX} bytes")]
    TooLong,
    /// Not a signal at all.
    #[error("the bytes are no signal")]
    Malformed,
    /// Not signed by whom it names.
    #[error("the signal is not signed by whom it names")]
    Forged,
}

/// A signal as signed bytes.
pub fn encode(keys: &dyn Keys, signal: &Signal) -> Vec<u8> {
    let body = network::wire::encode(signal);
    let signature = keys.sign(&[CONTEXT, &body].concat());
    network::wire::encode(&Signed { body, signature })
}

/// A signal from bytes, checked, its signature last.
pub fn decode(keys: &dyn Keys, bytes: &[u8]) -> Result<Signal, Refused> {
    if bytes.len() > SIGNAL_BYTES_MAX {
        return Err(Refused::TooLong);
    }
    let Signed { body, signature } =
        ion_codec::from_slice(bytes).map_err(|_| Refused::Malformed)?;
    let signal: Signal = ion_codec::from_slice(&body).map_err(|_| Refused::Malformed)?;
    if signal.description.len() > DESCRIPTION_BYTES_MAX {
        return Err(Refused::TooLong);
    }
    let is_signed = keys.verify(&signal.from, &[CONTEXT, &body].concat(), &signature);
    if is_signed { Ok(signal) } else { Err(Refused::Forged) }
}
