//! Moves bytes over libp2p, as the machines ask. Decides nothing.
//!
//! One task owns the swarm. It takes [`Order`]s and tells [`News`]. Ions are
//! reached through the circuits of the relays that are up. Every outbound
//! stream has a task that writes, every inbound one a task that reads; both
//! are bounded: [`QUEUE_FRAMES_MAX`] frames and [`QUEUE_BYTES_MAX`] bytes wait
//! for one ion, and a reader waits while the node is busy. An ion that takes
//! no bytes for so long that the queue is full is dropped.
//!
//! When a stream from an ion opens with other words than those before, a new
//! session began there: all that belonged to the old one is dropped, silently.

mod behaviour;
mod sessions;
mod streams;
mod swarm;

#[cfg(not(target_arch = "wasm32"))]
#[path = "driver/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "driver/web.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
mod websocket;

use futures::channel::mpsc;
use libp2p::identity::Keypair;

use super::{relays::RelayIndex, wire::Room};
use crate::{identity::IonId, platform::Platform};

/// Frames that wait to be sent in one room to one ion.
pub const QUEUE_FRAMES_MAX: usize = 1_024;
/// Bytes that wait to be sent to one ion.
pub const QUEUE_BYTES_MAX: usize = 32 << 20;
/// News that wait for the node.
pub const NEWS_MAX: usize = 256;
/// How long a stream may take to open and to say who it is for, in milliseconds.
pub const OPENING_MS: u64 = 10_000;
/// How long a connection without streams is kept, in milliseconds.
pub const IDLE_MS: u64 = 20_000;

/// What is asked of the network.
#[derive(Debug)]
pub enum Order {
    /// Connect to a relay and reserve there.
    Connect(RelayIndex, String),
    /// Give up a connection to a relay.
    Disconnect(RelayIndex),
    /// Register at a relay.
    Register(RelayIndex, String),
    /// Take a registration back.
    Unregister(RelayIndex, String),
    /// Ask a relay who is there.
    Discover(RelayIndex, String),
    /// Be ready to send to an ion; every stream to it opens with these bytes.
    Reach(IonId, Vec<u8>),
    /// Send a frame.
    Send(IonId, Room, Vec<u8>),
    /// Tell whoever sent a wrong proof, and close.
    Refuse(IonId),
    /// End the session with an ion, after what is queued.
    Close(IonId),
}

/// What the network tells.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// A relay relays for this ion now.
    Reserved(RelayIndex),
    /// A relay took the registration.
    Registered(RelayIndex),
    /// A relay is lost; why, as a sentence.
    RelayLost(RelayIndex, String),
    /// A relay told who is there.
    Found(RelayIndex, Vec<IonId>),
    /// A stream came in, with these first bytes.
    Opened(IonId, Room, Vec<u8>),
    /// A frame came in.
    Frame(IonId, Room, Vec<u8>),
    /// An ion could not be reached, or it refused.
    Failed(IonId),
    /// The session with an ion ended.
    Closed(IonId),
}

/// The two ends of a running driver; it stops when they are dropped.
pub struct Network {
    /// Where orders go. Unbounded, since the node may not wait; what it holds
    /// is bounded per ion by the limits above.
    pub orders: mpsc::UnboundedSender<Order>,
    /// Where news comes from.
    pub news: mpsc::Receiver<News>,
}

/// Why the network could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the network could not be started: {0}")]
pub struct StartError(String);

/// Starts the driver for the ion with that secret key.
#[expect(clippy::disallowed_methods, reason = "the node may not wait; see `Network::orders`")]
pub fn start<P: Platform>(platform: &P, seed: [u8; 32]) -> Result<Network, StartError> {
    let keypair = Keypair::ed25519_from_bytes(seed).map_err(|why| StartError(why.to_string()))?;
    let swarm = host::swarm(keypair)?;
    let (orders, taken) = mpsc::unbounded();
    let (told, news) = mpsc::channel(NEWS_MAX);
    let driver = swarm::Driver::new(platform.clone(), swarm, told);
    platform.spawn(Box::pin(driver.run(taken)));
    Ok(Network { orders, news })
}
