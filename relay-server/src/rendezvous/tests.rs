//! The rendezvous before libp2p's own client, over memory.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _, future::poll_fn};
use libp2p::{
    Swarm, SwarmBuilder,
    core::{PeerRecord, Transport as _, transport::MemoryTransport, upgrade::Version},
    identity::Keypair,
    noise,
    rendezvous::{ErrorCode, Namespace, client},
    swarm::SwarmEvent,
    yamux,
};
use node_core::network::driver::rendezvous::wire;

use super::*;

/// How long a test waits for what must come; only failures reach it.
const PATIENCE: Duration = Duration::from_mins(1);

fn swarm<B: NetworkBehaviour>(behaviour: impl FnOnce(&Keypair) -> B) -> Swarm<B> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_other_transport(|key| {
            MemoryTransport::new()
                .upgrade(Version::V1)
                .authenticate(noise::Config::new(key).expect("a new key is valid"))
                .multiplex(yamux::Config::default())
        })
        .expect("it cannot fail")
        .with_behaviour(behaviour)
        .expect("it cannot fail")
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build()
}

/// Something that the server or one of the clients says.
#[derive(Debug)]
enum Said {
    Server(SwarmEvent<Event>),
    Client(usize, SwarmEvent<client::Event>),
}

/// A server with a clock of its own, and clients.
struct World {
    server: Swarm<Behaviour>,
    clients: Vec<Swarm<client::Behaviour>>,
    clock: Arc<AtomicU64>,
}

impl World {
    /// With so many clients, all connected.
    async fn new(clients: usize) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&clock);
        let clock_of_server: Clock = Box::new(move || told.load(Ordering::Relaxed));
        let server = swarm(|_| Behaviour::with(Registry::new([7; 16]), clock_of_server));
        let mut world = Self { server, clients: Vec::new(), clock };
        let any = "/memory/0".parse().expect("it is an address");
        world.server.listen_on(any).expect("memory can be listened on");
        let address = world
            .until("an address", |said| match said {
                Said::Server(SwarmEvent::NewListenAddr { address, .. }) => Some(address),
                _ => None,
            })
            .await;
        for index in 0..clients {
            let mut client = swarm(|key| client::Behaviour::new(key.clone()));
            client.add_external_address("/dns4/me.example/tcp/1".parse().expect("it is one"));
            client.dial(address.clone()).expect("it can be dialed");
            world.clients.push(client);
            let mut ends = 0;
            let both = |said| {
                ends += u8::from(is_connection(&said, index));
                (ends == 2).then_some(())
            };
            world.until("a connection", both).await;
        }
        world
    }

    fn server_id(&self) -> PeerId {
        *self.server.local_peer_id()
    }

    /// Runs all until somebody says what is waited for.
    async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(Said) -> Option<T>) -> T {
        let found = async {
            loop {
                let said = poll_fn(|cx| self.poll(cx)).await;
                if let Some(found) = wanted(said) {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("{what} did not come"))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Said> {
        if let Poll::Ready(Some(event)) = self.server.poll_next_unpin(cx) {
            return Poll::Ready(Said::Server(event));
        }
        for (index, client) in self.clients.iter_mut().enumerate() {
            if let Poll::Ready(Some(event)) = client.poll_next_unpin(cx) {
                return Poll::Ready(Said::Client(index, event));
            }
        }
        Poll::Pending
    }

    /// What a client is told next.
    async fn told(&mut self, client: usize) -> client::Event {
        self.until("an answer", |said| match said {
            Said::Client(who, SwarmEvent::Behaviour(event)) if who == client => Some(event),
            _ => None,
        })
        .await
    }

    async fn register(&mut self, client: usize, namespace: &str, ttl_s: u64) -> client::Event {
        let server = self.server_id();
        let behaviour = self.clients[client].behaviour_mut();
        let registered = behaviour.register(name(namespace), server, Some(ttl_s));
        registered.expect("there is an address");
        self.told(client).await
    }

    async fn discover(
        &mut self,
        client: usize,
        namespace: Option<&str>,
        cookie: Option<libp2p::rendezvous::Cookie>,
    ) -> client::Event {
        let server = self.server_id();
        let behaviour = self.clients[client].behaviour_mut();
        behaviour.discover(namespace.map(name), cookie, None, server);
        self.told(client).await
    }

    /// Who is found in a namespace, with the seconds that are left.
    async fn found(&mut self, client: usize, namespace: &str) -> Vec<(PeerId, u64)> {
        match self.discover(client, Some(namespace), None).await {
            client::Event::Discovered { registrations, .. } => {
                registrations.iter().map(|one| (one.record.peer_id(), one.ttl)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn id(&self, client: usize) -> PeerId {
        *self.clients[client].local_peer_id()
    }
}

/// Whether an end of the connection of the client that came last is made.
fn is_connection(said: &Said, last: usize) -> bool {
    match said {
        Said::Server(event) => matches!(event, SwarmEvent::ConnectionEstablished { .. }),
        Said::Client(client, event) => {
            *client == last && matches!(event, SwarmEvent::ConnectionEstablished { .. })
        }
    }
}

fn name(text: &str) -> Namespace {
    Namespace::new(text.to_owned()).expect("it is short")
}

fn refusal(event: &client::Event) -> Option<ErrorCode> {
    match event {
        client::Event::DiscoverFailed { error, .. }
        | client::Event::RegisterFailed { error, .. } => Some(*error),
        _ => None,
    }
}

#[tokio::test]
async fn clients_find_each_other_until_their_time_is_over() {
    let mut world = World::new(2).await;
    let registered = world.register(0, "ours", 60).await;
    assert!(matches!(registered, client::Event::Registered { ttl: 60, .. }), "{registered:?}");
    assert_eq!(world.found(1, "ours").await, [(world.id(0), 60)]);
    assert_eq!(world.found(1, "theirs").await, []);
    world.clock.store(59_001, Ordering::Relaxed);
    assert_eq!(world.found(1, "ours").await, [(world.id(0), 1)]);
    world.clock.store(60_000, Ordering::Relaxed);
    assert_eq!(world.found(1, "ours").await, []);
}

#[tokio::test]
async fn who_asks_for_everybody_is_refused() {
    let mut world = World::new(2).await;
    world.register(0, "ours", 60).await;
    for namespace in [None, Some("")] {
        let refused = world.discover(1, namespace, None).await;
        assert_eq!(refusal(&refused), Some(ErrorCode::NotAuthorized), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_beyond_a_bound_is_refused_by_its_number() {
    let mut world = World::new(1).await;
    let short = world.register(0, "ours", 1).await;
    assert_eq!(refusal(&short), Some(ErrorCode::InvalidTtl), "{short:?}");
    let unnamed = world.register(0, "", 60).await;
    assert_eq!(refusal(&unnamed), Some(ErrorCode::InvalidNamespace), "{unnamed:?}");
    for number in 0..registry::NAMESPACES_PER_PEER_MAX {
        let registered = world.register(0, &number.to_string(), 60).await;
        assert_eq!(refusal(&registered), None, "{registered:?}");
    }
    let full = world.register(0, "one more", 60).await;
    assert_eq!(refusal(&full), Some(ErrorCode::Unavailable), "{full:?}");
    let address: Multiaddr = format!("/dns4/{}/tcp/1", "a".repeat(9_000)).parse().expect("one");
    world.clients[0].add_external_address(address);
    // The client renews by itself what it has, once its addresses change.
    let long = world.told(0).await;
    assert_eq!(refusal(&long), Some(ErrorCode::InvalidSignedPeerRecord), "{long:?}");
}

#[tokio::test]
async fn who_asks_without_end_is_refused_and_others_are_not() {
    let mut world = World::new(2).await;
    world.register(0, "ours", 60).await;
    for _ in 0..QUESTIONS.burst {
        assert_eq!(world.found(1, "ours").await.len(), 1);
    }
    let refused = world.discover(1, Some("ours"), None).await;
    assert_eq!(refusal(&refused), Some(ErrorCode::Unavailable), "{refused:?}");
    assert_eq!(world.found(0, "ours").await.len(), 1);
    world.clock.store(1_000 / QUESTIONS.per_s, Ordering::Relaxed);
    assert_eq!(world.found(1, "ours").await.len(), 1);
}

#[tokio::test]
async fn who_takes_back_or_leaves_is_found_no_more() {
    let mut world = World::new(3).await;
    world.register(0, "ours", 60).await;
    world.register(1, "ours", 60).await;
    assert_eq!(world.found(2, "ours").await.len(), 2);
    let (server, first, second) = (world.server_id(), world.id(0), world.id(1));
    world.clients[0].behaviour_mut().unregister(name("ours"), server);
    world
        .until("the withdrawal", |said| match said {
            Said::Server(SwarmEvent::Behaviour(event)) => {
                (event == Event::Unregistered { peer: first }).then_some(())
            }
            _ => None,
        })
        .await;
    assert_eq!(world.found(2, "ours").await, [(second, 60)]);
    world.clients[1].disconnect_peer_id(server).expect("it is connected");
    world
        .until("the goodbye", |said| match said {
            Said::Server(SwarmEvent::ConnectionClosed { peer_id, .. }) => {
                (peer_id == second).then_some(())
            }
            _ => None,
        })
        .await;
    assert_eq!(world.found(2, "ours").await, []);
}

#[tokio::test]
async fn a_thousand_and_one_come_as_a_sample_and_then_in_order() {
    let mut world = World::new(1).await;
    let address: Multiaddr = "/dns4/relay.example/tcp/4001/ws".parse().expect("it is an address");
    for number in 0..=wire::TOLD_MAX {
        let id = ConnectionId::new_unchecked(number);
        let key = Keypair::generate_ed25519();
        let peer = key.public().to_peer_id();
        let record = PeerRecord::new(&key, vec![address.clone()]).expect("it is signed");
        let record = record.into_signed_envelope().into_protobuf_encoding();
        let ask = Request::Register { namespace: "ours".to_owned(), record, ttl_s: None };
        let (_, event) = world.server.behaviour_mut().answer(peer, id, ask);
        assert_eq!(event, Event::Registered { peer, ttl_s: registry::TTL_S_MAX });
    }
    let mut cookie = None;
    for count in [wire::TOLD_MAX, wire::TOLD_MAX, 1, 0] {
        // New addresses of a thousand peers are told one by one, to the swarm.
        let told = world.discover(0, Some("ours"), cookie).await;
        let client::Event::Discovered { registrations, cookie: next, .. } = told else {
            panic!("{told:?}");
        };
        assert_eq!(registrations.len(), count);
        let wrong = world.discover(0, Some("theirs"), Some(next.clone())).await;
        assert_eq!(refusal(&wrong), Some(ErrorCode::InvalidCookie), "{wrong:?}");
        cookie = Some(next);
    }
}

/// libp2p's client, and a peer that answers it byte by byte.
struct Raw {
    client: Swarm<client::Behaviour>,
    server: Swarm<libp2p_stream::Behaviour>,
    streams: libp2p_stream::IncomingStreams,
    told: VecDeque<client::Event>,
}

impl Raw {
    async fn new() -> Self {
        let mut server = swarm(|_| libp2p_stream::Behaviour::new());
        let streams = server.behaviour().new_control().accept(PROTOCOL).expect("it is free");
        server.listen_on("/memory/0".parse().expect("one")).expect("memory can be listened on");
        let event = server.select_next_some().await;
        let SwarmEvent::NewListenAddr { address, .. } = event else { panic!("{event:?}") };
        let mut client = swarm(|key| client::Behaviour::new(key.clone()));
        client.add_external_address("/dns4/me.example/tcp/1".parse().expect("one"));
        client.dial(address).expect("it can be dialed");
        let mut raw = Self { client, server, streams, told: VecDeque::new() };
        raw.connect().await;
        raw
    }

    /// Waits for the client's end of the connection.
    async fn connect(&mut self) {
        let connected = async {
            loop {
                tokio::select! {
                    event = self.client.select_next_some() => {
                        if let SwarmEvent::ConnectionEstablished { .. } = event {
                            return;
                        }
                    }
                    _ = self.server.select_next_some() => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, connected).await.expect("it connects");
    }

    /// Runs both until this is done.
    async fn until<T>(
        &mut self,
        done: impl AsyncFnOnce(&mut libp2p_stream::IncomingStreams) -> T,
    ) -> T {
        let Self { client, server, streams, told } = self;
        let mut done = pin!(tokio::time::timeout(PATIENCE, done(streams)));
        loop {
            tokio::select! {
                result = &mut done => return result.expect("it ends"),
                event = client.select_next_some() => {
                    if let SwarmEvent::Behaviour(event) = event {
                        told.push_back(event);
                    }
                }
                _ = server.select_next_some() => {}
            }
        }
    }

    /// Answers the client's next request so; returns the request.
    async fn asked(&mut self, answer: &[u8]) -> Vec<u8> {
        self.until(async |streams| {
            let (_, mut stream) = streams.next().await.expect("a stream comes");
            let asked = read_frame(&mut stream).await;
            stream.write_all(answer).await.expect("it waits");
            stream.close().await.expect("it waits");
            asked
        })
        .await
    }

    /// What the client makes of it.
    async fn told(&mut self) -> client::Event {
        let Self { client, server, told, .. } = self;
        let next = async {
            loop {
                if let Some(event) = told.pop_front() {
                    return event;
                }
                tokio::select! {
                    event = client.select_next_some() => {
                        if let SwarmEvent::Behaviour(event) = event {
                            return event;
                        }
                    }
                    _ = server.select_next_some() => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("the client is told")
    }
}

/// A request with its length, which has one byte or two.
async fn read_frame(stream: &mut libp2p::Stream) -> Vec<u8> {
    let mut frame = Vec::new();
    let mut length = 0;
    for shift in [0, 7] {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.expect("there is a length");
        frame.push(byte[0]);
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("there is a body");
    frame.extend(body);
    frame
}

/// What libp2p's client writes, and what it makes of answers that are given
/// byte by byte: those that the tests of the wire write.
#[tokio::test]
async fn the_clients_bytes_are_the_ones_that_we_know() {
    let mut raw = Raw::new().await;
    let id = *raw.server.local_peer_id();

    raw.client.behaviour_mut().discover(Some(name("n")), None, Some(300), id);
    let asked = raw.asked(b"\x20\x08\x04\x32\x1c\x18\xc8\x01\x22\x17a namespace is required").await;
    assert_eq!(asked, b"\x0a\x08\x03\x2a\x06\x0a\x01n\x10\xac\x02");
    assert_eq!(refusal(&raw.told().await), Some(ErrorCode::NotAuthorized));

    raw.client.behaviour_mut().discover(Some(name("n")), None, None, id);
    let asked = raw.asked(b"\x10\x08\x04\x32\x0c\x12\x08ccccccc!\x18\x00").await;
    assert_eq!(asked, b"\x07\x08\x03\x2a\x03\x0a\x01n");
    let told = raw.told().await;
    let client::Event::Discovered { registrations, cookie, .. } = told else { panic!("{told:?}") };
    assert!(registrations.is_empty());

    raw.client.behaviour_mut().discover(Some(name("n")), Some(cookie), None, id);
    let asked = raw.asked(b"\x07\x08\x04\x32\x03\x18\xac\x02").await;
    assert_eq!(asked, b"\x11\x08\x03\x2a\x0d\x0a\x01n\x1a\x08ccccccc!");
    assert_eq!(refusal(&raw.told().await), Some(ErrorCode::InternalError));

    raw.client.behaviour_mut().discover(None, None, None, id);
    let asked = raw.asked(b"\x06\x08\x04\x32\x02\x18\x64").await;
    assert_eq!(asked, b"\x04\x08\x03\x2a\x00");
    assert_eq!(refusal(&raw.told().await), Some(ErrorCode::InvalidNamespace));

    raw.client.behaviour_mut().unregister(name("n"), id);
    assert_eq!(raw.asked(b"").await, b"\x07\x08\x02\x22\x03\x0a\x01n");
}

/// A registration's bytes change with the time; all but the record is known.
#[tokio::test]
async fn the_clients_registration_is_the_one_that_we_know() {
    let mut raw = Raw::new().await;
    let id = *raw.server.local_peer_id();
    raw.client.behaviour_mut().register(name("n"), id, Some(60)).expect("there is an address");
    let asked = raw.asked(b"\x09\x08\x01\x1a\x05\x08\x00\x18\xa0\x38").await;
    let told = raw.told().await;
    assert!(matches!(told, client::Event::Registered { ttl: 7_200, .. }), "{told:?}");

    // Two bytes of length, the type, the register message's tag and two of length.
    let Some((b"\x08\x00\x12", body)) = asked[2..].split_at_checked(3) else {
        panic!("{}", asked.escape_ascii());
    };
    assert_eq!(&body[2..6], b"\x0a\x01n\x12");
    assert_eq!(&body[body.len() - 2..], b"\x18\x3c");
    let request = wire::decode_request(&asked[2..]).expect("it is a request");
    let Request::Register { namespace, record, ttl_s } = request else { panic!("{request:?}") };
    assert_eq!((namespace.as_str(), ttl_s), ("n", Some(60)));
    let own = Record::check(&record, *raw.client.local_peer_id()).expect("it is its own");
    assert_eq!(own.bytes[..], record[..]);
}
