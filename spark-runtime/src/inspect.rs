//! What a module is, read without running it.

use serde::{Deserialize, Serialize};

/// What a module imports, exports and asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it is a WASI command, that is, exports `_start`.
    pub is_command: bool,
    /// Its exported functions, `_start` left out.
    pub exports: Vec<Signature>,
    /// Imports as `module.name`, those that are not offered first.
    pub imports: Vec<Import>,
    /// The memory it starts with, in bytes.
    pub memory_bytes: u64,
}

/// One exported function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The export's name.
    pub name: String,
    /// Parameter types, as in WebAssembly's text format.
    pub parameters: Vec<String>,
    /// Result types, as in WebAssembly's text format.
    pub results: Vec<String>,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The import's module.
    pub module: String,
    /// The import's name.
    pub name: String,
    /// Whether this runtime offers it.
    pub offered: bool,
}
