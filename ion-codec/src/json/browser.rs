//! JSON by the browser's own functions.

use js_sys::{Array, JSON, Object};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

use crate::DEPTH_MAX;

/// A value from JSON; the error is a reason for people.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let none = "it is no JSON";
    let text = str::from_utf8(bytes).map_err(|_| none)?;
    let value = JSON::parse(text).map_err(|_| none)?;
    let mut cbor = Vec::new();
    write(&value, DEPTH_MAX, &mut cbor)?;
    Ok(crate::from_slice(&cbor).map_err(|_| "it says other things than it should")?)
}

/// A text as JSON writes it, in quotation marks.
pub fn json_text(text: &str) -> String {
    JSON::stringify(&text.into()).map(String::from).unwrap_or_default()
}

/// Writes a value that nests at most so deep.
fn write(value: &JsValue, depth: u8, out: &mut Vec<u8>) -> Result<(), &'static str> {
    if let Some(is_true) = value.as_bool() {
        out.push(if is_true { 0xf5 } else { 0xf4 });
    } else if let Some(number) = value.as_f64() {
        write_number(number, out);
    } else if let Some(text) = value.as_string() {
        write_text(&text, out);
    } else if value.is_null() {
        out.push(0xf6);
    } else {
        let depth = depth.checked_sub(1).ok_or("it is nested too deep")?;
        match value.dyn_ref::<Array>() {
            Some(array) => write_array(array, depth, out)?,
            None => write_object(value.unchecked_ref(), depth, out)?,
        }
    }
    Ok(())
}

fn write_array(array: &Array, depth: u8, out: &mut Vec<u8>) -> Result<(), &'static str> {
    head(4, u64::from(array.length()), out);
    array.iter().try_for_each(|element| write(&element, depth, out))
}

fn write_number(number: f64, out: &mut Vec<u8>) {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and less than 2^53")]
        let whole = number as i64;
        // A negative number is written as what is missing to -1.
        let is_negative = whole < 0;
        head(u8::from(is_negative), (whole ^ -i64::from(is_negative)).unsigned_abs(), out);
    } else {
        out.push(0xfb);
        out.extend(number.to_be_bytes());
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    head(3, text.len() as u64, out);
    out.extend(text.as_bytes());
}

fn write_object(object: &Object, depth: u8, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let pairs = Object::entries(object).into_iter().map(|pair| {
        let pair: Array = pair.unchecked_into();
        (pair.get(0).as_string().unwrap_or_default(), pair.get(1))
    });
    let mut pairs: Vec<(String, JsValue)> = pairs.collect();
    // The order that DAG-CBOR asks for.
    pairs.sort_unstable_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
    head(5, pairs.len() as u64, out);
    for (key, value) in pairs {
        write_text(&key, out);
        write(&value, depth, out)?;
    }
    Ok(())
}

/// The beginning of an item: its kind and a number, in as few bytes as possible.
fn head(kind: u8, number: u64, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    let (code, length) = match number {
        0..24 => (bytes[7], 0),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    out.push(kind << 5 | code);
    out.extend(&bytes[8 - length..]);
}
