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
//! Reading order: [`csv`], [`spec`], [`trust`], [`receipt`], [`view`], [`wire`], [`coordinator`], [`worker`],
//! [`guests`].

pub mod csv;
pub mod receipt;
pub mod spans;
pub mod spec;
pub mod trust;
pub mod view;
pub mod wire;

pub mod coordinator;
pub mod worker;

pub mod guests;

use crate::identity::IonId;

pub use spec::{Entry, Input, Inputs, Parts, Program};
pub use trust::Trust;
pub use view::CAUSES_MAX;

/// Guest workers that one ion may lend.
pub const WORKERS_MAX: u16 = 64;
/// A job's name: chosen at random by who submits it.
pub type JobId = u64;

/// A job's name in the whole nebula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobName {
    /// Its name at its owner.
    pub job: JobId,
    /// Who submitted it.
    pub owner: IonId,
}

impl JobName {
    /// Its name at an ion: its own jobs have that of the owner, others' one that nobody
    /// can choose to be like another. It has 52 bits, as pages hold numbers exactly up to
    /// 53.
    pub fn at(&self, ion: IonId) -> JobId {
        if self.owner == ion {
            return self.job;
        }
        let mut hash = blake3::Hasher::new();
        let hash = hash.update(&self.job.to_le_bytes()).update(self.owner.as_bytes()).finalize();
        JobId::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash is longer")) >> 12
    }
}
