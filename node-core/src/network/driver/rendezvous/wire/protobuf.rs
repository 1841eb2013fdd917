//! As much of protobuf as the rendezvous needs: fields of integers and bytes.
//!
//! Reading borrows, takes no memory and never goes beyond its bytes. Refused
//! are groups, which nobody uses, the reserved wire types, and integers of
//! more than 64 bits.
//!
//! Specification: protobuf's encoding guide.

/// Bytes of the longest integer.
const INTEGER_BYTES_MAX: usize = 10;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A message is longer than messages may be.
    #[error("the message is too long")]
    TooLong,
    /// A field goes beyond the message's end.
    #[error("the message ends within a field")]
    CutOff,
    /// An integer has more than 64 bits.
    #[error("an integer has more than 64 bits")]
    IntegerTooLong,
    /// A field has a wire type that its number does not have, or none known.
    #[error("field {0} has the wrong type")]
    WrongType(u32),
    /// A field has a number that there cannot be.
    #[error("a field has an impossible number")]
    WrongNumber,
    /// A namespace is no text.
    #[error("a namespace is not UTF-8")]
    NotText,
    /// A message does not say what it is.
    #[error("the message has no type")]
    NoKind,
    /// A message is not there though it says what it is.
    #[error("the message has no body")]
    NoBody,
    /// A message is an answer, or unknown.
    #[error("the message is not a request")]
    NotARequest,
    /// A message is a request, or unknown.
    #[error("the message is not an answer")]
    NotAResponse,
}

/// A field's number and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes, which no field here has.
    Fixed,
}

impl<'a> Field<'a> {
    /// Its value, where that is an integer.
    pub(super) fn integer(self) -> Result<u64, WireError> {
        match self.value {
            Value::Integer(integer) => Ok(integer),
            Value::Bytes(_) | Value::Fixed => Err(WireError::WrongType(self.number)),
        }
    }

    /// Its value, where that is bytes, text or a message.
    pub(super) fn bytes(self) -> Result<&'a [u8], WireError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Integer(_) | Value::Fixed => Err(WireError::WrongType(self.number)),
        }
    }
}

/// Reads fields until the end or the first error.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of one message.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let tag = self.read_integer()?;
        let number = u32::try_from(tag >> 3).map_err(|_| WireError::WrongNumber)?;
        if number == 0 || number >= 1 << 29 {
            return Err(WireError::WrongNumber);
        }
        let value = match tag & 7 {
            0 => Value::Integer(self.read_integer()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = self.read_integer()?;
                Value::Bytes(self.take(usize::try_from(length).map_err(|_| WireError::CutOff)?)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(WireError::WrongType(number)),
        };
        Ok(Field { number, value })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WireError::CutOff)?;
        self.rest = rest;
        Ok(taken)
    }

    fn read_integer(&mut self) -> Result<u64, WireError> {
        let mut integer = 0;
        for at in 0..INTEGER_BYTES_MAX {
            let byte = self.take(1)?[0];
            // The tenth byte has room for the last of 64 bits.
            if at == INTEGER_BYTES_MAX - 1 && byte > 1 {
                break;
            }
            integer |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Ok(integer);
            }
        }
        Err(WireError::IntegerTooLong)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Writes fields, one after the other.
#[derive(Default)]
pub(super) struct Writer {
    written: Vec<u8>,
}

impl Writer {
    /// Writes a field with an integer.
    pub(super) fn integer(&mut self, number: u32, value: u64) {
        self.write_integer(u64::from(number) << 3);
        self.write_integer(value);
    }

    /// Writes a field with an integer, if there is one.
    pub(super) fn optional_integer(&mut self, number: u32, value: Option<u64>) {
        if let Some(value) = value {
            self.integer(number, value);
        }
    }

    /// Writes a field with bytes, text or a message.
    pub(super) fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.write_integer(u64::from(number) << 3 | 2);
        self.length_and(bytes);
    }

    /// Writes bytes with their length before them.
    pub(super) fn length_and(&mut self, bytes: &[u8]) {
        self.write_integer(bytes.len() as u64);
        self.written.extend_from_slice(bytes);
    }

    /// What was written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.written
    }

    fn write_integer(&mut self, mut rest: u64) {
        loop {
            let group = u8::try_from(rest & 0x7f).expect("seven bits fit");
            rest >>= 7;
            if rest == 0 {
                self.written.push(group);
                return;
            }
            self.written.push(group | 0x80);
        }
    }
}
