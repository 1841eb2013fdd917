//! The client before a relay that answers whatever a test wants, over memory.

use std::{collections::VecDeque, io};

use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, StreamExt as _};
use libp2p::{
    StreamProtocol, Swarm, SwarmBuilder,
    core::{Transport as _, transport::MemoryTransport, upgrade::Version},
    swarm::SwarmEvent,
    yamux,
};

use super::*;
use crate::network::driver::rendezvous::wire::{RESPONSE_BYTES_MAX, TOLD_MAX, frame_response};

/// How long a test waits for what must come; only failures reach it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Reads nothing of a question, and answers with bytes as they are.
#[derive(Clone, Default)]
struct Raw;

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = ();
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<()>
    where
        T: AsyncRead + Unpin + Send,
    {
        io.read(&mut [0; 1]).await.map(drop)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, _: &mut T, (): ()) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }
}

fn swarm<B: NetworkBehaviour>(behaviour: impl FnOnce(&Keypair) -> B) -> Swarm<B> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_other_transport(|key| {
            MemoryTransport::new()
                .upgrade(Version::V1)
                .authenticate(ion_noise::Config::new(key).expect("a new key is valid"))
                .multiplex(yamux::Config::default())
        })
        .expect("it cannot fail")
        .with_behaviour(behaviour)
        .expect("it cannot fail")
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build()
}

/// A client and the relay that it trusts too much.
struct World {
    client: Swarm<Behaviour>,
    relay: Swarm<request_response::Behaviour<Raw>>,
    /// What the relay answers, in order.
    answers: VecDeque<Vec<u8>>,
}

impl World {
    async fn new() -> Self {
        let served = iter::once((PROTOCOL, ProtocolSupport::Inbound));
        let config = request_response::Config::default();
        let mut relay = swarm(|_| request_response::Behaviour::new(served, config));
        relay.listen_on("/memory/0".parse().expect("one")).expect("memory can be listened on");
        let event = relay.select_next_some().await;
        let SwarmEvent::NewListenAddr { address, .. } = event else { panic!("{event:?}") };
        let mut client = swarm(|key| Behaviour::new(key.clone()));
        client.dial(address).expect("it can be dialed");
        let mut world = Self { client, relay, answers: VecDeque::new() };
        world.connect().await;
        world
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
                    _ = self.relay.select_next_some() => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, connected).await.expect("it connects");
    }

    fn relay_id(&self) -> PeerId {
        *self.relay.local_peer_id()
    }

    /// What the client is told next.
    async fn told(&mut self) -> Event {
        let told = async {
            loop {
                tokio::select! {
                    event = self.client.select_next_some() => {
                        if let SwarmEvent::Behaviour(event) = event {
                            return event;
                        }
                    }
                    event = self.relay.select_next_some() => {
                        let SwarmEvent::Behaviour(event) = event else { continue };
                        let request_response::Event::Message {
                            message: request_response::Message::Request { channel, .. }, ..
                        } = event else { continue };
                        let answer = self.answers.pop_front().unwrap_or_default();
                        let relay = self.relay.behaviour_mut();
                        relay.send_response(channel, answer).expect("the client waits");
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the client is told")
    }

    async fn discover(&mut self, answer: Vec<u8>) -> Event {
        self.answers.push_back(answer);
        let relay = self.relay_id();
        let client = self.client.behaviour_mut();
        client.discover(relay, "ours".to_owned(), 10).expect("it can be asked");
        self.told().await
    }

    async fn register(&mut self, answer: Vec<u8>) -> Event {
        self.answers.push_back(answer);
        let relay = self.relay_id();
        let client = self.client.behaviour_mut();
        client.register(relay, "ours".to_owned(), 60).expect("it can be asked");
        self.told().await
    }
}

fn record(key: &Keypair) -> Told {
    let address = "/dns4/relay.example/tcp/1".parse().expect("it is an address");
    let record = Record::sign(key, vec![address]).expect("it is signed");
    Told { namespace: "ours".into(), record: record.bytes, ttl_s: 60 }
}

fn found(registrations: Vec<Told>) -> Vec<u8> {
    frame_response(&Response::Found(Found { registrations, cookie: Vec::new() }))
}

fn refused(event: Event) -> Failure {
    match event {
        Event::NotRegistered { why, .. } | Event::NotDiscovered { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn of_what_a_relay_tells_only_what_is_signed_is_taken() {
    let mut world = World::new().await;
    let (one, other) = (Keypair::generate_ed25519(), Keypair::generate_ed25519());
    let mut forged = record(&one).record.to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let elsewhere = Told { namespace: "theirs".into(), ..record(&Keypair::generate_ed25519()) };
    let own = record(&world.client.behaviour().key.clone());
    let registrations = vec![
        record(&one),
        Told { record: forged.into(), ..record(&one) },
        Told { record: b"".as_slice().into(), ..record(&one) },
        elsewhere,
        record(&one),
        own,
        record(&other),
    ];
    let expected = Event::Discovered {
        relay: world.relay_id(),
        namespace: "ours".to_owned(),
        peers: vec![one.public().to_peer_id(), other.public().to_peer_id()],
    };
    assert_eq!(world.discover(found(registrations)).await, expected);
}

#[tokio::test]
async fn no_more_is_taken_than_was_asked_for() {
    let mut world = World::new().await;
    let many = (0..20).map(|_| record(&Keypair::generate_ed25519())).collect();
    let Event::Discovered { peers, .. } = world.discover(found(many)).await else {
        panic!("it is an answer");
    };
    assert_eq!(peers.len(), 10);
    let empty = Told { namespace: "ours".into(), record: Vec::new().into(), ttl_s: 0 };
    let told = world.discover(found(vec![empty; 2 * TOLD_MAX])).await;
    assert!(matches!(told, Event::Discovered { peers, .. } if peers.is_empty()));
}

/// libp2p's own client panics at the first of these.
#[tokio::test]
async fn answers_to_another_question_and_questions_are_nonsense() {
    let mut world = World::new().await;
    world.client.add_external_address("/memory/1".parse().expect("one"));
    let registered = frame_response(&Response::Registered { ttl_s: 60 });
    assert_eq!(refused(world.discover(registered.clone()).await), Failure::Nonsense);
    assert_eq!(refused(world.register(found(Vec::new())).await), Failure::Nonsense);
    let question = b"\x09\x08\x03\x2a\x05\x0a\x01n\x10\x01".to_vec();
    let too_long = vec![0xff; 4];
    let longest = u32::try_from(RESPONSE_BYTES_MAX).expect("it fits") + 1;
    assert_eq!(longest, 0x10_0001);
    let just_too_long = vec![0x81, 0x80, 0x40];
    for nonsense in [question, too_long, just_too_long, vec![3, 0xff, 0xff, 0xff], vec![0]] {
        let told = refused(world.discover(nonsense.clone()).await);
        assert_eq!(told, Failure::Nonsense, "{nonsense:?}");
        let told = refused(world.register(nonsense.clone()).await);
        assert_eq!(told, Failure::Nonsense, "{nonsense:?}");
    }
    for silence in [Vec::new(), vec![9], vec![2, 8]] {
        let told = refused(world.discover(silence.clone()).await);
        assert_eq!(told, Failure::Silence, "{silence:?}");
    }
    let told = world.register(registered).await;
    assert!(matches!(told, Event::Registered { ttl_s: 60, .. }), "{told:?}");
}

#[tokio::test]
async fn a_refusal_comes_with_its_reason() {
    let mut world = World::new().await;
    let why = Refused { status: Status::Unavailable, words: "full".to_owned() };
    let relay = world.relay_id();
    let early = world.client.behaviour_mut().register(relay, "ours".to_owned(), 60);
    assert_eq!(early, Err(Failure::NoAddress));
    world.client.add_external_address("/memory/1".parse().expect("one"));
    let answer = frame_response(&Response::NotRegistered(why.clone()));
    assert_eq!(refused(world.register(answer).await), Failure::Refused(why.clone()));
    let answer = frame_response(&Response::NotFound(why.clone()));
    assert_eq!(refused(world.discover(answer).await), Failure::Refused(why));
}

#[tokio::test]
async fn questions_under_way_have_a_bound_and_end_with_the_connection() {
    let mut world = World::new().await;
    let stranger = PeerId::random();
    let mut asked = 0;
    let client = world.client.behaviour_mut();
    while client.discover(stranger, "ours".to_owned(), 10).is_ok() {
        asked += 1;
    }
    assert_eq!(asked, ASKED_MAX);
    let busy = client.unregister(stranger, "ours".to_owned());
    assert_eq!(busy, Err(Failure::Busy));
    for _ in 0..ASKED_MAX {
        assert_eq!(refused(world.told().await), Failure::Silence);
    }
    assert!(world.client.behaviour().asked.is_empty());
}
