//! Files that only the relay's own user may read: its keys.
//!
//! They are written whole or not at all and never replaced by accident; one
//! that others can read is refused, since what it held may be known already.
//! Bounds: [`FILE_BYTES_MAX`].

#[cfg(not(unix))]
#[path = "private_file/rights_plain.rs"]
mod rights;
#[cfg(unix)]
#[path = "private_file/rights_unix.rs"]
mod rights;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// A private file's length, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 64 << 10;

/// Why a private file or its folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The folder cannot be made or used.
    #[error("the data folder {} cannot be used: {reason}; choose another with --data-dir", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another relay runs on this folder.
    #[error("another relay uses the data folder {}; stop it, or choose another folder with --data-dir", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Others can read it.
    #[error(
        "{} can be read by others (its rights are {mode:03o}); if nobody has read it, \
         run `chmod 600 {}`, otherwise move it away and a new one is made", path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its rights.
        mode: u32,
    },
    /// It does not hold what it should.
    #[error("{} is damaged: {reason}; restore it from a copy, or move it away and a new one is made", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Makes the folder where it is missing and locks it for this process. The
/// lock lasts as long as the returned file.
pub(crate) fn open_folder(path: &Path) -> Result<File, FileError> {
    let wrong =
        |error: io::Error| FileError::Folder { path: path.to_owned(), reason: error.to_string() };
    fs::create_dir_all(path).map_err(wrong)?;
    let lock = File::create(path.join("lock")).map_err(wrong)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(FileError::Taken { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(wrong(error)),
    }
}

/// Reads a private file; none if it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let unreadable = |error: io::Error| FileError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    rights::check(path, &file).map_err(unreadable)??;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(damaged(path, &format!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    Ok(Some(bytes))
}

/// Writes a private file as a whole: under another name first, then renamed.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let unfinished = path.with_extension("unfinished");
    let written = write_new(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    written
        .map_err(|error| FileError::Unwritable { path: path.to_owned(), reason: error.to_string() })
}

/// What to say of a file with the wrong content.
pub(crate) fn damaged(path: &Path, reason: &dyn std::fmt::Display) -> FileError {
    FileError::Damaged { path: path.to_owned(), reason: reason.to_string() }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    rights::owner_only(&mut options);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A folder of its own for one test, removed with it.
    pub(crate) struct Folder(pub(crate) PathBuf);

    impl Folder {
        pub(crate) fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("relay-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("the folder is made");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).expect("the folder is removed");
        }
    }

    #[test]
    fn what_was_written_is_read_and_private() {
        let folder = Folder::new("private");
        let path = folder.0.join("secret");
        assert_eq!(read(&path).expect("it may be missing"), None);
        write(&path, b"one").expect("it is written");
        write(&path, b"two").expect("it is written again");
        assert_eq!(read(&path).expect("it is read").as_deref(), Some(b"two".as_slice()));
        assert_eq!(fs::read_dir(&folder.0).expect("it is listed").count(), 1);
    }

    #[test]
    fn a_folder_serves_one_relay() {
        let folder = Folder::new("lock");
        let held = open_folder(&folder.0).expect("it is free");
        assert!(matches!(open_folder(&folder.0), Err(FileError::Taken { .. })));
        drop(held);
        open_folder(&folder.0).expect("it is free again");
    }

    #[test]
    fn an_endless_file_is_refused() {
        let folder = Folder::new("long");
        let path = folder.0.join("secret");
        let long = vec![0; usize::try_from(FILE_BYTES_MAX).expect("it fits") + 1];
        write(&path, &long).expect("it is written");
        assert!(matches!(read(&path), Err(FileError::Damaged { .. })));
    }
}
