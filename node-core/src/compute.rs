//! One spark over many inputs, on whatever ions are there.
//!
//! Two machines meet over one wire: the [`coordinator`] of the ion that
//! submitted a job gives out leases, takes results and puts them in order; the
//! [`worker`] of every ion pulls tasks and runs them in guest workers. The ion
//! that submits is a worker of its own like any other. Work is pulled, never
//! pushed: an ion asks for what it can hold, so a slow one holds little and a
//! lost one loses little.
//!
//! Refused here: anything beyond the limits below, results for tasks that were
//! not leased to their sender, and tasks that were not asked for.
//!
//! Reading order: [`spec`], [`trust`], [`receipt`], [`view`], [`wire`], [`coordinator`], [`worker`],
//! [`guests`].

pub mod receipt;
pub mod spans;
pub mod spec;
pub mod trust;
pub mod view;
pub mod wire;

pub mod coordinator;
pub mod worker;

pub mod records;

pub mod guests;

pub use spec::{Entry, Input, Inputs, Parts, Program};
pub use trust::Trust;
pub use view::CAUSES_MAX;

/// Guest workers that one ion may lend.
pub const WORKERS_MAX: u16 = 64;
/// A job's name: chosen at random by who submits it.
pub type JobId = u64;
