//! The shared memory under faults: seeds of [`node_core::sim::kv`].

#[path = "runs/seeds.rs"]
mod seeds;

use node_core::sim::kv::{Options, World};

/// Ions of each run, unless others are asked for.
const IONS: u64 = 50;
/// How long things go wrong, in milliseconds.
const FAULTS_MS: u64 = 60_000;

#[test]
fn all_replicas_agree_and_nothing_acknowledged_is_lost() {
    seeds::each_seed(|seed, ions| {
        let ions = ions.unwrap_or(IONS);
        let count = usize::try_from(ions).expect("a run has few ions");
        let mut world = World::new(Options { ions: count, seed, faults_ms: FAULTS_MS });
        let summary = world.run().map_err(|why| (format!(" --kv --ions {ions}"), why))?;
        Ok(format!("seed {seed}: {summary}"))
    });
}
