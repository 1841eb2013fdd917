//! What the tests share.

use spark_runtime::{Call, Limits, Report, Runtime};

/// The runtime under test.
pub(crate) fn runtime() -> Runtime {
    Runtime::new()
}

/// Runs a module in the text format with ordinary limits and a clock that stands still.
pub(crate) fn run(text: &str, call: &Call) -> Report {
    run_with(text, call, &Limits { fuel_max: 1_000_000_000, ..Limits::default() }, &mut || 0)
}

/// Runs a module in the text format.
pub(crate) fn run_with(
    text: &str,
    call: &Call,
    limits: &Limits,
    clock: &mut dyn FnMut() -> u64,
) -> Report {
    let binary = wat::parse_str(text).expect("the test's own module is well-formed");
    let module = runtime().load(&binary).expect("the test's own module is valid");
    runtime().run(&module, call, limits, clock)
}

/// A call of an exported function.
pub(crate) fn export(name: &str, arguments: &[&str]) -> Call {
    Call::Export {
        name: name.to_owned(),
        arguments: arguments.iter().map(ToString::to_string).collect(),
    }
}

/// A run of a command.
pub(crate) fn command(arguments: &[&str], stdin: &str) -> Call {
    Call::Command {
        arguments: arguments.iter().map(ToString::to_string).collect(),
        environment: Vec::new(),
        stdin: stdin.as_bytes().to_vec(),
    }
}
