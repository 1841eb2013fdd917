//! A job as it is shown.

use serde::{Deserialize, Serialize};

use super::{JobId, Trust};

/// Causes of failure that a job's view lists.
pub const CAUSES_MAX: usize = 8;

/// A job of this ion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Which.
    pub job: JobId,
    /// The program's name.
    pub name: String,
    /// How far it is.
    pub state: JobState,
    /// Tasks in all.
    pub tasks: u64,
    /// Tasks that ended well.
    pub succeeded: u64,
    /// Tasks that failed for good.
    pub failed: u64,
    /// Tasks that are leased to some ion now.
    pub running: u64,
    /// Tasks that had to be given out again.
    pub retried: u64,
    /// Since the job started, in milliseconds; stands still when it ends.
    pub elapsed_ms: u64,
    /// What it takes for a result to count.
    pub trust: Trust,
    /// Tasks whose result several ions returned alike.
    pub confirmed: u64,
    /// Fuel used by all results.
    pub fuel: u64,
    /// Per ion, most tasks first.
    pub by_ion: Vec<IonShare>,
    /// Causes of failure, most frequent first, at most [`CAUSES_MAX`].
    pub causes: Vec<Cause>,
    /// Why it does not progress, if it does not: one sentence, else empty.
    pub waiting: String,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// Tasks are open.
    Running,
    /// Tasks are open, and none is given out.
    Paused,
    /// Every task has ended.
    Finished,
    /// The user stopped it.
    Cancelled,
}

/// What one ion did for a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IonShare {
    /// The ion's id.
    pub id: String,
    /// Its readable name.
    pub name: String,
    /// Whether it is this ion.
    pub is_self: bool,
    /// Tasks it finished.
    pub finished: u64,
    /// Results of it that others outvoted.
    pub outvoted: u64,
    /// Tasks it holds now.
    pub running: u64,
}

/// A cause of failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The stop's message.
    pub reason: String,
    /// How many tasks failed so.
    pub count: u64,
    /// The first input that did.
    pub first_task: u64,
}
