//! Streams over whole swarms: half-close, resets, floods.

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use ion_webrtc::Config;
use libp2p::{StreamProtocol, multiaddr::Protocol};

use crate::peers::{PATIENCE, Peer, hasty, network, peer, relay};

const TEST: StreamProtocol = StreamProtocol::new("/test");

async fn linked(config: Config) -> (Peer, Peer) {
    let network = network();
    let relay = relay().await;
    let mut a = peer(&network, config.clone());
    let mut b = peer(&network, config);
    let circuit = a.reserve(&relay).await;
    b.reserve(&relay).await;
    a.dial(b.id, circuit.with(Protocol::WebRTC).with(Protocol::P2p(b.id))).await;
    a.without_circuit(b.id).await;
    b.without_circuit(a.id).await;
    (a, b)
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it happens in time")
}

#[tokio::test]
async fn one_direction_ends_and_the_other_goes_on() {
    let (mut a, mut b) = linked(hasty()).await;
    let mut incoming = b.streams.accept(TEST).unwrap();
    let mut out = a.streams.open_stream(b.id, TEST).await.unwrap();
    out.write_all(b"question").await.unwrap();
    out.close().await.unwrap();
    let (_, mut inward) = in_time(incoming.next()).await.unwrap();
    let mut question = Vec::new();
    in_time(inward.read_to_end(&mut question)).await.unwrap();
    assert_eq!(question, b"question");
    inward.write_all(b"answer").await.unwrap();
    inward.close().await.unwrap();
    let mut answer = Vec::new();
    in_time(out.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"answer");
    assert!(out.write_all(b"more").await.is_err(), "it is closed");
}

#[tokio::test]
async fn a_dropped_stream_is_reset_after_what_was_sent() {
    let (mut a, mut b) = linked(hasty()).await;
    let mut incoming = b.streams.accept(TEST).unwrap();
    let mut out = a.streams.open_stream(b.id, TEST).await.unwrap();
    out.write_all(b"half of").await.unwrap();
    out.flush().await.unwrap();
    let (_, mut inward) = in_time(incoming.next()).await.unwrap();
    let mut half = [0; 7];
    in_time(inward.read_exact(&mut half)).await.unwrap();
    drop(out);
    let error = in_time(inward.read(&mut half)).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn who_sends_without_end_is_reset() {
    let (mut a, mut b) = linked(hasty()).await;
    let mut incoming = b.streams.accept(TEST).unwrap();
    let mut out = a.streams.open_stream(b.id, TEST).await.unwrap();
    out.write_all(b"x").await.unwrap();
    let (_, _unread) = in_time(incoming.next()).await.unwrap();
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

#[tokio::test]
async fn many_streams_come_and_go() {
    let (mut a, b) = linked(Config { streams_max: 8, ..hasty() }).await;
    for round in 0..100_u8 {
        assert_eq!(a.echo(b.id, vec![round; 100]).await, vec![round; 100]);
    }
}
