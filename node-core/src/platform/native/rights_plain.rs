//! Where the system has no owner bits to set: the user's own folders are
//! private by inheritance.

use std::{fs::File, io, path::Path};

/// Makes or empties a file.
pub(super) fn create_for_owner(path: &Path) -> io::Result<File> {
    File::create(path)
}

/// Nothing to do.
pub(super) fn folder_for_owner(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Folders can't be synced here; the file system journals renames.
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
