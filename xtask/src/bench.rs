//! `cargo xtask bench`: builds site, relay and the benchmark program, and runs
//! the program with the given arguments. What is measured stands in `tests/`.

use crate::{
    shell::{Outcome, command, run, step},
    tools, up,
};

/// Measures: `[--json] [PREFIX ...]`. What is built is told on standard error.
pub(crate) fn bench(arguments: &[String]) -> Outcome {
    let relay = up::build()?;
    let browser = tools::browser()?;
    let program = ["--quiet", "--package", "ionosphere-tests", "--bin", "ionosphere-bench"];
    step("build the benchmark program", || run(command("cargo", &["build"]).args(program)))?;
    run(command("cargo", &["run"])
        .args(program)
        .arg("--")
        .args(arguments)
        .env("IONOSPHERE_RELAY", &relay)
        .env("CHROMIUM", &browser.chromium)
        .env("CHROMEDRIVER", &browser.chromedriver))
}
