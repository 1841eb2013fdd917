//! Runs seeds, two at a time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Seeds of one test run.
const SEEDS: u64 = 20;
/// Runs at a time.
const THREADS: u64 = 2;

/// What a run did; or how to replay it, and why it failed.
pub(crate) type Told = Result<String, (String, String)>;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not \"{text}\"")))
}

/// Runs the seeds that are asked for, or those of the test command. `run` takes a
/// seed, and how many ions somebody asked for, and tells what it did, or why it failed; a failure tells how to replay it,
/// by what `cargo xtask sim` takes beside the seed.
#[expect(clippy::disallowed_methods, reason = "how long a run takes is told, and decides nothing")]
pub(crate) fn each_seed(run: impl Fn(u64, Option<u64>) -> Told + Sync) {
    let ions = number("SIM_IONS");
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
        match run(seed, ions) {
            Ok(summary) => println!("{summary} ({:.1} s)", begin.elapsed().as_secs_f64()),
            Err((flags, failure)) => {
                panic!("{failure}\nreplay: cargo xtask sim{flags} --seed {seed}")
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
