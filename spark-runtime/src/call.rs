//! What a guest is asked to do, and how far it may go.

use serde::{Deserialize, Serialize};

/// One invocation of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Calls an exported function. Arguments come as text and are read by the
    /// function's own signature (`i32`, `i64`, `f32`, `f64`); integers may be
    /// decimal or `0x` hexadecimal, signed or unsigned.
    Export {
        /// The export's name.
        name: String,
        /// One text per parameter.
        arguments: Vec<String>,
    },
    /// Runs a WASI preview 1 command: its `_start`.
    Command {
        /// Arguments after the program's own name.
        arguments: Vec<String>,
        /// Environment variables.
        environment: Vec<(String, String)>,
        /// What standard input reads.
        #[serde(with = "serde_bytes")]
        stdin: Vec<u8>,
        /// What stands in the folder `/`, as bytes of a
        /// [`Given`](crate::files::Given). With no bytes there is no folder.
        #[serde(with = "serde_bytes")]
        files: Vec<u8>,
    },
    /// Runs a JSON spark, as [`json_spark`](crate::json_spark) says.
    Json {
        /// JSON, of which the spark makes its answer.
        #[serde(with = "serde_bytes")]
        input: Vec<u8>,
    },
}

/// How far one run may go. Reaching a limit ends the run with the
/// [`Stop`](crate::Stop) of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Fuel: roughly one unit per executed instruction, as [`meter`](crate::meter) says.
    pub fuel_max: u64,
    /// Linear memory and tables together, in bytes; an element of a table
    /// counts for [`TABLE_ELEMENT_BYTES`](crate::meter::TABLE_ELEMENT_BYTES).
    pub memory_bytes_max: u64,
    /// Standard output, standard error and files that are left, together, in bytes.
    pub output_bytes_max: u64,
    /// Wall-clock time, in milliseconds, checked between slices of fuel.
    pub wall_ms_max: u64,
}

impl Default for Limits {
    /// Enough for a task of seconds, little enough for a phone.
    fn default() -> Self {
        Self {
            fuel_max: 20_000_000_000,
            memory_bytes_max: 256 << 20,
            output_bytes_max: 1 << 20,
            wall_ms_max: 60_000,
        }
    }
}
