//! The platform and the identity slot: one conformance suite, run by the
//! simulator and by this machine; in a browser, in a dedicated worker.

#[path = "platform/conformance.rs"]
mod conformance;

#[macro_use]
#[cfg(not(target_arch = "wasm32"))]
#[path = "platform/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "platform/web.rs"]
mod host;

#[macro_use]
#[cfg(target_arch = "wasm32")]
#[path = "platform/in_worker.rs"]
mod place;

#[path = "platform/memory.rs"]
mod memory;
#[path = "platform/sim.rs"]
mod sim;
