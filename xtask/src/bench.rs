//! `cargo xtask bench`: builds site, relay and the benchmark program, and runs
//! the program with the given arguments. What is measured stands in `tests/`.

use crate::{
    shell::{Outcome, command, run, step},
    tools, up,
};

/// Measures: `[--json] [PREFIX ...]`. What is built is told on standard error.
pub(crate) fn bench(arguments: &[String]) -> Outcome {
    let relay = up::build()?;
    let program = ["--quiet", "--package", "ionosphere-tests", "--bin", "ionosphere-bench"];
    step("build the benchmark program", || run(command("cargo", &["build"]).args(program)))?;
    let mut bench = command("cargo", &["run"]);
    bench.args(program).arg("--").args(arguments);
    run(bench.env("IONOSPHERE_RELAY", &relay).envs(tools::outside(tools::Peer::Measured)?))
}
