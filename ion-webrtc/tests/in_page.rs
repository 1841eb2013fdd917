//! The stories of `swarms.rs` with real peer connections, in a page that holds
//! them itself. There is nothing to it natively.

#[cfg(target_arch = "wasm32")]
#[path = "swarms/peers.rs"]
mod peers;

#[cfg(target_arch = "wasm32")]
#[path = "swarms/stories.rs"]
mod stories;

#[cfg(target_arch = "wasm32")]
#[path = "swarms/ports.rs"]
mod ports;

#[cfg(target_arch = "wasm32")]
#[path = "swarms/streams.rs"]
mod streams;

#[cfg(target_arch = "wasm32")]
#[path = "swarms/in_page.rs"]
mod place;
