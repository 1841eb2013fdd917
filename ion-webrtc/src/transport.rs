//! The libp2p transport: which addresses it owns, and how a dial or an arrival
//! becomes a connection.
//!
//! It dials `/webrtc/p2p/X` and `<relay>/p2p/R/p2p-circuit/webrtc/p2p/X`, and
//! listens on `/webrtc`. Everything else it refuses at once, so that it can
//! stand before other transports. It has to stand before the relay client's,
//! which would take the second kind of address for a plain circuit.
//!
//! Connections appear as `/webrtc/p2p/X`, without the circuit that led to them,
//! which other behaviours would take for a relayed connection. Only a swarm that
//! dials the second kind of address knows the connection by that (a change of
//! address would be worse: the relay client panics when a connection that began
//! as relayed ends as another). Better give the circuit to
//! [`Control::add_circuit`](crate::Control::add_circuit) and dial the first.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use libp2p::{
    Multiaddr, PeerId,
    core::transport::{self, DialOpts, ListenerId, TransportError, TransportEvent},
    multiaddr::Protocol,
};

use crate::{failure::Failure, muxer::Muxer, shared::Shared};

mod answer;
mod dial;

/// Most listeners; one is enough.
pub const LISTENERS_MAX: usize = 8;

/// What becomes of a dial or an arrival.
type Connecting = BoxFuture<'static, Result<(PeerId, Muxer), Failure>>;
type Told = TransportEvent<Connecting, Failure>;

/// The libp2p transport; made by [`new`](crate::new).
pub struct Transport {
    shared: Shared,
    listeners: Vec<ListenerId>,
    events: VecDeque<Told>,
}

/// The address of a direct connection to a peer.
pub fn direct_address(peer: PeerId) -> Multiaddr {
    listen_address().with(Protocol::P2p(peer))
}

/// Whether this is the address of a direct connection, also where a circuit
/// stands before it.
pub fn is_direct(address: &Multiaddr) -> bool {
    parse(address).is_some()
}

fn listen_address() -> Multiaddr {
    Multiaddr::empty().with(Protocol::WebRTC)
}

/// An address of ours: the peer, and the circuit to it if it names one.
pub(crate) fn parse(address: &Multiaddr) -> Option<(PeerId, Option<Multiaddr>)> {
    let mut parts: Vec<Protocol<'_>> = address.iter().collect();
    let Some(Protocol::P2p(peer)) = parts.pop() else { return None };
    if parts.pop() != Some(Protocol::WebRTC) {
        return None;
    }
    match parts.last() {
        None => Some((peer, None)),
        Some(Protocol::P2pCircuit) => {
            let circuit: Multiaddr = parts.into_iter().collect();
            Some((peer, Some(circuit.with(Protocol::P2p(peer)))))
        }
        Some(_) => None,
    }
}

impl Transport {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared, listeners: Vec::new(), events: VecDeque::new() }
    }

    fn arrival(&self, peer: PeerId, arrival: crate::desk::Arrival) -> Option<Told> {
        let listener_id = *self.listeners.first()?;
        Some(TransportEvent::Incoming {
            listener_id,
            upgrade: Box::pin(answer::answer(self.shared.clone(), peer, arrival)),
            local_addr: listen_address(),
            send_back_addr: direct_address(peer),
        })
    }
}

impl transport::Transport for Transport {
    type Output = (PeerId, Muxer);
    type Error = Failure;
    type ListenerUpgrade = Connecting;
    type Dial = Connecting;

    fn listen_on(
        &mut self,
        listener_id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<Failure>> {
        if address != listen_address() {
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        if self.listeners.len() >= LISTENERS_MAX {
            return Err(TransportError::Other(Failure::TooMany(LISTENERS_MAX)));
        }
        self.listeners.push(listener_id);
        self.shared.with(|inner| inner.desk.listeners = self.listeners.len());
        self.events.push_back(TransportEvent::NewAddress { listener_id, listen_addr: address });
        Ok(())
    }

    fn remove_listener(&mut self, listener_id: ListenerId) -> bool {
        let count = self.listeners.len();
        self.listeners.retain(|one| *one != listener_id);
        self.shared.with(|inner| inner.desk.listeners = self.listeners.len());
        if self.listeners.len() == count {
            return false;
        }
        self.events.push_back(TransportEvent::ListenerClosed { listener_id, reason: Ok(()) });
        true
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Connecting, TransportError<Failure>> {
        let Some((peer, circuit)) = parse(&address).filter(|_| !options.role.is_listener()) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        Ok(Box::pin(dial::dial(self.shared.clone(), peer, circuit)))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Told> {
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(event);
        }
        while let Poll::Ready((peer, arrival)) =
            self.shared.with(|inner| inner.desk.poll_arrival(cx))
        {
            if let Some(event) = self.arrival(peer, arrival) {
                return Poll::Ready(event);
            }
        }
        if self.shared.with(|inner| inner.hub.is_gone())
            && let Some(listener_id) = self.listeners.pop()
        {
            let reason = Err(Failure::Gone);
            return Poll::Ready(TransportEvent::ListenerClosed { listener_id, reason });
        }
        Poll::Pending
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        // What is left on the desk holds the desk itself.
        let left = self.shared.with(|inner| {
            inner.desk.listeners = 0;
            inner.desk.clear()
        });
        drop(left);
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Transport").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_its_own_addresses() {
        let (peer, relay) = (PeerId::random(), PeerId::random());
        let direct: Multiaddr = format!("/webrtc/p2p/{peer}").parse().unwrap();
        assert_eq!(parse(&direct), Some((peer, None)));
        assert_eq!(direct_address(peer), direct);
        let base = format!("/ip4/1.2.3.4/tcp/5/ws/p2p/{relay}/p2p-circuit");
        let over: Multiaddr = format!("{base}/webrtc/p2p/{peer}").parse().unwrap();
        let circuit: Multiaddr = format!("{base}/p2p/{peer}").parse().unwrap();
        assert_eq!(parse(&over), Some((peer, Some(circuit.clone()))));
        let others = [
            circuit,
            listen_address(),
            format!("/ip4/1.2.3.4/tcp/5/ws/p2p/{relay}").parse().unwrap(),
            format!("/ip4/1.2.3.4/udp/5/webrtc/p2p/{relay}").parse().unwrap(),
            format!("/webrtc/p2p/{peer}/p2p-circuit").parse().unwrap(),
        ];
        for other in others {
            assert_eq!(parse(&other), None, "{other}");
        }
    }
}
