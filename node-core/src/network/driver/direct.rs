//! Offers and answers of direct connections that ions carry to each other, and
//! why a direct connection could not be made, in words.

use std::time::Duration;

use futures::{FutureExt, SinkExt, channel::mpsc};
use ion_map::Map;
use ion_webrtc::{
    Control, Failure, OfferId,
    description::{CandidateKind, Description},
};
use libp2p::PeerId;

use crate::{
    identity::IonId,
    network::{bootstrap::IceServer, port::Attempt},
    platform::Platform,
};

/// Offers that wait for an answer.
const OFFERS_MAX: usize = ion_webrtc::OFFERS_MAX;

/// How many addresses an offer names, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Of the own network.
    pub near: usize,
    /// As a STUN server saw them.
    pub seen: usize,
    /// Of a TURN server.
    pub relayed: usize,
}

impl Candidates {
    /// Those of an offer or answer; none if it cannot be read.
    pub fn of(description: &[u8]) -> Self {
        let mut found = Self::default();
        let Ok(description) = Description::decode(description) else { return found };
        for candidate in &description.candidates {
            match candidate.kind {
                CandidateKind::Host => found.near += 1,
                CandidateKind::ServerReflexive | CandidateKind::PeerReflexive => found.seen += 1,
                CandidateKind::Relay => found.relayed += 1,
            }
        }
        found
    }
}

/// What became of an order.
#[derive(Debug)]
pub(super) enum DirectNews {
    Offered(Attempt, Result<(OfferId, Vec<u8>), String>),
    Answered(Attempt, Result<Vec<u8>, String>),
}

/// The way to the transport, where the host has one.
pub(super) struct Direct<P> {
    platform: P,
    control: Option<Control>,
    offers: Map<Attempt, OfferId>,
    servers: Vec<IceServer>,
    news: mpsc::Sender<DirectNews>,
}

impl<P: Platform> Direct<P> {
    pub(super) fn new(
        platform: P,
        control: Option<Control>,
        news: mpsc::Sender<DirectNews>,
    ) -> Self {
        Self { platform, control, offers: Map::new(), servers: Vec::new(), news }
    }

    /// Tells news there from now on.
    pub(super) fn tell_to(&mut self, news: mpsc::Sender<DirectNews>) {
        self.news = news;
    }

    /// Servers that help to find addresses, for connections to come.
    pub(super) fn use_servers(&mut self, servers: Vec<IceServer>) {
        self.servers = servers;
        self.help_with(&self.servers);
    }

    fn help_with(&self, servers: &[IceServer]) {
        let Some(control) = &self.control else { return };
        let own = |server: &IceServer| ion_webrtc::IceServer {
            urls: server.urls.clone(),
            username: server.username.clone(),
            credential: server.credential.clone(),
        };
        control.set_ice_servers(servers.iter().map(own).collect());
    }

    /// Whether direct connections can be made at all.
    pub(super) fn is_there(&self) -> bool {
        self.control.is_some()
    }

    /// Why the last direct attempt failed, as a sentence.
    pub(super) fn why(&self, peer: PeerId) -> Option<String> {
        self.control.as_ref()?.last_failure(peer).map(|failure| words(&failure))
    }

    pub(super) fn offer(&self, attempt: Attempt) {
        let offer = self.control.as_ref().map(Control::offer);
        let mut news = self.news.clone();
        let making = async move {
            let offer = match offer {
                Some(offer) => offer.await.map_err(|failure| words(&failure)),
                None => Err(words_without()),
            };
            let offer = offer.map(|(id, description)| (id, description.encode()));
            let _ = news.send(DirectNews::Offered(attempt, offer)).await;
        };
        let mut making = making.boxed_local();
        // Begun here, so that it has the servers of this moment.
        if (&mut making).now_or_never().is_none() {
            self.platform.spawn(making);
        }
    }

    /// Makes an offer with the help of one server alone.
    pub(super) fn try_server(&self, attempt: Attempt, server: IceServer) {
        self.help_with(&[server]);
        self.offer(attempt);
        self.help_with(&self.servers);
    }

    /// An offer is made: keeps it until it is accepted or abandoned.
    pub(super) fn offered(&mut self, attempt: Attempt, id: OfferId) {
        while self.offers.len() >= OFFERS_MAX {
            self.offers.pop_first();
        }
        self.offers.insert(attempt, id);
    }

    /// Answers an offer; the connection may come for as long as `patience`.
    pub(super) fn answer(&self, attempt: Attempt, ion: IonId, offer: &[u8], patience: Duration) {
        let answer = match (Description::decode(offer), &self.control) {
            (Ok(offer), Some(control)) => Ok(control.answer(ion.to_peer(), &offer, patience)),
            (Err(_), _) => Err("the offer cannot be read".to_owned()),
            (_, None) => Err(words_without()),
        };
        let mut news = self.news.clone();
        self.platform.spawn(Box::pin(async move {
            let answer = match answer {
                Ok(answer) => answer.await.map_err(|failure| words(&failure)),
                Err(why) => Err(why),
            };
            let answer = answer.map(|description| description.encode());
            let _ = news.send(DirectNews::Answered(attempt, answer)).await;
        }));
    }

    /// Takes an answer; the next direct dial to that ion finishes on it.
    pub(super) fn accept(
        &mut self,
        attempt: Attempt,
        ion: IonId,
        answer: &[u8],
    ) -> Result<(), String> {
        let control = self.control.as_ref().ok_or_else(words_without)?;
        let answer = Description::decode(answer).map_err(|_| "the answer cannot be read")?;
        let offer = self.offers.remove(&attempt).ok_or("the offer is no longer good")?;
        control.accept(offer, ion.to_peer(), &answer).map_err(|failure| words(&failure))
    }

    pub(super) fn abandon(&mut self, attempt: Attempt) {
        if let (Some(control), Some(offer)) = (&self.control, self.offers.remove(&attempt)) {
            control.abandon(offer);
        }
    }
}

fn words_without() -> String {
    "this ion makes no direct connections".to_owned()
}

/// Why a direct connection could not be made, for people.
fn words(failure: &Failure) -> String {
    match failure {
        Failure::NoCandidates { local: 0, .. } => {
            "this browser offered no address that others could reach".to_owned()
        }
        Failure::NoCandidates { .. } => {
            "the other side's browser offered no address that this one could reach".to_owned()
        }
        Failure::Ice { .. } => {
            "none of the addresses of the two browsers leads from one to the other: a router or \
             firewall is between them"
                .to_owned()
        }
        // What it says beside is libp2p's own account, addresses and all.
        Failure::NoPath(_) => {
            "no relay led to the other side, so the two could not agree".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_spared_addresses() {
        let account = "Failed to negotiate: [(/ip4/127.0.0.1/tcp/1/ws/p2p-circuit)]".to_owned();
        let said = words(&Failure::NoPath(account));
        assert!(said.starts_with("no relay led") && !said.contains('/'), "{said}");
    }
}
