//! What coordinators and workers say to each other, and what is checked of it
//! before anything is believed.

use ion_map::Set;
use serde::{Deserialize, Serialize};
use spark_runtime::{Limits, Report, Value, wire::ModuleHash};

use super::{
    receipt::Signed,
    spec::{Entry, Input, Program},
    trust::COPIES_MAX,
};
use crate::{compute::JobId, identity::IonId};

/// An encoded message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// One task's input, in bytes.
pub const INPUT_BYTES_MAX: usize = 256 << 10;
/// A module, in bytes.
pub const MODULE_BYTES_MAX: u64 = 16 << 20;
/// A piece of a module, in bytes.
pub const BLOCK_BYTES: u64 = 256 << 10;
/// Tasks in one message, and tasks that one ion may hold of one job.
pub const TASKS_HELD_MAX: usize = 256;
/// Inputs in one message, in bytes, unless a single one is larger.
pub const TASKS_BYTES: usize = 512 << 10;
/// Results in one message, in bytes, unless a single one is larger.
pub const RESULTS_BYTES: usize = 256 << 10;
/// A program's name, in bytes.
pub const PROGRAM_NAME_BYTES_MAX: usize = 128;
/// Arguments of a program.
pub const ARGUMENTS_MAX: usize = 64;
/// All arguments of a program together, in bytes.
pub const ARGUMENTS_BYTES_MAX: usize = 16 << 10;
/// Environment variables of a program.
pub const ENVIRONMENT_MAX: usize = 64;
/// All names and values of environment variables together, in bytes.
pub const ENVIRONMENT_BYTES_MAX: usize = 16 << 10;
/// What a report says of its stop, in bytes.
pub const STOP_BYTES_MAX: usize = 4 << 10;
/// Values that an export may return.
pub const VALUES_MAX: usize = 64;

/// The most that a job may ask for; volunteers refuse more.
pub const LIMITS_MAX: Limits = Limits {
    fuel_max: 1_000_000_000_000,
    memory_bytes_max: 1 << 30,
    output_bytes_max: 2 << 20,
    wall_ms_max: 600_000,
};

/// One message in the compute room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A coordinator has work.
    Offer {
        /// The job's name at its coordinator.
        job: JobId,
        /// Whose job it is and its name there, where the coordinator stands in for
        /// another ion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<Box<(IonId, JobId)>>,
        /// What to run.
        program: Program,
        /// Its binary's hash.
        module: ModuleHash,
        /// Its binary's length.
        module_bytes: u64,
    },
    /// The job has ended: drop all of it.
    Withdraw {
        /// Which.
        job: JobId,
    },
    /// A worker has room for that many more tasks; replaces what it asked before.
    Pull {
        /// Of which job.
        job: JobId,
        /// How many.
        tasks: u32,
    },
    /// Leases.
    Tasks {
        /// Of which job.
        job: JobId,
        /// Number and input of each.
        tasks: Vec<(u64, Input)>,
    },
    /// A worker still has these in hand: their leases are renewed.
    Holding {
        /// Of which job.
        job: JobId,
        /// Their numbers.
        tasks: Vec<u64>,
    },
    /// A worker will not run these after all.
    Return {
        /// Of which job.
        job: JobId,
        /// Their numbers.
        tasks: Vec<u64>,
    },
    /// Tasks that ended.
    Results {
        /// Of which job.
        job: JobId,
        /// Number and report of each.
        results: Vec<(u64, Report)>,
        /// What gives each a receipt; left out by ions of before there were any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Signed>,
    },
    /// A worker lacks a piece of a module.
    WantBlock {
        /// The binary's hash.
        module: ModuleHash,
        /// Where the piece begins, in bytes.
        offset: u64,
    },
    /// A piece of a module.
    Block {
        /// The binary's hash.
        module: ModuleHash,
        /// Where the piece begins, in bytes.
        offset: u64,
        /// The piece.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
}

/// Why a message or a job is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a message at all.
    #[error("the bytes are no message of the compute room")]
    Malformed,
    /// Longer than [`MESSAGE_BYTES_MAX`].
    #[error("the message is longer than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    /// More tasks or results than fit.
    #[error("more than {TASKS_HELD_MAX} tasks in one message")]
    TooManyTasks,
    /// An input over [`INPUT_BYTES_MAX`].
    #[error("an input is larger than {INPUT_BYTES_MAX} bytes")]
    InputTooLarge,
    /// A module that is empty or over [`MODULE_BYTES_MAX`].
    #[error("the module is empty or larger than {MODULE_BYTES_MAX} bytes")]
    ModuleSize,
    /// A name or arguments over their limits.
    #[error(
        "the program's name or arguments are too long (at most {ARGUMENTS_MAX} arguments, \
         {ARGUMENTS_BYTES_MAX} bytes together)"
    )]
    ProgramTooLarge,
    /// Environment variables over their limits.
    #[error(
        "the environment is too large (at most {ENVIRONMENT_MAX} variables, \
         {ENVIRONMENT_BYTES_MAX} bytes together)"
    )]
    EnvironmentTooLarge,
    /// An environment variable whose name is empty, taken, or has `=` or a NUL
    /// in it.
    #[error(
        "the name of an environment variable is empty, given twice, or has an equals sign or a \
         NUL character in it"
    )]
    VariableName,
    /// An environment variable with a NUL in its value.
    #[error("the value of an environment variable has a NUL character in it")]
    VariableValue,
    /// Limits over [`LIMITS_MAX`].
    #[error("the limits asked for are higher than any ion grants")]
    LimitsTooHigh,
    /// Copies of each task beyond what may be asked for.
    #[error("results are compared between 2 and {COPIES_MAX} ions")]
    Copies,
    /// Two results of one task in one message.
    #[error("a message has two results of one task")]
    Twice,
    /// A report larger than its job's limits allow, or with files, which no task of a
    /// job writes.
    #[error("a result is larger than its limits allow")]
    ReportTooLarge,
    /// A piece of a module of the wrong length.
    #[error("a piece of a module is larger than {BLOCK_BYTES} bytes")]
    BlockTooLarge,
}

/// A message as bytes.
pub fn encode(message: &Message) -> Vec<u8> {
    ion_codec::to_vec(message).expect("plain data always has a DAG-CBOR form")
}

/// A message from bytes, checked against every limit that needs no context.
pub fn decode(bytes: &[u8]) -> Result<Message, Refusal> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(Refusal::TooLong);
    }
    let message = ion_codec::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
    check(&message)?;
    Ok(message)
}

fn check(message: &Message) -> Result<(), Refusal> {
    match message {
        Message::Offer { program, module_bytes, .. } => {
            check_module_size(*module_bytes)?;
            check_program(program)
        }
        Message::Tasks { tasks, .. } => {
            check_count(tasks.len())?;
            let too_large = tasks.iter().any(|(_, input)| input.len() > INPUT_BYTES_MAX);
            if too_large { Err(Refusal::InputTooLarge) } else { Ok(()) }
        }
        Message::Holding { tasks, .. } | Message::Return { tasks, .. } => check_count(tasks.len()),
        Message::Results { results, .. } => {
            check_count(results.len())?;
            let tasks: Set<u64> = results.iter().map(|(task, _)| *task).collect();
            if tasks.len() < results.len() {
                return Err(Refusal::Twice);
            }
            results.iter().try_for_each(|(_, report)| check_report(report, &LIMITS_MAX))
        }
        Message::Block { bytes, .. } if bytes.len() as u64 > BLOCK_BYTES => {
            Err(Refusal::BlockTooLarge)
        }
        Message::Withdraw { .. }
        | Message::Pull { .. }
        | Message::WantBlock { .. }
        | Message::Block { .. } => Ok(()),
    }
}

fn check_count(tasks: usize) -> Result<(), Refusal> {
    if tasks > TASKS_HELD_MAX { Err(Refusal::TooManyTasks) } else { Ok(()) }
}

/// Whether a module's length is one that ions take.
pub fn check_module_size(bytes: u64) -> Result<(), Refusal> {
    if (1..=MODULE_BYTES_MAX).contains(&bytes) { Ok(()) } else { Err(Refusal::ModuleSize) }
}

/// Whether a program is one that ions take.
pub fn check_program(program: &Program) -> Result<(), Refusal> {
    let (arguments, name) = match &program.entry {
        Entry::Export { name, arguments } => (arguments.as_slice(), name.as_str()),
        Entry::Command { arguments, environment, .. } => {
            check_environment(environment)?;
            (arguments.as_slice(), "")
        }
        Entry::Json => (&[][..], ""),
    };
    let bytes: usize = arguments.iter().map(String::len).sum();
    if program.name.len().max(name.len()) > PROGRAM_NAME_BYTES_MAX
        || arguments.len() > ARGUMENTS_MAX
        || bytes > ARGUMENTS_BYTES_MAX
    {
        return Err(Refusal::ProgramTooLarge);
    }
    let asked = &program.limits;
    if asked.fuel_max > LIMITS_MAX.fuel_max
        || asked.memory_bytes_max > LIMITS_MAX.memory_bytes_max
        || asked.output_bytes_max > LIMITS_MAX.output_bytes_max
        || asked.wall_ms_max > LIMITS_MAX.wall_ms_max
    {
        return Err(Refusal::LimitsTooHigh);
    }
    if program.trust.is_sound() { Ok(()) } else { Err(Refusal::Copies) }
}

/// Whether environment variables are ones that guests can be given.
pub fn check_environment(environment: &[(String, String)]) -> Result<(), Refusal> {
    let bytes: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if environment.len() > ENVIRONMENT_MAX || bytes > ENVIRONMENT_BYTES_MAX {
        return Err(Refusal::EnvironmentTooLarge);
    }
    let mut names = Set::new();
    for (name, value) in environment {
        if name.is_empty() || name.contains(['=', '\0']) || !names.insert(name) {
            return Err(Refusal::VariableName);
        }
        if value.contains('\0') {
            return Err(Refusal::VariableValue);
        }
    }
    Ok(())
}

/// Whether a report keeps to the limits that its task had.
pub fn check_report(report: &Report, limits: &Limits) -> Result<(), Refusal> {
    let bytes = (report.stdout.len() + report.stderr.len() + report.files.len()) as u64;
    let stop_bytes = report.stop.as_ref().map_or(0, |stop| stop.to_string().len());
    let fits = bytes <= limits.output_bytes_max
        && report.files.is_empty()
        && report.values.len() <= VALUES_MAX
        && stop_bytes <= STOP_BYTES_MAX;
    if fits { Ok(()) } else { Err(Refusal::ReportTooLarge) }
}

/// Roughly how long a report is on the wire, in bytes.
pub fn report_bytes(report: &Report) -> usize {
    let stop_bytes = report.stop.as_ref().map_or(0, |stop| stop.to_string().len());
    64 + stop_bytes
        + report.stdout.len()
        + report.stderr.len()
        + report.files.len()
        + report.values.len() * size_of::<Value>()
}
