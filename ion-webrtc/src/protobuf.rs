//! As much of protobuf as two messages of two fields each need.
//!
//! Unknown fields are skipped, as the format demands; groups and everything
//! else that is not of this century is refused. Nothing is copied and nothing
//! grows: fields are ranges of the bytes they were read from.

use std::ops::Range;

use unsigned_varint::{decode, encode};

/// The bytes are not the message that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed protobuf")]
pub struct Malformed;

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A number.
    Varint(u64),
    /// Where in the message its bytes are.
    Bytes(Range<usize>),
    /// Eight or four bytes, of which nobody here knows the meaning.
    Fixed,
}

/// The fields of a message, one after the other.
pub(crate) struct Fields<'a> {
    message: &'a [u8],
    position: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { message, position: 0 }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let rest = &self.message[self.position..];
        let (value, after) = decode::u64(rest).map_err(|_| Malformed)?;
        self.position += rest.len() - after.len();
        Ok(value)
    }

    fn skip(&mut self, bytes: usize) -> Result<Range<usize>, Malformed> {
        let end = self.position.checked_add(bytes).filter(|end| *end <= self.message.len());
        let range = self.position..end.ok_or(Malformed)?;
        self.position = range.end;
        Ok(range)
    }

    fn field(&mut self) -> Result<(u64, Value), Malformed> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.skip(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Value::Bytes(self.skip(length)?)
            }
            5 => self.skip(4).map(|_| Value::Fixed)?,
            _ => return Err(Malformed),
        };
        Ok((key >> 3, value))
    }
}

impl Iterator for Fields<'_> {
    type Item = Result<(u64, Value), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.message.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.position = self.message.len();
        }
        Some(field)
    }
}

/// Appends an unsigned varint.
pub(crate) fn put_varint(value: u64, to: &mut Vec<u8>) {
    to.extend_from_slice(encode::u64(value, &mut encode::u64_buffer()));
}

/// Appends the length prefix of a field of bytes; the bytes follow.
pub(crate) fn put_length(field: u64, bytes: usize, to: &mut Vec<u8>) {
    put_varint(field << 3 | 2, to);
    put_varint(bytes as u64, to);
}

/// Appends a field that is a number, also when it is zero.
pub(crate) fn put_number(field: u64, value: u64, to: &mut Vec<u8>) {
    put_varint(field << 3, to);
    put_varint(value, to);
}

/// Splits off a length-prefixed message: where it starts and how long it is.
/// `Ok(None)` when there are not enough bytes yet.
///
/// # Errors
///
/// When the prefix is malformed or longer than `bytes_max`.
pub(crate) fn prefixed(from: &[u8], bytes_max: usize) -> Result<Option<Range<usize>>, Malformed> {
    let (length, rest) = match decode::u64(from) {
        Ok(found) => found,
        Err(decode::Error::Insufficient) => return Ok(None),
        Err(_) => return Err(Malformed),
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes_max);
    let start = from.len() - rest.len();
    let end = start + length.ok_or(Malformed)?;
    Ok((end <= from.len()).then_some(start..end))
}
