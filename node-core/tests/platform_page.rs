//! The suite of `platform.rs` once more, in a page instead of a worker. There
//! is nothing to it natively.

#[cfg(target_arch = "wasm32")]
#[path = "platform/conformance.rs"]
mod conformance;

#[cfg(target_arch = "wasm32")]
#[path = "platform/web.rs"]
mod host;

#[cfg(target_arch = "wasm32")]
#[path = "platform/in_page.rs"]
mod place;
