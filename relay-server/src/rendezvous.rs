//! The rendezvous: ions register under the name that their nebula's secret
//! gives, and find there who else did.
//!
//! It speaks `/rendezvous/1.0.0` of the libp2p specification, serving only.
//! Where that leaves room it tells as little as it can, since whoever connects
//! to a relay may ask:
//! - a question without a namespace, which asks for everybody, is refused;
//! - an unknown namespace looks like an empty one;
//! - who has left is forgotten with its last connection, as its reservation
//!   is, and registers anew with the next.
//!
//! Bounds: those of [`registry`] for what is kept and told, of `node-core`'s
//! `rendezvous`, with which ions ask, for what is read, [`STREAMS_MAX`]
//! questions at a time on one connection, each for at most [`REQUEST_MAX`], and
//! [`QUESTIONS`] in a time.
//! Nothing is kept on disk.
//!
//! Reading order: [`refusal`], [`registry`] (the machine), and here the
//! behaviour that joins it to bytes and streams.

mod refusal;
mod registry;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    iter,
    net::{IpAddr, Ipv4Addr},
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    request_response::{self, ProtocolSupport},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};
use node_core::{
    network::{
        budget::{Bucket, Rate},
        driver::rendezvous::{
            PROTOCOL,
            codec::Codec,
            record::Record,
            wire::{Request, Response},
        },
    },
    platform::Time,
};
use tokio::time::Instant;

use crate::address::ip;
use refusal::Refusal;
use registry::{Origin, Registry};

/// Questions that one connection may have open. Ions ask one at a time.
const STREAMS_MAX: usize = 8;
/// Questions that one connection may ask in a time. An ion that is alone asks every two
/// seconds.
const QUESTIONS: Rate = Rate { per_s: 2, burst: 120 };
/// How long a question may take to arrive and its answer to leave.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// Tells milliseconds since some fixed moment.
type Clock = Box<dyn Fn() -> u64 + Send>;
type Inner = request_response::Behaviour<Codec>;

/// What happened, for the log. Namespaces are secrets and not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A peer registered, or renewed its registration, for so many seconds.
    Registered { peer: PeerId, ttl_s: u64 },
    /// A peer took back a registration, if it had it.
    Unregistered { peer: PeerId },
    /// A peer was told of so many registrations.
    Told { peer: PeerId, registrations: usize },
    /// A peer was refused.
    Refused { peer: PeerId, why: Refusal },
}

/// Serves the rendezvous.
pub(crate) struct Behaviour {
    inner: Inner,
    registry: Registry,
    /// Where each connection comes from, and what it may still ask.
    origins: BTreeMap<ConnectionId, (IpAddr, Bucket)>,
    clock: Clock,
}

impl Behaviour {
    /// An empty one. Its cookies are worth nothing to others and after it.
    pub(crate) fn new() -> Self {
        let began = Instant::now();
        let clock = move || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self::with(Registry::new(rand::random()), Box::new(clock))
    }

    fn with(registry: Registry, clock: Clock) -> Self {
        let config = request_response::Config::default()
            .with_request_timeout(REQUEST_MAX)
            .with_max_concurrent_streams(STREAMS_MAX);
        let served = iter::once((PROTOCOL, ProtocolSupport::Inbound));
        Self { inner: Inner::new(served, config), registry, origins: BTreeMap::new(), clock }
    }

    /// What to answer, and what to say of it. A peer that takes back its
    /// registration gets no answer.
    fn answer(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        request: Request,
    ) -> (Option<Response>, Event) {
        let now_ms = (self.clock)();
        let now = Time::from_ms(now_ms);
        let new = || (IpAddr::V4(Ipv4Addr::UNSPECIFIED), Bucket::new(QUESTIONS, now));
        let (from, questions) = self.origins.entry(id).or_insert_with(new);
        if !questions.take(now, 1) {
            let why = Refusal::TooMany;
            let refused = match request {
                Request::Register { .. } => Some(Response::NotRegistered(why.into())),
                Request::Discover { .. } => Some(Response::NotFound(why.into())),
                Request::Unregister { .. } => None,
            };
            return (refused, Event::Refused { peer, why });
        }
        match request {
            Request::Register { namespace, record, ttl_s } => {
                let record = Record::check(&record, peer).map_err(Refusal::from);
                let origin = Origin::of(*from);
                let registered = record.and_then(|record| {
                    self.registry.register(now_ms, namespace, record, origin, ttl_s)
                });
                match registered {
                    Ok(ttl_s) => {
                        (Some(Response::Registered { ttl_s }), Event::Registered { peer, ttl_s })
                    }
                    Err(why) => {
                        let refused = Response::NotRegistered(why.into());
                        (Some(refused), Event::Refused { peer, why })
                    }
                }
            }
            Request::Unregister { namespace } => {
                self.registry.unregister(peer, &namespace);
                (None, Event::Unregistered { peer })
            }
            Request::Discover { namespace, limit, cookie } => {
                match self.registry.discover(now_ms, &namespace, limit, cookie.as_deref()) {
                    Ok(found) => {
                        let registrations = found.registrations.len();
                        (Some(Response::Found(found)), Event::Told { peer, registrations })
                    }
                    Err(why) => {
                        (Some(Response::NotFound(why.into())), Event::Refused { peer, why })
                    }
                }
            }
        }
    }

    fn on_event(&mut self, event: request_response::Event<Request, Response>) -> Option<Event> {
        match event {
            request_response::Event::Message {
                peer,
                connection_id,
                message: request_response::Message::Request { request, channel, .. },
            } => {
                // Who has left meanwhile would never be forgotten.
                if !self.origins.contains_key(&connection_id) {
                    return None;
                }
                let (response, event) = self.answer(peer, connection_id, request);
                if let Some(response) = response {
                    // An error means that the peer no longer waits.
                    let _ = self.inner.send_response(channel, response);
                }
                Some(event)
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a question to the rendezvous failed");
                None
            }
            _ => None,
        }
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
        let from = ip(remote).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let now = Time::from_ms((self.clock)());
        self.origins.insert(id, (from, Bucket::new(QUESTIONS, now)));
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
        self.inner.on_swarm_event(event);
        match event {
            FromSwarm::ConnectionClosed(closed) => {
                self.origins.remove(&closed.connection_id);
                if closed.remaining_established == 0 {
                    self.registry.forget(closed.peer_id);
                }
            }
            // Another behaviour may refuse a connection after this one did not.
            FromSwarm::ListenFailure(failure) => {
                self.origins.remove(&failure.connection_id);
            }
            _ => {}
        }
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
        while let Poll::Ready(action) = self.inner.poll(cx) {
            match action {
                ToSwarm::GenerateEvent(event) => {
                    if let Some(event) = self.on_event(event) {
                        return Poll::Ready(ToSwarm::GenerateEvent(event));
                    }
                }
                other => {
                    let other = other.map_out(|_| unreachable!("events are taken above"));
                    return Poll::Ready(other);
                }
            }
        }
        Poll::Pending
    }
}
