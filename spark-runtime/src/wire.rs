//! What an ion and a guest worker say to each other.
//!
//! Messages travel as DAG-CBOR in transferred buffers ([`encode`], [`decode`]).
//! A worker runs one guest at a time; requests wait in its inbox meanwhile. A message
//! costs more than a short task: so calls of one module come together, and their
//! reports go together.
//! The first thing a worker says is [`FromGuest::Ready`].

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Call, Lane, Limits, Report, Stop, inspect::Inspection};

/// A module's BLAKE3 hash.
pub type ModuleHash = [u8; 32];

/// From the ion to a guest worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGuest {
    /// Keep this module compiled under that name; answered by nothing.
    Load {
        /// Its hash, already verified by the ion.
        module: ModuleHash,
        /// The binary.
        #[serde(with = "serde_bytes")]
        binary: Vec<u8>,
    },
    /// Run; answered by [`FromGuest::Done`], as often as it takes.
    Run {
        /// Named by the ion, repeated in the answer.
        run: u64,
        /// A module that was loaded before.
        module: ModuleHash,
        /// What is to run it.
        lane: Lane,
        /// What to call, one after the other, each on an instance of its own.
        calls: Vec<Call>,
        /// How far each may go.
        limits: Limits,
    },
    /// Look at a module; answered by [`FromGuest::Inspected`].
    Inspect {
        /// Named by the ion, repeated in the answer.
        run: u64,
        /// The binary.
        #[serde(with = "serde_bytes")]
        binary: Vec<u8>,
    },
}

/// From a guest worker to the ion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromGuest {
    /// The worker has started and takes requests.
    Ready,
    /// Calls of a run ended, in their order; the run has when all of them have.
    Done {
        /// The request's name.
        run: u64,
        /// How the next ones of its calls ended, at least one.
        reports: Vec<Report>,
    },
    /// The last calls of a run are not made: the one before them takes long, and
    /// another worker may be free.
    Yielded {
        /// The request's name.
        run: u64,
        /// How many, at least one.
        calls: usize,
    },
    /// A module was looked at.
    Inspected {
        /// The request's name.
        run: u64,
        /// What it is, or why it cannot run here.
        result: Result<Inspection, Stop>,
    },
}

/// A message as bytes.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    ion_codec::to_vec(message).expect("plain data always has a DAG-CBOR form")
}

/// A message from bytes; `None` when they are not one.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    ion_codec::from_slice(bytes).ok()
}
