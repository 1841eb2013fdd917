//! Runs one guest WebAssembly program at a time: metered, bounded, contained.
//!
//! A *guest* is any WebAssembly module that somebody gave to this machine. It
//! gets what a [`Call`] hands it and nothing else: no clock finer than it
//! needs, no file, no network, no memory beyond its [`Limits`]. Whatever it
//! does, running it ends in a [`Report`], and what stopped it has a name
//! ([`Stop`]).
//!
//! This crate knows nothing of networks, jobs or browsers. Natively it runs in
//! a thread; in a tab it is the whole of a guest worker, which speaks
//! [`wire`].
//!
//! Reading order: [`call`], [`report`], [`inspect`], [`wire`].

pub mod call;
pub mod inspect;
pub mod report;
pub mod wire;

pub use call::{Call, Limits};
pub use report::{Report, Stop, Value};
