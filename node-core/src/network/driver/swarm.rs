//! The driver's loop: orders in, swarm events in, news out.
//!
//! What concerns relays stands in `berths`, how ions are reached in `reaching`.

mod address;
mod berths;
mod reaching;
mod strangers;

use std::time::Duration;

use futures::{
    FutureExt, SinkExt, StreamExt,
    channel::mpsc,
    future::{self, Either},
    pin_mut, select,
};
use ion_map::Map;
use ion_webrtc::Control;
use libp2p::{
    Multiaddr, PeerId, Stream, Swarm,
    core::transport::ListenerId,
    multiaddr::Protocol,
    swarm::{ConnectionId, DialError, SwarmEvent},
};

use self::strangers::Strangers;
use super::{
    OPENING_MS,
    behaviour::{Behaviour, BehaviourEvent},
    direct::Direct,
    rooms,
    sessions::{Session, StreamNews, ToRead, ToWrite},
    streams::{Target, WriteEnd, read_all, write_all},
};
use crate::{
    identity::IonId,
    network::{
        port::{News, Order},
        relays::{FOUND_MAX, RelayIndex},
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
const SESSIONS_MAX: usize = 2 * crate::network::neighbours::LINKS_MAX;

pub(super) struct Driver<P> {
    platform: P,
    swarm: Swarm<Behaviour>,
    news: mpsc::Sender<News>,
    /// News that the loop has not sent yet.
    told: Vec<News>,
    stream_news: mpsc::Sender<StreamNews>,
    relays: Map<RelayIndex, Relay>,
    sessions: Map<IonId, Session>,
    ways: Ways,
    /// Dials under way.
    dials: Map<ConnectionId, Dial>,
    direct: Direct<P>,
    strangers: Strangers,
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
    /// The dial that leads to it, or did.
    dial: Option<ConnectionId>,
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
            relays: Map::new(),
            sessions: Map::new(),
            ways: Ways::new(direct.is_there()),
            dials: Map::new(),
            direct,
            strangers: Strangers::default(),
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
                    self.close_silent();
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
            Order::Close(ion) => drop(self.drop_session(ion)),
            Order::Offer(attempt) => self.direct.offer(attempt),
            Order::Try(attempt, server) => self.direct.try_server(attempt, server),
            Order::Answer(attempt, ion, offer, patience_ms) => {
                self.direct.answer(attempt, ion, &offer, Duration::from_millis(patience_ms));
            }
            Order::Accept(attempt, ion, answer) => self.accept(attempt, ion, &answer),
            Order::Abandon(attempt) => self.direct.abandon(attempt),
            Order::IceServers(servers) => self.direct.use_servers(servers),
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
            StreamNews::Sent { ion, number } => {
                if self.sessions.get(&ion).is_some_and(|session| session.speaks(number)) {
                    self.tell(News::Sent(ion));
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
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                if endpoint.is_listener() {
                    self.strangers.connected(self.platform.now(), connection_id, peer_id);
                }
                if let Some(dial) = self.dials.remove(&connection_id) {
                    self.tried(&dial, String::new());
                }
                self.reserve(peer_id);
            }
            SwarmEvent::ConnectionClosed {
                peer_id, connection_id, num_established, cause, ..
            } => {
                self.strangers.closed(connection_id);
                if num_established > 0 {
                    return;
                }
                let why = cause.map_or_else(
                    || "the relay closed the connection".to_owned(),
                    |cause| format!("the connection broke ({cause})"),
                );
                self.lose_relay(peer_id, &why);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, connection_id, error } => {
                let why = dial_error(&error);
                if let Some(peer) = peer_id
                    && self.is_dial_to_relay(peer, connection_id)
                {
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
}

/// Writes until the session ends, is abandoned, or has had its time to finish
/// after nobody wanted to send more.
async fn write<P: Platform>(
    platform: P,
    ion: IonId,
    writing: ToWrite,
    mut news: mpsc::Sender<StreamNews>,
) {
    let ToWrite { number, room, stream, source, queued, abandoned } = writing;
    let told = (room == Room::Store).then(|| news.clone());
    let patience = async {
        if abandoned.await.is_err() {
            platform.sleep(OPENING_MS).await;
        }
    };
    let end = {
        let writing = write_all(stream, source, async |bytes: usize| {
            queued.set(queued.get().saturating_sub(bytes));
            if let Some(mut told) = told.clone() {
                let _ = told.send(StreamNews::Sent { ion, number }).await;
            }
        });
        pin_mut!(writing, patience);
        match future::select(writing, patience).await {
            Either::Left((end, _)) => end,
            Either::Right(_) => WriteEnd::Done,
        }
    };
    let _ = news.send(StreamNews::Wrote { ion, number, end }).await;
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
