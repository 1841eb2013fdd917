//! Two swarms pair without a relay: what one would paste to the other is
//! printed, and a ping shows that they are connected.
//!
//! It runs natively over peer connections in memory:
//! `cargo run -p ion-webrtc --example pairing`. In a browser the port would be
//! `web::Page::new()` or `web::Remote::new(..)`, and nothing else differs.

#[cfg(not(target_arch = "wasm32"))]
#[path = "pairing/native.rs"]
mod run;

#[cfg(target_arch = "wasm32")]
#[path = "pairing/web.rs"]
mod run;

fn main() {
    run::run();
}
