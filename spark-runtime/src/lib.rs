//! Runs one guest WebAssembly program at a time: metered, bounded, contained.
//!
//! A *guest* is any WebAssembly module that somebody gave to this machine. It
//! gets what a [`Call`] hands it and nothing else: no clock finer than it
//! needs, no file but copies of those that it was given, no network, no memory
//! beyond its [`Limits`]. Whatever it does, running it ends in a [`Report`], and
//! what stopped it has a name ([`Stop`]).
//!
//! This crate knows nothing of networks, jobs or browsers. Natively it runs in
//! a thread; in a tab it is the whole of a guest worker, which speaks
//! [`wire`].
//!
//! Reading order: [`call`], [`json_spark`], [`report`], [`files`], [`inspect`],
//! [`anatomy`], [`wire`], then how it is done: [`meter`] rewrites a guest so that it counts what it uses, `engine` loads,
//! [`lane`] says which engine runs it and on what terms, `run` drives one instance,
//! `wasi` is what the guest finds outside itself, and [`worker`] answers requests.

pub mod anatomy;
mod arguments;
pub mod call;
mod engine;
pub mod files;
pub mod inspect;
pub mod json_spark;
pub mod lane;
pub mod meter;
pub mod report;
mod run;
mod wasi;
pub mod wire;
pub mod worker;

pub use call::{Call, Limits};
pub use engine::{Clock, Module, Runtime};
pub use lane::{Lane, SLICE_FUEL};
pub use report::{Report, Stop, Value};
pub use run::ARGUMENT_BYTES_MAX;
pub use wasi::{
    DESCRIPTORS_MAX, IOVECS_MAX, NAME_BYTES_MAX, NODES_MAX, PATH_BYTES_MAX, PATH_LINKS_MAX,
    PATH_STEPS_MAX, SUBSCRIPTIONS_MAX,
};
