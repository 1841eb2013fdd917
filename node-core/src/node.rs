//! The ion: all machines together, what it is asked, what it tells.
//!
//! [`Node`] is itself a machine. It hands each input to the machine concerned,
//! passes on what machines ask of each other, and leaves what is asked of the
//! world as [`Effect`]s. The simulator runs it as it is; [`run`] runs it on a
//! real platform, with drivers for network, guests and storage.
//!
//! Reading order: [`command`], [`event`], [`port`], [`machine`], [`run`].

pub mod command;
pub mod data;
pub mod event;
pub mod files;
pub mod machine;
pub mod mail;
pub mod port;
pub mod run;

mod attempts;
mod diagnosis;
mod ice;
mod jobs;
mod links;
mod nebulas;
mod pairing;
mod records;
mod traffic;
mod views;
mod words;

pub use command::{Command, JobId, Start};
pub use event::{
    AttemptView, Cause, CheckState, CheckView, Durability, EchoView, Event, IceFound, IonShare,
    IonView, JobState, JobView, LeaseView, LinkKind, LinkLimits, NebulaView, Pairing, Phase,
    Problem, RecordView, RelayView, Status, Supply, TaskResult, TaskView, Waiting, WorkView,
};
pub use ice::OWN_MAX as ICE_SERVERS_MAX;
pub use links::LINKS_MAX;
pub use machine::{Birth, Effect, Input, Node};
pub use nebulas::Settings;
