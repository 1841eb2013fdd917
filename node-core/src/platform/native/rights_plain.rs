//! Where the system has no owner bits to set: the user's own folders are
//! private by inheritance.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// What tells a file from one that took its place: nothing here, where an
/// open file can't be deleted.
pub(super) type FileId = ();

/// Makes or empties a file.
pub(super) fn create_for_owner(path: &Path) -> io::Result<File> {
    File::create(path)
}

/// Opens a file for reading and writing, and makes it if it is not there.
pub(super) fn open_for_owner(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Fails when there is no file.
pub(super) fn file_id(path: &Path) -> io::Result<FileId> {
    path.metadata().map(drop)
}

/// Nothing to do.
pub(super) fn folder_for_owner(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Folders can't be synced here; the file system journals renames.
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
