//! The simulator's runs.

use node_core::sim::{Scenario, run};

/// Seeds of one test run.
const SEEDS: u64 = 20;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not \"{text}\"")))
}

#[test]
fn a_hundred_ions() {
    let seeds: Vec<u64> = match number("SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SIM_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    for seed in seeds {
        match run(seed, &Scenario::default()) {
            Ok(summary) => println!("{summary}"),
            Err(failure) => panic!("{failure}\nreplay: cargo xtask sim --seed {seed}"),
        }
    }
}
