//! The libp2p behaviour that opens and takes the streams of all rooms.
//!
//! It negotiates and hands over, nothing else: what a stream says is the
//! driver's concern. Bounds: [`WAITING_MAX`] streams that the driver has not
//! taken yet, beyond which new ones are reset.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, InboundUpgrade, OutboundUpgrade, UpgradeInfo, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, SubstreamProtocol, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

use crate::network::{links::LINKS_MAX, wire::Room};

/// Streams that came in and wait for the driver.
const WAITING_MAX: usize = 4 * LINKS_MAX;

/// What becomes of streams.
#[derive(Debug)]
pub(super) enum Event {
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
}

/// A stream that is asked of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    room: Room,
    number: u64,
}

impl Behaviour {
    /// Asks for a stream to a connected peer, under a number of the asker's.
    pub(super) fn open(&mut self, peer_id: PeerId, room: Room, number: u64) {
        let event = Request { room, number };
        self.waiting.push_back(ToSwarm::NotifyHandler {
            peer_id,
            handler: NotifyHandler::Any,
            event,
        });
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

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

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
