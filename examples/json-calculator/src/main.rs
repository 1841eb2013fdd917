//! Adds two whole numbers given as JSON.
//!
//! Standard input: `{"firstAddend": int, "secondAddend": int}`. Standard
//! output: `{"sum": int}`. Anything else on standard input ends with exit
//! code 1 and a sentence on standard error.

mod json;

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

use json::{Value, parse};

/// More than the two numbers need, little enough to read at once.
const INPUT_BYTES_MAX: usize = 65_536;

fn main() -> ExitCode {
    let (said, code) = match read().and_then(|text| sum(&text)) {
        Ok(sum) => (io::stdout().write_all(json::object("sum", sum).as_bytes()), ExitCode::SUCCESS),
        Err(why) => {
            let line = ["json-calculator: ", why, "\n"].concat();
            (io::stderr().write_all(line.as_bytes()), ExitCode::FAILURE)
        }
    };
    if said.is_ok() { code } else { ExitCode::FAILURE }
}

fn read() -> Result<Vec<u8>, &'static str> {
    let mut text = Vec::new();
    let limit = INPUT_BYTES_MAX as u64 + 1;
    io::stdin().take(limit).read_to_end(&mut text).map_err(|_| "standard input cannot be read")?;
    if text.len() > INPUT_BYTES_MAX {
        Err("the input is longer than 65536 bytes")
    } else {
        Ok(text)
    }
}

fn sum(text: &[u8]) -> Result<i64, &'static str> {
    let Some(Value::Object(members)) = parse(text) else {
        return Err("the input is not a JSON object");
    };
    let addend = |wanted: &str| {
        members.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value)
    };
    let (Some(first), Some(second)) = (addend("firstAddend"), addend("secondAddend")) else {
        return Err("`firstAddend` and `secondAddend` must both be there");
    };
    let (Value::Integer(first), Value::Integer(second)) = (first, second) else {
        return Err("`firstAddend` and `secondAddend` must be whole numbers of 64 bits");
    };
    first.checked_add(*second).ok_or("the sum does not fit into 64 bits")
}
