//! Guests from outside: what they may do, and what happens when they may not.
//!
//! The stories run natively and in a browser, each in both lanes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod anatomy;
mod calls;
mod files;
mod guests;
mod hostile;
mod json_sparks;
mod lanes;
mod limits;
mod modules;
mod poll;
mod script;
mod system;
mod worker;

#[cfg(not(target_arch = "wasm32"))]
#[path = "host/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "host/web.rs"]
mod host;

#[cfg(not(target_arch = "wasm32"))]
mod conformance;
#[cfg(not(target_arch = "wasm32"))]
mod examples;
#[cfg(not(target_arch = "wasm32"))]
mod meter;
#[cfg(not(target_arch = "wasm32"))]
mod mutants;
