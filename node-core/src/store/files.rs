//! Files and folders, as entries of the shared memory that name manifests.
//!
//! Every version of a file is an entry of its own, in [`SPACE`] under
//! `path//id`, where the id is the hash of the entry's value: what stands at a
//! name cannot be replaced, only deleted, so that the rule "the later entry
//! wins" has nothing to lose. A version names the versions that it came after.
//! Those that no other came after are the *heads* of a path: one where people
//! wrote one after the other, more where they did so at once. The latest head
//! is shown as the file, the others beside it as "name (conflict of ion)", until
//! somebody keeps one. How many copies there should be is said by path too:
//! [`goal`]. Deleting writes a version that says so; whoever changed
//! the file meanwhile keeps it. Older versions can be restored.
//!
//! [`Tree`] reads a range of entries, lists folders, and says what to write for
//! a change: [`Write`]s that belong together and are put in one batch.
//!
//! Refused: paths that are no plain names ([`FilePath`]), values that do not
//! hash to their id. Bounds: [`path`]'s, [`ANCESTORS_MAX`], [`VERSIONS_MAX`],
//! [`WRITES_MAX`].

mod change;
pub mod goal;
pub mod path;
mod tree;
mod version;

#[cfg(test)]
mod tests;

pub use goal::Goal;
pub use path::FilePath;
pub use tree::{Kind, Known, Row, Shown, Tree};
pub use version::{ANCESTORS_MAX, File, VALUE_BYTES_MAX, Version, VersionId, What};

use super::manifest;

/// The space of the shared memory that they stand in.
pub const SPACE: &str = "files";
/// The folder of the records of jobs, which users see as jobs.
pub const JOBS: &str = ".jobs";
/// Versions of one path that are kept; of more, the oldest are deleted with the
/// next change.
pub const VERSIONS_MAX: usize = 16;
/// Entries that one change may write.
pub const WRITES_MAX: usize = 4_096;

/// An entry to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Its name in [`SPACE`].
    pub name: String,
    /// Its value; `None` to delete it.
    pub value: Option<Vec<u8>>,
}

/// Why a path is not taken, a value is not believed, or a change is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A part of a path is empty, or it begins or ends with a slash.
    #[error("a path is names with a single slash between them")]
    EmptyName,
    /// A part of a path is `.` or `..`.
    #[error("a name may not be . or ..")]
    Dots,
    /// A name with such a character in it.
    #[error("a name may not have the character U+{:04X} in it", u32::from(*found))]
    Character {
        /// The first of them.
        found: char,
    },
    /// A name that is too long.
    #[error("a name has at most {} bytes", path::NAME_BYTES_MAX)]
    NameLength,
    /// A path that is too long.
    #[error("a path has at most {} bytes", path::PATH_BYTES_MAX)]
    PathLength,
    /// A path of too many names.
    #[error("a path has at most {} names", path::LEVELS_MAX)]
    TooDeep,
    /// Not the name and value of a version.
    #[error("the entry is no version of a file")]
    Malformed,
    /// Made by a version of the program that this one does not know.
    #[error("the entry has version {version}, which is not known here")]
    Version {
        /// Its version.
        version: u32,
    },
    /// What a file's entry says of it cannot be.
    #[error(transparent)]
    Manifest(#[from] manifest::Refusal),
    /// Nothing stands at that path.
    #[error("there is nothing at {path}")]
    Missing {
        /// Which.
        path: String,
    },
    /// Something stands there already.
    #[error("there is something at {path} already")]
    Taken {
        /// Which.
        path: String,
    },
    /// A file stands where a folder would have to.
    #[error("{path} is a file, not a folder")]
    NotAFolder {
        /// Which.
        path: String,
    },
    /// A folder cannot be moved into itself.
    #[error("a folder cannot be moved into itself")]
    IntoItself,
    /// A goal of no copy, or of too many.
    #[error("there are from 1 to {} copies of a file", crate::store::replicas::GOAL_MAX)]
    Goal,
    /// A change of more than [`WRITES_MAX`] entries.
    #[error("this would change more than {WRITES_MAX} entries at once; do it in parts")]
    TooMany,
}
