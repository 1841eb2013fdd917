//! js-libp2p, written by others: our relay introduces its peers and carries
//! their traffic, and its tabs link directly.

use ionosphere_tests::{
    browser::Browser,
    libp2p_peer::{Kind, PeerTab, listen, pattern, reach},
    mission::sha256,
    pages::{Pages, js_programs},
    relay::Relay,
};
use serde_json::{Value, json};

use crate::turn;

/// What moves over a direct link, and over a circuit.
const BYTES: usize = 8 << 20;
const CIRCUIT_BYTES: usize = 1 << 20;
/// A stream that ends cleanly ends sooner than this; one that waits for an
/// acknowledgement that never comes takes 10 s.
const CLOSE_MS_MAX: f64 = 3_000.0;

/// All bytes came back as they were sent, and the stream ended by itself.
fn assert_exchanged(exchanged: &Value, bytes: usize) {
    let hash = sha256(&pattern(bytes));
    assert_eq!(exchanged["bytes"], bytes, "{exchanged:#}");
    assert_eq!((&exchanged["sent"], &exchanged["back"]), (&json!(hash), &json!(hash)));
    assert_eq!(exchanged["end"], "clean", "{exchanged:#}");
    let close = exchanged["closeMs"].as_f64().expect("a time is a number");
    assert!(close < CLOSE_MS_MAX, "the stream took {close:.0} ms to end: {exchanged:#}");
}

#[tokio::test]
async fn two_js_nodes_meet_on_our_relay() {
    let _turn = turn().await;
    let relay = Relay::start();
    let address = relay.browser_address().await;
    let (_listener, id) = listen(&address);
    let reached = reach(&address, &id, CIRCUIT_BYTES);
    assert_eq!(reached["dialed"]["isLimited"], true, "it went around the relay: {reached:#}");
    assert_eq!(reached["identified"]["id"], id.as_str());
    let protocols = reached["identified"]["protocols"].as_array().expect("a list");
    assert!(protocols.contains(&json!("/ionosphere-test/echo/1")), "{protocols:?}");
    assert!(reached["pingMs"].is_number());
    assert_exchanged(&reached["exchanged"], CIRCUIT_BYTES);
}

#[tokio::test]
async fn two_js_tabs_link_directly_after_meeting_on_our_relay() {
    let _turn = turn().await;
    let relay = Relay::start();
    let address = relay.browser_address().await;
    let pages = Pages::serve(vec![js_programs()]).await;
    let browser = Browser::start().await;
    let one = PeerTab::open(&browser, &pages, Kind::Js, &address).await;
    let two = PeerTab::open(&browser, &pages, Kind::Js, &address).await;
    let dialed = one.link(&address, &two).await;
    assert_eq!((&dialed["isDirect"], &dialed["isLimited"]), (&json!(true), &json!(false)));
    for (from, to) in [(&one, &two), (&two, &one)] {
        let peer = [json!(to.id)];
        let identified = from.ask("identify", &peer).await;
        assert_eq!(identified["id"], peer[0], "{identified:#}");
        assert!(from.ask("ping", &peer).await.is_number());
        let exchanged = from.ask("send", &[json!(to.id), json!(BYTES)]).await;
        assert!(exchanged["over"].as_str().is_some_and(|over| over.contains("/webrtc")));
        assert_exchanged(&exchanged, BYTES);
        to.tab.wait_for("a clean end", "testPeer.served().at(-1)?.end === 'clean'").await;
    }
}
