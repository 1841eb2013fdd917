//! Files and folders that only their owner may read.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// What tells a file from one that took its place: device and inode.
pub(super) type FileId = (u64, u64);

/// Makes or empties a file, with mode 0600 from the first moment.
pub(super) fn create_for_owner(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Opens a file for reading and writing; makes it with mode 0600 if it is not there.
pub(super) fn open_for_owner(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Fails when there is no file.
pub(super) fn file_id(path: &Path) -> io::Result<FileId> {
    path.metadata().map(|file| (file.dev(), file.ino()))
}

/// Sets mode 0700.
pub(super) fn folder_for_owner(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// Makes a rename within the folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_may_read() {
        let folder = std::env::temp_dir().join(format!("ionosphere-rights-{}", std::process::id()));
        crate::platform::native::make_folder(&folder).expect("the temporary folder is writable");
        let file = folder.join("a");
        drop(create_for_owner(&file).expect("the folder is ours"));
        let mode = |path| fs::metadata(path).expect("it was made").permissions().mode() & 0o777;
        let other = folder.join("b");
        drop(open_for_owner(&other).expect("the folder is ours"));
        assert_eq!((mode(&folder), mode(&file), mode(&other)), (0o700, 0o600, 0o600));
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
}
