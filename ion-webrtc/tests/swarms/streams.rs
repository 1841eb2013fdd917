//! Streams over whole swarms: half-close, resets, floods.

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use ion_webrtc::Config;
use libp2p::{StreamProtocol, multiaddr::Protocol};

use crate::{
    peers::{Peer, hasty, in_time, peer, relay},
    place::{Net, network},
};

const TEST: StreamProtocol = StreamProtocol::new("/test");

async fn linked(config: Config) -> (Peer, Peer, Net) {
    let network = network();
    let relay = relay().await;
    let mut a = peer(&network, config.clone());
    let mut b = peer(&network, config);
    let circuit = a.reserve(&relay).await;
    b.reserve(&relay).await;
    a.dial(b.id, circuit.with(Protocol::WebRTC).with(Protocol::P2p(b.id))).await;
    a.without_circuit(b.id).await;
    b.without_circuit(a.id).await;
    (a, b, network)
}

pub(crate) async fn one_direction_ends_and_the_other_goes_on() {
    let (mut a, mut b, _net) = linked(hasty()).await;
    let mut incoming = b.streams.accept(TEST).expect("it works");
    let mut out = a.streams.open_stream(b.id, TEST).await.expect("it works");
    out.write_all(b"question").await.expect("it works");
    out.close().await.expect("it works");
    let (_, mut inward) = in_time(incoming.next()).await.expect("it works");
    let mut question = Vec::new();
    in_time(inward.read_to_end(&mut question)).await.expect("it works");
    assert_eq!(question, b"question");
    inward.write_all(b"answer").await.expect("it works");
    inward.close().await.expect("it works");
    let mut answer = Vec::new();
    in_time(out.read_to_end(&mut answer)).await.expect("it works");
    assert_eq!(answer, b"answer");
    assert!(out.write_all(b"more").await.is_err(), "it is closed");
}

pub(crate) async fn a_dropped_stream_is_reset_after_what_was_sent() {
    let (mut a, mut b, _net) = linked(hasty()).await;
    let mut incoming = b.streams.accept(TEST).expect("it works");
    let mut out = a.streams.open_stream(b.id, TEST).await.expect("it works");
    out.write_all(b"half of").await.expect("it works");
    out.flush().await.expect("it works");
    let (_, mut inward) = in_time(incoming.next()).await.expect("it works");
    let mut half = [0; 7];
    in_time(inward.read_exact(&mut half)).await.expect("it works");
    drop(out);
    let error = in_time(inward.read(&mut half)).await.expect_err("it is reset");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

pub(crate) async fn who_sends_without_end_is_reset() {
    let (mut a, mut b, _net) = linked(hasty()).await;
    let mut incoming = b.streams.accept(TEST).expect("it works");
    let mut out = a.streams.open_stream(b.id, TEST).await.expect("it works");
    out.write_all(b"x").await.expect("it works");
    let (_, _unread) = in_time(incoming.next()).await.expect("it works");
    let piece = vec![0; 1 << 20];
    let mut sent = 0;
    let failed = in_time(async {
        loop {
            if let Err(failed) = out.write_all(&piece).await {
                break failed;
            }
            sent += piece.len();
            assert!(sent <= 2 * ion_webrtc::UNREAD_BYTES_MAX, "it is never stopped");
        }
    })
    .await;
    assert_eq!(failed.kind(), std::io::ErrorKind::ConnectionReset);
}

pub(crate) async fn many_streams_come_and_go() {
    let (mut a, b, _net) = linked(Config { streams_max: 8, ..hasty() }).await;
    for round in 0..100_u8 {
        assert_eq!(a.echo(b.id, vec![round; 100]).await, vec![round; 100]);
    }
}

pub(crate) async fn megabytes_go_both_ways_unharmed() {
    let (mut a, mut b, _net) = linked(hasty()).await;
    let bytes: Vec<u8> = (0..8_u32 << 20).map(|place| (place % 251) as u8).collect();
    let (a_id, b_id) = (a.id, b.id);
    let (there, back) = (a.echo(b_id, bytes.clone()), b.echo(a_id, bytes.clone()));
    let (there, back) = futures::future::join(there, back).await;
    assert!(there == bytes && back == bytes);
}

/// Makes tests of all of these.
macro_rules! every_stream_story {
    ($case:ident) => {
        $case!(streams, one_direction_ends_and_the_other_goes_on);
        $case!(streams, a_dropped_stream_is_reset_after_what_was_sent);
        $case!(streams, who_sends_without_end_is_reset);
        $case!(streams, many_streams_come_and_go);
        $case!(streams, megabytes_go_both_ways_unharmed);
    };
}

pub(crate) use every_stream_story;
