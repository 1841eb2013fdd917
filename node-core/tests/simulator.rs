//! The simulator's runs: a hundred ions under every fault, seed by seed, and
//! small worlds that each show one thing.

#[path = "simulator/files.rs"]
mod files;
#[path = "simulator/mail.rs"]
mod mail;
#[path = "simulator/records.rs"]
mod records;
#[path = "simulator/small.rs"]
mod small;
#[path = "simulator/strangers.rs"]
mod strangers;
#[path = "simulator/trust.rs"]
mod trust;

#[path = "runs/seeds.rs"]
mod seeds;

use node_core::sim::{
    Failure, Scenario,
    files::{FilesScenario, run as run_files},
    run,
};
use seeds::each_seed;

/// Ends the test with what replays it.
fn shown<T>(result: Result<T, Failure>) -> T {
    result.unwrap_or_else(|failure| {
        panic!("{failure}\nreplay: cargo xtask sim --seed {}", failure.seed)
    })
}

#[test]
fn a_hundred_ions() {
    each_seed(|seed, _| {
        let summary = run(seed, &Scenario::default());
        summary
            .map(|summary| summary.to_string())
            .map_err(|failure| (String::new(), failure.to_string()))
    });
}

/// Checked: every file that is on disk somewhere when all is healed gets its copies
/// and is read by another ion; what passes between ions is bounded by what was
/// brought in and lost.
#[test]
fn fifty_ions_keep_their_files() {
    let usual = FilesScenario::default();
    each_seed(|seed, ions| {
        let ions = ions.and_then(|ions| usize::try_from(ions).ok()).unwrap_or(usual.ions);
        let summary = run_files(seed, &FilesScenario { ions, ..usual });
        summary
            .map(|summary| summary.to_string())
            .map_err(|failure| (format!(" --files --ions {ions}"), failure.to_string()))
    });
}

/// Checked: no wrong result is told, though a fifth of the ions lie in all that
/// they return, or a twentieth once trust is earned; and what that costs.
#[test]
fn liars_cost_work_and_no_result() {
    let usual = 20;
    each_seed(|seed, ions| {
        let ions = ions.and_then(|ions| usize::try_from(ions).ok()).unwrap_or(usual);
        trust::run(seed, ions).map_err(|failure| (format!(" --trust --ions {ions}"), failure))
    });
}
