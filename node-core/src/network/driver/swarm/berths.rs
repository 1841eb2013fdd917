//! Relays: connecting, reserving, registering, and who else is there.

use libp2p::{
    Multiaddr, PeerId,
    core::transport::ListenerId,
    multiaddr::Protocol,
    relay,
    swarm::{
        ConnectionId,
        dial_opts::{DialOpts, PeerCondition},
    },
};

use super::{Driver, Relay, address, dial_error};
use crate::{
    identity::IonId,
    network::{
        driver::rendezvous,
        port::News,
        relays::{REGISTRATION_S, RelayIndex},
    },
    platform::Platform,
};

impl<P: Platform> Driver<P> {
    pub(super) fn connect(&mut self, index: RelayIndex, text: &str) {
        let parsed = address::read(text);
        let peer = parsed.as_ref().and_then(|address| match address.iter().last() {
            Some(Protocol::P2p(peer)) => Some(peer),
            _ => None,
        });
        let (Some(address), Some(peer)) = (parsed, peer) else {
            let why =
                format!("{text} is no relay's address; it must end in /p2p/ and the relay's id");
            self.tell(News::RelayLost(index, why));
            return;
        };
        let is_connected = self.swarm.is_connected(&peer);
        // Another dial may be under way, to an address that was given up.
        let dial = DialOpts::peer_id(peer)
            .addresses(vec![address.clone()])
            .condition(PeerCondition::Disconnected)
            .build();
        let number = (!is_connected).then(|| dial.connection_id());
        let relay = Relay { peer, address, dial: number, listener: None, is_up: false };
        self.relays.insert(index, relay);
        if is_connected {
            self.reserve(peer);
            return;
        }
        if let Err(why) = self.swarm.dial(dial) {
            self.tell(News::RelayLost(index, dial_error(&why)));
        }
    }

    /// Asks a relay that we are connected to for a reservation.
    pub(super) fn reserve(&mut self, peer: PeerId) {
        let wants = |relay: &&mut Relay| relay.peer == peer && relay.listener.is_none();
        let Some(relay) = self.relays.values_mut().find(wants) else { return };
        let circuit = relay.address.clone().with(Protocol::P2pCircuit);
        match self.swarm.listen_on(circuit) {
            Ok(listener) => relay.listener = Some(listener),
            Err(why) => {
                let why = format!("it cannot be asked for a reservation ({why})");
                self.lose_relay(peer, &why);
            }
        }
    }

    pub(super) fn register(&mut self, index: RelayIndex, namespace: String) {
        let Some(relay) = self.relays.get(&index) else { return };
        let peer = relay.peer;
        let rendezvous = &mut self.swarm.behaviour_mut().rendezvous;
        if let Err(why) = rendezvous.register(peer, namespace, REGISTRATION_S) {
            tracing::warn!(%why, "cannot register");
        }
    }

    /// The addresses of an ion at every relay that is up.
    pub(super) fn circuits_to(&self, peer: PeerId) -> Vec<Multiaddr> {
        let relays = self.relays.values().filter(|relay| relay.is_up);
        relays
            .map(|relay| relay.address.clone().with(Protocol::P2pCircuit).with(Protocol::P2p(peer)))
            .collect()
    }

    pub(super) fn lose_relay(&mut self, peer: PeerId, why: &str) {
        let index = self.relay_of(peer);
        if let Some(index) = index {
            self.relays.remove(&index);
            self.tell(News::RelayLost(index, why.to_owned()));
        }
    }

    /// Whether this dial is the one by which a relay is being reached.
    pub(super) fn is_dial_to_relay(&self, peer: PeerId, dial: ConnectionId) -> bool {
        self.relays.values().any(|relay| relay.peer == peer && relay.dial == Some(dial))
    }

    pub(super) fn relay_of(&self, peer: PeerId) -> Option<RelayIndex> {
        self.relays.iter().find(|(_, relay)| relay.peer == peer).map(|(index, _)| *index)
    }

    pub(super) fn listener_closed(&mut self, listener: ListenerId, error: Option<std::io::Error>) {
        let mine = |relay: &Relay| relay.listener == Some(listener);
        let peer = self.relays.values().find(|relay| mine(relay)).map(|relay| relay.peer);
        if let Some(peer) = peer {
            let why = error.map_or_else(
                || "the relay ended the reservation".to_owned(),
                |error| format!("the relay gave no reservation ({error})"),
            );
            self.lose_relay(peer, &why);
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    pub(super) fn relay_event(&mut self, event: &relay::client::Event) {
        let relay::client::Event::ReservationReqAccepted { relay_peer_id, renewal: false, .. } =
            event
        else {
            return;
        };
        let Some(index) = self.relay_of(*relay_peer_id) else { return };
        if let Some(relay) = self.relays.get_mut(&index) {
            relay.is_up = true;
        }
        self.tell(News::Reserved(index));
    }

    pub(super) fn rendezvous(&mut self, event: rendezvous::client::Event) {
        use rendezvous::client::Event;
        match event {
            Event::Registered { relay, .. } => {
                if let Some(index) = self.relay_of(relay) {
                    self.tell(News::Registered(index));
                }
            }
            Event::NotRegistered { relay, why, .. } => {
                let is_full = why.is_for_want_of_room();
                let why = format!("the relay did not take the registration ({why})");
                if is_full && let Some(index) = self.relay_of(relay) {
                    self.tell(News::Unlisted(index, why));
                    return;
                }
                self.lose_relay(relay, &why);
                let _ = self.swarm.disconnect_peer_id(relay);
            }
            Event::Discovered { relay, peers, .. } => {
                let Some(index) = self.relay_of(relay) else { return };
                let ions = peers.iter().filter_map(IonId::from_peer).collect();
                self.tell(News::Found(index, ions));
            }
            Event::NotDiscovered { why, .. } => tracing::debug!(%why, "a relay told nothing"),
        }
    }
}
