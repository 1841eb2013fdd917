//! Why a connection could not be made, or ended.

use crate::description::DescriptionError;

/// Why a connection could not be made, or ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Neither side, or one of them, offered an address: the counts of
    /// candidates here and there.
    #[error("no address to try: {local} found here, {remote} offered by the other side")]
    NoCandidates {
        /// Ours.
        local: usize,
        /// Theirs.
        remote: usize,
    },
    /// Addresses were tried and none led there.
    #[error("none of the ways between {local} addresses here and {remote} there worked")]
    Ice {
        /// Ours.
        local: usize,
        /// Theirs.
        remote: usize,
    },
    /// Not done in time.
    #[error("timed out while {0}")]
    TimedOut(Stage),
    /// The other side ended the signaling, or does not speak it.
    #[error("the other side refused")]
    Refused,
    /// The other side said something that makes no sense.
    #[error("the other side broke the signaling protocol")]
    Signaling,
    /// No relayed connection to the peer stands, and none could be made.
    #[error("no relayed connection to the peer: {0}")]
    NoPath(String),
    /// There are as many peer connections as there may be.
    #[error("there are already {0} peer connections")]
    TooMany(usize),
    /// The browser did not take a description, a candidate or a channel.
    #[error("the browser refused: {0}")]
    Browser(String),
    /// A description was not one.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// Both sides began at once, and the other one's attempt counts.
    #[error("both sides began at once, and the other attempt counts")]
    Glare,
    /// Nothing listens on `/webrtc`.
    #[error("not listening on /webrtc")]
    NotListening,
    /// There is no such offer; it was used, abandoned, or pushed out by others.
    #[error("there is no such offer")]
    NoOffer,
    /// The peer connection was closed, here or there.
    #[error("the peer connection was closed")]
    Closed,
    /// Nothing was heard from the other side for too long.
    #[error("nothing was heard from the other side")]
    Silent,
    /// There is already an attempt to connect to the peer.
    #[error("there is already an attempt to connect to the peer")]
    AlreadyDialing,
    /// What a peer sent was not read, and it did not stop.
    #[error("more was received than was read")]
    Flooded,
    /// The page that holds the peer connections is gone, or the transport is.
    #[error("the page is gone")]
    Gone,
    /// The peer proved to be another than was dialed.
    #[error("the server is another peer than was dialed")]
    WrongPeer,
    /// The Noise handshake with a server failed.
    #[error("the server could not be authenticated: {0}")]
    Noise(String),
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A signaling stream to the peer.
    Reaching,
    /// The browser's own description.
    Describing,
    /// The other side's answer.
    Answering,
    /// ICE and DTLS.
    Connecting,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(match self {
            Self::Reaching => "reaching the peer",
            Self::Describing => "waiting for the browser's own description",
            Self::Answering => "waiting for the other side's answer",
            Self::Connecting => "connecting",
        })
    }
}

impl From<Failure> for std::io::Error {
    fn from(failure: Failure) -> Self {
        let kind = match failure {
            Failure::TimedOut(_) => std::io::ErrorKind::TimedOut,
            Failure::Closed => std::io::ErrorKind::ConnectionReset,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, failure)
    }
}
