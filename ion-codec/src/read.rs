//! Reading: what stands next in the bytes, and serde's questions to it.
//!
//! Serde's side is generic and thin; what looks at bytes is neither.

use cid::serde::CID_SERDE_PRIVATE_IDENTIFIER;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::BorrowedBytesDeserializer,
};

use super::Error;

/// How deep values may nest.
pub const DEPTH_MAX: u8 = 128;

/// The tag of a CID, the only one there is.
const CID_TAG: u64 = 42;

/// The kinds of values, as the upper three bits of their first byte.
pub(crate) mod major {
    pub(crate) const UNSIGNED: u8 = 0;
    pub(crate) const NEGATIVE: u8 = 1;
    pub(crate) const BYTES: u8 = 2;
    pub(crate) const TEXT: u8 = 3;
    pub(crate) const LIST: u8 = 4;
    pub(crate) const MAP: u8 = 5;
    pub(crate) const TAG: u8 = 6;
}

/// Values that are a single byte, and the first byte of a float.
pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;
pub(crate) const FLOAT: u8 = 0xfb;

/// Reads one value after the other.
pub(crate) struct Reader<'de> {
    rest: &'de [u8],
    depth: u8,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes, depth: 0 }
    }

    /// Nothing must follow.
    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::TooLong) }
    }

    /// The first byte of what stands next.
    #[inline(never)]
    fn peek(&self) -> Result<u8, Error> {
        self.rest.first().copied().ok_or(Error::CutOff)
    }

    #[inline(never)]
    fn next(&mut self) -> Result<u8, Error> {
        let (first, rest) = self.rest.split_first().ok_or(Error::CutOff)?;
        self.rest = rest;
        Ok(*first)
    }

    #[inline(never)]
    fn take(&mut self, count: u64) -> Result<&'de [u8], Error> {
        let count = usize::try_from(count).map_err(|_| Error::CutOff)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Error::CutOff)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The kind of what stands next, and the number that comes with it: itself,
    /// a length, or a tag.
    #[inline(never)]
    fn head(&mut self) -> Result<(u8, u64), Error> {
        let first = self.next()?;
        let (major, short) = (first >> 5, first & 31);
        let width = match short {
            0..=23 => return Ok((major, u64::from(short))),
            24..=27 => 1 << (short - 24),
            _ => return Err(Error::OtherForm),
        };
        let bytes = self.take(width)?;
        let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        // The half of these bytes, or none, would not have held it.
        let least = if width == 1 { 24 } else { 1 << (4 * width) };
        if number < least { Err(Error::OtherForm) } else { Ok((major, number)) }
    }

    /// The number of what must be of this kind.
    #[inline(never)]
    fn number(&mut self, wanted: u8) -> Result<u64, Error> {
        let (major, number) = self.head()?;
        if major == wanted { Ok(number) } else { Err(Error::OtherType) }
    }

    fn unsigned(&mut self) -> Result<u64, Error> {
        self.number(major::UNSIGNED)
    }

    #[inline(never)]
    fn signed(&mut self) -> Result<i64, Error> {
        let (major, number) = self.head()?;
        let number = i64::try_from(number).map_err(|_| Error::Refused)?;
        match major {
            major::UNSIGNED => Ok(number),
            major::NEGATIVE => Ok(-1 - number),
            _ => Err(Error::OtherType),
        }
    }

    #[inline(never)]
    fn wide(&mut self) -> Result<i128, Error> {
        let (major, number) = self.head()?;
        match major {
            major::UNSIGNED => Ok(number.into()),
            major::NEGATIVE => Ok(-1 - i128::from(number)),
            _ => Err(Error::OtherType),
        }
    }

    #[inline(never)]
    fn float(&mut self) -> Result<f64, Error> {
        if self.next()? != FLOAT {
            return Err(Error::OtherType);
        }
        let bytes = self.take(8)?.first_chunk().ok_or(Error::CutOff)?;
        let float = f64::from_be_bytes(*bytes);
        if float.is_finite() { Ok(float) } else { Err(Error::OtherForm) }
    }

    #[inline(never)]
    fn truth(&mut self) -> Result<bool, Error> {
        match self.next()? {
            TRUE => Ok(true),
            FALSE => Ok(false),
            _ => Err(Error::OtherType),
        }
    }

    #[inline(never)]
    fn null(&mut self) -> Result<(), Error> {
        if self.next()? == NULL { Ok(()) } else { Err(Error::OtherType) }
    }

    #[inline(never)]
    fn bytes(&mut self) -> Result<&'de [u8], Error> {
        let count = self.number(major::BYTES)?;
        self.take(count)
    }

    #[inline(never)]
    fn text(&mut self) -> Result<&'de str, Error> {
        let count = self.number(major::TEXT)?;
        std::str::from_utf8(self.take(count)?).map_err(|_| Error::OtherForm)
    }

    /// A CID without its tag and the zero that stands before it.
    #[inline(never)]
    fn cid(&mut self) -> Result<&'de [u8], Error> {
        if self.number(major::TAG)? != CID_TAG {
            return Err(Error::OtherType);
        }
        match self.bytes()? {
            [0, cid @ ..] if !cid.is_empty() => Ok(cid),
            _ => Err(Error::OtherForm),
        }
    }

    /// The length of a list or a map, whose items come next.
    #[inline(never)]
    fn enter(&mut self, wanted: u8) -> Result<usize, Error> {
        let count = self.number(wanted)?;
        self.deeper()?;
        // Each item has at least a byte.
        usize::try_from(count).ok().filter(|count| *count <= self.rest.len()).ok_or(Error::CutOff)
    }

    #[inline(never)]
    fn deeper(&mut self) -> Result<(), Error> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX { Err(Error::TooDeep) } else { Ok(()) }
    }

    /// The items of a list or a map were read.
    #[inline(never)]
    fn leave(&mut self, left: usize) -> Result<(), Error> {
        self.depth = self.depth.saturating_sub(1);
        if left == 0 { Ok(()) } else { Err(Error::OtherLength) }
    }

    /// Whether a variant has something in it: then its name is a map's only key.
    #[inline(never)]
    fn enter_variant(&mut self) -> Result<bool, Error> {
        let is_full = self.peek()? >> 5 == major::MAP;
        if is_full && self.number(major::MAP)? != 1 {
            return Err(Error::OtherLength);
        }
        self.deeper()?;
        Ok(is_full)
    }

    /// Passes over a value, whatever is in it.
    #[inline(never)]
    fn skip(&mut self) -> Result<(), Error> {
        let mut left = 1_u64;
        while left > 0 {
            left -= 1;
            let more = match self.peek()? {
                TRUE | FALSE | NULL => self.next().map(|_| 0)?,
                FLOAT => self.float().map(|_| 0)?,
                _ => self.skip_head()?,
            };
            left = left.saturating_add(more);
        }
        Ok(())
    }

    /// Passes over a value but for the values in it; how many these are.
    fn skip_head(&mut self) -> Result<u64, Error> {
        let (major, number) = self.head()?;
        match major {
            major::UNSIGNED | major::NEGATIVE => Ok(0),
            major::BYTES | major::TEXT => self.take(number).map(|_| 0),
            major::LIST => Ok(number),
            major::MAP => Ok(number.saturating_mul(2)),
            major::TAG if number == CID_TAG => Ok(1),
            _ => Err(Error::OtherForm),
        }
    }

    fn items<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let left = self.enter(major::LIST)?;
        let mut items = Items { reader: self, left };
        let value = visitor.visit_seq(&mut items)?;
        let left = items.left;
        self.leave(left)?;
        Ok(value)
    }

    fn entries<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let left = self.enter(major::MAP)?;
        let mut items = Items { reader: self, left };
        let value = visitor.visit_map(&mut items)?;
        let left = items.left;
        self.leave(left)?;
        Ok(value)
    }
}

/// Numbers of all widths are read as the widest; their types refuse what is too
/// large.
macro_rules! as_widest {
    ($read:ident, $visit:ident: $($asked:ident)*) => {
        $(
            #[inline]
            fn $asked<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                visitor.$visit(self.$read()?)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let first = self.peek()?;
        match (first, first >> 5) {
            (NULL, _) => self.null().and_then(|()| visitor.visit_none()),
            (TRUE | FALSE, _) => visitor.visit_bool(self.truth()?),
            (FLOAT, _) => visitor.visit_f64(self.float()?),
            (_, major::UNSIGNED) => visitor.visit_u64(self.unsigned()?),
            (_, major::NEGATIVE) => match self.wide()? {
                number if number < i64::MIN.into() => visitor.visit_i128(number),
                number => visitor.visit_i64(number.try_into().map_err(|_| Error::Refused)?),
            },
            (_, major::BYTES) => visitor.visit_borrowed_bytes(self.bytes()?),
            (_, major::TEXT) => visitor.visit_borrowed_str(self.text()?),
            (_, major::LIST) => self.items(visitor),
            (_, major::MAP) => self.entries(visitor),
            (_, major::TAG) => {
                visitor.visit_newtype_struct(BorrowedBytesDeserializer::new(self.cid()?))
            }
            _ => Err(Error::OtherForm),
        }
    }

    as_widest!(unsigned, visit_u64: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);
    as_widest!(signed, visit_i64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64);
    as_widest!(wide, visit_i128: deserialize_i128 deserialize_u128);
    as_widest!(float, visit_f64: deserialize_f32 deserialize_f64);
    as_widest!(truth, visit_bool: deserialize_bool);
    as_widest!(bytes, visit_borrowed_bytes: deserialize_bytes deserialize_byte_buf);
    as_widest!(text, visit_borrowed_str:
        deserialize_str deserialize_string deserialize_char deserialize_identifier);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek()? == NULL {
            self.null()?;
            return visitor.visit_none();
        }
        self.deeper()?;
        let value = visitor.visit_some(&mut *self)?;
        self.leave(0)?;
        Ok(value)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.null()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == CID_SERDE_PRIVATE_IDENTIFIER {
            return visitor.visit_newtype_struct(BorrowedBytesDeserializer::new(self.cid()?));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.entries(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.entries(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let is_full = self.enter_variant()?;
        let value = visitor.visit_enum(Variant { reader: &mut *self, is_full })?;
        self.leave(0)?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The items of a list, or the entries of a map, that were not read yet.
struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.next_element_seed(seed)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// One variant of an enum: its name, then what is in it.
struct Variant<'a, 'de> {
    reader: &'a mut Reader<'de>,
    is_full: bool,
}

impl Variant<'_, '_> {
    fn check(&self, is_full: bool) -> Result<(), Error> {
        if self.is_full == is_full { Ok(()) } else { Err(Error::OtherType) }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = seed.deserialize(&mut *self.reader)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    #[inline]
    fn unit_variant(self) -> Result<(), Error> {
        self.check(false)
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.check(true)?;
        seed.deserialize(self.reader)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Error> {
        self.check(true)?;
        self.reader.items(visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.check(true)?;
        self.reader.entries(visitor)
    }
}
