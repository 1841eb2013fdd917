//! The mesh's runs: a thousand ions under churn, partitions and address
//! translators, seed by seed, as whole meshes and as overlays alone, and small
//! ones that each show one thing.

#[path = "mesh/small.rs"]
mod small;

#[path = "runs/seeds.rs"]
mod seeds;

use node_core::sim::{
    mesh::scenario::{MeshScenario, run as run_overlays},
    nebula::scenario::{NebulaScenario, run as run_meshes},
};
use seeds::each_seed;

/// Of the seeds of the test command, one in so many has a thousand ions.
const LARGE_EACH: u64 = 10;
/// Ions of the others, as overlays alone.
const FEW_LINKS: u64 = 100;
/// The same as whole meshes, which cost more: a thousand are run on demand.
const MANY_MESHES: u64 = 150;
/// Ions of the others, as whole meshes.
const FEW_MESHES: u64 = 60;

/// Ions of the run of that seed in the test command.
fn ions_of(seed: u64, many: u64, few: u64) -> u64 {
    if seed.is_multiple_of(LARGE_EACH) { many } else { few }
}

/// Overlays alone.
#[test]
fn a_thousand_links() {
    let whole = MeshScenario::default();
    each_seed(|seed, ions| {
        let ions = ions.unwrap_or_else(|| ions_of(seed, whole.ions, FEW_LINKS));
        let summary = run_overlays(seed, &MeshScenario { ions, ..whole });
        summary
            .map(|summary| summary.to_string())
            .map_err(|failure| (format!(" --overlay --ions {ions}"), failure))
    });
}

/// Overlay, neighbours, directory, broadcast, routing and signaling together.
#[test]
fn a_thousand_meshes() {
    each_seed(|seed, ions| {
        let ions = ions.unwrap_or_else(|| ions_of(seed, MANY_MESHES, FEW_MESHES));
        let summary = run_meshes(seed, &NebulaScenario::of(ions));
        summary
            .map(|summary| summary.to_string())
            .map_err(|failure| (format!(" --mesh --ions {ions}"), failure))
    });
}
