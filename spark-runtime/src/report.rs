//! How a run ended.

use std::fmt;

use serde::{Deserialize, Serialize};

const NAN_F32_BITS: u32 = 0x7fc0_0000;
const NAN_F64_BITS: u64 = 0x7ff8 << 48;

/// A value that an exported function returned. Floats are kept as their bits,
/// so that NaN has one form and equal means equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// A 32-bit integer, shown signed.
    I32(i32),
    /// A 64-bit integer, shown signed.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
}

impl Value {
    /// A float. What is no number has one form here, as it comes from some engines
    /// with its bits and from others without.
    pub(crate) fn f32(float: f32) -> Self {
        Self::F32(if float.is_nan() { NAN_F32_BITS } else { float.to_bits() })
    }

    /// A float; see [`Value::f32`].
    pub(crate) fn f64(float: f64) -> Self {
        Self::F64(if float.is_nan() { NAN_F64_BITS } else { float.to_bits() })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I32(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::F32(bits) => f32::from_bits(*bits).fmt(f),
            Self::F64(bits) => f64::from_bits(*bits).fmt(f),
        }
    }
}

/// What a run produced, used, and was stopped by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Why the run did not end well; `None` is success.
    pub stop: Option<Stop>,
    /// What an export returned.
    pub values: Vec<Value>,
    /// Standard output, or what a JSON spark answered, kept up to the stop.
    #[serde(with = "serde_bytes")]
    pub stdout: Vec<u8>,
    /// Standard error, kept up to the stop.
    #[serde(with = "serde_bytes")]
    pub stderr: Vec<u8>,
    /// Files that the run made or changed, where they were wanted back: bytes of a list of
    /// [`File`](crate::files::File)s, kept up to the stop. None are no bytes.
    #[serde(with = "serde_bytes", default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<u8>,
    /// Fuel used.
    pub fuel: u64,
    /// The largest linear memory reached, in bytes.
    pub memory_bytes_peak: u64,
}

/// What ended a run early, each with a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Stop {
    /// Not WebAssembly, or WebAssembly that this runtime does not speak.
    #[error("the file is not a WebAssembly module this runtime can run: {reason}")]
    NotAModule {
        /// The decoder's own words.
        reason: String,
    },
    /// The module wants something that is not offered.
    #[error("the module imports `{module}.{name}`, which is not offered to guests")]
    ImportNotOffered {
        /// The import's module.
        module: String,
        /// The import's name.
        name: String,
    },
    /// There is no function of that name.
    #[error("the module exports no function `{name}`; it exports: {}", list(.exports))]
    NoSuchExport {
        /// The name that was asked for.
        name: String,
        /// The functions that are there.
        exports: Vec<String>,
    },
    /// Too few or too many arguments.
    #[error("`{name}` takes {expected} arguments, {given} were given")]
    WrongArgumentCount {
        /// The function.
        name: String,
        /// How many it takes.
        expected: usize,
        /// How many there were.
        given: usize,
    },
    /// An argument that cannot be read as its parameter's type.
    #[error("argument {position} of `{name}` must be {expected}, but \"{given}\" is not")]
    WrongArgument {
        /// The function.
        name: String,
        /// Counted from 1.
        position: usize,
        /// The parameter's type.
        expected: String,
        /// The text that was given, shortened.
        given: String,
    },
    /// A parameter or result type that has no text form here.
    #[error(
        "`{name}` has a parameter or result of type {kind}, which cannot be passed as a number"
    )]
    UnsupportedType {
        /// The function.
        name: String,
        /// The type.
        kind: String,
    },
    /// The fuel limit.
    #[error("out of fuel after {fuel_max} units")]
    OutOfFuel {
        /// The limit.
        fuel_max: u64,
    },
    /// The wall-clock limit.
    #[error("deadline: still running after {wall_ms_max} ms")]
    Deadline {
        /// The limit, in milliseconds.
        wall_ms_max: u64,
    },
    /// The memory limit: the module starts above it, or trapped after growth was denied.
    #[error("memory limit: more than {bytes_max} bytes were wanted")]
    MemoryLimit {
        /// The limit, in bytes.
        bytes_max: u64,
    },
    /// The output limit.
    #[error("output limit: more than {bytes_max} bytes were written")]
    OutputLimit {
        /// The limit, in bytes.
        bytes_max: u64,
    },
    /// The guest did something that WebAssembly forbids.
    #[error("trap: {reason}")]
    Trap {
        /// The trap, in the specification's words.
        reason: String,
    },
    /// A command ended with an exit code other than 0, or a JSON spark with any.
    #[error("exit code {code}")]
    Exit {
        /// The code.
        code: i32,
    },
    /// The module is no JSON spark ([`json_spark`](crate::json_spark)).
    #[error("the module is no JSON spark; it lacks: {}", list(.lacking))]
    NotAJsonSpark {
        /// The functions that are not there, or of another type, as they must be.
        lacking: Vec<String>,
    },
    /// A function of a JSON spark returned something else than success.
    #[error("`{function}` returned {returned}, where 0 is success")]
    StepFailed {
        /// The function.
        function: String,
        /// What it returned.
        returned: i32,
    },
    /// A JSON spark's output has a length below nothing.
    #[error("`{function}` returned {returned}, which is no length")]
    NotALength {
        /// The function.
        function: String,
        /// What it returned.
        returned: i32,
    },
    /// A JSON spark's output holds something else than bytes.
    #[error("`{function}` returned {returned} at index {index}, which is no byte")]
    NotAByte {
        /// The function.
        function: String,
        /// Which byte was asked for, counted from 0.
        index: u64,
        /// What it returned.
        returned: i32,
    },
    /// A JSON spark's output is no base64.
    #[error("what `{function}` returned is no base64 from index {index} on")]
    NotBase64 {
        /// The function.
        function: String,
        /// The first byte that is wrong, counted from 0.
        index: u64,
    },
    /// The worker that ran the guest died or had to be ended; the guest may not be at fault.
    #[error("the worker running it was lost: {reason}")]
    WorkerLost {
        /// What was seen.
        reason: String,
    },
}

impl Stop {
    /// Whether the same call would end the same way on any ion, so that
    /// another attempt is pointless.
    pub fn is_deterministic(&self) -> bool {
        match self {
            Self::Deadline { .. } | Self::WorkerLost { .. } => false,
            Self::NotAModule { .. }
            | Self::ImportNotOffered { .. }
            | Self::NoSuchExport { .. }
            | Self::WrongArgumentCount { .. }
            | Self::WrongArgument { .. }
            | Self::UnsupportedType { .. }
            | Self::OutOfFuel { .. }
            | Self::MemoryLimit { .. }
            | Self::OutputLimit { .. }
            | Self::Trap { .. }
            | Self::Exit { .. }
            | Self::NotAJsonSpark { .. }
            | Self::StepFailed { .. }
            | Self::NotALength { .. }
            | Self::NotAByte { .. }
            | Self::NotBase64 { .. } => true,
        }
    }

    /// The stop's short name, as it is shown and counted.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotAModule { .. } => "not a module",
            Self::ImportNotOffered { .. } => "import not offered",
            Self::NoSuchExport { .. } => "no such export",
            Self::WrongArgumentCount { .. } => "wrong argument count",
            Self::WrongArgument { .. } => "wrong argument",
            Self::UnsupportedType { .. } => "unsupported type",
            Self::OutOfFuel { .. } => "out of fuel",
            Self::Deadline { .. } => "deadline",
            Self::MemoryLimit { .. } => "memory limit",
            Self::OutputLimit { .. } => "output limit",
            Self::Trap { .. } => "trap",
            Self::Exit { .. } => "exit code",
            Self::NotAJsonSpark { .. } => "not a JSON spark",
            Self::StepFailed { .. } => "step failed",
            Self::NotALength { .. } => "not a length",
            Self::NotAByte { .. } => "not a byte",
            Self::NotBase64 { .. } => "not base64",
            Self::WorkerLost { .. } => "worker lost",
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
