//! Settings in one file per store, replaced as a whole.
//!
//! A write goes to a second file, which is synced and renamed over the first,
//! so that a crash leaves either the old entries or the new ones. Files are
//! read for every call: settings are few, and two handles never disagree.
//! Two programs must not write one store at once; the identity slot sees to it.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::Path,
    rc::Rc,
};

use futures::future::{FutureExt, LocalBoxFuture};
use serde::{Deserialize, Serialize};

use super::{make_folder, rights};
use crate::platform::storage::{
    Batch, ENTRIES_MAX, Entries, Error, KEY_BYTES_MAX, Storage, VALUE_BYTES_MAX, check_name,
};

/// The version of the file's format.
const VERSION: u32 = 1;
/// Longest file: all entries at their limits, with room for the encoding.
const FILE_BYTES_MAX: usize = ENTRIES_MAX * (KEY_BYTES_MAX + VALUE_BYTES_MAX + 16) + 64;

/// One store in a folder.
#[derive(Clone, Debug)]
pub struct NativeStorage {
    file: Rc<Path>,
}

/// What the file holds, as DAG-CBOR.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    entries: Entries,
}

impl NativeStorage {
    pub(super) fn new(folder: &Path, name: &str) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self { file: folder.join(format!("{name}.settings")).into() })
    }

    /// Whether the store can be read, and its folder be made.
    pub(super) fn check(&self) -> Result<(), Error> {
        make_folder(self.folder()).map_err(|error| unavailable(&self.file, &error))?;
        self.read().map(drop)
    }

    fn folder(&self) -> &Path {
        self.file.parent().expect("the file was joined to a folder")
    }

    fn read(&self) -> Result<Entries, Error> {
        let bytes = match read_bounded(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Entries::default()),
            Err(error) => return Err(unavailable(&self.file, &error)),
        };
        decode(&bytes).map_err(|why| Error::Corrupt {
            reason: format!("{}: {why}; move the file away to begin anew", self.file.display()),
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), Error> {
        let stored = Stored { version: VERSION, entries: self.read()?.after(batch)? };
        let bytes = ion_codec::to_vec(&stored)
            .map_err(|error| Error::Failed { reason: error.to_string() })?;
        self.replace(&bytes).map_err(|error| failed(&self.file, &error))
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        make_folder(self.folder())?;
        let new = self.file.with_extension("settings-new");
        let written = write_synced(&new, bytes).and_then(|()| fs::rename(&new, &self.file));
        if written.is_err() {
            // What is half written takes space on a disk that may be full.
            drop(fs::remove_file(&new));
        }
        written?;
        rights::sync_folder(self.folder())
    }
}

impl Storage for NativeStorage {
    fn get(&self, key: &str) -> LocalBoxFuture<'static, Result<Option<Vec<u8>>, Error>> {
        let (storage, key) = (self.clone(), key.to_owned());
        async move { Ok(storage.read()?.get(&key)) }.boxed_local()
    }

    fn list(&self, prefix: &str) -> LocalBoxFuture<'static, Result<Vec<String>, Error>> {
        let (storage, prefix) = (self.clone(), prefix.to_owned());
        async move { Ok(storage.read()?.list(&prefix)) }.boxed_local()
    }

    fn write(&self, batch: Batch) -> LocalBoxFuture<'static, Result<(), Error>> {
        let storage = self.clone();
        async move { storage.apply(batch) }.boxed_local()
    }
}

fn read_bounded(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed, so that `decode` sees that it is too long.
    File::open(file)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<Entries, String> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(format!("longer than {FILE_BYTES_MAX} bytes"));
    }
    let stored: Stored = ion_codec::from_slice(bytes).map_err(|error| error.to_string())?;
    if stored.version != VERSION {
        return Err(format!("version {}, of which this program knows nothing", stored.version));
    }
    stored.entries.after(Batch::new()).map_err(|error| error.to_string())
}

fn write_synced(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = rights::create_for_owner(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn unavailable(file: &Path, error: &io::Error) -> Error {
    Error::Unavailable { reason: format!("{}: {error}", file.display()) }
}

fn failed(file: &Path, error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::QuotaExceeded,
        _ => Error::Failed { reason: format!("{}: {error}", file.display()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(version: u32) -> Vec<u8> {
        let entries = Entries::default().after(Batch::new().put("a", vec![7])).expect("fits");
        ion_codec::to_vec(&Stored { version, entries }).expect("plain data")
    }

    /// The file's format: changing these bytes needs a new version and a way
    /// to read the old one.
    #[test]
    fn golden() {
        let expected = b"\xa2\x67entries\xa1\x61a\x41\x07\x67version\x01";
        assert_eq!(encoded(1), expected);
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let file = Path::new("a.settings");
        assert_eq!(failed(file, &ErrorKind::StorageFull.into()), Error::QuotaExceeded);
        let other = failed(file, &ErrorKind::PermissionDenied.into());
        assert!(matches!(&other, Error::Failed { reason } if reason.contains("a.settings")));
    }

    #[test]
    fn other_versions_and_damage_are_refused() {
        assert!(decode(&encoded(1)).is_ok());
        assert!(decode(&encoded(2)).is_err_and(|why| why.contains("version 2")));
        let whole = encoded(1);
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length} bytes");
        }
    }
}
