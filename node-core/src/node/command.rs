//! What the user wants, from whatever page, terminal or test speaks for them.

use serde::{Deserialize, Serialize};

pub use super::event::LinkLimits;
use super::{data, files, mail};
use crate::compute::{Inputs, Program};
pub use crate::{compute::JobId, network::bootstrap::IceServer};

/// One wish. Each is answered by [`Event`](super::Event)s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Begin: the first command, once. Everything else waits for it.
    Start(Start),
    /// Lend no processor until told otherwise. What runs is put back; jobs of
    /// this ion go on elsewhere.
    Pause {
        /// Whether to pause or to resume.
        paused: bool,
    },
    /// How many guest workers to lend, from 1 to
    /// [`WORKERS_MAX`](crate::compute::WORKERS_MAX).
    SetWorkers {
        /// The number.
        workers: u16,
    },
    /// Give this ion another readable name; an empty one restores that of its key.
    Rename {
        /// At most [`NAME_CHARS_MAX`](crate::identity::NAME_CHARS_MAX) characters.
        name: String,
    },
    /// Make a nebula of one's own and go there.
    CreateNebula {
        /// Its readable name; an empty one becomes that of this ion's key.
        name: String,
    },
    /// Leave the present nebula for that of an invitation.
    Join {
        /// The invitation's code, or a link that carries it.
        invitation: String,
    },
    /// Leave the present nebula for the relay's open one.
    JoinDefault,
    /// Forget a nebula that was saved.
    ForgetNebula {
        /// The nebula's id, as in [`NebulaView`](super::event::NebulaView).
        id: String,
    },
    /// Look at a module without running it; answered by `Event::Inspected`.
    Inspect {
        /// Chosen by the asker, repeated in the answer.
        request: u64,
        /// The binary.
        #[serde(with = "serde_bytes")]
        binary: Vec<u8>,
    },
    /// Run a job on all ions of the nebula.
    RunJob {
        /// Chosen by the asker at random.
        job: JobId,
        /// What to run.
        program: Program,
        /// Its binary.
        #[serde(with = "serde_bytes")]
        binary: Vec<u8>,
        /// What to run it over.
        inputs: Inputs,
        /// What the page wants to know of it when it is opened again, at most
        /// [`ABOUT_BYTES_MAX`](crate::records::ABOUT_BYTES_MAX) bytes.
        about: String,
    },
    /// See a job that the nebula keeps; answered by
    /// [`Event::Opened`](super::Event::Opened).
    OpenJob {
        /// Whose it is: an ion's id.
        owner: String,
        /// Its name there.
        job: JobId,
    },
    /// Let the nebula keep a job no longer, for good. One that runs ends.
    ForgetJob {
        /// Whose it is: an ion's id.
        owner: String,
        /// Its name there.
        job: JobId,
    },
    /// See where one task of a job stands, and why: the job, by its name here, and which of
    /// its tasks; answered by [`Event::Task`](super::Event::Task).
    AskTask(JobId, u64),
    /// See what ran here, and for whom; answered by [`Event::Work`](super::Event::Work).
    ShowWork,
    /// Hold so many links.
    SetLinks(LinkLimits),
    /// Use these STUN and TURN servers beside those that the relay names, for
    /// connections to come; at most
    /// [`ICE_SERVERS_MAX`](super::ICE_SERVERS_MAX).
    SetIceServers {
        /// All of them.
        servers: Vec<IceServer>,
    },
    /// Ask a server for addresses, to see whether it helps; answered by
    /// `Event::IceTried`. A trial that is under way ends.
    TryIceServer {
        /// Chosen by the asker, repeated in the answer.
        request: u64,
        /// The server.
        server: IceServer,
    },
    /// Send a word to an ion and let it come back; answered by `Event::Echoed`.
    Echo {
        /// Chosen by the asker, repeated in the answer.
        request: u64,
        /// The ion's id.
        ion: String,
    },
    /// Hear what is said in a room.
    Subscribe {
        /// The room's name.
        room: String,
    },
    /// Hear it no more.
    Unsubscribe {
        /// The room's name.
        room: String,
    },
    /// Say something to all who listen to a room.
    Publish {
        /// The room's name.
        room: String,
        /// What.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Make a code that another ion answers, so that the two link without any
    /// relay; answered by `Event::Pairing`.
    Pair,
    /// Take a code from another ion: its offer, which is answered with a code
    /// of this ion's, or its answer to this ion's offer.
    PairWith {
        /// The code.
        code: String,
    },
    /// Give up pairing.
    CancelPairing,
    /// Read or change the shared memory.
    Data(data::Wish),
    /// Read or change the files.
    Files(files::Wish),
    /// Read or send letters.
    Mail(mail::Wish),
    /// Test step by step what works; answered by `Event::Diagnosis`.
    Diagnose,
    /// Begin no more tasks of a job of this ion's user, or begin them again.
    HoldJob {
        /// Which.
        job: JobId,
        /// Whether none begins.
        is_held: bool,
    },
    /// Stop a job; results so far stay.
    CancelJob {
        /// Which.
        job: JobId,
    },
}

/// What an ion is told when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The invitation that the page was opened with, or that this tab had
    /// before a reload; `None` joins the relay's open nebula.
    pub invitation: Option<String>,
    /// Guest workers to lend, unless the ion's own settings say otherwise.
    pub workers: u16,
}
