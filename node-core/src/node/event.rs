//! What the user is told.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use spark_runtime::{Report, inspect::Inspection};

pub use crate::compute::view::{
    Cause, IonShare, JobState, JobView, LeaseView, Supply, TaskView, Waiting, WorkView,
};

use super::{data, files, mail};
use crate::{
    compute::{Inputs, JobId, Program},
    network::bootstrap::IceServer,
};

/// Attempts to connect that are remembered.
pub const ATTEMPTS_MAX: usize = 50;

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
    /// The answer to `Command::AskTask`.
    Task(Box<TaskView>),
    /// The answer to `Command::ShowWork`: what ran here since this ion started, the latest
    /// job first, at most [`LOG_MAX`](crate::compute::worker::LOG_MAX).
    Work(Vec<WorkView>),
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
    /// A job that the nebula kept, and that is seen here from now on: one of this
    /// ion's that goes on, or the answer to `Command::OpenJob`. All its results follow.
    Opened {
        /// Whose it is: an ion's id.
        owner: String,
        /// Whether that is this ion.
        is_own: bool,
        /// The job's name there.
        name: JobId,
        /// Its name here, for all that is told of it.
        job: JobId,
        /// What is run.
        program: Program,
        /// Its binary.
        binary: ByteBuf,
        /// What it is run over.
        inputs: Inputs,
        /// As in `Command::RunJob`.
        about: String,
    },
    /// Jobs that the nebula keeps, the latest first; told when they change, at most
    /// twice a second.
    Records(Vec<RecordView>),
    /// The answer to `Command::Inspect`.
    Inspected {
        /// As asked.
        request: u64,
        /// What the module is, or why it cannot run.
        result: Result<Inspection, Problem>,
    },
    /// The answer to `Command::Echo`.
    Echoed {
        /// As asked.
        request: u64,
        /// Through which ions it went, the other one last, and how long the
        /// way there and back took in milliseconds; or why none came back.
        result: Result<EchoView, Problem>,
    },
    /// The answer to `Command::TryIceServer`.
    IceTried {
        /// As asked.
        request: u64,
        /// Which addresses it helped to find, or why it could not be asked.
        result: Result<IceFound, Problem>,
    },
    /// Something that an ion said in a room that this one listens to.
    Said {
        /// The room.
        room: String,
        /// Who said it: an ion's id.
        ion: String,
        /// What.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// An ion came into a room that this one listens to, or is in it no more: it
    /// left, or was not heard for three of its beats, which are the rarer the more
    /// ions are in the room.
    Present {
        /// The room.
        room: String,
        /// The ion's id.
        ion: String,
        /// Whether it is there now.
        is_here: bool,
    },
    /// Where pairing stands. Sent when it changes.
    Pairing(Pairing),
    /// The last attempts to connect to other ions and to relays, newest first,
    /// at most [`ATTEMPTS_MAX`]. Sent when it changes, at most once a second.
    Attempts(Vec<AttemptView>),
    /// The steps of the self-test, in order, as far as they have come; sent
    /// after `Command::Diagnose`, each time that one of them ends.
    Diagnosis(Vec<CheckView>),
    /// About the shared memory.
    Data(data::News),
    /// What was asked of the files, or is watched there.
    Files(files::News),
    /// What was asked of the mailbox, or changed there.
    Mail(mail::News),
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
    /// Direct links that it wants, and that it takes at most.
    pub links: LinkLimits,
    /// STUN and TURN servers that the user set.
    pub ice_servers: Vec<IceServer>,
    /// URLs of those that the relay named.
    pub ice_named: Vec<String>,
    /// Whether identity and settings survive a reload.
    pub storage: Durability,
}

/// How many direct links an ion holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkLimits {
    /// As many as it wants, at least 1.
    pub target: u8,
    /// As many as it takes, at least the target.
    pub max: u8,
}

impl Default for LinkLimits {
    fn default() -> Self {
        Self { target: 6, max: 10 }
    }
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
    /// Why not directly, as a sentence; empty where it is, or while the reason
    /// is not known.
    pub why: String,
    /// Round-trip time in milliseconds, smoothed; 0 while unknown.
    pub round_trip_ms: u32,
    /// For an ion that is not linked: the id of the neighbour that messages to
    /// it go through first; empty otherwise.
    pub via: String,
    /// How many links messages to it pass; 1 where it is linked, 0 while unknown.
    pub hops: u8,
    /// How useful the link is, from 0 to 100; 0 for an ion that is not linked.
    pub score: u8,
    /// Bytes a second that came from it, over the last seconds.
    pub received_per_s: u64,
    /// Bytes a second that went to it, over the last seconds.
    pub sent_per_s: u64,
    /// Guest workers that it lends; 0 while it is paused.
    pub workers: u16,
    /// Guest workers that run something now.
    pub workers_busy: u16,
    /// Tasks that it has finished for this ion.
    pub tasks_done: u64,
    /// When it was linked, or first heard of, in milliseconds of this ion's
    /// clock since it started.
    pub linked_at_ms: u64,
}

/// How another ion is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkKind {
    /// Through a relay.
    Relayed,
    /// Directly.
    Direct,
    /// Not linked: messages go through other ions.
    Via,
}

/// Addresses that a STUN or TURN server helped to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceFound {
    /// This device's as the server sees them.
    pub seen: u32,
    /// The server's own, at which it relays.
    pub relayed: u32,
}

/// The way that an echo took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoView {
    /// How many links it passed on the way there.
    pub hops: u8,
    /// There and back, in milliseconds.
    pub round_trip_ms: u32,
}

/// Where pairing stands: linking two ions by codes that people carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pairing {
    /// Nothing is under way.
    #[default]
    Idle,
    /// A code is being made.
    Working,
    /// This code is to be given to the other ion, whose answer is awaited.
    Offer {
        /// The code.
        code: String,
        /// How long it is good for, in milliseconds from when it was made.
        good_for_ms: u64,
    },
    /// This code is to be carried back to the ion that offered.
    Answer {
        /// The code.
        code: String,
        /// The readable name of the ion that offered.
        name: String,
    },
    /// The answer was taken; the two are connecting.
    Connecting {
        /// The readable name of the other ion.
        name: String,
    },
    /// The two are linked.
    Done {
        /// The readable name of the other ion.
        name: String,
    },
    /// It did not work.
    Failed(Problem),
}

/// One attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptView {
    /// When it ended, in milliseconds of this ion's clock since it started.
    pub at_ms: u64,
    /// With whom: an ion's readable name, or a relay's address.
    pub with: String,
    /// In words: direct, relayed, relay, pairing.
    pub way: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Why it failed, as a sentence; empty where it did not.
    pub problem: String,
}

/// One step of the self-test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// What is tested.
    pub what: String,
    /// How it went.
    pub state: CheckState,
    /// What was found, and what to do where it is bad.
    pub detail: String,
}

/// How a step of the self-test went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckState {
    /// It is being tested, or waits for its turn.
    Running,
    /// It works.
    Good,
    /// It does not work.
    Bad,
    /// It could not be tested, and why is told.
    Skipped,
}

/// How one task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The ion that ran it.
    pub ion: String,
    /// What it produced, or why it failed.
    pub report: Report,
    /// The receipts of all ions that returned it.
    pub receipts: Vec<ByteBuf>,
}

/// A job that the nebula keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordView {
    /// Whose it is: an ion's id.
    pub owner: String,
    /// Its readable name.
    pub owner_name: String,
    /// Whether it is this ion.
    pub is_own: bool,
    /// The job's name there.
    pub job: JobId,
    /// Its name here.
    pub id: JobId,
    /// What is run; empty while that is being read.
    pub name: String,
    /// When it was submitted, in milliseconds since 1970.
    pub at_ms: u64,
    /// Tasks in all.
    pub tasks: u64,
    /// Tasks whose results are kept.
    pub done: u64,
    /// How far it is.
    pub state: JobState,
    /// The readable name of the ion that coordinates it; empty once it has ended.
    pub coordinator_name: String,
}
