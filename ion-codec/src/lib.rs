//! DAG-CBOR both ways, for serde: the form of what is stored, signed or sent.
//!
//! It follows the [DAG-CBOR specification](https://ipld.io/specs/codecs/dag-cbor/spec/)
//! and writes what `serde_ipld_dagcbor` writes, byte for byte; structs are maps,
//! enums are a variant's name, or a map from it to what the variant holds. That
//! library's functions are compiled anew into each type that is read, with its
//! errors of 24 bytes that must be dropped. Here what reads the bytes is compiled
//! once, and an error is a byte: of what a tab downloads this is 36 KiB less.
//!
//! Refuses, beside what is cut off or of another type: lengths and numbers in a
//! longer form than they need, indefinite lengths, floats of less than 64 bits
//! or that are no numbers, tags but that of CIDs, keys that are not text, bytes
//! behind the value. It does not look at the order of keys that it reads.
//!
//! Bounds: values nest at most [`DEPTH_MAX`] deep, and nothing is allocated for
//! a length that the bytes at hand cannot fill. How many bytes are read is the
//! caller's to limit.

mod json;
mod read;
mod write;

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

pub use json::{from_json, json_text};
pub use read::DEPTH_MAX;

/// Why bytes are not the value that was asked for, or a value has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes end before the value does.
    CutOff,
    /// Bytes follow the value.
    TooLong,
    /// Something else stands there than what was asked for.
    OtherType,
    /// It is not written in the one form that DAG-CBOR allows.
    OtherForm,
    /// It nests deeper than [`DEPTH_MAX`].
    TooDeep,
    /// A list or a map has another length than its type.
    OtherLength,
    /// Its type refuses it: an unknown variant, a field too few, a number too large.
    Refused,
    /// A key is not text, or a number is none that DAG-CBOR has.
    NoForm,
}

impl Display for Error {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::CutOff => "the bytes end before the value does",
            Self::TooLong => "bytes follow the value",
            Self::OtherType => "something else stands there than was asked for",
            Self::OtherForm => "it is not in the form that DAG-CBOR prescribes",
            Self::TooDeep => "it is nested too deep",
            Self::OtherLength => "a list or a map has another length than its type",
            Self::Refused => "its type refuses it",
            Self::NoForm => "it has no form in DAG-CBOR",
        })
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    /// The message is not made: nobody could act on it.
    fn custom<T: Display>(_: T) -> Self {
        Self::Refused
    }
}

impl serde::ser::Error for Error {
    fn custom<T: Display>(_: T) -> Self {
        Self::Refused
    }
}

/// A value as bytes; equal values give equal bytes.
///
/// # Errors
/// [`Error::NoForm`], or [`Error::Refused`] where its type says so.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut writer = write::Writer::new();
    value.serialize(&mut writer)?;
    Ok(writer.into_bytes())
}

/// A value from all of these bytes.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    let mut reader = read::Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests;
