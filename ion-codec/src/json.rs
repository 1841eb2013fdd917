//! JSON, for what others write in it: a browser has a reader of its own, whose
//! values are handed on in DAG-CBOR, so that a tab has one way to read a type.
//! Elsewhere `serde_json` reads it.
//!
//! Refuses what is no JSON, what nests deeper than [`DEPTH_MAX`](crate::DEPTH_MAX),
//! and what its type refuses.

#[cfg(target_arch = "wasm32")]
#[path = "json/browser.rs"]
mod reader;
#[cfg(not(target_arch = "wasm32"))]
#[path = "json/native.rs"]
mod reader;

pub use reader::{from_json, json_text};
