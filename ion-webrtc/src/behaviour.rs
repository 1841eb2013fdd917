//! The libp2p behaviour: finds the way to a peer over which a connection can be
//! agreed on, and closes it when it is no longer needed.
//!
//! It opens `/webrtc-signaling/0.0.1` on a relayed connection, dials one where
//! there is none and a circuit is known, and takes such streams on relayed
//! connections only: on a direct one there is nothing to agree on.
//!
//! Bounds: circuits are remembered for [`PEERS_MAX`] peers, the oldest go;
//! [`PATHS_MAX`] each.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use futures_timer::Delay;
use ion_map::{Map, Set};
use libp2p::{
    Multiaddr, PeerId,
    core::{ConnectedPoint, Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        CloseConnection, ConnectionClosed, ConnectionDenied, ConnectionId, DialFailure, FromSwarm,
        NetworkBehaviour, NotifyHandler, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
        behaviour::ConnectionEstablished,
        dial_opts::{DialOpts, PeerCondition},
    },
};

use crate::{
    desk::{Arrival, Request},
    failure::Failure,
    shared::Shared,
    transport::is_direct,
};

mod handler;

use handler::Handler;

/// Peers whose circuits are remembered.
pub const PEERS_MAX: usize = 1_024;
/// Circuits that are remembered of one peer.
pub const PATHS_MAX: usize = 4;

/// What the behaviour tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An attempt to connect directly failed, by whichever side it began.
    Failed {
        /// The other side.
        peer: PeerId,
        /// Why.
        failure: Failure,
    },
}

/// The libp2p behaviour; made by [`new`](crate::new).
pub struct Behaviour {
    shared: Shared,
    circuits: Map<PeerId, Vec<Multiaddr>>,
    /// In the order in which they came.
    known: VecDeque<PeerId>,
    relayed: Map<PeerId, Set<ConnectionId>>,
    direct: Map<PeerId, Set<ConnectionId>>,
    /// Requests that wait for the circuit that was dialed for them.
    waiting: Map<ConnectionId, Request>,
    orders: VecDeque<ToSwarm<Event, handler::Open>>,
    graces: FuturesUnordered<BoxFuture<'static, PeerId>>,
}

fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit) && !is_direct(address)
}

/// Whether a connection is relayed, and whether it is direct: of our making.
fn kind(endpoint: &ConnectedPoint) -> (bool, bool) {
    match endpoint {
        ConnectedPoint::Dialer { address, .. } => (is_relayed(address), is_direct(address)),
        ConnectedPoint::Listener { local_addr, send_back_addr } => {
            (is_relayed(local_addr), is_direct(send_back_addr))
        }
    }
}

impl Behaviour {
    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared,
            circuits: Map::new(),
            known: VecDeque::new(),
            relayed: Map::new(),
            direct: Map::new(),
            waiting: Map::new(),
            orders: VecDeque::new(),
            graces: FuturesUnordered::new(),
        }
    }

    /// Remembers a relayed address of a peer:
    /// `<relay>/p2p/R/p2p-circuit/p2p/X`. Others are ignored.
    pub fn add_circuit(&mut self, peer: PeerId, address: Multiaddr) {
        if !is_relayed(&address) || address.iter().last() != Some(Protocol::P2p(peer)) {
            return;
        }
        if !self.circuits.contains_key(&peer) {
            self.known.push_back(peer);
            if self.known.len() > PEERS_MAX
                && let Some(oldest) = self.known.pop_front()
            {
                self.circuits.remove(&oldest);
            }
        }
        let circuits = self.circuits.entry(peer).or_default();
        circuits.retain(|one| *one != address);
        circuits.insert(0, address);
        circuits.truncate(PATHS_MAX);
    }

    fn requested(&mut self, request: Request) {
        if let Some(circuit) = request.circuit.clone() {
            self.add_circuit(request.peer, circuit);
        }
        if let Some(id) = self.relayed.get(&request.peer).and_then(|ids| ids.last()) {
            let id = *id;
            return self.open(id, request);
        }
        let Some(circuits) = self.circuits.get(&request.peer) else {
            let why = Failure::NoPath("none stands, and no relay of the peer is known".to_owned());
            return refuse(request, why);
        };
        // The outer dial is under way, so that any other condition refuses.
        let opts = DialOpts::peer_id(request.peer)
            .addresses(circuits.clone())
            .condition(PeerCondition::Always)
            .build();
        self.waiting.insert(opts.connection_id(), request);
        self.orders.push_back(ToSwarm::Dial { opts });
    }

    fn open(&mut self, id: ConnectionId, Request { peer: peer_id, reply, .. }: Request) {
        self.orders.push_back(ToSwarm::NotifyHandler {
            peer_id,
            handler: NotifyHandler::One(id),
            event: handler::Open(reply),
        });
    }

    fn established(&mut self, event: &ConnectionEstablished<'_>) {
        let ConnectionEstablished { peer_id: peer, connection_id: id, endpoint, .. } = *event;
        let (is_relayed, is_direct) = kind(endpoint);
        if is_relayed {
            self.relayed.entry(peer).or_default().insert(id);
            if endpoint.is_dialer() {
                self.add_circuit(peer, endpoint.get_remote_address().clone());
            }
            if let Some(request) = self.waiting.remove(&id) {
                self.open(id, request);
            }
        } else if is_direct {
            self.direct.entry(peer).or_default().insert(id);
        } else {
            return;
        }
        let config = self.shared.config();
        if config.close_circuits && self.direct.contains_key(&peer) {
            self.graces.push(Delay::new(config.circuit_grace).map(move |()| peer).boxed());
        }
    }

    fn closed(&mut self, event: &ConnectionClosed<'_>) {
        for table in [&mut self.relayed, &mut self.direct] {
            if let Some(ids) = table.get_mut(&event.peer_id) {
                ids.remove(&event.connection_id);
                if ids.is_empty() {
                    table.remove(&event.peer_id);
                }
            }
        }
    }

    fn dial_failed(&mut self, event: &DialFailure<'_>) {
        if let Some(request) = self.waiting.remove(&event.connection_id) {
            refuse(request, Failure::NoPath(event.error.to_string()));
        }
    }

    /// Closes the circuits to a peer that still has a direct connection.
    fn close_circuits(&mut self, peer: PeerId) {
        if !self.direct.contains_key(&peer) {
            return;
        }
        for id in self.relayed.get(&peer).into_iter().flatten() {
            let connection = CloseConnection::One(*id);
            self.orders.push_back(ToSwarm::CloseConnection { peer_id: peer, connection });
        }
    }
}

fn refuse(request: Request, why: Failure) {
    // The dial may have been given up.
    let _ = request.reply.send(Err(why));
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        local: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(is_relayed(local)))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(is_relayed(address)))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(event) => self.established(&event),
            FromSwarm::ConnectionClosed(event) => self.closed(&event),
            FromSwarm::DialFailure(event) => self.dial_failed(&event),
            FromSwarm::NewExternalAddrOfPeer(event) => {
                self.add_circuit(event.peer_id, event.addr.clone());
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        _: ConnectionId,
        handler::Came(stream): THandlerOutEvent<Self>,
    ) {
        // What is not taken is dropped outside of the lock, and so reset.
        let refused = self.shared.with(|inner| inner.desk.arrive(peer, Arrival::Signaled(stream)));
        drop(refused);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        loop {
            if let Some(order) = self.orders.pop_front() {
                return Poll::Ready(order);
            }
            let (request, report, circuit) = self.shared.with(|inner| {
                inner.desk.behaviour_waits(cx);
                let desk = &mut inner.desk;
                let circuit = desk.circuits.pop_front();
                // A dial that follows a circuit finds it known.
                let request = circuit.is_none().then(|| desk.requests.pop_front()).flatten();
                (request, circuit.is_none().then(|| desk.report()).flatten(), circuit)
            });
            if let Some((peer, address)) = circuit {
                self.add_circuit(peer, address);
                continue;
            }
            if let Some((peer, failure)) = report {
                self.orders.push_back(ToSwarm::GenerateEvent(Event::Failed { peer, failure }));
            }
            if let Some(request) = request {
                self.requested(request);
            }
            if let Poll::Ready(Some(peer)) = self.graces.poll_next_unpin(cx) {
                self.close_circuits(peer);
            } else if self.orders.is_empty() {
                return Poll::Pending;
            }
        }
    }
}
