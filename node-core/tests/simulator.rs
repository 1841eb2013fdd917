//! The simulator's runs: a hundred ions under every fault, seed by seed, and
//! small worlds that each show one thing.

#[path = "simulator/files.rs"]
mod files;
#[path = "simulator/mail.rs"]
mod mail;
#[path = "simulator/small.rs"]
mod small;
#[path = "simulator/strangers.rs"]
mod strangers;

#[path = "runs/seeds.rs"]
mod seeds;

use node_core::sim::{Failure, Scenario, run};
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
