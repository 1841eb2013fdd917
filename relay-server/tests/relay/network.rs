//! Ions meet through the relay; noise on the line hurts nobody.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder,
    core::{Transport, muxing::StreamMuxerBox, upgrade::Version},
    identify,
    multiaddr::Protocol,
    noise, ping, relay, rendezvous,
    swarm::{NetworkBehaviour, SwarmEvent},
    tcp, yamux,
};
use libp2p_webrtc::tokio as webrtc;
use relay_server::{Relay, config::Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Folder, get, is_served, settings, start};

/// How long a test waits for what must come; only failures reach it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

#[derive(NetworkBehaviour)]
pub(crate) struct Ion {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    relay: relay::client::Behaviour,
    rendezvous: rendezvous::client::Behaviour,
    streams: libp2p_stream::Behaviour,
}

pub(crate) fn ion() -> Swarm<Ion> {
    let mut ion = build();
    // Who dials by WebRTC does it from where it listens.
    ion.listen_on(
        Multiaddr::from(Ipv4Addr::LOCALHOST).with(Protocol::Udp(0)).with(Protocol::WebRTCDirect),
    )
    .expect("a port is free");
    ion
}

fn build() -> Swarm<Ion> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .expect("the key is valid")
        .with_quic()
        .with_other_transport(|key| {
            let tcp = tcp::tokio::Transport::new(tcp::Config::default());
            libp2p_websocket::Config::new(tcp)
                .upgrade(Version::V1)
                .authenticate(noise::Config::new(key).expect("the key is valid"))
                .multiplex(yamux::Config::default())
        })
        .expect("it cannot fail")
        .with_other_transport(|key| {
            let certificate = webrtc::Certificate::generate(&mut rand::rng());
            webrtc::Transport::new(key.clone(), certificate.expect("it is made"))
                .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
        })
        .expect("it cannot fail")
        .with_relay_client(noise::Config::new, yamux::Config::default)
        .expect("the key is valid")
        .with_behaviour(|key, relay| Ion {
            identify: identify::Behaviour::new(identify::Config::new(
                "/test/1".to_owned(),
                key.public(),
            )),
            ping: ping::Behaviour::default(),
            relay,
            rendezvous: rendezvous::client::Behaviour::new(key.clone()),
            streams: libp2p_stream::Behaviour::new(),
        })
        .expect("it cannot fail")
        .build()
}

pub(crate) fn websocket(relay: &Relay) -> Multiaddr {
    Multiaddr::from(relay.http.ip())
        .with(Protocol::Tcp(relay.http.port()))
        .with(Protocol::Ws("/".into()))
        .with(Protocol::P2p(relay.peer_id))
}

/// Runs the ion until it says what is waited for.
pub(crate) async fn until<T>(
    ion: &mut Swarm<Ion>,
    what: &str,
    mut wanted: impl FnMut(&SwarmEvent<IonEvent>) -> Option<T>,
) -> T {
    let mut seen = Vec::new();
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let event = ion.select_next_some().await;
            if let Some(found) = wanted(&event) {
                return found;
            }
            seen.push(format!("{event:?}"));
        }
    });
    found.await.unwrap_or_else(|_| panic!("{what} did not come; instead:\n{}", seen.join("\n")))
}

/// Connects to the relay and reserves; returns the circuit's address.
pub(crate) async fn reserve(ion: &mut Swarm<Ion>, relay: &Multiaddr) -> Multiaddr {
    ion.dial(relay.clone()).expect("the address can be dialed");
    until(ion, "identify", |event| {
        matches!(event, SwarmEvent::Behaviour(IonEvent::Identify(identify::Event::Received { .. })))
            .then_some(())
    })
    .await;
    let circuit = relay.clone().with(Protocol::P2pCircuit);
    ion.listen_on(circuit.clone()).expect("the circuit can be listened on");
    until(ion, "a reservation", |event| {
        use relay::client::Event::ReservationReqAccepted;
        matches!(event, SwarmEvent::Behaviour(IonEvent::Relay(ReservationReqAccepted { .. })))
            .then_some(())
    })
    .await;
    circuit.with(Protocol::P2p(*ion.local_peer_id()))
}

/// Keeps an ion running beside the test.
pub(crate) fn keep(tasks: &mut JoinSet<()>, mut ion: Swarm<Ion>) {
    tasks.spawn(async move {
        loop {
            ion.select_next_some().await;
        }
    });
}

#[tokio::test]
async fn two_ions_find_each_other_and_speak_through_the_circuit() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let address = websocket(&relay);
    let namespace = rendezvous::Namespace::from_static("nebula");

    let mut first = ion();
    let circuit = reserve(&mut first, &address).await;
    first.add_external_address(circuit);
    let register = |ion: &mut Swarm<Ion>| {
        let behaviour = &mut ion.behaviour_mut().rendezvous;
        behaviour.register(namespace.clone(), relay.peer_id, Some(60))
    };
    register(&mut first).expect("there is an address to register");
    until(&mut first, "the registration", |event| {
        matches!(
            event,
            SwarmEvent::Behaviour(IonEvent::Rendezvous(
                rendezvous::client::Event::Registered { .. }
            ))
        )
        .then_some(())
    })
    .await;
    let first_id = *first.local_peer_id();
    let mut tasks = JoinSet::new();
    keep(&mut tasks, first);

    let mut second = ion();
    reserve(&mut second, &address).await;
    let rendezvous = &mut second.behaviour_mut().rendezvous;
    rendezvous.discover(Some(namespace.clone()), None, None, relay.peer_id);
    let found = until(&mut second, "the other ion", |event| match event {
        SwarmEvent::Behaviour(IonEvent::Rendezvous(rendezvous::client::Event::Discovered {
            registrations,
            ..
        })) => registrations.iter().find(|one| one.record.peer_id() == first_id).cloned(),
        _ => None,
    })
    .await;
    let through = found.record.addresses().first().cloned().expect("it has an address");
    assert!(through.iter().any(|part| part == Protocol::P2pCircuit), "{through}");
    second.dial(through).expect("the circuit can be dialed");
    until(&mut second, "a pong", |event| match event {
        SwarmEvent::Behaviour(IonEvent::Ping(event)) => {
            (event.peer == first_id && event.result.is_ok()).then_some(())
        }
        _ => None,
    })
    .await;
    let metrics = get(&relay, "/metrics", &[]).await.body;
    assert!(metrics.contains("ionosphere_relay_reservations 2"), "{metrics}");
    assert!(metrics.contains("ionosphere_relay_circuits 1"), "{metrics}");
}

/// Asks the relay who is registered in a namespace, or everywhere.
async fn discover(
    ion: &mut Swarm<Ion>,
    relay: &Relay,
    namespace: Option<&str>,
) -> Result<Vec<PeerId>, rendezvous::ErrorCode> {
    use rendezvous::client::Event::{DiscoverFailed, Discovered};
    let namespace = namespace.map(|name| rendezvous::Namespace::new(name.to_owned()));
    let namespace = namespace.transpose().expect("it is short");
    ion.behaviour_mut().rendezvous.discover(namespace, None, None, relay.peer_id);
    until(ion, "an answer", |event| match event {
        SwarmEvent::Behaviour(IonEvent::Rendezvous(Discovered { registrations, .. })) => {
            Some(Ok(registrations.iter().map(|one| one.record.peer_id()).collect()))
        }
        SwarmEvent::Behaviour(IonEvent::Rendezvous(DiscoverFailed { error, .. })) => {
            Some(Err(*error))
        }
        _ => None,
    })
    .await
}

#[tokio::test]
async fn nobody_learns_of_all_ions_or_of_one_that_left() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let address = websocket(&relay);
    let mut member = ion();
    let circuit = reserve(&mut member, &address).await;
    member.add_external_address(circuit);
    for name in ["ours", "mine"] {
        let namespace = rendezvous::Namespace::from_static(name);
        let behaviour = &mut member.behaviour_mut().rendezvous;
        behaviour.register(namespace, relay.peer_id, Some(60)).expect("there is an address");
        until(&mut member, "the registration", |event| {
            use rendezvous::client::Event::Registered;
            matches!(event, SwarmEvent::Behaviour(IonEvent::Rendezvous(Registered { .. })))
                .then_some(())
        })
        .await;
    }
    let member_id = *member.local_peer_id();
    let unregistered = rendezvous::Namespace::from_static("mine");
    member.behaviour_mut().rendezvous.unregister(unregistered, relay.peer_id);
    let mut tasks = JoinSet::new();
    keep(&mut tasks, member);

    let mut other = ion();
    reserve(&mut other, &address).await;
    let all = discover(&mut other, &relay, None).await;
    assert_eq!(all, Err(rendezvous::ErrorCode::NotAuthorized));
    assert_eq!(discover(&mut other, &relay, Some("unknown")).await, Ok(Vec::new()));
    assert_eq!(discover(&mut other, &relay, Some("ours")).await, Ok(vec![member_id]));
    while discover(&mut other, &relay, Some("mine")).await != Ok(Vec::new()) {}
    assert_eq!(discover(&mut other, &relay, Some("ours")).await, Ok(vec![member_id]));
    // Its connection closes, long before its registration would have ended.
    tasks.shutdown().await;
    let emptied =
        async { while discover(&mut other, &relay, Some("ours")).await != Ok(Vec::new()) {} };
    tokio::time::timeout(PATIENCE / 2, emptied).await.expect("the registration ends with it");
}

/// Two ions with a circuit between them: the bytes that the second gets back
/// from the first, which sends back what it gets.
async fn echo(address: &Multiaddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut first = ion();
    let circuit = reserve(&mut first, address).await;
    let first_id = *first.local_peer_id();
    let protocol = StreamProtocol::new("/echo/1");
    let mut control = first.behaviour().streams.new_control();
    let mut incoming = control.accept(protocol.clone()).expect("nobody else accepts it");
    let mut tasks = JoinSet::new();
    keep(&mut tasks, first);
    tasks.spawn(async move {
        let (_, stream) = incoming.next().await.expect("a stream comes");
        let (reader, mut writer) = stream.split();
        // The circuit may end before the stream.
        let _ = futures::io::copy(reader, &mut writer).await;
        let _ = writer.close().await;
    });
    let mut second = ion();
    second.dial(circuit).expect("the circuit can be dialed");
    until(&mut second, "the connection", |event| match event {
        SwarmEvent::ConnectionEstablished { peer_id, .. } => (*peer_id == first_id).then_some(()),
        _ => None,
    })
    .await;
    let mut control = second.behaviour().streams.new_control();
    keep(&mut tasks, second);
    let stream = control.open_stream(first_id, protocol).await.expect("a stream opens");
    let (mut reader, mut writer) = stream.split();
    let mut back = Vec::new();
    let (sent, received) = tokio::time::timeout(PATIENCE, async {
        futures::join!(
            async {
                writer.write_all(bytes).await?;
                writer.close().await
            },
            reader.read_to_end(&mut back)
        )
    })
    .await
    .expect("it ends, one way or the other");
    sent.and(received).map(|_| back)
}

fn pattern(length: u32) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i ^ (i >> 8)) & 0xff).unwrap_or(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn megabytes_go_through_a_circuit_unchanged() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let bytes = pattern(8 << 20);
    let back = echo(&websocket(&relay), &bytes).await.expect("all comes back");
    assert!(back == bytes, "{} bytes came back, or others", back.len());
    let metrics = get(&relay, "/metrics", &[]).await.body;
    let counted = metrics.lines().find_map(|line| {
        line.strip_prefix("ionosphere_libp2p_bandwidth_bytes_total{protocols=\"/ip4/tcp/ws\",")?
            .strip_prefix("direction=\"Inbound\"} ")
    });
    let counted: u64 = counted.and_then(|count| count.parse().ok()).expect("bytes are counted");
    assert!(counted > 16 << 20, "{counted} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_ends_at_its_bytes() {
    let folder = Folder::new();
    let relay = start(Settings { max_circuit_mib: Some(1), ..settings(&folder) }).await;
    let bytes = pattern(4 << 20);
    let back = echo(&websocket(&relay), &bytes).await;
    assert!(back.is_err(), "{:?}", back.map(|back| back.len()));
    assert_eq!(get(&relay, "/healthz", &[]).await.status, 200);
}

/// 5 MiB there and back are 10 MiB of each ion's allowance, of which the burst
/// gives 8.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_used_up_its_allowance_gets_its_rate() {
    let folder = Folder::new();
    let kib = Some(1_024);
    let settings = Settings { max_peer_kib_per_second: kib, ..settings(&folder) };
    let relay = start(settings).await;
    let bytes = pattern(5 << 20);
    let began = Instant::now();
    let back = echo(&websocket(&relay), &bytes).await.expect("all comes back");
    assert!(back == bytes, "{} bytes came back, or others", back.len());
    // 10 MiB less the burst at 1 MiB a second, and the last use on credit.
    assert!(began.elapsed() > Duration::from_millis(1_500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn native_ions_come_by_tcp() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let tcp = relay.tcp.clone().expect("tcp is on").with(Protocol::P2p(relay.peer_id));
    reserve(&mut ion(), &tcp).await;
}

#[tokio::test]
async fn native_ions_come_by_quic_and_reach_those_that_came_otherwise() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let mut first = ion();
    let circuit = reserve(&mut first, &websocket(&relay)).await;
    let first_id = *first.local_peer_id();
    let mut tasks = JoinSet::new();
    keep(&mut tasks, first);
    let quic = relay.quic.clone().expect("quic is on").with(Protocol::P2p(relay.peer_id));
    let mut second = ion();
    reserve(&mut second, &quic).await;
    let through = quic.with(Protocol::P2pCircuit).with(Protocol::P2p(first_id));
    assert_eq!(circuit.iter().last(), through.iter().last());
    second.dial(through).expect("the circuit can be dialed");
    until(&mut second, "a pong", |event| match event {
        SwarmEvent::Behaviour(IonEvent::Ping(event)) => {
            (event.peer == first_id && event.result.is_ok()).then_some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_class_behind_one_address_gets_its_reservations() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let address = websocket(&relay);
    let mut joining = JoinSet::new();
    for _ in 0..64 {
        let address = address.clone();
        joining.spawn(async move {
            let mut ion = ion();
            reserve(&mut ion, &address).await;
            ion
        });
    }
    let mut tasks = JoinSet::new();
    let mut count = 0;
    while let Some(joined) = joining.join_next().await {
        keep(&mut tasks, joined.expect("every ion gets one"));
        count += 1;
    }
    assert_eq!(count, 64);
    let metrics = get(&relay, "/metrics", &[]).await.body;
    assert!(metrics.contains("ionosphere_relay_reservations 64"), "{metrics}");
}

#[tokio::test]
async fn what_is_beyond_the_limit_is_refused() {
    let folder = Folder::new();
    let relay = start(Settings { max_reservations: Some(1), ..settings(&folder) }).await;
    let address = websocket(&relay);
    let mut first = ion();
    reserve(&mut first, &address).await;
    let mut tasks = JoinSet::new();
    keep(&mut tasks, first);
    let mut second = ion();
    second.dial(address.clone()).expect("the address can be dialed");
    until(&mut second, "identify", |event| {
        matches!(event, SwarmEvent::Behaviour(IonEvent::Identify(identify::Event::Received { .. })))
            .then_some(())
    })
    .await;
    second.listen_on(address.with(Protocol::P2pCircuit)).expect("it can be asked for");
    until(&mut second, "the refusal", |event| {
        matches!(event, SwarmEvent::ListenerClosed { reason: Err(_), .. }).then_some(())
    })
    .await;
    let metrics = get(&relay, "/metrics", &[]).await.body;
    assert!(metrics.contains("ionosphere_relay_reservations_refused_total 1"), "{metrics}");
}

/// Opens a WebSocket by hand.
async fn raw_websocket(relay: &Relay, header: &str) -> TcpStream {
    let mut socket = TcpStream::connect(relay.http).await.expect("the relay accepts");
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\n{header}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        relay.http
    );
    socket.write_all(request.as_bytes()).await.expect("the request is sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.expect("the answer comes"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    socket
}

/// A frame with a mask of zeros, so that the payload stays as it is.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("it is short");
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(length) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0xfe);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let address = websocket(&relay);
    let mut bystander = ion();
    let circuit = reserve(&mut bystander, &address).await;
    let bystander_id = *bystander.local_peer_id();
    let mut tasks = JoinSet::new();
    keep(&mut tasks, bystander);

    let noise: Vec<u8> = (0..60_000_u32).map(|i| u8::try_from(i * i % 251).unwrap_or(0)).collect();
    let too_long = [&[0x82, 0xff][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    let multistream = b"\x13/multistream/1.0.0\n\xff\xff\xff\xff\xff";
    let garbage = [
        frame(2, &noise),
        frame(1, b"hello"),
        frame(2, multistream),
        too_long,
        noise.clone(),
        vec![0x82],
    ];
    for bytes in garbage {
        let mut socket = raw_websocket(&relay, "Accept: */*").await;
        // The relay may close before it has taken everything.
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let ended = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "the connection stays open after {:?}", &bytes[..2]);
    }

    let mut guest = ion();
    reserve(&mut guest, &address).await;
    guest.dial(circuit).expect("the circuit can be dialed");
    until(&mut guest, "a pong", |event| match event {
        SwarmEvent::Behaviour(IonEvent::Ping(event)) => {
            (event.peer == bystander_id && event.result.is_ok()).then_some(())
        }
        _ => None,
    })
    .await;
}

/// Whether the relay closes this WebSocket. One that it keeps gets the
/// negotiation's header back.
async fn is_closed(mut socket: TcpStream) -> bool {
    let header = b"\x13/multistream/1.0.0\n\x07/noise\n";
    let sent = socket.write_all(&frame(2, header)).await;
    let answer = tokio::time::timeout(PATIENCE, socket.read_u8()).await;
    let answer = answer.expect("it is answered or closed");
    // 0x82 begins a binary message.
    sent.is_err() || answer.ok() != Some(0x82)
}

#[tokio::test]
async fn behind_a_trusted_proxy_addresses_count_apart() {
    let folder = Folder::new();
    let settings = Settings {
        trust_proxy: Some(true),
        max_connections_per_address: Some(1),
        ..settings(&folder)
    };
    let relay = start(settings).await;
    let one = raw_websocket(&relay, "X-Forwarded-For: 9.9.9.9, 10.0.0.1").await;
    let other = raw_websocket(&relay, "X-Forwarded-For: 9.9.9.9, 10.0.0.2").await;
    let same = raw_websocket(&relay, "X-Forwarded-For: 8.8.8.8, 10.0.0.2").await;
    assert!(is_closed(same).await, "a second one from the same address");
    assert!(!is_closed(one).await);
    assert!(!is_closed(other).await);
}

#[tokio::test]
async fn a_websocket_counts_as_long_as_it_lasts() {
    let folder = Folder::new();
    let relay = start(Settings { max_connections_per_address: Some(1), ..settings(&folder) }).await;
    let held = raw_websocket(&relay, "Accept: */*").await;
    let mut refused = TcpStream::connect(relay.http).await.expect("the system accepts it");
    let read = refused.read(&mut [0; 1]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    drop(held);
    while !is_served(relay.http).await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_goodbye_is_answered() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let mut socket = raw_websocket(&relay, "Accept: */*").await;
    let normal = 1_000_u16.to_be_bytes();
    socket.write_all(&frame(8, &normal)).await.expect("it is sent");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
    read.expect("the connection ends").expect("it ends in order");
    assert_eq!(answer, [0x88, 2, normal[0], normal[1]]);
}

#[tokio::test]
async fn an_upgrade_that_is_none_is_refused() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let answer = get(&relay, "/", &["Upgrade: websocket"]).await;
    assert_eq!(answer.status / 100, 4, "{answer:?}");
}

#[tokio::test]
async fn stopping_says_goodbye_and_frees_the_ports() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    let (http, peer_id) = (relay.http, relay.peer_id);
    let mut ion = ion();
    reserve(&mut ion, &websocket(&relay)).await;
    let idle = TcpStream::connect(http).await.expect("the relay accepts");
    let began = Instant::now();
    let goodbye = until(&mut ion, "the goodbye", |event| match event {
        SwarmEvent::ConnectionClosed { peer_id: from, .. } => (*from == peer_id).then_some(()),
        _ => None,
    });
    tokio::join!(relay.stop(), goodbye);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(idle);
    TcpStream::connect(http).await.expect_err("nobody listens any more");
}
