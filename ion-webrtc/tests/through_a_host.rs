//! The stories of `swarms.rs` with real peer connections that a host serves over
//! a `MessagePort`, as a page does for its worker where data channels have to
//! stay on the page. There is nothing to it natively.

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
#[path = "swarms/kept.rs"]
mod way;
