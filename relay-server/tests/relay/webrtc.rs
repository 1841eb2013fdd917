//! The way in over WebRTC, by the library's own client. It may lose the streams
//! that either side opens first, and breaks on messages above 8 KiB, so what
//! goes on inside a connection is tested with real tabs.

use std::net::{SocketAddr, UdpSocket};

use libp2p::{
    Multiaddr,
    multiaddr::Protocol,
    swarm::{SwarmEvent, dial_opts::DialOpts},
};
use node_core::network::bootstrap::Bootstrap;
use relay_server::{
    Relay,
    config::{PortListen, Settings},
};
use tokio::task::JoinSet;

use crate::{
    network::{ion, keep, reserve, until},
    support::{Folder, get, settings, start},
};

fn over_webrtc(folder: &Folder) -> Settings {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    Settings { listen_webrtc: Some(PortListen::At(free)), ..settings(folder) }
}

fn address(relay: &Relay) -> Multiaddr {
    relay.webrtc.clone().expect("it is on").with(Protocol::P2p(relay.peer_id))
}

fn certificate(relay: &Relay) -> String {
    let hash = relay.webrtc.as_ref().and_then(|address| match address.iter().nth(3) {
        Some(Protocol::Certhash(hash)) => Some(hash),
        _ => None,
    });
    format!("{:?}", hash.expect("the address names it"))
}

async fn count(relay: &Relay, name: &str) -> u64 {
    let metrics = get(relay, "/metrics", &[]).await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no {name} in {metrics}"))
}

#[tokio::test]
async fn the_address_stays_over_a_restart_and_is_told() {
    let folder = Folder::new();
    let relay = start(over_webrtc(&folder)).await;
    let answer = get(&relay, "/bootstrap.json", &[]).await;
    let told = Bootstrap::read(answer.body.as_bytes()).expect("it is a bootstrap document");
    assert_eq!(told.relays[1], address(&relay).to_string(), "after the WebSocket");
    let before = certificate(&relay);
    relay.stop().await;
    let again = start(over_webrtc(&folder)).await;
    assert_eq!(certificate(&again), before);
    let elsewhere = Folder::new();
    assert_ne!(certificate(&start(over_webrtc(&elsewhere)).await), before);
}

#[tokio::test]
async fn it_is_off_unless_it_is_asked_for() {
    let folder = Folder::new();
    let relay = start(settings(&folder)).await;
    assert_eq!(relay.webrtc, None);
    assert!(!folder.0.join("data/webrtc.pem").exists(), "no certificate is made");
}

#[tokio::test]
async fn connections_from_one_address_are_bounded_here_too() {
    let folder = Folder::new();
    let one = Some(1);
    let relay = start(Settings { max_connections_per_address: one, ..over_webrtc(&folder) }).await;
    let mut first = ion();
    first.dial(address(&relay)).expect("the address can be dialed");
    until(&mut first, "the connection", |event| {
        matches!(event, SwarmEvent::ConnectionEstablished { .. }).then_some(())
    })
    .await;
    let mut tasks = JoinSet::new();
    keep(&mut tasks, first);
    let mut second = ion();
    second.dial(DialOpts::from(address(&relay))).expect("the address can be dialed");
    until(&mut second, "the refusal", |event| {
        matches!(event, SwarmEvent::OutgoingConnectionError { .. }).then_some(())
    })
    .await;
    assert_eq!(count(&relay, "ionosphere_relay_connections").await, 1);
    assert!(count(&relay, "ionosphere_relay_webrtc_handshakes_total").await >= 1);
}

/// A question to begin a handshake, as anybody can send it under any address.
fn forged() -> Vec<u8> {
    let name =
        format!("libp2p+webrtc+v1/{0:016x}:libp2p+webrtc+v1/{0:016x}", rand::random::<u64>());
    let padded = name.len().next_multiple_of(4);
    let short = |length: usize| u16::try_from(length).expect("it is short").to_be_bytes();
    let mut packet = [0, 1].to_vec();
    packet.extend(short(4 + padded));
    packet.extend(0x2112_a442_u32.to_be_bytes());
    packet.extend([0; 12]);
    packet.extend([0, 6]);
    packet.extend(short(name.len()));
    packet.extend(name.bytes());
    packet.resize(20 + 4 + padded, 0);
    packet
}

#[tokio::test]
async fn a_flood_of_handshakes_is_cut_off_and_answered_with_nothing() {
    const REFUSED: u64 = 64;
    let folder = Folder::new();
    let relay = start(over_webrtc(&folder)).await;
    let to = match relay.webrtc.as_ref().and_then(|address| address.iter().nth(1)) {
        Some(Protocol::Udp(port)) => SocketAddr::from(([127, 0, 0, 1], port)),
        other => panic!("{other:?} is no port"),
    };
    let refused = "ionosphere_relay_webrtc_refused_total";
    let mut sockets = Vec::new();
    while count(&relay, refused).await < REFUSED {
        // The system may drop packets, so that some number is not enough.
        sockets.extend((0..16).map(|_| {
            let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a port is free");
            socket.send_to(&forged(), to).expect("it is sent");
            socket
        }));
    }
    let begun = count(&relay, "ionosphere_relay_webrtc_handshakes_total").await;
    assert!((1..=64).contains(&begun), "{begun} handshakes at a time");
    for socket in sockets {
        socket.set_nonblocking(true).expect("it can be asked");
        assert!(socket.recv(&mut [0; 2_000]).is_err(), "an answer to a forged address");
    }
    reserve(&mut ion(), &crate::network::websocket(&relay)).await;
}
