//! Whole swarms on memory: a relay, peers that meet there, and peer connections
//! in memory. What browsers do differently is tested in `web.rs`.

#[cfg(not(target_arch = "wasm32"))]
#[path = "native/peers.rs"]
mod peers;

#[cfg(not(target_arch = "wasm32"))]
#[path = "native/stories.rs"]
mod stories;

#[cfg(not(target_arch = "wasm32"))]
#[path = "native/streams.rs"]
mod streams;
