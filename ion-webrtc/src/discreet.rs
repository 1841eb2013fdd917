//! A behaviour that is not told where a peer was seen, unless that is an address
//! of the network.
//!
//! It is for libp2p's identify, which tells each peer the address that it was
//! seen at. For a direct link that is `/webrtc/p2p/X`, for an inbound circuit
//! `/p2p/X`: of no use to the peer, and js-libp2p (3.3) throws on addresses
//! without an IP address or a name, and then counts the whole peer as not
//! identified.
//!
//! It refuses nothing and changes nothing else; it has no state of its own.

use std::task::{Context, Poll};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};

/// The behaviour inside, which sees an empty address in place of one that does
/// not begin with an IP address or a name.
#[derive(Debug)]
pub struct Discreet<B>(pub B);

fn told(address: &Multiaddr) -> Multiaddr {
    match address.iter().next() {
        Some(
            Protocol::Ip4(_)
            | Protocol::Ip6(_)
            | Protocol::Dns(_)
            | Protocol::Dns4(_)
            | Protocol::Dns6(_)
            | Protocol::Dnsaddr(_),
        ) => address.clone(),
        _ => Multiaddr::empty(),
    }
}

impl<B: NetworkBehaviour> NetworkBehaviour for Discreet<B> {
    type ConnectionHandler = B::ConnectionHandler;
    type ToSwarm = B::ToSwarm;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.0.handle_established_inbound_connection(id, peer, local, &told(remote))
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.0.handle_established_outbound_connection(id, peer, &told(address), role, port)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.0.handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.0.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.0.on_connection_handler_event(peer, id, event);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.0.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_network_are_told() {
        let peer = PeerId::random();
        let network = [
            "/ip4/192.0.2.1/udp/1/webrtc-direct".to_owned(),
            "/ip6/::1/tcp/1".to_owned(),
            format!("/dns4/relay.example/tcp/443/wss/p2p/{peer}/p2p-circuit/p2p/{peer}"),
        ];
        for address in network.map(|one| one.parse::<Multiaddr>().unwrap()) {
            assert_eq!(told(&address), address);
        }
        for address in [format!("/webrtc/p2p/{peer}"), format!("/p2p/{peer}"), String::new()] {
            assert_eq!(told(&address.parse().unwrap()), Multiaddr::empty(), "{address}");
        }
    }
}
