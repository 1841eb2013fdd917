//! What a peer has seen: connections, who said what, what was served.

use std::collections::BTreeMap;

use libp2p::{
    Multiaddr, PeerId,
    core::ConnectedPoint,
    identify, ping,
    swarm::{ConnectionId, SwarmEvent, dial_opts::DialOpts},
};
use serde_json::{Value, json};

use crate::swarm::BehaviourEvent;

/// An open connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) peer: PeerId,
    pub(crate) endpoint: ConnectedPoint,
}

impl Connection {
    pub(crate) fn address(&self) -> &Multiaddr {
        self.endpoint.get_remote_address()
    }

    pub(crate) fn is_direct(&self) -> bool {
        ion_webrtc::is_direct(self.address())
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "peer": self.peer.to_string(),
            "address": self.address().to_string(),
            "isDirect": self.is_direct(),
            "isLimited": !self.is_direct(),
            "direction": if self.endpoint.is_dialer() { "outbound" } else { "inbound" },
            "status": "open",
        })
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) identified: BTreeMap<ConnectionId, identify::Info>,
    /// The newest round trip, in milliseconds.
    pub(crate) pings: BTreeMap<ConnectionId, f64>,
    /// Dials that failed, and why.
    pub(crate) failed: BTreeMap<ConnectionId, String>,
    pub(crate) listening: Vec<Multiaddr>,
    pub(crate) served: Vec<Value>,
}

impl Seen {
    /// Takes notice of an event of the swarm.
    pub(crate) fn note(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished {
                peer_id: peer, connection_id, endpoint, ..
            } => {
                self.connections.insert(connection_id, Connection { peer, endpoint });
            }
            SwarmEvent::ConnectionClosed { connection_id, .. } => self.forget(connection_id),
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.failed.insert(connection_id, error.to_string());
            }
            SwarmEvent::NewListenAddr { address, .. } => self.listening.push(address),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                connection_id,
                info,
                ..
            })) => {
                self.identified.insert(connection_id, info);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event {
                connection,
                result: Ok(took),
                ..
            })) => {
                self.pings.insert(connection, took.as_secs_f64() * 1000.0);
            }
            _ => {}
        }
    }

    fn forget(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
        self.identified.remove(&id);
        self.pings.remove(&id);
    }

    /// The connection that data uses: the direct one. While a relayed one
    /// stands beside it there is none, since streams could take either.
    pub(crate) fn best(&self, peer: PeerId) -> Option<(ConnectionId, Connection)> {
        let mut all = self.connections.iter().filter(|(_, one)| one.peer == peer);
        let (id, first) = all.next()?;
        let is_of_one_kind = all.all(|(_, one)| one.is_direct() == first.is_direct());
        is_of_one_kind.then(|| (*id, first.clone()))
    }

    /// What became of a dial, once it is known.
    pub(crate) fn outcome(&self, dial: ConnectionId) -> Option<Result<Value, String>> {
        let failed = self.failed.get(&dial).map(|why| Err(why.clone()));
        self.connections.get(&dial).map(|one| Ok(one.json())).or(failed)
    }
}

/// A dial to an address, even beside another connection to the same peer.
pub(crate) fn dial(address: Multiaddr) -> DialOpts {
    DialOpts::unknown_peer_id().address(address).build()
}
