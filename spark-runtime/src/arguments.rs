//! Numbers between text and WebAssembly.
//!
//! Integers are read as the type's own range, signed or unsigned, in decimal
//! or `0x` hexadecimal. Vectors and references have no text form and are
//! refused by name. Bounds: an argument that is repeated in an error is cut to
//! [`SHOWN_CHARS_MAX`].

use wasmi::{F32, F64, FuncType, Val, ValType};

use crate::{Stop, Value};

/// How much of a wrong argument an error repeats, in characters.
pub(crate) const SHOWN_CHARS_MAX: usize = 80;

/// Every type that has a text form.
const NUMBERS: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

/// Whether a text can be read as the type of that name, as the parameter at
/// `position` (counted from 1) of the function `name`.
pub(crate) fn check(name: &str, position: usize, text: &str, type_text: &str) -> Result<(), Stop> {
    let Some(kind) = NUMBERS.into_iter().find(|kind| type_name(*kind) == type_text) else {
        return Err(Stop::UnsupportedType { name: name.to_owned(), kind: type_text.to_owned() });
    };
    let text_number = text.trim();
    let is_good = match kind {
        ValType::I32 => integer(text_number, 32).is_some(),
        ValType::I64 => integer(text_number, 64).is_some(),
        // To read floats takes tables of 10 KiB, which only guest workers need.
        _ => is_float(text_number),
    };
    if is_good { Ok(()) } else { Err(wrong(name, position, text, kind)) }
}

/// The arguments of a call, read by the function's signature.
pub(crate) fn read(name: &str, kind: &FuncType, texts: &[String]) -> Result<Vec<Val>, Stop> {
    if let Some(kind) = kind.params().iter().chain(kind.results()).find(|kind| !is_number(**kind)) {
        return Err(Stop::UnsupportedType {
            name: name.to_owned(),
            kind: type_name(*kind).to_owned(),
        });
    }
    if kind.params().len() != texts.len() {
        return Err(Stop::WrongArgumentCount {
            name: name.to_owned(),
            expected: kind.params().len(),
            given: texts.len(),
        });
    }
    let pairs = (1..).zip(texts.iter().zip(kind.params()));
    pairs.map(|(position, (text, kind))| read_one(name, position, text, *kind)).collect()
}

fn read_one(name: &str, position: usize, text: &str, kind: ValType) -> Result<Val, Stop> {
    number(text.trim(), kind).ok_or_else(|| wrong(name, position, text, kind))
}

fn wrong(name: &str, position: usize, text: &str, kind: ValType) -> Stop {
    Stop::WrongArgument {
        name: name.to_owned(),
        position,
        expected: expected(kind).to_owned(),
        given: shown(text),
    }
}

/// What a function returned; signatures were checked by [`read`].
pub(crate) fn values(results: &[Val]) -> Vec<Value> {
    results.iter().filter_map(value).collect()
}

/// A type's name in the text format.
pub(crate) fn type_name(kind: ValType) -> &'static str {
    match kind {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::FuncRef => "funcref",
        ValType::ExternRef => "externref",
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

fn is_number(kind: ValType) -> bool {
    matches!(kind, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
}

fn expected(kind: ValType) -> &'static str {
    match kind {
        ValType::I32 => "a whole number of 32 bits (i32)",
        ValType::I64 => "a whole number of 64 bits (i64)",
        ValType::F32 => "a number (f32)",
        ValType::F64 => "a number (f64)",
        other => type_name(other),
    }
}

fn value(value: &Val) -> Option<Value> {
    match value {
        Val::I32(value) => Some(Value::I32(*value)),
        Val::I64(value) => Some(Value::I64(*value)),
        Val::F32(value) => Some(Value::F32(value.to_bits())),
        Val::F64(value) => Some(Value::F64(value.to_bits())),
        Val::V128(_) | Val::FuncRef(_) | Val::ExternRef(_) => None,
    }
}

fn number(text: &str, kind: ValType) -> Option<Val> {
    match kind {
        ValType::I32 => {
            integer(text, 32).map(|bits| Val::I32(((bits & 0xffff_ffff) as u32).cast_signed()))
        }
        ValType::I64 => integer(text, 64).map(|bits| Val::I64(bits.cast_signed())),
        ValType::F32 => {
            text.parse().ok().map(|float: f32| Val::F32(F32::from_bits(float.to_bits())))
        }
        ValType::F64 => {
            text.parse().ok().map(|float: f64| Val::F64(F64::from_bits(float.to_bits())))
        }
        ValType::V128 | ValType::FuncRef | ValType::ExternRef => None,
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
