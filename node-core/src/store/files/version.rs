//! One version of what stands at a path, as an entry's name and value.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};

use super::{FilePath, Refusal};
use crate::{
    codec,
    store::{
        chunk::{Cid, Codec},
        manifest::{self, FILE_BYTES_MAX},
    },
};

/// Versions that one names as those it came after. More than
/// [`VERSIONS_MAX`](super::VERSIONS_MAX), so that what is kept is named.
pub const ANCESTORS_MAX: usize = 32;
/// An encoded version, in bytes.
pub const VALUE_BYTES_MAX: usize = 2 << 10;

/// The form's version.
const VERSION: u32 = 1;
/// An id's length, in bytes.
const ID_BYTES: usize = 16;
/// What stands between a path and an id in an entry's name; in no path.
const BETWEEN: &str = "//";

/// A version's name: the first half of its value's BLAKE3 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionId(#[serde(with = "serde_bytes")] [u8; ID_BYTES]);

impl VersionId {
    /// The name of the version with this encoding.
    pub fn of(value: &[u8]) -> Self {
        let hash = blake3::hash(value);
        Self(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
    }

    /// From its text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.contains(|digit: char| digit.is_ascii_uppercase()) {
            return None;
        }
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
    }
}

impl fmt::Debug for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.to_string()[..8])
    }
}

/// A file's content, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its ledger.
    pub manifest: Cid,
    /// Its size, in bytes, so that a list needs no ledgers. The ledger decides.
    pub size: u64,
    /// Its media type.
    pub media_type: String,
    /// When it was last changed, in milliseconds since 1970, as whoever brought
    /// it says.
    pub modified_ms: u64,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A file.
    File(File),
    /// A folder that was made as such; others are there by what is in them.
    Folder,
    /// Nothing any more.
    Gone,
}

/// A version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    version: u32,
    /// What stands there.
    pub what: What,
    /// The versions that it came after, the latest first: at most
    /// [`ANCESTORS_MAX`].
    pub ancestors: Vec<VersionId>,
}

/// Any of them, whatever else it says.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Version {
    /// A version after others; of these, the first [`ANCESTORS_MAX`] are named.
    pub fn new(what: What, mut ancestors: Vec<VersionId>) -> Self {
        ancestors.truncate(ANCESTORS_MAX);
        Self { version: VERSION, what, ancestors }
    }

    /// The entry of this version: its name and its value.
    pub fn entry(&self, path: &FilePath) -> (String, Vec<u8>) {
        let value = codec::encode(self);
        (entry_name(path, VersionId::of(&value)), value)
    }

    /// The path and the version that an entry's name names.
    ///
    /// # Errors
    /// Whatever it is that makes it no such name.
    pub fn read_name(name: &str) -> Result<(FilePath, VersionId), Refusal> {
        let (path, id) = name.rsplit_once(BETWEEN).ok_or(Refusal::Malformed)?;
        Ok((path.parse()?, VersionId::parse(id).ok_or(Refusal::Malformed)?))
    }

    /// The file that it puts there.
    pub fn as_file(&self) -> Option<&File> {
        if let What::File(file) = &self.what { Some(file) } else { None }
    }

    /// The file that it puts there.
    pub fn into_file(self) -> Option<File> {
        if let What::File(file) = self.what { Some(file) } else { None }
    }

    /// From an entry's name and value.
    ///
    /// # Errors
    /// Whatever it is that makes them no version.
    pub fn read(name: &str, value: &[u8]) -> Result<(FilePath, VersionId, Self), Refusal> {
        let (path, id) = Self::read_name(name)?;
        if VersionId::of(value) != id {
            return Err(Refusal::Malformed);
        }
        Ok((path, id, Self::decode(value)?))
    }

    fn decode(value: &[u8]) -> Result<Self, Refusal> {
        let Some(version) = codec::decode::<Self>(value, VALUE_BYTES_MAX) else {
            return Err(match codec::decode::<Versioned>(value, VALUE_BYTES_MAX) {
                Some(Versioned { version }) if version != VERSION => Refusal::Version { version },
                _ => Refusal::Malformed,
            });
        };
        if version.version != VERSION {
            return Err(Refusal::Version { version: version.version });
        }
        if version.ancestors.len() > ANCESTORS_MAX {
            return Err(Refusal::Malformed);
        }
        if let What::File(file) = &version.what {
            file.check()?;
        }
        Ok(version)
    }
}

impl File {
    /// Whether it can be what it says.
    ///
    /// # Errors
    /// [`Refusal::Manifest`].
    pub fn check(&self) -> Result<(), Refusal> {
        manifest::check_media_type(&self.media_type)?;
        if self.size > FILE_BYTES_MAX {
            return Err(manifest::Refusal::TooLarge.into());
        }
        let is_ledger = self.manifest.codec() == Codec::DagCbor;
        if is_ledger { Ok(()) } else { Err(manifest::Refusal::Kind.into()) }
    }
}

/// The name of a version's entry.
pub(super) fn entry_name(path: &FilePath, id: VersionId) -> String {
    format!("{path}{BETWEEN}{id}")
}
