//! The mesh's runs: a thousand ions under churn, partitions and address
//! translators, seed by seed, as whole meshes and as overlays alone, and small
//! ones that each show one thing.

#[path = "mesh/small.rs"]
mod small;

#[path = "mesh/seeds.rs"]
mod seeds;

use node_core::sim::{
    mesh::scenario::{MeshScenario, run as run_overlays},
    nebula::scenario::{NebulaScenario, run as run_meshes},
};
use seeds::{each_seed, ions};

/// Of the seeds of the test command, one in so many has a thousand ions.
const LARGE_EACH: u64 = 10;
/// Ions of the others, as overlays alone.
const FEW_LINKS: u64 = 100;
/// The same as whole meshes, which cost more: a thousand are run on demand.
const MANY_MESHES: u64 = 150;
/// Ions of the others, as whole meshes.
const FEW_MESHES: u64 = 60;

/// Ions of the run of that seed.
fn ions_of(seed: u64, many: u64, few: u64) -> u64 {
    ions().unwrap_or(if seed.is_multiple_of(LARGE_EACH) { many } else { few })
}

/// Overlays alone.
#[test]
fn a_thousand_links() {
    let whole = MeshScenario::default();
    each_seed("--overlay", |seed| {
        let ions = ions_of(seed, whole.ions, FEW_LINKS);
        let summary = run_overlays(seed, &MeshScenario { ions, ..whole });
        summary.map(|summary| summary.to_string()).map_err(|failure| (ions, failure))
    });
}

/// Overlay, neighbours, directory, broadcast, routing and signaling together.
#[test]
fn a_thousand_meshes() {
    let whole = NebulaScenario::default();
    each_seed("--mesh", |seed| {
        let ions = ions_of(seed, MANY_MESHES, FEW_MESHES);
        let summary = run_meshes(seed, &NebulaScenario { ions, ..whole });
        summary.map(|summary| summary.to_string()).map_err(|failure| (ions, failure))
    });
}
