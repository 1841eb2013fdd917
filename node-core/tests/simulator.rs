//! The simulator's runs: a hundred ions under every fault, seed by seed, and
//! small worlds that each show one thing.

#[path = "simulator/small.rs"]
mod small;
#[path = "simulator/strangers.rs"]
mod strangers;

use std::sync::atomic::{AtomicU64, Ordering};

use node_core::sim::{Failure, Scenario, run};

/// Seeds of one test run.
const SEEDS: u64 = 20;
/// Runs at a time.
const THREADS: u64 = 2;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not \"{text}\"")))
}

/// Ends the test with what replays it.
fn shown<T>(result: Result<T, Failure>) -> T {
    result.unwrap_or_else(|failure| {
        panic!("{failure}\nreplay: cargo xtask sim --seed {}", failure.seed)
    })
}

#[test]
fn a_hundred_ions() {
    let (first, count) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("SIM_SEEDS").unwrap_or(SEEDS)),
    };
    let next = AtomicU64::new(first);
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= first + count {
            return;
        }
        println!("{}", shown(run(seed, &Scenario::default())));
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS.min(count)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            assert!(thread.join().is_ok(), "a seed failed; its trace stands above");
        }
    });
}
