//! Files and folders that only their owner may read.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Makes or empties a file, with mode 0600 from the first moment.
pub(super) fn create_for_owner(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
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
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
}
