//! A libp2p peer in a tab over `ion-webrtc`, with the protocols that the tests'
//! js-libp2p peer has too: what `tests/js/src/page.js` is, in Rust.
//!
//! The page ([`Page`]) holds the peer connections, a worker ([`Peer`]) the
//! swarm, as in an ion; `page.js` and `worker.js` beside this crate put the two
//! together and give the tests the same `testPeer` as the other page does. It
//! knows nothing of ions and nebulas. Bounds: everything that is waited for
//! ends after [`clock::STEP_MS_MAX`].

#![cfg(target_arch = "wasm32")]

mod clock;
mod peer;
mod seen;
mod streams;
mod swarm;

use ion_webrtc::web::Host;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::MessagePort;

pub use peer::Peer;

/// The page's part: peer connections for the worker at the other end of a port.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Page {
    _host: Host,
}

#[wasm_bindgen]
impl Page {
    /// Serves them until it is freed.
    #[wasm_bindgen(constructor)]
    pub fn new(port: &MessagePort) -> Result<Self, String> {
        Ok(Self { _host: Host::serve(port).map_err(|why| why.to_string())? })
    }
}
