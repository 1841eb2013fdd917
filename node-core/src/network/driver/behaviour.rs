//! The libp2p behaviours of an ion, the same on every platform.

use std::time::Duration;

use libp2p::{
    identify,
    identity::Keypair,
    ping, relay,
    swarm::{self, NetworkBehaviour},
};

use super::{IDLE_MS, rendezvous, rooms};

/// What identify calls us.
const PROTOCOL_VERSION: &str = "/ionosphere/1";

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) relay: relay::client::Behaviour,
    pub(super) rendezvous: rendezvous::client::Behaviour,
    pub(super) rooms: rooms::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

impl Behaviour {
    pub(super) fn new(keypair: &Keypair, relay: relay::client::Behaviour) -> Self {
        let identify = identify::Config::new(PROTOCOL_VERSION.to_owned(), keypair.public())
            .with_agent_version(concat!("ionosphere/", env!("CARGO_PKG_VERSION")).to_owned());
        Self {
            relay,
            rendezvous: rendezvous::client::Behaviour::new(keypair.clone()),
            rooms: rooms::Behaviour::default(),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
        }
    }
}

pub(super) fn config(config: swarm::Config) -> swarm::Config {
    config.with_idle_connection_timeout(Duration::from_millis(IDLE_MS))
}
