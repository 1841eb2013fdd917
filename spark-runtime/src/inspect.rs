//! What a module is, read without running it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Stop, arguments, json_spark};

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
    /// What it is made of: bytes of an [`Anatomy`](crate::anatomy::Anatomy), for those
    /// who show it. None are no bytes.
    #[serde(with = "serde_bytes", default, skip_serializing_if = "Vec::is_empty")]
    pub anatomy: Vec<u8>,
}

impl Inspection {
    /// Whether it is a JSON spark.
    pub fn is_json_spark(&self) -> bool {
        json_spark::lacking(&self.exports).is_empty()
    }

    /// Of a module that has some functions of a JSON spark, what it lacks of one, as
    /// [`json_spark::lacking`] says.
    pub fn lacks_of_json_spark(&self) -> Vec<String> {
        let is_begun = self.exports.iter().any(|one| one.name.starts_with(json_spark::PREFIX));
        if is_begun { json_spark::lacking(&self.exports) } else { Vec::new() }
    }
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

/// A function as one line: its name, parameters and results.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name, self.parameters.join(", "))?;
        match self.results.as_slice() {
            [] => Ok(()),
            results => write!(f, " → {}", results.join(", ")),
        }
    }
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
