//! Counts the lines, words and bytes of standard input, as `wc` does.

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    if count().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn count() -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    let mut line = Vec::new();
    for (number, end) in [(lines, b' '), (words, b' '), (text.len(), b'\n')] {
        push_decimal(&mut line, number);
        line.push(end);
    }
    io::stdout().write_all(&line)
}

/// Writes a number without the formatting machinery, which would be most of the module.
fn push_decimal(line: &mut Vec<u8>, mut number: usize) {
    let start = line.len();
    loop {
        line.insert(start, b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            return;
        }
    }
}
