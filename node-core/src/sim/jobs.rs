//! Jobs that simulated users run, and what their results must be.
//!
//! A guest's output is a function of its module and its input, so that whoever
//! knows both knows the result.

use std::collections::{BTreeMap, BTreeSet};

use spark_runtime::{Lane, Limits, Report, Stop, wire::ModuleHash};

use crate::{
    compute::{Entry, Inputs, Program, Trust},
    node::JobId,
};

/// How the guests of one job behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flavour {
    /// Makes the module, and so the outputs, different from all others.
    pub salt: u64,
    /// The module's length, in bytes; at least 16.
    pub module_bytes: usize,
    /// How long one task takes on an ordinary ion, in milliseconds.
    pub work_ms: u64,
    /// Every so many inputs make the guest trap, wherever it runs; 0 is none.
    pub trap_every: u64,
    /// The wall-clock limit, in milliseconds.
    pub wall_ms_max: u64,
    /// What it takes for a result to count.
    pub trust: Trust,
}

impl Flavour {
    /// Tasks of `work_ms` each, of which none fails by itself.
    pub fn plain(salt: u64, work_ms: u64) -> Self {
        Self {
            salt,
            module_bytes: 1_000,
            work_ms,
            trap_every: 0,
            wall_ms_max: 5_000,
            trust: Trust::Once,
        }
    }

    /// The module.
    pub fn binary(&self) -> Vec<u8> {
        let mut binary = b"\0asm".to_vec();
        binary.extend(self.salt.to_le_bytes());
        binary.resize(self.module_bytes.max(16), 0);
        binary
    }

    /// How the program is called.
    pub fn program(&self) -> Program {
        let limits = Limits { wall_ms_max: self.wall_ms_max, ..Limits::default() };
        let entry = Entry::Command { arguments: Vec::new(), environment: Vec::new(), stdin: true };
        Program {
            name: format!("spark {}", self.salt),
            entry,
            limits,
            lane: Lane::Automatic,
            trust: self.trust,
        }
    }

    /// What a guest that is not disturbed answers.
    pub fn answer(&self, input: &[u8]) -> Report {
        let hash = blake3::Hasher::new().update(&self.salt.to_le_bytes()).update(input).finalize();
        let mut head = [0; 8];
        head.copy_from_slice(&hash.as_bytes()[..8]);
        let traps = self.trap_every > 0 && u64::from_le_bytes(head).is_multiple_of(self.trap_every);
        let stop = traps.then(|| Stop::Trap { reason: "unreachable".to_owned() });
        let stdout = if traps { Vec::new() } else { hash.as_bytes()[8..24].to_vec() };
        Report { stop, stdout, fuel: 1_000, ..Report::default() }
    }
}

/// A job that some user is going to run.
#[derive(Clone, Debug)]
pub struct JobPlan {
    /// The ion that submits it.
    pub owner: usize,
    /// How its guests behave.
    pub flavour: Flavour,
    /// What they run over; all different.
    pub inputs: Inputs,
}

/// How far a job is, as its user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    Finished,
    Cancelled,
    Refused,
}

/// A job as its user sees it.
pub(super) struct Watched {
    pub(super) plan: JobPlan,
    /// The ion whose user watches it, and which life of that.
    pub(super) watcher: usize,
    pub(super) life: u32,
    /// The first task whose result was not told.
    pub(super) next: u64,
    pub(super) failures: u64,
    pub(super) stage: Stage,
}

/// All jobs, and what is known of their guests.
#[derive(Default)]
pub(super) struct Books {
    pub(super) jobs: BTreeMap<JobId, Watched>,
    /// The names at their owners of jobs that are called otherwise at other ions.
    pub(super) names: BTreeMap<(usize, JobId), JobId>,
    pub(super) flavours: BTreeMap<ModuleHash, Flavour>,
    /// Where guests failed in a way that another ion might not have met.
    pub(super) mishaps: BTreeSet<(ModuleHash, Vec<u8>, usize)>,
    pub(super) runs: u64,
    pub(super) told: u64,
}

impl Books {
    /// Whether a mishap of that ion at that input is known.
    pub(super) fn has_mishap(&self, module: ModuleHash, input: &[u8], ion: usize) -> bool {
        self.mishaps.contains(&(module, input.to_vec(), ion))
    }
}
