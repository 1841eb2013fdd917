//! `ionosphere-bench [--json] [PREFIX ...]`: measures and prints a table, or with
//! `--json` one object a line. Prefixes pick the rows whose names begin so. Where a row
//! could not be measured it says so and exits with 1.
//! `cargo xtask bench` builds what it needs first.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use ionosphere_tests::bench::{Measured, ROWS, head, measure};

const USAGE: &str = "usage: cargo xtask bench [--json] [PREFIX ...]";

#[tokio::main]
async fn main() -> ExitCode {
    let mut is_json = false;
    let mut prefixes = Vec::new();
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--json" => is_json = true,
            "--help" | "-h" => return explain(),
            _ if !word.starts_with('-') => prefixes.push(word),
            _ => return refuse(&format!("`{word}` is not understood; {USAGE}")),
        }
    }
    let is_unknown = |prefix: &&String| !ROWS.iter().any(|row| row.name.starts_with(*prefix));
    if let Some(prefix) = prefixes.iter().find(is_unknown) {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        return refuse(&format!("no row begins with `{prefix}`; there are: {}", names.join(", ")));
    }
    if !is_json {
        say(&head());
    }
    let tell = |measured: &Measured| {
        say(&if is_json { measured.json() } else { measured.line() });
    };
    let failed = measure(&prefixes, tell).await;
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("not measured, for the reasons above: {}", failed.join(", "));
    ExitCode::FAILURE
}

fn explain() -> ExitCode {
    say(USAGE);
    for row in &ROWS {
        say(&format!("  {:22} {}", row.name, row.unit));
    }
    ExitCode::SUCCESS
}

fn refuse(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::from(2)
}

fn say(line: &str) {
    // Whoever closed standard output does not want to know.
    let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
}
