//! Rights as Unix has them: 0600 for what only the owner may read.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use super::FileError;

pub(super) fn owner_only(options: &mut OpenOptions) {
    options.mode(0o600);
}

pub(super) fn check(path: &Path, file: &File) -> io::Result<Result<(), FileError>> {
    let mode = file.metadata()?.permissions().mode() & 0o777;
    let is_private = mode == mode & 0o700;
    Ok(if is_private { Ok(()) } else { Err(FileError::Exposed { path: path.to_owned(), mode }) })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::private_file::{read, tests::Folder, write};

    #[test]
    fn one_that_others_can_read_is_refused() {
        let folder = Folder::new("exposed");
        let path = folder.0.join("secret");
        write(&path, b"one").expect("it is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is changed");
        let error = read(&path).expect_err("it is refused").to_string();
        assert!(error.contains("644") && error.contains("chmod 600"), "{error}");
    }
}
