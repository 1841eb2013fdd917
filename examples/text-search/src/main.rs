//! Looks for the lines of standard input that a regular expression matches.
//!
//! Argument: the expression. Standard output: each such line, behind its number, counted
//! from 1, and a colon. What is no UTF-8 in a line is looked at as `U+FFFD`, and written
//! as it is. A search takes time in proportion to the text, whatever the expression.

use std::{
    env,
    io::{self, Read, Write},
    process::ExitCode,
};

use regex_lite::{Regex, RegexBuilder};

/// What an expression is compiled to has at most so many bytes.
const EXPRESSION_BYTES_MAX: usize = 1 << 20;
const USAGE: &str =
    "usage: text-search EXPRESSION: one regular expression, and the text on standard input";

fn main() -> ExitCode {
    let done = read(env::args().skip(1))
        .and_then(|expression| search(&expression).map_err(|why| format!("text-search: {why}")));
    let Err(why) = done else { return ExitCode::SUCCESS };
    // Nothing more can be said when even this cannot be.
    let _ = writeln!(io::stderr(), "{why}");
    ExitCode::FAILURE
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Regex, String> {
    let (Some(text), None) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.to_owned());
    };
    RegexBuilder::new(&text)
        .size_limit(EXPRESSION_BYTES_MAX)
        .build()
        .map_err(|why| format!("text-search: the expression `{text}` is refused: {why}"))
}

fn search(expression: &Regex) -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    let mut found = Vec::new();
    let body = text.strip_suffix(b"\n").unwrap_or(&text);
    for (number, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if expression.is_match(&String::from_utf8_lossy(line)) {
            write!(found, "{}:", number + 1)?;
            found.extend_from_slice(line);
            found.push(b'\n');
        }
    }
    io::stdout().write_all(&found)
}
