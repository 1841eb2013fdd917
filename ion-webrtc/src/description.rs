//! A data connection's description: what an SDP says, without the SDP.
//!
//! Two peers that want a data channel need of each other's SDP only the ICE
//! credentials, the certificate's fingerprint, who begins DTLS, and where to
//! reach them; the rest is the same for everyone. A [`Description`] is that
//! much. It is read from an SDP that a browser made, becomes about 130 bytes
//! with three local candidates, and becomes an SDP again that browsers accept:
//! small enough to paste, to show as a QR code, or to sign and forward.
//!
//! Follows RFC 8829 (JSEP), 8839 (ICE in SDP), 8841 (SCTP in SDP) and 8122
//! (fingerprints). It refuses other hashes than SHA-256 and descriptions of
//! more than [`BYTES_MAX`] bytes or [`CANDIDATES_MAX`] candidates, and leaves
//! out candidates that are of no use between browsers (TCP) or that it can't
//! tell in short (host names other than those of mDNS).

mod binary;
mod candidate;
mod sdp;

pub use candidate::{Address, Candidate, CandidateKind};
pub use sdp::SdpKind;
pub(crate) use sdp::of_server;

/// Longest encoding, in bytes.
pub const BYTES_MAX: usize = 1_024;
/// Longest SDP that is read, in bytes.
pub const SDP_BYTES_MAX: usize = 32 << 10;
/// Most candidates.
pub const CANDIDATES_MAX: usize = 16;
/// Longest ICE user name, in bytes; RFC 8839 allows more than browsers use.
pub const UFRAG_BYTES_MAX: usize = 32;
/// Longest ICE password, in bytes.
pub const PWD_BYTES_MAX: usize = 64;
/// Longest name of the section, in bytes.
pub const MID_BYTES_MAX: usize = 16;

/// Who begins the DTLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setup {
    /// Either; what offers say.
    ActPass,
    /// The one who says it.
    Active,
    /// The other.
    Passive,
}

/// What the other side needs to know to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// ICE user name.
    pub ufrag: String,
    /// ICE password.
    pub pwd: String,
    /// SHA-256 of the DTLS certificate.
    pub fingerprint: [u8; 32],
    /// Who begins DTLS.
    pub setup: Setup,
    /// The name of the data section, which the answer has to repeat.
    pub mid: String,
    /// The port of SCTP, 5000 in browsers.
    pub sctp_port: u16,
    /// The longest message the other may send, in bytes; 0 is without limit.
    pub max_message_size: u32,
    /// Where it can be reached.
    pub candidates: Vec<Candidate>,
}

/// Why a description can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// It is longer than any.
    #[error("the description is too long")]
    TooLong,
    /// It ends early.
    #[error("the description is cut off")]
    CutOff,
    /// Something follows it.
    #[error("something follows the description")]
    Trailing,
    /// It is of a version that is not known.
    #[error("the description is of an unknown version")]
    Version,
    /// It lacks this.
    #[error("the description has no {0}")]
    Missing(&'static str),
    /// This part of it makes no sense.
    #[error("the description has a malformed {0}")]
    Malformed(&'static str),
}

impl Description {
    /// Reads the SDP that a browser made.
    ///
    /// # Errors
    ///
    /// When it is no description of one data connection.
    pub fn from_sdp(sdp: &str) -> Result<Self, DescriptionError> {
        sdp::parse(sdp)
    }

    /// An SDP that browsers accept as a remote description.
    pub fn to_sdp(&self, kind: SdpKind) -> String {
        sdp::write(self, kind)
    }

    /// The short form.
    pub fn encode(&self) -> Vec<u8> {
        binary::encode(self)
    }

    /// Reads the short form.
    ///
    /// # Errors
    ///
    /// When the bytes are not exactly one description.
    pub fn decode(bytes: &[u8]) -> Result<Self, DescriptionError> {
        binary::decode(bytes)
    }

    /// Adds a candidate, as browsers write it, unless there are enough or it is
    /// of a kind that is left out.
    pub fn add_candidate(&mut self, line: &str) {
        if self.candidates.len() >= CANDIDATES_MAX {
            return;
        }
        if let Some(candidate) = Candidate::from_line(line)
            && !self.candidates.contains(&candidate)
        {
            self.candidates.push(candidate);
        }
    }
}

/// The fingerprint in an SDP, whatever else is in it.
pub(crate) fn fingerprint(sdp: &str) -> Result<[u8; 32], DescriptionError> {
    sdp::fingerprint(sdp)
}

/// Whether these are characters that RFC 8839 allows in credentials.
fn is_ice_text(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte))
}

/// Whether this may be the name of a section.
fn is_mid(text: &str) -> bool {
    text.len() <= MID_BYTES_MAX && is_ice_text(text)
}

#[cfg(test)]
mod tests;
