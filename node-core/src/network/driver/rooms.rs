//! The libp2p behaviour that opens and takes the streams of all rooms.
//!
//! It knows which connections stand and of which kind they are, opens streams
//! on the kind that it is told, negotiates and hands over, nothing else: what a
//! stream says is the driver's concern. Bounds: [`WAITING_MAX`] streams that
//! the driver has not taken yet, beyond which new ones are reset.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use ion_map::Map;
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{
        ConnectedPoint, Endpoint, InboundUpgrade, OutboundUpgrade, UpgradeInfo, transport::PortUse,
    },
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, SubstreamProtocol, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
        behaviour::{ConnectionClosed, ConnectionEstablished},
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

use crate::network::{neighbours::LINKS_MAX, ways::Way, wire::Room};

/// Streams that came in and wait for the driver.
const WAITING_MAX: usize = 4 * LINKS_MAX;

/// What becomes of connections and streams.
#[derive(Debug)]
pub(super) enum Event {
    /// A connection stands.
    Connected(PeerId, Way),
    /// A connection ended.
    Disconnected(PeerId, Way),
    /// A peer opened one.
    Came(PeerId, Room, Stream),
    /// One that was asked for is open.
    Opened(PeerId, u64, Stream),
    /// One that was asked for could not be opened.
    NotOpened(PeerId, u64),
}

/// Opens and takes streams.
#[derive(Default)]
pub(super) struct Behaviour {
    waiting: VecDeque<ToSwarm<Event, Request>>,
    connections: Map<PeerId, Vec<(ConnectionId, Way)>>,
}

/// A stream that is asked of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    room: Room,
    number: u64,
}

impl Behaviour {
    /// Asks for a stream to a peer over its newest connection of that kind,
    /// under a number of the asker's.
    pub(super) fn open(&mut self, peer_id: PeerId, way: Way, room: Room, number: u64) {
        let standing = self.connections.get(&peer_id);
        let newest = standing.and_then(|all| all.iter().rev().find(|(_, kind)| *kind == way));
        self.waiting.push_back(match newest {
            Some((connection, _)) => ToSwarm::NotifyHandler {
                peer_id,
                handler: NotifyHandler::One(*connection),
                event: Request { room, number },
            },
            None => ToSwarm::GenerateEvent(Event::NotOpened(peer_id, number)),
        });
    }

    fn connected(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let way = if endpoint.is_relayed() { Way::Relayed } else { Way::Direct };
        self.connections.entry(peer).or_default().push((connection, way));
        self.waiting.push_back(ToSwarm::GenerateEvent(Event::Connected(peer, way)));
    }

    fn disconnected(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(standing) = self.connections.get_mut(&peer) else { return };
        let Some(place) = standing.iter().position(|(id, _)| *id == connection) else { return };
        let (_, way) = standing.remove(place);
        if standing.is_empty() {
            self.connections.remove(&peer);
        }
        self.waiting.push_back(ToSwarm::GenerateEvent(Event::Disconnected(peer, way)));
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            }) => self.connected(peer_id, connection_id, endpoint),
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                self.disconnected(peer_id, connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        let event = match event {
            // Dropped, and so reset: the driver is far behind.
            Outcome::Came(..) if self.waiting.len() >= WAITING_MAX => return,
            Outcome::Came(room, stream) => Event::Came(peer, room, stream),
            Outcome::Opened(number, stream) => Event::Opened(peer, number, stream),
            Outcome::NotOpened(number) => Event::NotOpened(peer, number),
        };
        self.waiting.push_back(ToSwarm::GenerateEvent(event));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        // Whatever is pushed is pushed by the swarm's own task, which polls again.
        self.waiting.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// What a connection tells.
#[derive(Debug)]
pub(super) enum Outcome {
    Came(Room, Stream),
    Opened(u64, Stream),
    NotOpened(u64),
}

/// One connection's side of it.
#[derive(Default)]
pub(super) struct Handler {
    requests: VecDeque<Request>,
    outcomes: VecDeque<Outcome>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Request;
    type ToBehaviour = Outcome;
    type InboundProtocol = Negotiation;
    type OutboundProtocol = Negotiation;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = u64;

    fn listen_protocol(&self) -> SubstreamProtocol<Negotiation> {
        SubstreamProtocol::new(Negotiation(Room::ALL.to_vec()), ())
    }

    fn on_behaviour_event(&mut self, request: Request) {
        self.requests.push_back(request);
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Negotiation, u64, Outcome>> {
        if let Some(outcome) = self.outcomes.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(outcome));
        }
        let Some(Request { room, number }) = self.requests.pop_front() else {
            return Poll::Pending;
        };
        let protocol = SubstreamProtocol::new(Negotiation(vec![room]), number);
        Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Negotiation, Negotiation, (), u64>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (room, stream),
                ..
            }) => self.outcomes.push_back(Outcome::Came(room, stream)),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (_, stream),
                info,
            }) => self.outcomes.push_back(Outcome::Opened(info, stream)),
            ConnectionEvent::DialUpgradeError(failed) => {
                self.outcomes.push_back(Outcome::NotOpened(failed.info));
            }
            _ => {}
        }
    }
}

/// Agrees with the other side on one of these rooms.
#[derive(Clone, Debug)]
pub(super) struct Negotiation(Vec<Room>);

impl Negotiation {
    fn agreed(protocol: &StreamProtocol) -> Room {
        let room = Room::ALL.into_iter().find(|room| room.protocol() == protocol.as_ref());
        room.expect("only protocols of rooms are offered")
    }
}

impl UpgradeInfo for Negotiation {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        let protocols: Vec<StreamProtocol> =
            self.0.iter().map(|room| StreamProtocol::new(room.protocol())).collect();
        protocols.into_iter()
    }
}

impl InboundUpgrade<Stream> for Negotiation {
    type Output = (Room, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((Self::agreed(&protocol), stream)))
    }
}

impl OutboundUpgrade<Stream> for Negotiation {
    type Output = (Room, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((Self::agreed(&protocol), stream)))
    }
}
