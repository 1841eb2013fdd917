//! What a module is, read without running it.

use serde::{Deserialize, Serialize};

use crate::{Stop, arguments};

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

impl Signature {
    /// A function that takes and gives nothing.
    pub(crate) fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), parameters: Vec::new(), results: Vec::new() }
    }

    /// Whether it takes and gives nothing.
    pub(crate) fn is_plain(&self) -> bool {
        self.parameters.is_empty() && self.results.is_empty()
    }

    /// Whether a call with these arguments could begin: `None` stands for one
    /// that is not known yet. The error is the [`Stop`] that the call would end
    /// with.
    pub fn check(&self, arguments: &[Option<&str>]) -> Result<(), Stop> {
        if arguments.len() != self.parameters.len() {
            return Err(Stop::WrongArgumentCount {
                name: self.name.clone(),
                expected: self.parameters.len(),
                given: arguments.len(),
            });
        }
        for (position, (argument, kind)) in (1..).zip(arguments.iter().zip(&self.parameters)) {
            if let Some(text) = argument {
                arguments::check(&self.name, position, text, kind)?;
            }
        }
        Ok(())
    }
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
