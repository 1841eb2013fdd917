//! In a page, with a host between: the way of a worker, without the worker.

use std::cell::RefCell;

use ion_webrtc::{
    Failure,
    web::{Host, Remote},
};
use libp2p::swarm::{self, SwarmEvent};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::MessageChannel;

use crate::{stories::every_story, streams::every_stream_story};

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// What peers share: the page that hosts them.
#[derive(Default)]
pub(crate) struct Net(RefCell<Vec<Host>>);

pub(crate) fn network() -> Net {
    Net::default()
}

pub(crate) fn port(net: &Net) -> Remote {
    let channel = MessageChannel::new().expect("every browser has them");
    net.0.borrow_mut().push(Host::serve(&channel.port1()).expect("this is a page"));
    Remote::new(&channel.port2())
}

#[expect(clippy::disallowed_methods, reason = "tests are their own drivers")]
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

pub(crate) fn config() -> swarm::Config {
    swarm::Config::with_wasm_executor()
}

#[wasm_bindgen_test]
async fn when_the_page_is_gone_all_ends() {
    let network = network();
    let (mut a, mut b, circuit) = crate::stories::two(&network, crate::peers::hasty()).await;
    a.dial(b.id, crate::stories::over(&circuit, b.id)).await;
    a.direct(b.id).await;
    b.direct(a.id).await;
    drop(network);
    for peer in [&mut a, &mut b] {
        peer.until(|event| match event {
            SwarmEvent::ListenerClosed { reason: Err(_), .. } => Some(()),
            _ => None,
        })
        .await;
        assert_eq!(peer.control.offer().await.expect_err("nobody makes it"), Failure::Gone);
        assert!(peer.control.connected().is_empty());
    }
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
