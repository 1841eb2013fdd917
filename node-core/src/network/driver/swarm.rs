//! The driver's loop: orders in, swarm events in, news out.

use std::{cell::Cell, collections::BTreeMap, rc::Rc, str::FromStr};

use futures::{
    FutureExt, SinkExt, StreamExt,
    channel::mpsc,
    future::{self, Either},
    pin_mut, select,
};
use ion_webrtc::Control;
use libp2p::{
    Multiaddr, PeerId, Stream, Swarm,
    core::transport::ListenerId,
    multiaddr::Protocol,
    relay,
    rendezvous::{self, Namespace},
    swarm::{
        ConnectionId, DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition, WithPeerIdWithAddresses},
    },
};

use super::{
    OPENING_MS,
    behaviour::{Behaviour, BehaviourEvent},
    direct::{Direct, DirectNews},
    rooms,
    sessions::{Session, StreamNews, ToRead, ToWrite},
    streams::{Target, WriteEnd, read_all, write_all},
};
use crate::{
    identity::IonId,
    network::{
        port::{Attempt, News, Order},
        relays::{FOUND_MAX, REGISTRATION_S, RelayIndex},
        ways::{self, Way, Ways},
        wire::Room,
    },
    platform::{Platform, Time},
};

/// News of streams that wait for the driver.
const STREAM_NEWS_MAX: usize = 64;
/// Between two looks at the clock, in milliseconds.
const TICK_MS: u64 = 250;
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
    ways: Ways,
    /// Dials under way.
    dials: BTreeMap<ConnectionId, Dial>,
    direct: Direct<P>,
    streams: u64,
}

/// A dial under way.
struct Dial {
    ion: IonId,
    way: Way,
    began_at: Time,
    /// Whether it goes by an answer that the ion gave to an offer.
    is_promised: bool,
}

struct Relay {
    peer: PeerId,
    address: Multiaddr,
    listener: Option<ListenerId>,
    is_up: bool,
}

impl<P: Platform> Driver<P> {
    pub(super) fn new(
        platform: P,
        swarm: Swarm<Behaviour>,
        control: Option<Control>,
        news: mpsc::Sender<News>,
    ) -> Self {
        // Replaced in `run`, which owns the other ends.
        let (stream_news, _) = mpsc::channel(0);
        let (direct_news, _) = mpsc::channel(0);
        let direct = Direct::new(platform.clone(), control, direct_news);
        Self {
            platform,
            swarm,
            news,
            told: Vec::new(),
            stream_news,
            relays: BTreeMap::new(),
            sessions: BTreeMap::new(),
            ways: Ways::new(direct.is_there()),
            dials: BTreeMap::new(),
            direct,
            streams: 0,
        }
    }

    /// Runs until nobody gives orders or hears news any more.
    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let (stream_news, mut from_streams) = mpsc::channel(STREAM_NEWS_MAX);
        self.stream_news = stream_news;
        let (direct_news, mut from_direct) = mpsc::channel(STREAM_NEWS_MAX);
        self.direct.tell_to(direct_news);
        self.listen();
        let mut tick = self.platform.sleep(TICK_MS).fuse();
        loop {
            select! {
                order = orders.next() => match order {
                    Some(order) => self.order(order),
                    None => return,
                },
                event = self.swarm.select_next_some() => self.event(event),
                news = from_streams.select_next_some() => self.stream(news),
                news = from_direct.select_next_some() => self.directed(news),
                () = tick => {
                    self.steer(ways::Input::Tick);
                    tick = self.platform.sleep(TICK_MS).fuse();
                }
            }
            for news in std::mem::take(&mut self.told) {
                if self.news.send(news).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Takes direct connections, where they can be made.
    fn listen(&mut self) {
        if self.direct.is_there()
            && let Err(why) = self.swarm.listen_on(Protocol::WebRTC.into())
        {
            tracing::warn!(%why, "takes no direct connections");
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
                if let (Some(relay), Ok(namespace)) =
                    (self.relays.get(&index), Namespace::new(namespace))
                {
                    self.swarm.behaviour_mut().rendezvous.unregister(namespace, relay.peer);
                }
            }
            Order::Discover(index, namespace) => {
                if let (Some(relay), Ok(namespace)) =
                    (self.relays.get(&index), Namespace::new(namespace))
                {
                    let limit = Some(FOUND_MAX as u64);
                    let peer = relay.peer;
                    let rendezvous = &mut self.swarm.behaviour_mut().rendezvous;
                    rendezvous.discover(Some(namespace), None, limit, peer);
                }
            }
            Order::Reach(ion, opening) => self.reach(ion, opening),
            Order::Send(ion, room, frame) => self.send(ion, room, frame),
            Order::Refuse(ion) => {
                if let Some(session) = self.sessions.get_mut(&ion) {
                    session.refuse();
                }
            }
            Order::Close(ion) => drop(self.drop_session(ion)),
            Order::Offer(attempt) => self.direct.offer(attempt),
            Order::Answer(ion, offer) => self.direct.answer(ion, &offer),
            Order::Accept(attempt, ion, answer) => self.accept(attempt, ion, &answer),
            Order::Abandon(attempt) => self.direct.abandon(attempt),
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
        let Ok(namespace) = Namespace::new(namespace) else { return };
        let peer = relay.peer;
        let rendezvous = &mut self.swarm.behaviour_mut().rendezvous;
        if let Err(why) = rendezvous.register(namespace, peer, Some(REGISTRATION_S)) {
            tracing::warn!(%why, "cannot register");
        }
    }

    fn reach(&mut self, ion: IonId, opening: Vec<u8>) {
        self.sessions.entry(ion).or_default().opening = Some(opening);
        self.steer(ways::Input::Wanted(ion));
    }

    /// Lets the machine that chooses ways decide, and does what it asks for.
    fn steer(&mut self, input: ways::Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Vec::new();
            self.ways.handle(self.platform.now(), input, &mut effects);
            for effect in effects {
                match effect {
                    ways::Effect::Dial(ion, way) => {
                        if let Err(why) = self.dial(ion, way) {
                            inputs.push(ways::Input::Failed(ion, way, why));
                        }
                    }
                    ways::Effect::Use(ion, way, why) => self.go_by(ion, way, why),
                    ways::Effect::Unreached(ion) => self.unreached(ion),
                }
            }
        }
    }

    /// Talks to an ion over connections of that kind from now on.
    fn go_by(&mut self, ion: IonId, way: Way, why: String) {
        if let Some(session) = self.sessions.get_mut(&ion) {
            session.go_by(way);
            self.open_streams(ion);
            self.tell(News::Way(ion, way, why));
        }
    }

    /// No connection leads to an ion, or that which was talked over has ended.
    fn unreached(&mut self, ion: IonId) {
        let has_begun = self.sessions.get(&ion).is_some_and(Session::has_way);
        if has_begun { self.close(ion) } else { self.fail(ion) }
    }

    fn dial(&mut self, ion: IonId, way: Way) -> Result<(), String> {
        let peer = ion.to_peer();
        let circuits = self.circuits_to(peer);
        let dial = match way {
            Way::Relayed => DialOpts::peer_id(peer).addresses(circuits),
            Way::Direct if circuits.is_empty() => {
                return Err("no relay is up over which the two could agree".to_owned());
            }
            Way::Direct => {
                let webrtc = self.swarm.behaviour_mut().webrtc.as_mut();
                let webrtc = webrtc.ok_or("this ion makes no direct connections")?;
                for circuit in circuits {
                    webrtc.add_circuit(peer, circuit);
                }
                DialOpts::peer_id(peer).addresses(vec![ion_webrtc::direct_address(peer)])
            }
        };
        self.dial_with(dial, ion, way, false)
    }

    fn dial_with(
        &mut self,
        dial: WithPeerIdWithAddresses,
        ion: IonId,
        way: Way,
        is_promised: bool,
    ) -> Result<(), String> {
        // Another connection to it may stand, or be on its way: it is of the
        // other kind.
        let dial = dial.condition(PeerCondition::Always).build();
        let connection = dial.connection_id();
        self.swarm.dial(dial).map_err(|why| dial_error(&why))?;
        let began_at = self.platform.now();
        self.dials.insert(connection, Dial { ion, way, began_at, is_promised });
        Ok(())
    }

    /// Connects by an answer that the ion gave to an offer of ours.
    fn accept(&mut self, attempt: Attempt, ion: IonId, answer: &[u8]) {
        let peer = ion.to_peer();
        let accepted = self.direct.accept(attempt, ion, answer).and_then(|()| {
            let dial = DialOpts::peer_id(peer).addresses(vec![ion_webrtc::direct_address(peer)]);
            self.dial_with(dial, ion, Way::Direct, true)
        });
        if let Err(why) = accepted {
            self.tell(News::Unmet(ion, why));
        }
    }

    fn directed(&mut self, news: DirectNews) {
        match news {
            DirectNews::Offered(attempt, offer) => {
                let offer = offer.map(|(id, bytes)| {
                    self.direct.offered(attempt, id);
                    bytes
                });
                self.tell(News::Offer(attempt, offer));
            }
            DirectNews::Answered(ion, answer) => self.tell(News::Answer(ion, answer)),
        }
    }

    /// The addresses of an ion at every relay that is up.
    fn circuits_to(&self, peer: PeerId) -> Vec<Multiaddr> {
        let relays = self.relays.values().filter(|relay| relay.is_up);
        relays
            .map(|relay| relay.address.clone().with(Protocol::P2pCircuit).with(Protocol::P2p(peer)))
            .collect()
    }

    fn send(&mut self, ion: IonId, room: Room, frame: Vec<u8>) {
        let number = self.next_stream();
        let Some(session) = self.sessions.get_mut(&ion).filter(|one| one.opening.is_some()) else {
            return;
        };
        if session.queue(room, frame, number).is_err() {
            session.abandon();
            self.close(ion);
        } else {
            self.open_streams(ion);
        }
    }

    fn next_stream(&mut self) -> u64 {
        self.streams += 1;
        self.streams
    }

    fn open_streams(&mut self, ion: IonId) {
        let Some(session) = self.sessions.get_mut(&ion) else { return };
        let streams = &mut self.streams;
        let wishes = session.request(|| {
            *streams += 1;
            *streams
        });
        for (room, number, way) in wishes {
            self.swarm.behaviour_mut().rooms.open(ion.to_peer(), way, room, number);
        }
    }

    fn connected(&mut self, peer: PeerId, way: Way) {
        let Some(ion) = IonId::from_peer(&peer).filter(|_| self.relay_of(peer).is_none()) else {
            return;
        };
        self.steer(ways::Input::Connected(ion, way));
        if way == Way::Direct {
            self.tell(News::Met(ion));
        }
    }

    fn disconnected(&mut self, peer: PeerId, way: Way) {
        if let Some(ion) = IonId::from_peer(&peer) {
            self.steer(ways::Input::Disconnected(ion, way));
        }
    }

    fn room_event(&mut self, event: rooms::Event) {
        match event {
            rooms::Event::Connected(peer, way) => self.connected(peer, way),
            rooms::Event::Disconnected(peer, way) => self.disconnected(peer, way),
            rooms::Event::Came(peer, room, stream) => self.inbound(room, peer, stream),
            rooms::Event::Opened(peer, number, stream) => self.outbound(peer, number, stream),
            rooms::Event::NotOpened(peer, number) => {
                let Some(ion) = IonId::from_peer(&peer) else { return };
                let session = self.sessions.get_mut(&ion);
                if let Some(number) = session.and_then(|session| session.unopened(number)) {
                    self.stream(StreamNews::Wrote { ion, number, end: WriteEnd::Broken });
                }
            }
        }
    }

    fn outbound(&mut self, peer: PeerId, number: u64, stream: Stream) {
        let Some(ion) = IonId::from_peer(&peer) else { return };
        let session = self.sessions.get_mut(&ion);
        let Some(writing) = session.and_then(|session| session.begin(number, stream)) else {
            return;
        };
        let task = write(self.platform.clone(), ion, writing, self.stream_news.clone());
        self.platform.spawn(Box::pin(task));
    }

    fn inbound(&mut self, room: Room, peer: PeerId, stream: Stream) {
        let Some(ion) = IonId::from_peer(&peer) else { return };
        if !self.sessions.contains_key(&ion) && self.sessions.len() >= SESSIONS_MAX {
            return;
        }
        let number = self.next_stream();
        let session = self.sessions.entry(ion).or_default();
        let Some(ToRead { refused, go }) = session.accept(room, number) else { return };
        let target = Target { ion, room, number, refused, go };
        let task = read_all(self.platform.clone(), target, stream, self.stream_news.clone());
        self.platform.spawn(Box::pin(task));
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
                if self.sessions.get_mut(&ion).is_some_and(|session| session.hears(number)) {
                    self.tell(News::Frame(ion, room, bytes));
                }
            }
            StreamNews::Malformed { ion } => self.tell(News::Offence(ion)),
            StreamNews::Moved { ion, number } => self.ended(ion, number, true),
            StreamNews::Ended { ion, number } => self.ended(ion, number, false),
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

    fn ended(&mut self, ion: IonId, number: u64, moved: bool) {
        let Some(session) = self.sessions.get_mut(&ion) else { return };
        if session.ended(number, moved) {
            self.close(ion);
        } else if session.is_empty() {
            self.drop_session(ion);
        }
    }

    /// Drops all that stands with an ion; whether there was anything.
    fn drop_session(&mut self, ion: IonId) -> bool {
        let was_there = self.sessions.remove(&ion).is_some();
        self.steer(ways::Input::Unwanted(ion));
        was_there
    }

    fn close(&mut self, ion: IonId) {
        if self.drop_session(ion) {
            self.tell(News::Closed(ion));
        }
    }

    fn fail(&mut self, ion: IonId) {
        if self.drop_session(ion) {
            self.tell(News::Failed(ion));
        }
    }

    fn event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                if let Some(dial) = self.dials.remove(&connection_id) {
                    self.tried(&dial, String::new());
                }
                self.reserve(peer_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, cause, .. } => {
                let why = cause.map_or_else(
                    || "the relay closed the connection".to_owned(),
                    |cause| format!("the connection broke ({cause})"),
                );
                self.lose_relay(peer_id, &why);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, connection_id, error } => {
                let why = dial_error(&error);
                if let Some(peer) = peer_id {
                    self.lose_relay(peer, &why);
                }
                if let Some(dial) = self.dials.remove(&connection_id) {
                    self.dial_failed(&dial, why);
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

    fn dial_failed(&mut self, dial: &Dial, why: String) {
        let Dial { ion, way, is_promised, .. } = *dial;
        let direct = self.direct.why(ion.to_peer()).filter(|_| way == Way::Direct);
        let why = direct.unwrap_or(why);
        self.tried(dial, why.clone());
        if is_promised {
            self.tell(News::Unmet(ion, why));
        } else {
            self.steer(ways::Input::Failed(ion, way, why));
        }
    }

    fn tried(&mut self, dial: &Dial, why: String) {
        let took_ms = self.platform.now().since_ms(dial.began_at);
        self.tell(News::Tried(dial.ion, dial.way, took_ms, why));
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
            Event::Registered { rendezvous_node, .. } => {
                if let Some(index) = self.relay_of(rendezvous_node) {
                    self.tell(News::Registered(index));
                }
            }
            Event::RegisterFailed { rendezvous_node, error, .. } => {
                let why = format!("the relay did not take the registration ({error:?})");
                self.lose_relay(rendezvous_node, &why);
                let _ = self.swarm.disconnect_peer_id(rendezvous_node);
            }
            Event::Discovered { rendezvous_node, registrations, .. } => {
                let Some(index) = self.relay_of(rendezvous_node) else { return };
                let peers = registrations.iter().map(|one| one.record.peer_id());
                let ions = peers.filter_map(|peer| IonId::from_peer(&peer)).collect();
                self.tell(News::Found(index, ions));
            }
            Event::DiscoverFailed { .. } | Event::Expired { .. } => {}
        }
    }
}

/// Writes until the session ends, is abandoned, or has had its time to finish
/// after nobody wanted to send more.
async fn write<P: Platform>(
    platform: P,
    ion: IonId,
    writing: ToWrite,
    mut news: mpsc::Sender<StreamNews>,
) {
    let ToWrite { number, stream, source, queued, abandoned } = writing;
    let patience = async {
        if abandoned.await.is_err() {
            platform.sleep(OPENING_MS).await;
        }
    };
    let end = {
        let writing = write_all(stream, source, |bytes| sent(&queued, bytes));
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
