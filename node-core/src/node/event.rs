//! What the user is told.

use serde::{Deserialize, Serialize};
use spark_runtime::{Report, inspect::Inspection};

pub use crate::compute::view::{Cause, IonShare, JobState, JobView};

use crate::compute::JobId;

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
    /// A job that cannot run: nothing of it is kept.
    Refused {
        /// The job.
        job: JobId,
        /// Why, and what to do.
        problem: Problem,
    },
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

/// How one task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The ion that ran it.
    pub ion: String,
    /// What it produced, or why it failed.
    pub report: Report,
}
