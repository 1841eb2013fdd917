//! The stories of `swarms.rs` with real peer connections that a host serves over
//! a `MessagePort`, and whose data channels it hands over, as a page does for its
//! worker where the browser can. There is nothing to it natively.

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
#[path = "swarms/through_a_host.rs"]
mod place;

#[cfg(target_arch = "wasm32")]
#[path = "swarms/handed_over.rs"]
mod way;
