//! What the user of the crate asks for beside dialing: signaling by other means
//! than libp2p's, statistics, and why the last attempt failed.
//!
//! Detached signaling serves pairing by pasted strings and meshes that forward
//! descriptions themselves. It takes the place of the relay's authentication:
//! **whoever passes descriptions on must have checked that they come from the
//! peer they are said to come from**, by a signature for example, since the
//! fingerprint in them is all that binds the connection to the peer.

use std::{
    future::{Future, poll_fn},
    task::Poll,
    time::Duration,
};

use futures::FutureExt;
use futures_timer::Delay;
use ion_map::Set;
use libp2p::{Multiaddr, PeerId};

pub use crate::desk::OfferId;
use crate::{
    config::IceServer,
    description::{Description, SdpKind},
    desk::{Agreed, Arrival},
    failure::{Failure, Stage},
    handshake::Input,
    hub::Asker,
    port::{Command, Stats},
    shared::{Owned, Shared},
};

/// A handle that can be cloned; made by [`new`](crate::new).
#[derive(Clone)]
pub struct Control {
    shared: Shared,
}

impl Control {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared }
    }

    /// Makes an offer, to be brought to the other side by other means. It is
    /// ready when all candidates are found, or after
    /// [`Config::gather_max`](crate::Config::gather_max).
    ///
    /// The oldest of more than [`OFFERS_MAX`](crate::OFFERS_MAX) offers is
    /// abandoned.
    pub fn offer(&self) -> impl Future<Output = Result<(OfferId, Description), Failure>> + use<> {
        let shared = self.shared.clone();
        async move {
            let owned = shared.create(Asker::Ourselves)?;
            shared.with(|inner| {
                inner.hub.open_init(owned.id);
                inner.hub.post(Command::Describe { id: owned.id, credentials: None });
            });
            let description = gather(&owned).await?;
            let count = description.candidates.len();
            let (id, oldest) = shared.with(|inner| inner.desk.keep_offer(owned, count));
            drop(oldest);
            Ok((id, description))
        }
    }

    /// Answers a peer's offer. Once the other side has accepted the answer, the
    /// connection comes in from that peer as any other does; that may take as
    /// long as `patience`. A peer that offers again and again has three
    /// connections at most: the first that does not stand is given up.
    ///
    /// # Errors
    ///
    /// [`Failure::NotListening`] when nothing listens on `/webrtc`, or more
    /// connections come in than are taken.
    pub fn answer(
        &self,
        peer: PeerId,
        offer: &Description,
        patience: Duration,
    ) -> impl Future<Output = Result<Description, Failure>> + use<> {
        let shared = self.shared.clone();
        let (sdp, remote) = (offer.to_sdp(SdpKind::Offer), offer.candidates.len());
        async move {
            let owned = shared.create(Asker::Peer(peer))?;
            let id = owned.id;
            shared.with(|inner| {
                inner.hub.post(Command::SetRemote { id, kind: SdpKind::Offer, sdp });
                inner.hub.post(Command::Describe { id, credentials: None });
            });
            let description = gather(&owned).await?;
            let candidates = (description.candidates.len(), remote);
            let arrival = Arrival::Agreed(Agreed { owned, candidates, patience });
            let refused = shared.with(|inner| inner.desk.arrive(peer, arrival));
            if refused.is_some() { Err(Failure::NotListening) } else { Ok(description) }
        }
    }

    /// Takes the answer to an offer. The next dial to `/webrtc/p2p/<peer>` then
    /// finishes on this connection, and should follow soon.
    ///
    /// # Errors
    ///
    /// [`Failure::NoOffer`] when there is no such offer any more.
    pub fn accept(&self, id: OfferId, peer: PeerId, answer: &Description) -> Result<(), Failure> {
        let (owned, local) =
            self.shared.with(|inner| inner.desk.take_offer(id)).ok_or(Failure::NoOffer)?;
        let (kind, sdp) = (SdpKind::Answer, answer.to_sdp(SdpKind::Answer));
        let candidates = (local, answer.candidates.len());
        let replaced = self.shared.with(|inner| {
            inner.hub.post(Command::SetRemote { id: owned.id, kind, sdp });
            let patience = inner.hub.config.handshake_max;
            inner.desk.prepare(peer, Agreed { owned, candidates, patience })
        });
        drop(replaced);
        Ok(())
    }

    /// Forgets an offer; what was not known is not missed.
    pub fn abandon(&self, id: OfferId) {
        let offer = self.shared.with(|inner| inner.desk.take_offer(id));
        drop(offer);
    }

    /// Remembers a relayed address of a peer,
    /// `<relay>/p2p/R/p2p-circuit/p2p/X`, so that `/webrtc/p2p/X` can be dialed
    /// without a circuit standing. Other addresses are ignored.
    pub fn add_circuit(&self, peer: PeerId, circuit: Multiaddr) {
        self.shared.with(|inner| inner.desk.add_circuit(peer, circuit));
    }

    /// Sets the servers that help to find addresses, for connections to come.
    pub fn set_ice_servers(&self, ice_servers: Vec<IceServer>) {
        self.shared.with(|inner| inner.hub.config.ice_servers = ice_servers);
    }

    /// How the direct connection to a peer does; `None` when there is none, or
    /// it ends before it says.
    pub fn stats(&self, peer: PeerId) -> impl Future<Output = Option<Stats>> + use<> {
        let waiting = self.shared.with(|inner| inner.hub.stats(peer));
        async move { waiting?.await.ok() }
    }

    /// Why the last attempt to connect directly to a peer failed, if none has
    /// succeeded since.
    pub fn last_failure(&self, peer: PeerId) -> Option<Failure> {
        self.shared.with(|inner| inner.desk.last_failure(peer))
    }

    /// Peers with a direct connection.
    pub fn connected(&self) -> Set<PeerId> {
        self.shared.with(|inner| inner.hub.peers())
    }
}

/// Waits for the local description and its candidates, for a while.
async fn gather(owned: &Owned) -> Result<Description, Failure> {
    let config = owned.shared.config();
    let mut late = Delay::new(config.gather_max);
    let mut too_late = Delay::new(config.handshake_max);
    let mut description: Option<Description> = None;
    let mut early = Vec::new();
    loop {
        let input = poll_fn(|cx| {
            if let Poll::Ready(input) = owned.shared.with(|inner| inner.hub.poll_news(owned.id, cx))
            {
                return Poll::Ready(Some(input));
            }
            let is_late = late.poll_unpin(cx).is_ready() && description.is_some();
            let is_over = is_late || too_late.poll_unpin(cx).is_ready();
            if is_over { Poll::Ready(None) } else { Poll::Pending }
        })
        .await;
        match (input, &mut description) {
            (Some(Input::Described(sdp)), _) => {
                let mut found = Description::from_sdp(&sdp)?;
                early.drain(..).for_each(|line: String| found.add_candidate(&line));
                description = Some(found);
            }
            (Some(Input::Found(Some(candidate))), Some(description)) => {
                description.add_candidate(&candidate.candidate);
            }
            (Some(Input::Found(Some(candidate))), None) => early.push(candidate.candidate),
            (Some(Input::Refused(why)), _) => return Err(Failure::Browser(why)),
            (Some(Input::Closed), _) => return Err(Failure::Closed),
            (Some(Input::Found(None)) | None, Some(_)) => break,
            (None, None) => return Err(Failure::TimedOut(Stage::Describing)),
            _ => {}
        }
    }
    description.ok_or(Failure::TimedOut(Stage::Describing))
}

impl std::fmt::Debug for Control {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Control").finish_non_exhaustive()
    }
}
