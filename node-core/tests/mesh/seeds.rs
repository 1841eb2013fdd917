//! Runs seeds, two at a time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Seeds of one test run.
const SEEDS: u64 = 20;
/// Runs at a time.
const THREADS: u64 = 2;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not \"{text}\"")))
}

/// Ions of each run, where somebody asked for it.
pub(crate) fn ions() -> Option<u64> {
    number("SIM_IONS")
}

/// Runs the seeds that are asked for, or those of the test command; a failure
/// tells how to replay it. `run` takes a seed, and tells what it did, or with
/// how many ions it failed and why.
#[expect(clippy::disallowed_methods, reason = "how long a run takes is told, and decides nothing")]
pub(crate) fn each_seed(flag: &str, run: impl Fn(u64) -> Result<String, (u64, String)> + Sync) {
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
        let begin = Instant::now();
        match run(seed) {
            Ok(summary) => println!("{summary} ({:.1} s)", begin.elapsed().as_secs_f64()),
            Err((ions, failure)) => {
                panic!("{failure}\nreplay: cargo xtask sim {flag} --ions {ions} --seed {seed}")
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS.min(count)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            assert!(thread.join().is_ok(), "a seed failed; it stands above");
        }
    });
}
