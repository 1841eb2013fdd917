//! `cargo xtask`: sets up the machine, builds, runs, tests and measures
//! Ionosphere. The only tool entry; it needs Rust and nothing else.
//!
//! It has no dependencies, so that it builds in seconds. Every step says what
//! it does and how long it took, and a step that fails says what to do.

mod bench;
mod browser_tests;
mod check;
mod shell;
mod sim;
mod site;
mod sparks;
mod test;
mod tidy;
mod tools;
mod up;

use std::process::ExitCode;

use shell::{Outcome, fail};

/// A command: its name, what it takes, what it does, and the work.
struct Task {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
    run: fn(&[String]) -> Outcome,
}

const TASKS: [Task; 8] = [
    Task {
        name: "up",
        takes: "[-- RELAY OPTIONS]",
        does: "Installs what is missing (once), builds the site and the relay, starts the relay\n\
               and prints the address to open. Options after `--` go to the relay: `-- --help`\n\
               lists them, `-- --listen 0.0.0.0:8080` lets other devices in.",
        run: up::up,
    },
    Task {
        name: "test",
        takes: "[SUITE ...]",
        does: "Runs all that has to hold before a change lands, or only the named suites:\n\
               check, native, browser, tabs. Installs what the tests need.",
        run: test::test,
    },
    Task {
        name: "check",
        takes: "",
        does: "Format, clippy for both targets, and the rules of the house (tidy). Fast.",
        run: check::check,
    },
    Task {
        name: "bench",
        takes: "[--json] [PREFIX]",
        does: "Measures, and prints a table; with --json one object a line. A name or the\n\
               beginning of one picks rows.",
        run: bench::bench,
    },
    Task {
        name: "sim",
        takes: "[--mesh | --overlay | --kv | --files] [--ions N] [--seeds N] [--seed S]",
        does: "Simulates whole nebulas under faults: 200 seeds, N of them, or the one seed S\n\
               that a failure named; of whole ions, or of one part by itself.",
        run: sim::sim,
    },
    Task {
        name: "sparks",
        takes: "[NAME ...]",
        does: "Compiles the examples to the modules that stand beside their source.",
        run: sparks::sparks,
    },
    Task {
        name: "tools",
        takes: "",
        does: "Installs what the tests with real tabs need, and prints the environment in which\n\
               `cargo test --package ionosphere-tests` finds it.",
        run: tools::print_outside,
    },
    Task {
        name: "site",
        takes: "",
        does: "Builds the site into dist/ and nothing else; the next build of the relay embeds it.",
        run: |_| tools::site().and_then(|()| site::site()),
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match dispatch(&name, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(name: &str, rest: &[String]) -> Outcome {
    if matches!(name, "" | "help" | "-h" | "--help") {
        help();
        return Ok(());
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        help();
        return fail(format!("there is no command `{name}`"));
    };
    let own = rest.iter().take_while(|word| *word != "--");
    if own.clone().any(|word| matches!(word.as_str(), "-h" | "--help")) {
        explain(task);
        return Ok(());
    }
    (task.run)(rest)
}

fn help() {
    println!("cargo xtask COMMAND [OPTIONS]\n");
    TASKS.iter().for_each(explain);
}

fn explain(task: &Task) {
    println!("  cargo xtask {} {}", task.name, task.takes);
    for line in task.does.lines() {
        println!("      {line}");
    }
    println!();
}
