//! What the user of the crate decides.

use std::time::Duration;

use libp2p::identity::Keypair;

/// A STUN or TURN server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host:port` or `turn:host:port`.
    pub urls: Vec<String>,
    /// What a TURN server wants to know.
    pub username: Option<String>,
    /// What a TURN server wants to know.
    pub credential: Option<String>,
}

/// Bounds and switches; [`Config::default`] suits browsers.
#[derive(Clone, Debug)]
pub struct Config {
    /// Servers that help to find addresses. None by default, so that nobody is
    /// told who connects to whom.
    pub ice_servers: Vec<IceServer>,
    /// Our own key, with which we authenticate to servers at `/webrtc-direct`.
    /// Without it they are not dialed.
    pub server_keypair: Option<Keypair>,
    /// Most peer connections at a time; browsers give at most 500 to a page. A
    /// quarter of them is kept for those that are dialed or agreed upon here.
    pub peer_connections_max: usize,
    /// Most data channels of one connection, both sides' together. Streams
    /// that a peer opens beyond are closed at once; our own wait.
    pub streams_max: usize,
    /// Longest time of a whole handshake, from the dial on.
    pub handshake_max: Duration,
    /// Longest time that detached offers and answers gather candidates.
    pub gather_max: Duration,
    /// Whether a circuit to a peer is closed once a direct connection stands.
    pub close_circuits: bool,
    /// How long after that it is closed, so that what is under way arrives.
    pub circuit_grace: Duration,
    /// How long a connection may stay disconnected, as the browser calls it after
    /// some seven seconds of silence, before it is given up. Browsers by
    /// themselves take ten seconds more.
    pub disconnected_max: Duration,
    /// How long a data channel waits for the other side to finish its stream
    /// once ours is closed.
    pub linger_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            server_keypair: None,
            peer_connections_max: 64,
            streams_max: 256,
            handshake_max: Duration::from_secs(20),
            gather_max: Duration::from_secs(1),
            close_circuits: true,
            circuit_grace: Duration::from_secs(1),
            disconnected_max: Duration::from_secs(2),
            linger_max: Duration::from_secs(10),
        }
    }
}
