//! The driver's loop: orders in, swarm events in, news out.

use std::{cell::Cell, collections::BTreeMap, rc::Rc, str::FromStr};

use futures::{
    SinkExt, StreamExt,
    channel::mpsc,
    future::{self, Either},
    pin_mut, select,
};
use libp2p::{
    Multiaddr, PeerId, Stream, Swarm,
    core::transport::ListenerId,
    multiaddr::Protocol,
    relay,
    swarm::{
        DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};

use super::{
    OPENING_MS,
    behaviour::{Behaviour, BehaviourEvent},
    rendezvous, rooms,
    sessions::{Session, StreamNews, ToWrite},
    streams::{WriteEnd, read_all, write_all},
};
use crate::{
    identity::IonId,
    network::{
        port::{News, Order},
        relays::{FOUND_MAX, REGISTRATION_S, RelayIndex},
        wire::Room,
    },
    platform::Platform,
};

/// News of streams that wait for the driver.
const STREAM_NEWS_MAX: usize = 64;
/// Ions with which anything stands at all.
const SESSIONS_MAX: usize = 2 * crate::network::links::LINKS_MAX;

pub(super) struct Driver<P> {
    platform: P,
    swarm: Swarm<Behaviour>,
    news: mpsc::Sender<News>,
    /// News that the loop has not sent yet.
    told: Vec<News>,
    stream_news: mpsc::Sender<StreamNews>,
    relays: BTreeMap<RelayIndex, Relay>,
    sessions: BTreeMap<IonId, Session>,
    streams: u64,
}

struct Relay {
    peer: PeerId,
    address: Multiaddr,
    listener: Option<ListenerId>,
    is_up: bool,
}

impl<P: Platform> Driver<P> {
    pub(super) fn new(platform: P, swarm: Swarm<Behaviour>, news: mpsc::Sender<News>) -> Self {
        // Replaced in `run`, which owns the other end.
        let (stream_news, _) = mpsc::channel(0);
        Self {
            platform,
            swarm,
            news,
            told: Vec::new(),
            stream_news,
            relays: BTreeMap::new(),
            sessions: BTreeMap::new(),
            streams: 0,
        }
    }

    /// Runs until nobody gives orders or hears news any more.
    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let (stream_news, mut from_streams) = mpsc::channel(STREAM_NEWS_MAX);
        self.stream_news = stream_news;
        loop {
            select! {
                order = orders.next() => match order {
                    Some(order) => self.order(order),
                    None => return,
                },
                event = self.swarm.select_next_some() => self.event(event),
                news = from_streams.select_next_some() => self.stream(news),
            }
            for news in std::mem::take(&mut self.told) {
                if self.news.send(news).await.is_err() {
                    return;
                }
            }
        }
    }

    fn tell(&mut self, news: News) {
        self.told.push(news);
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Connect(index, address) => self.connect(index, &address),
            Order::Disconnect(index) => {
                if let Some(relay) = self.relays.remove(&index) {
                    let _ = self.swarm.disconnect_peer_id(relay.peer);
                }
            }
            Order::Register(index, namespace) => self.register(index, namespace),
            Order::Unregister(index, namespace) => {
                if let Some(relay) = self.relays.get(&index) {
                    let rendezvous = &mut self.swarm.behaviour_mut().rendezvous;
                    // What is not taken back ends by itself.
                    let _ = rendezvous.unregister(relay.peer, namespace);
                }
            }
            Order::Discover(index, namespace) => {
                if let Some(relay) = self.relays.get(&index) {
                    let rendezvous = &mut self.swarm.behaviour_mut().rendezvous;
                    // What could not be asked is asked again before long.
                    let _ = rendezvous.discover(relay.peer, namespace, FOUND_MAX);
                }
            }
            Order::Reach(ion, opening) => self.reach(ion, opening),
            Order::Send(ion, room, frame) => self.send(ion, room, frame),
            Order::Refuse(ion) => {
                if let Some(session) = self.sessions.get_mut(&ion) {
                    session.refuse();
                }
            }
            Order::Close(ion) => drop(self.sessions.remove(&ion)),
        }
    }

    fn connect(&mut self, index: RelayIndex, text: &str) {
        let parsed = Multiaddr::from_str(text).ok();
        let peer = parsed.as_ref().and_then(|address| match address.iter().last() {
            Some(Protocol::P2p(peer)) => Some(peer),
            _ => None,
        });
        let (Some(address), Some(peer)) = (parsed, peer) else {
            let why =
                format!("{text} is no relay's address; it must end in /p2p/ and the relay's id");
            self.tell(News::RelayLost(index, why));
            return;
        };
        let relay = Relay { peer, address: address.clone(), listener: None, is_up: false };
        self.relays.insert(index, relay);
        if self.swarm.is_connected(&peer) {
            self.reserve(peer);
            return;
        }
        let dial = DialOpts::peer_id(peer).addresses(vec![address]).build();
        if let Err(why) = self.swarm.dial(dial) {
            self.tell(News::RelayLost(index, dial_error(&why)));
        }
    }

    /// Asks a relay that we are connected to for a reservation.
    fn reserve(&mut self, peer: PeerId) {
        let wants = |relay: &&mut Relay| relay.peer == peer && relay.listener.is_none();
        let Some(relay) = self.relays.values_mut().find(wants) else { return };
        let circuit = relay.address.clone().with(Protocol::P2pCircuit);
        match self.swarm.listen_on(circuit) {
            Ok(listener) => relay.listener = Some(listener),
            Err(why) => {
                let why = format!("it cannot be asked for a reservation ({why})");
                self.lose_relay(peer, &why);
            }
        }
    }

    fn register(&mut self, index: RelayIndex, namespace: String) {
        let Some(relay) = self.relays.get(&index) else { return };
        let peer = relay.peer;
        let rendezvous = &mut self.swarm.behaviour_mut().rendezvous;
        if let Err(why) = rendezvous.register(peer, namespace, REGISTRATION_S) {
            tracing::warn!(%why, "cannot register");
        }
    }

    fn reach(&mut self, ion: IonId, opening: Vec<u8>) {
        self.sessions.entry(ion).or_default().opening = Some(opening);
        let peer = ion.to_peer();
        if self.swarm.is_connected(&peer) {
            return;
        }
        let relays = self.relays.values().filter(|relay| relay.is_up);
        let circuits: Vec<Multiaddr> = relays
            .map(|relay| relay.address.clone().with(Protocol::P2pCircuit).with(Protocol::P2p(peer)))
            .collect();
        let dial = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(circuits)
            .build();
        match self.swarm.dial(dial) {
            // A dial that is under way already serves as well.
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(_) => self.fail(ion),
        }
    }

    fn send(&mut self, ion: IonId, room: Room, frame: Vec<u8>) {
        let number = self.next_stream();
        let Some(session) = self.sessions.get_mut(&ion).filter(|one| one.opening.is_some()) else {
            return;
        };
        if session.queue(room, frame, number).is_err() {
            session.abandon();
            self.close(ion);
        } else if self.swarm.is_connected(&ion.to_peer()) {
            self.open_streams(ion);
        }
    }

    fn next_stream(&mut self) -> u64 {
        self.streams += 1;
        self.streams
    }

    fn open_streams(&mut self, ion: IonId) {
        let Some(session) = self.sessions.get_mut(&ion) else { return };
        for (room, number) in session.request() {
            self.swarm.behaviour_mut().rooms.open(ion.to_peer(), room, number);
        }
    }

    fn room_event(&mut self, event: rooms::Event) {
        match event {
            rooms::Event::Came(peer, room, stream) => self.inbound(room, peer, stream),
            rooms::Event::Opened(peer, number, stream) => {
                let Some(ion) = IonId::from_peer(&peer) else { return };
                let session = self.sessions.get_mut(&ion);
                let Some(writing) = session.and_then(|session| session.begin(number)) else {
                    return;
                };
                let (platform, news) = (self.platform.clone(), self.stream_news.clone());
                let task = write(platform.clone(), ion, number, stream, writing, news);
                platform.spawn(Box::pin(task));
            }
            rooms::Event::NotOpened(peer, number) => {
                if let Some(ion) = IonId::from_peer(&peer) {
                    self.stream(StreamNews::Wrote { ion, number, end: WriteEnd::Broken });
                }
            }
        }
    }

    fn inbound(&mut self, room: Room, peer: PeerId, stream: Stream) {
        let Some(ion) = IonId::from_peer(&peer) else { return };
        if !self.sessions.contains_key(&ion) && self.sessions.len() >= SESSIONS_MAX {
            return;
        }
        let number = self.next_stream();
        let session = self.sessions.entry(ion).or_default();
        let Some(refused) = session.accept(room, number) else { return };
        let news = self.stream_news.clone();
        let platform = self.platform.clone();
        self.platform.spawn(Box::pin(async move {
            read_all(platform, ion, room, number, stream, refused, news).await;
        }));
    }

    fn stream(&mut self, news: StreamNews) {
        match news {
            StreamNews::Opened { ion, room, number, bytes } => {
                let session = self.sessions.get_mut(&ion);
                if session.is_some_and(|session| session.open(room, number, &bytes)) {
                    self.tell(News::Opened(ion, room, bytes));
                }
            }
            StreamNews::Frame { ion, room, number, bytes } => {
                if self.sessions.get(&ion).is_some_and(|session| session.hears(number)) {
                    self.tell(News::Frame(ion, room, bytes));
                }
            }
            StreamNews::Ended { ion, number } => {
                let Some(session) = self.sessions.get_mut(&ion) else { return };
                if session.ended(number) {
                    self.close(ion);
                } else if session.is_empty() {
                    self.sessions.remove(&ion);
                }
            }
            StreamNews::Wrote { ion, number, end } => {
                if !self.sessions.get(&ion).is_some_and(|session| session.speaks(number)) {
                    return;
                }
                match end {
                    WriteEnd::Refused => self.fail(ion),
                    WriteEnd::Done | WriteEnd::Broken => self.close(ion),
                }
            }
        }
    }

    fn close(&mut self, ion: IonId) {
        if self.sessions.remove(&ion).is_some() {
            self.tell(News::Closed(ion));
        }
    }

    fn fail(&mut self, ion: IonId) {
        if self.sessions.remove(&ion).is_some() {
            self.tell(News::Failed(ion));
        }
    }

    fn event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                self.reserve(peer_id);
                if let Some(ion) = IonId::from_peer(&peer_id) {
                    self.open_streams(ion);
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, cause, .. } => {
                let why = cause.map_or_else(
                    || "the relay closed the connection".to_owned(),
                    |cause| format!("the connection broke ({cause})"),
                );
                self.lose_relay(peer_id, &why);
                if let Some(ion) = IonId::from_peer(&peer_id) {
                    self.close(ion);
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.lose_relay(peer, &dial_error(&error));
                if let Some(ion) = IonId::from_peer(&peer)
                    && !self.swarm.is_connected(&peer)
                {
                    self.fail(ion);
                }
            }
            SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                self.listener_closed(listener_id, reason.err());
            }
            SwarmEvent::Behaviour(BehaviourEvent::Rooms(event)) => self.room_event(event),
            SwarmEvent::Behaviour(BehaviourEvent::Relay(event)) => self.relay_event(&event),
            SwarmEvent::Behaviour(BehaviourEvent::Rendezvous(event)) => self.rendezvous(event),
            _ => {}
        }
    }

    fn lose_relay(&mut self, peer: PeerId, why: &str) {
        let index = self.relay_of(peer);
        if let Some(index) = index {
            self.relays.remove(&index);
            self.tell(News::RelayLost(index, why.to_owned()));
        }
    }

    fn relay_of(&self, peer: PeerId) -> Option<RelayIndex> {
        self.relays.iter().find(|(_, relay)| relay.peer == peer).map(|(index, _)| *index)
    }

    fn listener_closed(&mut self, listener: ListenerId, error: Option<std::io::Error>) {
        let mine = |relay: &Relay| relay.listener == Some(listener);
        let peer = self.relays.values().find(|relay| mine(relay)).map(|relay| relay.peer);
        if let Some(peer) = peer {
            let why = error.map_or_else(
                || "the relay ended the reservation".to_owned(),
                |error| format!("the relay gave no reservation ({error})"),
            );
            self.lose_relay(peer, &why);
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn relay_event(&mut self, event: &relay::client::Event) {
        let relay::client::Event::ReservationReqAccepted { relay_peer_id, renewal: false, .. } =
            event
        else {
            return;
        };
        let Some(index) = self.relay_of(*relay_peer_id) else { return };
        if let Some(relay) = self.relays.get_mut(&index) {
            relay.is_up = true;
        }
        self.tell(News::Reserved(index));
    }

    fn rendezvous(&mut self, event: rendezvous::client::Event) {
        use rendezvous::client::Event;
        match event {
            Event::Registered { relay, .. } => {
                if let Some(index) = self.relay_of(relay) {
                    self.tell(News::Registered(index));
                }
            }
            Event::NotRegistered { relay, why, .. } => {
                let is_full = why.is_for_want_of_room();
                let why = format!("the relay did not take the registration ({why})");
                if is_full && let Some(index) = self.relay_of(relay) {
                    self.tell(News::Unlisted(index, why));
                    return;
                }
                self.lose_relay(relay, &why);
                let _ = self.swarm.disconnect_peer_id(relay);
            }
            Event::Discovered { relay, peers, .. } => {
                let Some(index) = self.relay_of(relay) else { return };
                let ions = peers.iter().filter_map(IonId::from_peer).collect();
                self.tell(News::Found(index, ions));
            }
            Event::NotDiscovered { why, .. } => tracing::debug!(%why, "a relay told nothing"),
        }
    }
}

/// Writes to a stream until it ends, is abandoned, or has had its time to
/// finish after nobody wanted to send more.
async fn write<P: Platform>(
    platform: P,
    ion: IonId,
    number: u64,
    stream: Stream,
    writing: ToWrite,
    mut news: mpsc::Sender<StreamNews>,
) {
    let ToWrite { opening, frames, queued, abandoned } = writing;
    let patience = async {
        if abandoned.await.is_err() {
            platform.sleep(OPENING_MS).await;
        }
    };
    let end = {
        let writing = write_all(stream, opening, frames, |bytes| sent(&queued, bytes));
        pin_mut!(writing, patience);
        match future::select(writing, patience).await {
            Either::Left((end, _)) => end,
            Either::Right(_) => WriteEnd::Done,
        }
    };
    let _ = news.send(StreamNews::Wrote { ion, number, end }).await;
}

fn sent(queued: &Rc<Cell<usize>>, bytes: usize) {
    queued.set(queued.get().saturating_sub(bytes));
}

/// Why a dial failed, for people.
fn dial_error(error: &DialError) -> String {
    match error {
        DialError::WrongPeerId { .. } => {
            "another relay answers at this address (its id has changed)".to_owned()
        }
        DialError::Transport(_) => "nothing answers there".to_owned(),
        other => format!("it could not be reached ({other})"),
    }
}
