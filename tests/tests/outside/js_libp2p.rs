//! js-libp2p, written by others: our relay introduces its peers and carries
//! their traffic, and its tabs link directly to each other and to ours.

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

/// Two tabs of one browser link.
async fn assert_they_link(from: Kind, to: Kind) {
    let _turn = turn().await;
    let browser = Browser::start().await;
    assert_linked((&browser, from), (&browser, to)).await;
}

/// Two tabs meet on a relay of their own and link over `/webrtc`, the first
/// dialing the second, and do all that there is to do in both directions.
pub(crate) async fn assert_linked(from: (&Browser, Kind), to: (&Browser, Kind)) {
    let relay = Relay::start();
    let address = relay.browser_address().await;
    let pages = Pages::serve(vec![js_programs()]).await;
    let one = PeerTab::open(from.0, &pages, from.1, &address).await;
    let two = PeerTab::open(to.0, &pages, to.1, &address).await;
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
        assert_served(to).await;
    }
}

/// The last stream that this tab served has ended cleanly.
async fn assert_served(tab: &PeerTab) {
    let served = "Promise.resolve(testPeer.served()).then((all) => { window.served = all })";
    tab.tab.run(&format!("setInterval(() => {served}, 50)")).await;
    tab.tab.wait_for("a clean end", "window.served?.at(-1)?.end === 'clean'").await;
}

#[tokio::test]
async fn two_js_tabs_link_directly_after_meeting_on_our_relay() {
    assert_they_link(Kind::Js, Kind::Js).await;
}

#[tokio::test]
async fn a_js_tab_dials_ours() {
    assert_they_link(Kind::Js, Kind::Ours).await;
}

#[tokio::test]
async fn our_tab_dials_a_js_one() {
    assert_they_link(Kind::Ours, Kind::Js).await;
}

#[tokio::test]
async fn two_tabs_of_ours_link() {
    assert_they_link(Kind::Ours, Kind::Ours).await;
}
