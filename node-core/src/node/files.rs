//! The nebula's files, as the user sees and changes them.
//!
//! Lists are answered at once from what this ion knows. Bytes are read here, or
//! fetched from the ions that hold them and then told; so a picture or a film
//! can be shown while it still arrives.
//!
//! Bounds: [`LIST_MAX`] rows in one list, [`READ_BYTES_MAX`] bytes and
//! [`READS_MAX`] reads at a time, [`IMPORTS_MAX`] imports.

mod program;
mod views;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

pub(super) use self::program::{Files, HOLDS_WATCH, NAMES_WATCH, OURS};
use super::event::Problem;
pub use crate::store::{
    library::{IMPORTS_MAX, READ_BYTES_MAX, READS_MAX},
    replicas::GOAL_MAX,
};

/// Rows of one list.
pub const LIST_MAX: usize = 500;
/// Files that may be pinned.
pub const PINS_MAX: usize = 1_000;

/// What the user wants of the files. Requests and imports are named by the
/// asker; paths are names with a slash between them, the root is the empty one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Bring a file in; it is read from the source of that number, which was
    /// handed to the ion before. Numbers are not used twice, as an import may outlive
    /// the tab. Answered by [`News::Imports`] while it goes on
    /// and by [`News::Imported`].
    Import {
        /// Its name, and that of its source.
        import: u64,
        /// Where it shall stand.
        path: String,
        /// Its media type; empty where nothing is known of it.
        media_type: String,
        /// When it was last changed, in milliseconds since 1970.
        modified_ms: u64,
        /// Its size, in bytes.
        bytes: u64,
    },
    /// Halt an import, or go on with it.
    Pause {
        /// Which.
        import: u64,
        /// Whether to halt it.
        paused: bool,
    },
    /// Give an import up.
    CancelImport {
        /// Which.
        import: u64,
    },
    /// What stands in a folder; answered by [`News::Listed`].
    List {
        /// Its name.
        request: u64,
        /// The folder.
        folder: String,
        /// What was deleted below it and can be restored, instead of what stands
        /// there.
        deleted: bool,
        /// Of what was deleted only paths behind this one; empty for all.
        after: String,
    },
    /// What stands at a path and what stood there; answered by
    /// [`News::Versions`].
    Versions {
        /// Its name.
        request: u64,
        /// The path.
        path: String,
    },
    /// Make an empty folder; answered, like all changes, by [`News::Done`].
    MakeFolder {
        /// Its name.
        request: u64,
        /// The path.
        path: String,
    },
    /// Delete what stands at a path and below it; it can be restored.
    Remove {
        /// Its name.
        request: u64,
        /// The path.
        path: String,
    },
    /// Give what stands at a path, and all below it, another one.
    Rename {
        /// Its name.
        request: u64,
        /// The path.
        from: String,
        /// The path that it gets.
        to: String,
    },
    /// Make a version the one that stands: brings a deleted file or an older
    /// version back, or keeps one of several conflicts.
    Restore {
        /// Its name.
        request: u64,
        /// The path.
        path: String,
        /// The version, as in [`RowView::version`].
        version: String,
    },
    /// Delete for good what was deleted at a path and below it: it cannot be
    /// restored, and its bytes are given up everywhere.
    Erase {
        /// Its name.
        request: u64,
        /// The path.
        path: String,
    },
    /// Keep so many copies of what stands at a path and below it.
    SetGoal {
        /// Its name.
        request: u64,
        /// The path; empty for the folder that all are in.
        path: String,
        /// How many, from 1 to [`GOAL_MAX`]; `None` for as many as of the folder
        /// that it is in.
        copies: Option<u8>,
    },
    /// Bytes of a file; answered by [`News::Read`].
    Read {
        /// Its name.
        request: u64,
        /// The file, as in [`FileView::file`].
        file: String,
        /// The first byte.
        from: u64,
        /// How many, at most [`READ_BYTES_MAX`]; fewer come at the file's end.
        bytes: u32,
    },
    /// The answer to a read is not wanted any more.
    CancelRead {
        /// Its name.
        request: u64,
    },
    /// Keep a file here whatever others do, or no longer.
    Pin {
        /// The file, as in [`FileView::file`].
        file: String,
        /// Whether to keep it.
        pinned: bool,
    },
    /// The files that are kept here whatever others do; answered by
    /// [`News::Listed`]: rows with the file, and a path where it stands at one.
    ListPinned {
        /// Its name.
        request: u64,
    },
    /// This tab is about to close, if its user means it: others fetch at once what
    /// only it holds.
    Leave,
    /// Give so much space to the nebula, in MiB.
    Give {
        /// At most [`GIVE_MIB_MAX`].
        mib: u32,
    },
    /// Tell of changes and of how things stand, from now on or no more.
    Watch {
        /// Whether to.
        watching: bool,
    },
}

/// The most space that an ion gives, in MiB: 1 TiB.
pub const GIVE_MIB_MAX: u32 = 1 << 20;

/// What the user is told of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// All imports that are under way or wait, in order; told when they change,
    /// at most four times a second.
    Imports(Vec<ImportView>),
    /// An import ended: the file stands at its path and is on disk here, or why
    /// not.
    Imported {
        /// As asked.
        import: u64,
        /// Where it stands.
        path: String,
        /// The file, as in [`FileView::file`], or why not.
        result: Result<String, Problem>,
    },
    /// What stands in a folder: folders first, then files, by name.
    Listed {
        /// As asked.
        request: u64,
        /// The rows, or why there are none.
        result: Result<Vec<RowView>, Problem>,
        /// Whether there are more than [`LIST_MAX`].
        is_more: bool,
        /// How many copies there should be of what is in the folder.
        goal: GoalView,
    },
    /// The versions of a path, the latest first.
    Versions {
        /// As asked.
        request: u64,
        /// The rows, or why there are none.
        result: Result<Vec<RowView>, Problem>,
    },
    /// A change is made and on disk, or it is not.
    Done {
        /// As asked.
        request: u64,
        /// Why not.
        result: Result<(), Problem>,
    },
    /// Bytes of a file.
    Read {
        /// As asked.
        request: u64,
        /// The bytes, or why there are none.
        result: Result<ByteBuf, Problem>,
    },
    /// Something changed in what stands or in where copies are; told while it is
    /// watched, at most four times a second.
    Changed,
    /// How this ion's store stands; told while it is watched, when it changes.
    Store(StoreView),
}

/// An import under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportView {
    /// Its name.
    pub import: u64,
    /// Where the file shall stand.
    pub path: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// How much of it is on disk, in bytes.
    pub done_bytes: u64,
    /// How much comes in a second, in bytes; 0 while it waits.
    pub bytes_per_second: u64,
    /// Whether the user halted it.
    pub is_paused: bool,
    /// Whether it waits for its file: the tab that read it has ended. It goes on
    /// when the file is brought in under the same name, to the same path.
    pub is_left: bool,
}

/// One line of a folder, or one version of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowView {
    /// The name to be shown; conflicts say in it whose they are.
    pub name: String,
    /// Where it stands.
    pub path: String,
    /// What it is.
    pub kind: RowKind,
    /// Which version; empty for folders.
    pub version: String,
    /// Who wrote it: an ion's id; empty for folders.
    pub author: String,
    /// Its readable name.
    pub author_name: String,
    /// When it was written, in milliseconds since 1970; 0 for folders.
    pub at_ms: u64,
    /// How many copies there should be.
    pub goal: GoalView,
    /// The file; `None` for folders and for versions that deleted it.
    pub file: Option<FileView>,
}

/// How many copies there should be of what stands at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoalView {
    /// So many.
    pub copies: u8,
    /// Whether that is said of this very path, not of a folder that it is in.
    pub is_own: bool,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowKind {
    /// A folder.
    Folder,
    /// A file as it stands, or in a list of versions one that was written as
    /// such.
    File,
    /// A file that was written at the same time as the one that stands.
    Conflict,
    /// A file that was deleted, as it was before; in a list of versions the one
    /// that deleted it.
    Deleted,
}

/// A file's content, and how it is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// Its name by content: a CID.
    pub file: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
    /// When it was last changed, in milliseconds since 1970, as its author says.
    pub modified_ms: u64,
    /// Whole copies among the ions that are there: of its parts, the one that
    /// has fewest.
    pub copies: u32,
    /// How many there should be now: as many as wanted, or as there are ions.
    pub goal: u32,
    /// How much of it is here, in bytes.
    pub here_bytes: u64,
    /// Whether this ion is fetching a part of it to keep.
    pub is_fetching: bool,
    /// Whether a part of it is on this ion alone.
    pub is_only_here: bool,
    /// Whether the user wants it kept here.
    pub is_pinned: bool,
    /// The probability that a part of it is lost before it is copied again, in
    /// millionths.
    pub loss_ppm: u32,
}

/// How this ion's store stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreView {
    /// What it gives, in MiB.
    pub gives_mib: u32,
    /// What it holds of files, in bytes.
    pub held_bytes: u64,
    /// What only it holds of them, in bytes: closing it now would take that away
    /// from all. 0 says that it may be closed.
    pub only_here_bytes: u64,
    /// How many ions are there to take copies.
    pub others: u32,
    /// Parts that it is fetching to keep.
    pub fetching: u32,
    /// What the browser says is used of the disk, in bytes, and how much there
    /// may be; 0 where it does not say.
    pub used_bytes: u64,
    /// See `used_bytes`.
    pub quota_bytes: u64,
    /// Whether what it holds survives the tab.
    pub is_kept: bool,
    /// What it holds of files that its user wants kept here, in bytes. What two
    /// kinds have in common counts for both.
    pub pinned_bytes: u64,
    /// What it holds of other files that were brought in here, in bytes.
    pub own_bytes: u64,
    /// What it holds as copies for the nebula, in bytes.
    pub copies_bytes: u64,
    /// What it holds of files that were looked at, and of imports that have not
    /// ended, in bytes.
    pub passing_bytes: u64,
    /// What the shared memory takes without letters, in bytes.
    pub state_bytes: u64,
    /// What letters take, in bytes.
    pub mail_bytes: u64,
}
