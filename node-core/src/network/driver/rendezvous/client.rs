//! The ion's side: registers at relays, and asks who else did.
//!
//! A relay is believed nothing that is not signed by the one it tells of, and
//! that one is believed only to have signed it: who is found is no more than
//! somebody to reach for. Addresses in records are left alone, since a record
//! could name any machine at all. An answer of the wrong kind is a failure of
//! that question, never a panic. What is asked is not asked again by itself,
//! and registrations are not renewed: the machine above decides when.
//!
//! Bounds: [`ASKED_MAX`] questions under way, [`ANSWER_MAX`] for each,
//! [`wire`](super::wire)'s for what an answer holds.

use std::{
    collections::VecDeque,
    iter,
    task::{Context, Poll},
    time::Duration,
};

use ion_map::{Map, Set};
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    identity::Keypair,
    request_response::{self, OutboundRequestId, ProtocolSupport},
    swarm::{
        ConnectionDenied, ConnectionId, ExternalAddresses, FromSwarm, NetworkBehaviour, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm,
    },
};

use super::{
    PROTOCOL,
    codec::Codec,
    record::{Record, RecordError},
    wire::{Found, Refused, Request, Response, Status, Told},
};

/// Questions that wait for their answers, to all relays together.
pub const ASKED_MAX: usize = 64;
/// How long an answer may take.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);

type Inner = request_response::Behaviour<Codec>;

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A relay took the registration.
    Registered {
        /// The relay.
        relay: PeerId,
        /// The name under which this ion is found there.
        namespace: String,
        /// For how many seconds, as the relay says.
        ttl_s: u64,
    },
    /// A relay did not take it.
    NotRegistered {
        /// The relay.
        relay: PeerId,
        /// The name.
        namespace: String,
        /// Why.
        why: Failure,
    },
    /// A relay told who is registered.
    Discovered {
        /// The relay.
        relay: PeerId,
        /// The name.
        namespace: String,
        /// Who, each once, without this ion.
        peers: Vec<PeerId>,
    },
    /// A relay told nothing.
    NotDiscovered {
        /// The relay.
        relay: PeerId,
        /// The name.
        namespace: String,
        /// Why.
        why: Failure,
    },
}

/// Why a question led to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The relay refused.
    #[error("{}", .0.words)]
    Refused(Refused),
    /// The relay answered another question, or nothing that makes sense.
    #[error("the relay's answer makes no sense")]
    Nonsense,
    /// The relay did not answer in time, or the connection ended.
    #[error("the relay did not answer")]
    Silence,
    /// [`ASKED_MAX`] questions are under way.
    #[error("too many questions wait for their answers")]
    Busy,
    /// This ion has no address under which others reach it.
    #[error("this ion has no address yet")]
    NoAddress,
    /// This ion's record cannot be made.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Failure {
    /// Whether the relay has no room now and would take it at another time.
    pub fn is_for_want_of_room(&self) -> bool {
        matches!(self, Self::Refused(Refused { status: Status::Unavailable, .. }))
    }
}

/// What waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Register,
    Unregister,
    Discover { limit: usize },
}

struct Asked {
    relay: PeerId,
    namespace: String,
    kind: Kind,
}

/// Asks relays.
pub struct Behaviour {
    inner: Inner,
    key: Keypair,
    own: PeerId,
    addresses: ExternalAddresses,
    asked: Map<OutboundRequestId, Asked>,
    events: VecDeque<Event>,
}

impl Behaviour {
    /// One that registers who has this key.
    pub fn new(key: Keypair) -> Self {
        let config = request_response::Config::default().with_request_timeout(ANSWER_MAX);
        let asking = iter::once((PROTOCOL, ProtocolSupport::Outbound));
        Self {
            inner: Inner::new(asking, config),
            own: key.public().to_peer_id(),
            key,
            addresses: ExternalAddresses::default(),
            asked: Map::new(),
            events: VecDeque::new(),
        }
    }

    /// Registers this ion under a name for so many seconds, with the addresses
    /// that the swarm knows to be its own.
    pub fn register(
        &mut self,
        relay: PeerId,
        namespace: String,
        ttl_s: u64,
    ) -> Result<(), Failure> {
        let addresses: Vec<Multiaddr> = self.addresses.iter().cloned().collect();
        if addresses.is_empty() {
            return Err(Failure::NoAddress);
        }
        let record = Record::sign(&self.key, addresses)?.bytes.to_vec();
        let ttl_s = Some(ttl_s);
        let request = Request::Register { namespace: namespace.clone(), record, ttl_s };
        self.ask(Asked { relay, namespace, kind: Kind::Register }, request)
    }

    /// Takes a registration back. There is no answer to wait for.
    pub fn unregister(&mut self, relay: PeerId, namespace: String) -> Result<(), Failure> {
        let request = Request::Unregister { namespace: namespace.clone() };
        self.ask(Asked { relay, namespace, kind: Kind::Unregister }, request)
    }

    /// Asks who is registered under a name, so many at most.
    pub fn discover(
        &mut self,
        relay: PeerId,
        namespace: String,
        limit: usize,
    ) -> Result<(), Failure> {
        let request = Request::Discover {
            namespace: namespace.clone(),
            limit: u64::try_from(limit).ok(),
            cookie: None,
        };
        self.ask(Asked { relay, namespace, kind: Kind::Discover { limit } }, request)
    }

    fn ask(&mut self, asked: Asked, request: Request) -> Result<(), Failure> {
        if self.asked.len() >= ASKED_MAX {
            return Err(Failure::Busy);
        }
        let id = self.inner.send_request(&asked.relay, request);
        self.asked.insert(id, asked);
        Ok(())
    }

    fn on_event(&mut self, event: request_response::Event<Request, Response>) {
        use request_response::{Event, Message, OutboundFailure};
        let (id, answer) = match event {
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                (request_id, Ok(response))
            }
            Event::OutboundFailure { request_id, error: OutboundFailure::Io(why), .. } => {
                let is_nonsense = why.kind() == std::io::ErrorKind::InvalidData;
                let why = if is_nonsense { Failure::Nonsense } else { Failure::Silence };
                (request_id, Err(why))
            }
            Event::OutboundFailure { request_id, .. } => (request_id, Err(Failure::Silence)),
            _ => return,
        };
        let Some(asked) = self.asked.remove(&id) else { return };
        self.events.extend(self.outcome(asked, answer));
    }

    fn outcome(&self, asked: Asked, answer: Result<Response, Failure>) -> Option<Event> {
        let Asked { relay, namespace, kind } = asked;
        let event = match (kind, answer) {
            (Kind::Register, Ok(Response::Registered { ttl_s })) => {
                Event::Registered { relay, namespace, ttl_s }
            }
            (Kind::Register, answer) => {
                Event::NotRegistered { relay, namespace, why: why_not(answer) }
            }
            (Kind::Discover { limit }, Ok(Response::Found(found))) => {
                let peers = self.peers(found, &namespace, limit);
                Event::Discovered { relay, namespace, peers }
            }
            (Kind::Discover { .. }, answer) => {
                Event::NotDiscovered { relay, namespace, why: why_not(answer) }
            }
            (Kind::Unregister, _) => return None,
        };
        Some(event)
    }

    /// Those whose records are their own; the others are passed over, so that
    /// one bad record spoils no answer.
    fn peers(&self, found: Found, namespace: &str, limit: usize) -> Vec<PeerId> {
        let mut seen = Set::from([self.own]);
        let ours = |told: &Told| *told.namespace == *namespace;
        let told = found.registrations.into_iter().filter(ours).take(limit);
        told.filter_map(|told| Record::read(&told.record).ok())
            .map(|record| record.peer)
            .filter(|peer| seen.insert(*peer))
            .collect()
    }
}

/// Why an answer is not the one that was wanted.
fn why_not(answer: Result<Response, Failure>) -> Failure {
    match answer {
        Ok(Response::NotRegistered(refused) | Response::NotFound(refused)) => {
            Failure::Refused(refused)
        }
        Ok(Response::Registered { .. } | Response::Found(_)) => Failure::Nonsense,
        Err(why) => why,
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = <Inner as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_outbound_connection(id, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        self.addresses.on_swarm_event(&event);
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.inner.on_connection_handler_event(peer, id, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(ToSwarm::GenerateEvent(event));
            }
            match std::task::ready!(self.inner.poll(cx)) {
                ToSwarm::GenerateEvent(event) => self.on_event(event),
                other => {
                    let other = other.map_out(|_| unreachable!("events are taken above"));
                    return Poll::Ready(other);
                }
            }
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
