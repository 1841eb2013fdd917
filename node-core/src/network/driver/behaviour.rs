//! The libp2p behaviours of an ion, the same on every platform.

use std::time::Duration;

use ion_webrtc::{Control, Discreet};
use libp2p::{
    core::transport::OptionalTransport,
    identify,
    identity::Keypair,
    ping, relay,
    swarm::{self, NetworkBehaviour, behaviour::toggle::Toggle},
};

use crate::network::pairing::VALID_S;

use super::{DirectPort, IDLE_MS, host, rendezvous, rooms};

/// What identify calls us.
const PROTOCOL_VERSION: &str = "/ionosphere/1";

/// The WebRTC transport and its behaviour, where there is a port.
pub(super) struct Webrtc {
    pub(super) transport: OptionalTransport<ion_webrtc::Transport>,
    pub(super) behaviour: Option<ion_webrtc::Behaviour>,
}

/// How long a circuit is kept once a direct connection stands, so that what is
/// on its way arrives, in milliseconds.
const CIRCUIT_GRACE_MS: u64 = 10_000;

/// How long a direct connection may stay disconnected, as the browser calls it
/// after seven seconds and a half without an answer, in milliseconds. That of a
/// killed tab ends so; everybody is to know of it within 10 s.
const DISCONNECTED_MS: u64 = 500;

/// What makes direct connections, and the handle to it, where there is a port.
pub(super) fn webrtc(keypair: &Keypair, port: Option<DirectPort>) -> (Webrtc, Option<Control>) {
    let Some(port) = port else {
        return (Webrtc { transport: OptionalTransport::none(), behaviour: None }, None);
    };
    let config = ion_webrtc::Config {
        server_keypair: host::DIALS_WEBRTC_SERVERS.then(|| keypair.clone()),
        circuit_grace: Duration::from_millis(CIRCUIT_GRACE_MS),
        disconnected_max: Duration::from_millis(DISCONNECTED_MS),
        ..ion_webrtc::Config::default()
    };
    let (transport, behaviour, control) =
        ion_webrtc::new(keypair.public().to_peer_id(), config, port);
    let transport = OptionalTransport::some(transport);
    (Webrtc { transport, behaviour: Some(behaviour) }, Some(control))
}

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) webrtc: Toggle<ion_webrtc::Behaviour>,
    pub(super) relay: relay::client::Behaviour,
    pub(super) rendezvous: rendezvous::client::Behaviour,
    pub(super) rooms: rooms::Behaviour,
    identify: Discreet<identify::Behaviour>,
    ping: ping::Behaviour,
}

impl Behaviour {
    pub(super) fn new(
        keypair: &Keypair,
        relay: relay::client::Behaviour,
        webrtc: Option<ion_webrtc::Behaviour>,
    ) -> Self {
        let identify = identify::Config::new(PROTOCOL_VERSION.to_owned(), keypair.public())
            .with_agent_version(concat!("ionosphere/", env!("CARGO_PKG_VERSION")).to_owned());
        Self {
            webrtc: webrtc.into(),
            relay,
            rendezvous: rendezvous::client::Behaviour::new(keypair.clone()),
            rooms: rooms::Behaviour::default(),
            identify: Discreet(identify::Behaviour::new(identify)),
            ping: ping::Behaviour::default(),
        }
    }
}

/// How long a connection may take to be made, negotiated and secured. What is
/// made directly keeps times of its own: people carry some answers by hand.
pub(super) const CONNECTING_MAX: Duration = Duration::from_secs(10);
/// Longer than any of those times: libp2p would otherwise end all after 10 s.
pub(super) const DIRECT_MAX: Duration = Duration::from_secs(VALID_S + 60);

pub(super) fn config(config: swarm::Config) -> swarm::Config {
    config.with_idle_connection_timeout(Duration::from_millis(IDLE_MS))
}
