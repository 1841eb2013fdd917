//! `cargo xtask test`: all that has to hold before a change lands.

use crate::{
    browser_tests::wasm_tests,
    check::check,
    shell::{Outcome, command, fail, run, started, step},
    tools, up,
};

/// A suite: its name, its time budget in minutes from a warm cache, the work.
type Suite = (&'static str, u64, fn() -> Outcome);

const SUITES: [Suite; 4] = [
    ("check", 4, || check(&[])),
    ("native", 8, native),
    ("browser", 5, browser),
    ("tabs", 10, tabs),
];

/// Runs the named suites, or all of them.
pub(crate) fn test(names: &[String]) -> Outcome {
    if let Some(name) = names.iter().find(|name| SUITES.iter().all(|(known, ..)| known != name)) {
        let known: Vec<&str> = SUITES.iter().map(|(known, ..)| *known).collect();
        return fail(format!("there is no suite `{name}`; there are: {}", known.join(", ")));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|one| one == name);
    let mut report = Vec::new();
    for (name, minutes, suite) in SUITES.iter().filter(|(name, ..)| wanted(name)) {
        println!("\n━━ {name} (budget {minutes} minutes when warm)");
        let start = started();
        suite()?;
        report.push((name, start.elapsed().as_secs(), minutes * 60));
    }
    println!();
    for (name, seconds, budget) in report {
        let remark = if seconds > budget { "  over its budget" } else { "" };
        println!("  {name:8} {seconds:5} s{remark}");
    }
    println!("all suites passed");
    Ok(())
}

/// Unit tests, properties, the simulator, and what needs no browser.
fn native() -> Outcome {
    let arguments = ["test", "--workspace", "--exclude", "ionosphere-tests", "--quiet"];
    step("native tests", || run(&mut command("cargo", &arguments)))
}

/// Conformance suites inside a browser.
fn browser() -> Outcome {
    wasm_tests(&["ion-webrtc", "node-core", "spark-runtime", "web"])
}

/// Real tabs against the real relay.
fn tabs() -> Outcome {
    let relay = up::build()?;
    let arguments =
        ["test", "--package", "ionosphere-tests", "--quiet", "--", "--test-threads", "1"];
    let mut tests = command("cargo", &arguments);
    tests.env("IONOSPHERE_RELAY", &relay).envs(tools::outside(tools::Peer::Tested)?);
    // One at a time: each has two cores to share with a browser.
    step("tests with real tabs", || run(&mut tests))
}
