//! What the user is told.

use serde::{Deserialize, Serialize};
use spark_runtime::{Report, inspect::Inspection};

use super::command::JobId;

/// One piece of news. Snapshots replace the one before; the rest adds up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// This ion as it is now. Sent when something in it changes, at most ten
    /// times a second.
    Status(Status),
    /// The other ions of the nebula, by name. Sent when something in it
    /// changes, at most four times a second.
    Ions(Vec<IonView>),
    /// A job of this ion, as it is now. Sent at most ten times a second, and
    /// when it ends.
    Job(JobView),
    /// Results of a job, in the order of its inputs, each exactly once.
    Results {
        /// The job.
        job: JobId,
        /// The number of the first input that this is about.
        first: u64,
        /// One per input.
        results: Vec<TaskResult>,
    },
    /// The answer to `Command::Inspect`.
    Inspected {
        /// As asked.
        request: u64,
        /// What the module is, or why it cannot run.
        result: Result<Inspection, Problem>,
    },
    /// Something went wrong that the user should know of.
    Problem(Problem),
    /// A word about something that happened and needs nothing done.
    Notice(String),
}

/// What went wrong, in three parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do about it.
    pub remedy: String,
}

/// This ion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its id: the libp2p peer id, whole.
    pub id: String,
    /// Its readable name.
    pub name: String,
    /// Where it stands with the nebula.
    pub phase: Phase,
    /// The nebula it belongs to, once known.
    pub nebula: Option<NebulaView>,
    /// Nebulas that were joined before and can be gone back to.
    pub nebulas: Vec<NebulaView>,
    /// Each relay it knows.
    pub relays: Vec<RelayView>,
    /// Whether it lends no processor at the moment.
    pub paused: bool,
    /// Guest workers it lends.
    pub workers: u16,
    /// Guest workers that run something now.
    pub workers_busy: u16,
    /// Tasks it has finished for others and for itself since it started.
    pub tasks_done: u64,
    /// Whether identity and settings survive a reload.
    pub storage: Durability,
}

/// How far an ion has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Reading its identity, asking for relays.
    #[default]
    Starting,
    /// Reaching for a relay.
    Connecting,
    /// Others can find it.
    Joined,
    /// No relay answers: newcomers cannot find it.
    NoRelay,
}

/// Whether what this ion stores is there again after a reload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Durability {
    /// Kept in this browser.
    #[default]
    Kept,
    /// The page is no secure context: a fresh identity at every load.
    Insecure,
    /// The browser offers no storage here (a private window, or it is full).
    Unavailable,
}

/// A nebula.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NebulaView {
    /// Its id.
    pub id: String,
    /// Its readable name.
    pub name: String,
    /// Whether it is the relay's open one, which anybody is in.
    pub is_open: bool,
    /// The invitation's code, to be put behind `#join=` in a link.
    pub invitation: String,
}

/// A relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayView {
    /// Its address.
    pub address: String,
    /// Whether a connection stands.
    pub is_connected: bool,
    /// Why not, in a sentence; empty while it is or nothing is known.
    pub problem: String,
}

/// Another ion of the nebula.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IonView {
    /// Its id: the libp2p peer id, whole.
    pub id: String,
    /// Its readable name.
    pub name: String,
    /// How it is reached.
    pub link: LinkKind,
    /// Round-trip time in milliseconds, smoothed; 0 while unknown.
    pub round_trip_ms: u32,
    /// Guest workers that it lends; 0 while it is paused.
    pub workers: u16,
    /// Guest workers that run something now.
    pub workers_busy: u16,
    /// Tasks that it has finished for this ion.
    pub tasks_done: u64,
    /// When it was linked, in milliseconds of this ion's clock since it started.
    pub linked_at_ms: u64,
}

/// How another ion is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkKind {
    /// Through a relay.
    Relayed,
    /// Directly.
    Direct,
}

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
    /// Fuel used by all results.
    pub fuel: u64,
    /// Per ion, most tasks first.
    pub by_ion: Vec<IonShare>,
    /// Causes of failure, most frequent first, at most
    /// [`CAUSES_MAX`](crate::compute::CAUSES_MAX).
    pub causes: Vec<Cause>,
    /// Why it does not progress, if it does not: one sentence, else empty.
    pub waiting: String,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// Tasks are open.
    Running,
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

/// How one task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The ion that ran it.
    pub ion: String,
    /// What it produced, or why it failed.
    pub report: Report,
}
