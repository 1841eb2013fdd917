//! Whole swarms: a relay, peers that meet there, and connections between them,
//! here over peer connections in memory. The same stories run in a browser: in
//! `in_page.rs`, `through_a_host.rs` and `handed_over.rs`.

#[cfg(not(target_arch = "wasm32"))]
#[path = "swarms/peers.rs"]
mod peers;

#[cfg(not(target_arch = "wasm32"))]
#[path = "swarms/stories.rs"]
mod stories;

#[cfg(not(target_arch = "wasm32"))]
#[path = "swarms/ports.rs"]
mod ports;

#[cfg(not(target_arch = "wasm32"))]
#[path = "swarms/streams.rs"]
mod streams;

#[cfg(not(target_arch = "wasm32"))]
#[path = "swarms/faults.rs"]
mod faults;

#[cfg(not(target_arch = "wasm32"))]
#[path = "swarms/native.rs"]
mod place;
