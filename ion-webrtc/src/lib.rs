//! libp2p's `/webrtc` transport for browsers: tab to tab, without a server in
//! between once both have met.
//!
//! Two peers meet over a relay (or by any other means), agree there on a
//! connection, and talk directly from then on. This crate is a libp2p
//! [`Transport`] and [`Behaviour`] after the libp2p specification
//! `webrtc/webrtc.md`, so that it understands js-libp2p, and a [`Control`] for
//! signaling by other means.
//!
//! `RTCPeerConnection` exists only on pages, and a swarm is better off in a
//! worker. All that touches it is behind a narrow [`Port`](port::Port) of
//! commands and events, of which there are three: `web::Page` in a page itself,
//! `web::Remote` in a worker whose page serves it with `web::Host` (and hands data
//! channels over to it where the browser can), and [`memory`] for tests. Everything else is the same on every platform.
//!
//! In reading order: [`signaling`], [`frame`] and [`half_close`] are the
//! formats and rules of the wire, [`handshake`] is how two peers agree,
//! [`description`] is an SDP in 130 bytes, [`port`] is the way to the browser.
//! All of these are pure. It refuses what is malformed, too long or too much;
//! the bounds are the `_MAX` constants and [`Config`].
//!
//! ```
//! use ion_webrtc::{Config, memory::Network};
//! use libp2p::PeerId;
//!
//! let network = Network::default();
//! let local = PeerId::random();
//! let (transport, behaviour, control) = ion_webrtc::new(local, Config::default(), network.port());
//! // The transport stands before others, the relay client's included:
//! // let transport = transport.or_transport(relayed).or_transport(websocket).boxed();
//! # drop((transport, behaviour, control));
//! ```

pub mod signaling;

pub mod frame;

pub mod half_close;

pub mod handshake;

pub mod description;

pub mod port;

pub mod memory;

#[cfg(target_arch = "wasm32")]
pub mod web;

mod behaviour;
mod config;
mod control;
mod desk;
mod discreet;
mod failure;
mod hub;
mod muxer;
mod protobuf;
mod shared;
mod stream;
mod transport;
#[cfg(any(target_arch = "wasm32", test))]
mod unacknowledged;

pub use behaviour::{Behaviour, Event, PATHS_MAX, PEERS_MAX};
pub use config::{Config, IceServer};
pub use control::{Control, OfferId};
pub use desk::{ANSWERING_MAX, ARRIVALS_MAX, FAILURES_MAX, OFFERS_MAX};
pub use discreet::Discreet;
pub use failure::{Failure, Stage};
pub use hub::{CONNECTION_UNREAD_BYTES_MAX, CONNECTION_WINDOW_BYTES, UNREAD_BYTES_MAX};
pub use muxer::Muxer;
pub use port::Stats;
pub use protobuf::Malformed;
pub use stream::Stream;
pub use transport::{LISTENERS_MAX, Transport, direct_address, is_direct};

use libp2p::PeerId;

/// A transport, the behaviour it needs in the same swarm, and a handle to both.
///
/// `local` is the swarm's own id: it decides who offers when two peers begin at
/// once.
pub fn new(
    local: PeerId,
    config: Config,
    port: impl port::Port,
) -> (Transport, Behaviour, Control) {
    let shared = shared::Shared::new(local, config, port);
    let behaviour = Behaviour::new(shared.clone());
    let control = Control::new(shared.clone());
    (Transport::new(shared), behaviour, control)
}
