//! In a page that holds its peer connections itself.

use std::time::Duration;

use ion_webrtc::{Config, Failure, web::Page};
use libp2p::{
    PeerId,
    identity::Keypair,
    swarm::{self, SwarmEvent},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{ports::every_port_story, stories::every_story, streams::every_stream_story};

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// What peers share: the browser.
pub(crate) struct Net;

pub(crate) fn network() -> Net {
    Net
}

pub(crate) fn port(_: &Net) -> Page {
    Page::new().expect("this is a page")
}

#[expect(clippy::disallowed_methods, reason = "tests are their own drivers")]
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

pub(crate) fn config() -> swarm::Config {
    swarm::Config::with_wasm_executor()
}

macro_rules! case {
    ($story:ident, $name:ident) => {
        #[wasm_bindgen_test]
        async fn $name() {
            crate::$story::$name().await;
        }
    };
}
every_story!(case);
every_stream_story!(case);
every_port_story!(case);

#[wasm_bindgen_test]
async fn leaving_the_page_closes_all() {
    let network = network();
    let (mut a, mut b, circuit) = crate::stories::two(&network, crate::peers::hasty()).await;
    a.dial(b.id, crate::stories::over(&circuit, b.id)).await;
    a.direct(b.id).await;
    b.direct(a.id).await;
    let window: web_sys::EventTarget = js_sys::global().unchecked_into();
    let event = web_sys::Event::new("pagehide").expect("it is an event");
    window.dispatch_event(&event).expect("it is heard");
    for peer in [&mut a, &mut b] {
        peer.until(|event| match event {
            SwarmEvent::ConnectionClosed { endpoint, .. } => {
                ion_webrtc::is_direct(endpoint.get_remote_address()).then_some(())
            }
            _ => None,
        })
        .await;
    }
}

/// That Chromium takes both descriptions shows in what fails: there is no server.
#[wasm_bindgen_test]
async fn a_server_is_looked_for() {
    let webrtc = Config {
        server_keypair: Some(Keypair::generate_ed25519()),
        handshake_max: Duration::from_secs(3),
        ..Config::default()
    };
    let mut a = crate::peers::peer(&network(), webrtc);
    let nobody = PeerId::random();
    let hash = "uEiDikp5KVUgkLta1EjUN-IKbHk-dUBg8VzKgf5nXxLK46w";
    let address = format!("/ip4/127.0.0.1/udp/9/webrtc-direct/certhash/{hash}/p2p/{nobody}");
    a.dial(nobody, address.parse().expect("it is an address")).await;
    crate::stories::failure(&mut a, nobody).await;
    let why = a.control.last_failure(nobody).expect("it failed");
    assert!(matches!(why, Failure::TimedOut(_) | Failure::Ice { .. }), "{why:?}");
}
