//! Mission control: what a person sees of an ion and steers it by.
//!
//! [`model`] decides and is pure: it reads what people type, keeps what the ion
//! says, and turns both into text. `bridge` starts the ion's worker, watches it
//! and carries messages. `page` draws. Views hold no logic; nothing here knows
//! the network.
//!
//! Reading order: [`model`], `bridge`, `page`.

pub mod model;

#[cfg(target_arch = "wasm32")]
pub mod bridge;
#[cfg(target_arch = "wasm32")]
pub mod page;
#[cfg(not(target_arch = "wasm32"))]
#[path = "native.rs"]
pub mod page;
