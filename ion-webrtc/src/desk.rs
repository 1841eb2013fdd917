//! Where transport, behaviour and control leave things for each other:
//! requests for signaling streams, streams that came in, prepared connections,
//! dials under way, and why attempts failed.
//!
//! Bounds: [`ARRIVALS_MAX`], [`ANSWERING_MAX`], [`OFFERS_MAX`] (the oldest goes),
//! [`FAILURES_MAX`] (likewise). Requests are as many as the swarm's own dials.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::channel::oneshot;
use ion_map::Map;
use libp2p::{Multiaddr, PeerId, Stream};

use crate::{
    failure::Failure,
    handshake::{Role, drive::Signals, glare},
    shared::Owned,
};

/// Inbound attempts that the transport has not taken yet.
pub const ARRIVALS_MAX: usize = 32;
/// Circuits that the behaviour has not learnt yet.
const CIRCUITS_MAX: usize = 1_024;
/// Handshakes that one peer may have under way to us.
pub const ANSWERING_MAX: usize = 2;
/// Offers that were made for other ways than libp2p's and not accepted yet.
pub const OFFERS_MAX: usize = 16;
/// Peers of which the last failure is remembered.
pub const FAILURES_MAX: usize = 256;

/// An offer that [`Control::offer`](crate::Control::offer) made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferId(pub(crate) u64);

/// A signaling stream, or why there is none.
pub(crate) type Reply = oneshot::Sender<Result<Stream, Failure>>;

/// The transport wants a signaling stream.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) peer: PeerId,
    /// A relayed address of the peer, if the dial had one.
    pub(crate) circuit: Option<Multiaddr>,
    pub(crate) reply: Reply,
}

/// A connection whose descriptions were exchanged by other means.
pub(crate) struct Agreed {
    pub(crate) owned: Owned,
    /// Candidates of ours and of theirs.
    pub(crate) candidates: (usize, usize),
    /// How long it may take.
    pub(crate) patience: Duration,
}

/// Something that becomes an incoming connection.
pub(crate) enum Arrival {
    /// A peer opened a signaling stream.
    Signaled(Stream),
    /// We answered an offer that came by other means.
    Agreed(Agreed),
}

/// An offer of a peer that we are dialing ourselves.
pub(crate) struct Adopted {
    pub(crate) signals: Signals,
    pub(crate) offer: String,
}

struct Dialing {
    has_offered: bool,
    adopt: Option<oneshot::Sender<Box<Adopted>>>,
}

/// What becomes of a peer's offer.
pub(crate) enum Verdict {
    /// It is answered.
    Answer(Box<Adopted>),
    /// It lost against our own dial, and is to be dropped outside of the lock.
    Lost(Box<Adopted>),
    /// Our own dial has taken it over.
    Taken,
}

/// What was left.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) requests: VecDeque<Request>,
    /// Circuits that the behaviour has yet to learn.
    pub(crate) circuits: VecDeque<(PeerId, Multiaddr)>,
    behaviour_waker: Option<Waker>,
    arrivals: VecDeque<(PeerId, Arrival)>,
    transport_waker: Option<Waker>,
    /// How many listeners there are on `/webrtc`.
    pub(crate) listeners: usize,
    prepared: Map<PeerId, Agreed>,
    offers: Map<OfferId, (Owned, usize)>,
    next_offer: u64,
    dials: Map<PeerId, Dialing>,
    answering: Map<PeerId, usize>,
    failures: VecDeque<(PeerId, Failure)>,
    /// Peers whose attempts failed, for the behaviour to tell.
    reports: VecDeque<(PeerId, Failure)>,
    pub(crate) wakes: Vec<Waker>,
}

impl Desk {
    pub(crate) fn wake_all(&mut self) {
        self.wakes.extend(self.behaviour_waker.take());
        self.wakes.extend(self.transport_waker.take());
    }

    /// Empties it; what was on it is to be dropped outside of the lock.
    #[must_use]
    pub(crate) fn clear(&mut self) -> impl Sized + use<> {
        let desk = std::mem::take(self);
        (desk.offers, desk.prepared, desk.arrivals, desk.requests)
    }

    /// Asks the behaviour for a signaling stream.
    pub(crate) fn request(&mut self, request: Request) {
        self.requests.push_back(request);
        self.wakes.extend(self.behaviour_waker.take());
    }

    /// Tells the behaviour of a circuit.
    pub(crate) fn add_circuit(&mut self, peer: PeerId, circuit: Multiaddr) {
        if self.circuits.len() >= CIRCUITS_MAX {
            self.circuits.pop_front();
        }
        self.circuits.push_back((peer, circuit));
        self.wakes.extend(self.behaviour_waker.take());
    }

    /// The behaviour has nothing to do.
    pub(crate) fn behaviour_waits(&mut self, cx: &Context<'_>) {
        self.behaviour_waker = Some(cx.waker().clone());
    }

    /// Takes something that becomes an incoming connection. What it gives back,
    /// because nobody takes it or too much waits, is to be dropped outside of
    /// the lock.
    #[must_use]
    pub(crate) fn arrive(&mut self, peer: PeerId, arrival: Arrival) -> Option<Arrival> {
        if self.listeners == 0 || self.arrivals.len() >= ARRIVALS_MAX {
            return Some(arrival);
        }
        self.arrivals.push_back((peer, arrival));
        self.wakes.extend(self.transport_waker.take());
        None
    }

    pub(crate) fn poll_arrival(&mut self, cx: &Context<'_>) -> Poll<(PeerId, Arrival)> {
        if let Some(arrival) = self.arrivals.pop_front() {
            return Poll::Ready(arrival);
        }
        self.transport_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// A dial begins; [`Desk::dial_ended`] has to follow.
    pub(crate) fn dial(
        &mut self,
        peer: PeerId,
    ) -> Result<oneshot::Receiver<Box<Adopted>>, Failure> {
        if self.dials.contains_key(&peer) {
            return Err(Failure::AlreadyDialing);
        }
        let (adopt, adopted) = oneshot::channel();
        self.dials.insert(peer, Dialing { has_offered: false, adopt: Some(adopt) });
        Ok(adopted)
    }

    pub(crate) fn dial_offers(&mut self, peer: PeerId) {
        if let Some(dialing) = self.dials.get_mut(&peer) {
            dialing.has_offered = true;
        }
    }

    pub(crate) fn dial_ended(&mut self, peer: PeerId) {
        self.dials.remove(&peer);
    }

    /// Decides about a peer's offer. Where we dial the peer ourselves, that dial
    /// takes the offer over, unless its own is out and has precedence.
    pub(crate) fn offered(&mut self, local: PeerId, peer: PeerId, offer: Box<Adopted>) -> Verdict {
        let Some(dialing) = self.dials.get_mut(&peer) else {
            return Verdict::Answer(offer);
        };
        if dialing.has_offered && glare(&local, &peer) == Role::Offerer {
            return Verdict::Lost(offer);
        }
        let Some(adopt) = dialing.adopt.take() else { return Verdict::Lost(offer) };
        adopt.send(offer).map_or_else(Verdict::Answer, |()| Verdict::Taken)
    }

    /// A peer's attempt begins; [`Desk::answered`] has to follow when it may.
    pub(crate) fn answer(&mut self, peer: PeerId) -> Result<(), Failure> {
        let count = self.answering.entry(peer).or_default();
        if *count >= ANSWERING_MAX {
            return Err(Failure::Refused);
        }
        *count += 1;
        Ok(())
    }

    pub(crate) fn answered(&mut self, peer: PeerId) {
        if let Some(count) = self.answering.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.answering.remove(&peer);
            }
        }
    }

    /// Keeps an offer until it is accepted. The one that it pushes out, if any,
    /// is to be dropped outside of the lock.
    #[must_use]
    pub(crate) fn keep_offer(
        &mut self,
        owned: Owned,
        candidates: usize,
    ) -> (OfferId, Option<Owned>) {
        let oldest = if self.offers.len() >= OFFERS_MAX { self.offers.pop_first() } else { None };
        self.next_offer += 1;
        let id = OfferId(self.next_offer);
        self.offers.insert(id, (owned, candidates));
        (id, oldest.map(|(_, (owned, _))| owned))
    }

    pub(crate) fn take_offer(&mut self, id: OfferId) -> Option<(Owned, usize)> {
        self.offers.remove(&id)
    }

    /// Keeps a connection for the next dial to the peer; the one it replaces is
    /// to be dropped outside of the lock.
    #[must_use]
    pub(crate) fn prepare(&mut self, peer: PeerId, agreed: Agreed) -> Option<Agreed> {
        self.prepared.insert(peer, agreed)
    }

    pub(crate) fn take_prepared(&mut self, peer: PeerId) -> Option<Agreed> {
        self.prepared.remove(&peer)
    }

    pub(crate) fn failed(&mut self, peer: PeerId, failure: &Failure) {
        self.failures.retain(|(one, _)| *one != peer);
        for queue in [&mut self.failures, &mut self.reports] {
            if queue.len() >= FAILURES_MAX {
                queue.pop_front();
            }
            queue.push_back((peer, failure.clone()));
        }
        self.wakes.extend(self.behaviour_waker.take());
    }

    pub(crate) fn succeeded(&mut self, peer: PeerId) {
        self.failures.retain(|(one, _)| *one != peer);
    }

    pub(crate) fn report(&mut self) -> Option<(PeerId, Failure)> {
        self.reports.pop_front()
    }

    pub(crate) fn last_failure(&self, peer: PeerId) -> Option<Failure> {
        self.failures.iter().find(|(one, _)| *one == peer).map(|(_, failure)| failure.clone())
    }
}
