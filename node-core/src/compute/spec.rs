//! What a job is: a module, a way to call it, and inputs, none of which change
//! once the job runs.

use serde::{Deserialize, Serialize};
use spark_runtime::{Call, Limits};

/// How each input becomes a call. `{}` in an argument stands for the input's
/// text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// An exported function. With no arguments given, the input's words
    /// (separated by spaces or commas) are the arguments.
    Export {
        /// The export's name.
        name: String,
        /// Arguments, as text.
        arguments: Vec<String>,
    },
    /// A WASI command.
    Command {
        /// Arguments after the program's name.
        arguments: Vec<String>,
        /// Whether the input is given as standard input.
        stdin: bool,
    },
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The name people see.
    pub name: String,
    /// How each input becomes a call.
    pub entry: Entry,
    /// How far each task may go.
    pub limits: Limits,
}

/// What to run it over: one task per input, numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inputs {
    /// The integers from `first` to `last`, both included, as decimal text.
    Range {
        /// The first.
        first: i64,
        /// The last.
        last: i64,
    },
    /// One task per item.
    List(Vec<Input>),
}

/// The bytes that one task is given.
pub type Input = serde_bytes::ByteBuf;
