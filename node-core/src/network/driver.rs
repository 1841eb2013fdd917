//! Moves bytes over libp2p, as the machines ask. Decides nothing.
//!
//! One task owns the swarm. It takes [`Order`]s and tells [`News`] (see
//! [`port`](super::port)). Ions are reached directly, over WebRTC, where the
//! host lends a port to it, or else through the circuits of the relays that are
//! up; [`ways`](super::ways) chooses. Every outbound
//! stream has a task that writes, every inbound one a task that reads; both
//! are bounded: [`QUEUE_FRAMES_MAX`] frames and [`QUEUE_BYTES_MAX`] bytes wait
//! for one ion, and a reader waits while the node is busy. An ion that takes
//! no bytes for so long that the queue is full is dropped.
//!
//! When a stream from an ion opens with other words than those before, a new
//! session began there: all that belonged to the old one is dropped, silently.

mod behaviour;
mod direct;
pub mod rendezvous;
mod rooms;
mod sessions;
mod streams;
mod swarm;

#[cfg(not(target_arch = "wasm32"))]
#[path = "driver/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "driver/web.rs"]
mod host;

pub use direct::Candidates;
use futures::channel::mpsc;
use libp2p::identity::Keypair;

use super::port::{News, Order};
use crate::platform::Platform;

/// Frames that wait to be sent in one room to one ion.
pub const QUEUE_FRAMES_MAX: usize = 1_024;
/// Bytes that wait to be sent to one ion.
pub const QUEUE_BYTES_MAX: usize = 32 << 20;
/// News that wait for the node.
pub const NEWS_MAX: usize = 256;
/// How long a stream may take to open and to say who it is for, in milliseconds.
pub const OPENING_MS: u64 = 10_000;
/// How long what an older stream still carries is waited for when another
/// takes its place, in milliseconds.
pub const MOVE_MS: u64 = 5_000;
/// How long a connection without streams is kept, in milliseconds.
pub const IDLE_MS: u64 = 20_000;

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

/// What makes direct connections, where the host has it.
pub type DirectPort = Box<dyn ion_webrtc::port::Port>;

/// Starts the driver for the ion with that secret key.
#[expect(clippy::disallowed_methods, reason = "the node may not wait; see `Network::orders`")]
pub fn start<P: Platform>(
    platform: &P,
    seed: [u8; 32],
    port: Option<DirectPort>,
) -> Result<Network, StartError> {
    let keypair = Keypair::ed25519_from_bytes(seed).map_err(|why| StartError(why.to_string()))?;
    let (webrtc, control) = behaviour::webrtc(&keypair, port);
    let swarm = host::swarm(keypair, webrtc)?;
    let (orders, taken) = mpsc::unbounded();
    let (told, news) = mpsc::channel(NEWS_MAX);
    let driver = swarm::Driver::new(platform.clone(), swarm, control, told);
    platform.spawn(Box::pin(driver.run(taken)));
    Ok(Network { orders, news })
}
