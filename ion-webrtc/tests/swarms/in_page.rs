//! In a page that holds its peer connections itself.

use ion_webrtc::web::Page;
use libp2p::swarm;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{stories::every_story, streams::every_stream_story};

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
