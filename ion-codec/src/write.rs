//! Writing: each value in its one form, and the keys of maps in their order.

use std::ops::Range;

use cid::serde::CID_SERDE_PRIVATE_IDENTIFIER;
use serde::ser::{self, Serialize, Serializer};

use super::{
    Error,
    read::{FALSE, FLOAT, NULL, TRUE, major},
};

/// The tag of a CID, and the zero that stands before its bytes.
const CID_TAG: [u8; 2] = [0xd8, 42];
const CID_PREFIX: u8 = 0;

/// Writes one value after the other.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    /// The next bytes are a CID's.
    is_cid: bool,
}

/// Room for most messages between ions, in bytes: what is longer grows.
const USUAL_BYTES: usize = 256;

impl Writer {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::with_capacity(USUAL_BYTES), is_cid: false }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    #[inline(never)]
    fn head(&mut self, major: u8, number: u64) {
        head(&mut self.bytes, major, number);
    }

    #[inline(never)]
    fn text(&mut self, text: &str) {
        self.head(major::TEXT, text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    #[inline(never)]
    fn blob(&mut self, bytes: &[u8]) {
        let prefix: &[u8] = if std::mem::take(&mut self.is_cid) {
            self.bytes.extend_from_slice(&CID_TAG);
            &[CID_PREFIX]
        } else {
            &[]
        };
        self.head(major::BYTES, (prefix.len() + bytes.len()) as u64);
        self.bytes.extend_from_slice(prefix);
        self.bytes.extend_from_slice(bytes);
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the others of its kind")]
    fn unsigned(&mut self, number: u64) -> Result<(), Error> {
        self.head(major::UNSIGNED, number);
        Ok(())
    }

    #[inline(never)]
    fn signed(&mut self, number: i64) -> Result<(), Error> {
        self.wide(number.into())
    }

    #[inline(never)]
    fn wide(&mut self, number: i128) -> Result<(), Error> {
        let (major, number) =
            if number < 0 { (major::NEGATIVE, -1 - number) } else { (major::UNSIGNED, number) };
        self.head(major, number.try_into().map_err(|_| Error::NoForm)?);
        Ok(())
    }

    #[inline(never)]
    fn float(&mut self, number: f64) -> Result<(), Error> {
        if !number.is_finite() {
            return Err(Error::NoForm);
        }
        self.bytes.push(FLOAT);
        self.bytes.extend_from_slice(&number.to_be_bytes());
        Ok(())
    }

    /// A list or a map begins.
    #[inline(never)]
    fn group(&mut self, major: u8, count: Option<usize>) -> Group<'_> {
        let start = self.bytes.len();
        if let Some(count) = count {
            self.head(major, count as u64);
        }
        let first = self.bytes.len();
        Group { writer: self, major, count, start, first, entries: Vec::new(), items: 0 }
    }

    /// A list or a map in a variant begins.
    #[inline(never)]
    fn variant(&mut self, name: &str, major: u8, count: usize) -> Group<'_> {
        self.head(major::MAP, 1);
        self.text(name);
        self.group(major, Some(count))
    }
}

/// The first bytes of a value, in the shortest form.
fn head(bytes: &mut Vec<u8>, major: u8, number: u64) {
    let all = number.to_be_bytes();
    let (short, from) = match number {
        // It is less than 24.
        0..=23 => (all[7], 8),
        24..=0xff => (24, 7),
        0x100..=0xffff => (25, 6),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 0),
    };
    bytes.push(major << 5 | short);
    bytes.extend_from_slice(&all[from..]);
}

/// A list or a map that is being written.
pub(crate) struct Group<'a> {
    writer: &'a mut Writer,
    major: u8,
    /// As its type said.
    count: Option<usize>,
    /// Where it, and where its first item begins.
    start: usize,
    first: usize,
    /// Where each entry of a map begins.
    entries: Vec<usize>,
    /// Items of a list.
    items: usize,
}

impl Group<'_> {
    #[inline(never)]
    fn key(&mut self, key: &str) {
        self.begin_entry();
        self.writer.text(key);
    }

    #[inline(never)]
    fn begin_entry(&mut self) {
        self.entries.push(self.writer.bytes.len());
    }

    /// Puts the keys in order, and the length before them if it was not known.
    #[inline(never)]
    fn finish(self) -> Result<(), Error> {
        let bytes = &mut self.writer.bytes;
        let count = if self.major == major::MAP { self.entries.len() } else { self.items };
        sort(bytes, &self.entries)?;
        match self.count {
            Some(expected) if expected == count => Ok(()),
            Some(_) => Err(Error::OtherLength),
            None => {
                let items = bytes.split_off(self.first);
                head(bytes, self.major, count as u64);
                bytes.extend_from_slice(&items);
                debug_assert_eq!(self.start, self.first, "no length was written before");
                Ok(())
            }
        }
    }
}

/// Orders the entries of a map that end the bytes: short keys first, then by
/// their bytes, which is the order of entries as they are written.
fn sort(bytes: &mut Vec<u8>, starts: &[usize]) -> Result<(), Error> {
    let Some(first) = starts.first().copied() else { return Ok(()) };
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let mut entries: Vec<Range<usize>> =
        starts.iter().zip(ends).map(|(start, end)| *start..end).collect();
    if entries.iter().any(|entry| bytes[entry.start] >> 5 != major::TEXT) {
        return Err(Error::NoForm);
    }
    if entries.is_sorted_by(|one, other| bytes[one.clone()] < bytes[other.clone()]) {
        return Ok(());
    }
    ion_map::sort_by(&mut entries, |one, other| bytes[one.clone()].cmp(&bytes[other.clone()]));
    let unsorted = bytes.split_off(first);
    for entry in entries {
        bytes.extend_from_slice(&unsorted[entry.start - first..entry.end - first]);
    }
    Ok(())
}

macro_rules! as_widest {
    ($write:ident: $($name:ident $type:ty)*) => {
        $(
            #[inline]
            fn $name(self, value: $type) -> Result<(), Error> {
                self.$write(value.into())
            }
        )*
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Group<'a>;
    type SerializeTuple = Group<'a>;
    type SerializeTupleStruct = Group<'a>;
    type SerializeTupleVariant = Group<'a>;
    type SerializeMap = Group<'a>;
    type SerializeStruct = Group<'a>;
    type SerializeStructVariant = Group<'a>;

    as_widest!(unsigned: serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64);
    as_widest!(signed: serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64);
    as_widest!(float: serialize_f32 f32 serialize_f64 f64);

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.wide(value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.wide(value.try_into().map_err(|_| Error::NoForm)?)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.bytes.push(if value { TRUE } else { FALSE });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.blob(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.bytes.push(NULL);
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if name == CID_SERDE_PRIVATE_IDENTIFIER {
            self.is_cid = true;
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.head(major::MAP, 1);
        self.text(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, count: Option<usize>) -> Result<Group<'a>, Error> {
        Ok(self.group(major::LIST, count))
    }

    fn serialize_tuple(self, count: usize) -> Result<Group<'a>, Error> {
        Ok(self.group(major::LIST, Some(count)))
    }

    fn serialize_tuple_struct(self, _name: &'static str, count: usize) -> Result<Group<'a>, Error> {
        Ok(self.group(major::LIST, Some(count)))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<Group<'a>, Error> {
        Ok(self.variant(variant, major::LIST, count))
    }

    fn serialize_map(self, count: Option<usize>) -> Result<Group<'a>, Error> {
        Ok(self.group(major::MAP, count))
    }

    fn serialize_struct(self, _name: &'static str, count: usize) -> Result<Group<'a>, Error> {
        Ok(self.group(major::MAP, Some(count)))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<Group<'a>, Error> {
        Ok(self.variant(variant, major::MAP, count))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! list {
    ($($kind:ident $item:ident)*) => {
        $(
            impl ser::$kind for Group<'_> {
                type Ok = ();
                type Error = Error;

                #[inline]
                fn $item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                    self.items += 1;
                    value.serialize(&mut *self.writer)
                }

                fn end(self) -> Result<(), Error> {
                    self.finish()
                }
            }
        )*
    };
}

list!(SerializeSeq serialize_element SerializeTuple serialize_element
    SerializeTupleStruct serialize_field SerializeTupleVariant serialize_field);

macro_rules! fields {
    ($($kind:ident)*) => {
        $(
            impl ser::$kind for Group<'_> {
                type Ok = ();
                type Error = Error;

                #[inline]
                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    key: &'static str,
                    value: &T,
                ) -> Result<(), Error> {
                    self.key(key);
                    value.serialize(&mut *self.writer)
                }

                fn end(self) -> Result<(), Error> {
                    self.finish()
                }
            }
        )*
    };
}

fields!(SerializeStruct SerializeStructVariant);

impl ser::SerializeMap for Group<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.begin_entry();
        key.serialize(&mut *self.writer)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}
