//! A job as it is shown, one of its tasks, and what ran here.

use serde::{Deserialize, Serialize};
use spark_runtime::Stop;

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
    /// Why it does not move on, if it does not.
    pub waiting: Waiting,
}

/// Why a job does not move on. Whoever shows it has the words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// It does, or has ended.
    #[default]
    Nothing,
    /// It was handed to the ion, which has said nothing of it yet.
    Handed,
    /// What the nebula keeps of it is being read.
    Reading,
    /// Its user paused it; so many tasks that ions have in hand still end.
    Held(u64),
    /// It was paused, as all of so many tasks that ended failed.
    Vain(u64),
    /// Another ion coordinates it, or only another may resume it: its readable name; its
    /// id, as records tell it.
    Elsewhere(String),
    /// Tasks are open, and no ion is at one.
    Ions(Supply),
}

/// The ions that could work for a job, none of which does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supply {
    /// Those that are there, this one included.
    pub ions: u64,
    /// Those of them that lend no guest worker now.
    pub paused: u64,
    /// Whether this one does not.
    pub is_self_paused: bool,
    /// How many must return the same result.
    pub wanted: u64,
    /// Those that get nothing for a while, as others outvoted them.
    pub shunned: u64,
    /// When the first of these is asked again, in milliseconds from now.
    pub again_ms: u64,
    /// Those whose results cannot be compared with those of others.
    pub apart: u64,
    /// Those that ask for tasks.
    pub asking: u64,
    /// Tasks that failed, and that another ion may try.
    pub struck: u64,
    /// When the first of these fails for good, in milliseconds from now.
    pub fails_ms: u64,
    /// Jobs of this coordinator that give out tasks, this one included.
    pub jobs: u64,
}

/// One task of a job, as its coordinator knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    /// Which job's.
    pub job: JobId,
    /// Which.
    pub task: u64,
    /// Whether the job is known here; if not, nothing else is.
    pub is_known: bool,
    /// The readable name of the ion that coordinates the job, of which nothing else than
    /// [`Self::has_ended`] is known then; empty where it is this one.
    pub coordinator: String,
    /// Whether it has a result that counts.
    pub has_ended: bool,
    /// The first task whose result was not told.
    pub first: u64,
    /// Open tasks that are given out before it.
    pub ahead: u64,
    /// Whether it is not given out before an earlier one has ended.
    pub is_beyond: bool,
    /// Ions that have it, at most
    /// [`LEASES_PER_TASK_MAX`](super::coordinator::LEASES_PER_TASK_MAX).
    pub leases: Vec<LeaseView>,
    /// The readable names of ions that failed at it.
    pub failed_at: Vec<String>,
    /// How the last of them did.
    pub stop: Option<Stop>,
    /// When it fails for good if no other ion begins it, in milliseconds from now.
    pub fails_ms: u64,
    /// The readable names of ions that returned a result that does not count yet.
    pub returned: Vec<String>,
    /// How many further ions must return the same.
    pub wanted: u64,
}

/// A task in an ion's hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseView {
    /// The ion's readable name.
    pub ion: String,
    /// Since it was given it, in milliseconds.
    pub since_ms: u64,
    /// Since it last said that it has it, in milliseconds.
    pub heard_ms: u64,
    /// Whether others do not get the task.
    pub is_kept: bool,
}

/// What ran on this ion for one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkView {
    /// Whose job it is: an ion's id.
    pub owner: String,
    /// Its readable name.
    pub owner_name: String,
    /// Whether it is this ion.
    pub is_own: bool,
    /// The program's name.
    pub name: String,
    /// Tasks that ended well.
    pub succeeded: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Fuel that they used.
    pub fuel: u64,
    /// How long guest workers were at it, all together, in milliseconds.
    pub ran_ms: u64,
    /// When its first task here began, in milliseconds of this ion's clock since it started.
    pub began_at_ms: u64,
    /// When a task of it began or ended here last, likewise.
    pub last_at_ms: u64,
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
