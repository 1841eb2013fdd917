//! Numbers between text and WebAssembly.
//!
//! Integers are read as the type's own range, signed or unsigned, in decimal
//! or `0x` hexadecimal. Vectors and references have no text form and are
//! refused by name. Bounds: an argument that is repeated in an error is cut to
//! [`SHOWN_CHARS_MAX`].

use crate::{Stop, Value, inspect::Signature};

/// How much of a wrong argument an error repeats, in characters.
pub(crate) const SHOWN_CHARS_MAX: usize = 80;

/// A type that has a text form.
#[derive(Clone, Copy)]
enum Number {
    I32,
    I64,
    F32,
    F64,
}

impl Number {
    /// The type of that name.
    fn named(name: &str) -> Option<Self> {
        match name {
            "i32" => Some(Self::I32),
            "i64" => Some(Self::I64),
            "f32" => Some(Self::F32),
            "f64" => Some(Self::F64),
            _ => None,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::I32 => "a whole number of 32 bits (i32)",
            Self::I64 => "a whole number of 64 bits (i64)",
            Self::F32 => "a number (f32)",
            Self::F64 => "a number (f64)",
        }
    }
}

/// Whether a text can be read as the type of that name, as the parameter at
/// `position` (counted from 1) of the function `name`.
pub(crate) fn check(name: &str, position: usize, text: &str, type_text: &str) -> Result<(), Stop> {
    let Some(kind) = Number::named(type_text) else {
        return Err(Stop::UnsupportedType { name: name.to_owned(), kind: type_text.to_owned() });
    };
    let text_number = text.trim();
    let is_good = match kind {
        Number::I32 => integer(text_number, 32).is_some(),
        Number::I64 => integer(text_number, 64).is_some(),
        // To read floats takes tables of 10 KiB, which only guest workers need.
        Number::F32 | Number::F64 => is_float(text_number),
    };
    if is_good { Ok(()) } else { Err(wrong(name, position, text, kind)) }
}

/// The arguments of a call, read by the function's signature.
pub(crate) fn read(signature: &Signature, texts: &[String]) -> Result<Vec<Value>, Stop> {
    let Signature { name, parameters, results } = signature;
    let mut kinds = parameters.iter().chain(results);
    if let Some(kind) = kinds.find(|kind| Number::named(kind).is_none()) {
        return Err(Stop::UnsupportedType { name: name.clone(), kind: kind.clone() });
    }
    if parameters.len() != texts.len() {
        return Err(Stop::WrongArgumentCount {
            name: name.clone(),
            expected: parameters.len(),
            given: texts.len(),
        });
    }
    let kinds = parameters.iter().filter_map(|kind| Number::named(kind));
    let places = (1..).zip(texts.iter().zip(kinds));
    places.map(|(position, (text, kind))| read_one(name, position, text, kind)).collect()
}

fn read_one(name: &str, position: usize, text: &str, kind: Number) -> Result<Value, Stop> {
    number(text.trim(), kind).ok_or_else(|| wrong(name, position, text, kind))
}

fn wrong(name: &str, position: usize, text: &str, kind: Number) -> Stop {
    Stop::WrongArgument {
        name: name.to_owned(),
        position,
        expected: kind.expected().to_owned(),
        given: shown(text),
    }
}

/// Text cut to what an error may repeat.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn number(text: &str, kind: Number) -> Option<Value> {
    match kind {
        Number::I32 => {
            integer(text, 32).map(|bits| Value::I32(((bits & 0xffff_ffff) as u32).cast_signed()))
        }
        Number::I64 => integer(text, 64).map(|bits| Value::I64(bits.cast_signed())),
        Number::F32 => text.parse().ok().map(Value::f32),
        Number::F64 => text.parse().ok().map(Value::f64),
    }
}

/// Whether a text can be read as a float, by the grammar of `f64::from_str`,
/// which reads every number and rounds it.
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity", "nan"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return true;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
        }
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    are_digits(whole)
        && are_digits(fraction)
        && are_digits(exponent)
        && !exponent.is_empty()
        && whole.len() + fraction.len() > 0
}

/// An integer in `-2^(bits-1) .. 2^bits`, in two's complement.
fn integer(text: &str, bits: u32) -> Option<u64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None => (10, digits),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    let max = if is_negative { 1 << (bits - 1) } else { u64::MAX >> (64 - bits) };
    let value = if is_negative { magnitude.wrapping_neg() } else { magnitude };
    (magnitude <= max).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_float;

    proptest! {
        #[test]
        fn a_float_is_what_the_standard_library_reads(
            text in "[+-]{0,2}([0-9]{0,3}[.]{0,2}[0-9]{0,2}|inf|INFINITY|NaN|nano)([eE][+-]?[0-9]{0,4})?",
        ) {
            prop_assert_eq!(is_float(&text), text.parse::<f64>().is_ok(), "{}", text);
        }
    }
}
