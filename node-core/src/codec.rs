//! DAG-CBOR both ways: the form of what is stored, signed or sent between ions.
//!
//! Refuses: bytes beyond the bound that the reader names, and what is no such
//! value. What a value may be is for its own module to check.

use serde::{Deserialize, Serialize};

/// A value as bytes; equal values give equal bytes.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    ion_codec::to_vec(value).expect("plain data always has a DAG-CBOR form")
}

/// A value from at most so many bytes; `None` where they are more, or none.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8], bytes_max: usize) -> Option<T> {
    if bytes.len() > bytes_max {
        return None;
    }
    ion_codec::from_slice(bytes).ok()
}
