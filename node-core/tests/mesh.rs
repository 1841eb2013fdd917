//! The overlay's runs: a thousand ions under churn, partitions and address
//! translators, seed by seed, and small meshes that each show one thing.

#[path = "mesh/small.rs"]
mod small;

use std::sync::atomic::{AtomicU64, Ordering};

use node_core::sim::mesh::scenario::{MeshScenario, run};

/// Seeds of one test run.
const SEEDS: u64 = 20;
/// Of those, one in so many has a thousand ions, the others a hundred.
const LARGE_EACH: u64 = 10;
/// Runs at a time.
const THREADS: u64 = 2;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not \"{text}\"")))
}

fn scenario(seed: u64) -> MeshScenario {
    let whole = MeshScenario::default();
    if seed.is_multiple_of(LARGE_EACH) { whole } else { MeshScenario { ions: 100, ..whole } }
}

#[test]
fn a_thousand_links() {
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
        match run(seed, &scenario(seed)) {
            Ok(summary) => println!("{summary}"),
            Err(failure) => panic!("{failure}\nreplay: cargo xtask sim --mesh --seed {seed}"),
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS.min(count)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            assert!(thread.join().is_ok(), "a seed failed; it stands above");
        }
    });
}
