//! The simulator: many whole ions in one process, on virtual time.
//!
//! A [`World`] runs real [`Node`](crate::node::Node)s and plays everything
//! below them: relays, streams, guest workers, users. One seed decides every
//! latency, fault and wish, so a failure is replayed by its seed alone. The
//! checkers look at the world after every step, and a run that breaks a rule
//! ends in a [`Failure`] that names the seed, the rule and the last steps.
//!
//! What is played, as the drivers do it:
//! - **streams**: one per pair, direction and room, in order; rooms overtake
//!   each other. A second stream of a room begins a session anew. A stream
//!   that loses a frame is broken: either end hears of it late or never.
//! - **relays** reserve, register and tell who is there; two ions reach each
//!   other only through a relay that both are connected to, and lose their
//!   streams when it stops.
//! - **guests** take seeded time and answer with a function of their input;
//!   some fail alike everywhere, some only on certain ions, some never answer.
//! - **ions** crash, come back, sleep, pause, move to another nebula; their
//!   clocks do not agree.
//!
//! It refuses real time, threads and anything that does not follow from the
//! seed. It does not show what libp2p does below the machines.
//!
//! Bounds: [`STEPS_MAX`] steps in one run.
//!
//! Smaller worlds stand beside it: [`nebula`] plays the network alone, by the
//! thousand, [`mesh`] the overlay and routing, [`kv`] the shared memory alone, and
//! [`flood`] any one machine on a graph. [`files`] is a run of whole ions whose users
//! bring files in.
//!
//! Reading order: [`options`], [`world`], [`jobs`], [`scenario`]; then `net`, `relays`,
//! `guests`, `users` and `checks`, which add to the world.

pub mod files;
pub mod flood;
pub mod graph;
pub mod jobs;
pub mod kv;
pub mod mesh;
pub mod nebula;
pub mod options;
pub mod scenario;
pub mod trace;
pub mod turns;
pub mod world;

mod agenda;
mod checks;
mod disks;
mod faults;
mod guests;
mod net;
mod offers;
mod relays;
mod users;

pub use jobs::{Flavour, JobPlan};
pub use options::{Conditions, IonOptions, Temper};
pub use scenario::{Scenario, Summary, run};
pub use trace::Failure;
pub use world::World;

/// Steps of one run, after which it counts as hung.
pub const STEPS_MAX: u64 = 2_000_000;
