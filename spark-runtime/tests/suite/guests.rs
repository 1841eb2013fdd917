//! What the tests share.

use std::{cell::Cell, rc::Rc};

use spark_runtime::{Call, Clock, Lane, Limits, Module, Report, Runtime};

/// The runtime under test.
pub(crate) fn runtime() -> Runtime {
    Runtime::new()
}

/// A clock that stands still.
pub(crate) fn still() -> Clock {
    Rc::new(|| 0)
}

/// A clock that has gone on by so many milliseconds whenever it is looked at.
pub(crate) fn ticking(by_ms: u64) -> Clock {
    let now = Cell::new(0_u64);
    Rc::new(move || {
        now.set(now.get().saturating_add(by_ms));
        now.get()
    })
}

/// Runs a module in the text format with ordinary limits and a clock that stands still.
pub(crate) fn run(text: &str, call: &Call) -> Report {
    let limits = Limits { fuel_max: 1_000_000_000, ..Limits::default() };
    run_with(text, call, &limits, still)
}

/// Runs a module in the text format.
pub(crate) fn run_with(
    text: &str,
    call: &Call,
    limits: &Limits,
    clock: impl Fn() -> Clock,
) -> Report {
    let binary = wat::parse_str(text).expect("the test's own module is well-formed");
    let module = runtime().load(&binary).expect("the test's own module is valid");
    run_module(&module, call, limits, clock)
}

/// Runs a module in both lanes, each with a clock of its own, and expects them
/// to report the same.
pub(crate) fn run_module(
    module: &Module,
    call: &Call,
    limits: &Limits,
    clock: impl Fn() -> Clock,
) -> Report {
    let [interpreted, fast] = [Lane::Interpreter, Lane::Fast]
        .map(|lane| runtime().run(module, lane, call, limits, &clock()));
    assert_eq!(interpreted, fast, "the interpreter, then the fast lane");
    fast
}

/// A call of an exported function.
pub(crate) fn export(name: &str, arguments: &[&str]) -> Call {
    Call::Export {
        name: name.to_owned(),
        arguments: arguments.iter().map(ToString::to_string).collect(),
    }
}

/// A run of a JSON spark.
pub(crate) fn json(input: &str) -> Call {
    Call::Json { input: input.as_bytes().to_vec() }
}

/// A run of a command.
pub(crate) fn command(arguments: &[&str], stdin: &str) -> Call {
    Call::Command {
        arguments: arguments.iter().map(ToString::to_string).collect(),
        environment: Vec::new(),
        stdin: stdin.as_bytes().to_vec(),
        files: Vec::new(),
    }
}
