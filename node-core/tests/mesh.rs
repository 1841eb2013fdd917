//! The mesh's runs: a thousand ions under churn, partitions and address
//! translators, seed by seed: as overlays with routing over their links, a thousand
//! ions in every seed; as whole meshes of fewer; and small ones that each show one
//! thing.

#[path = "mesh/small.rs"]
mod small;

#[path = "mesh/tabs.rs"]
mod tabs;

#[path = "runs/seeds.rs"]
mod seeds;

use node_core::sim::{
    mesh::scenario::{MeshScenario, run as run_overlays},
    nebula::scenario::{NebulaScenario, run as run_meshes},
};
use seeds::each_seed;

/// Of the seeds of the test command, one in so many has [`MANY_MESHES`].
const LARGE_EACH: u64 = 10;
/// Ions of those, as whole meshes, which cost more: a thousand are run on demand.
const MANY_MESHES: u64 = 150;
/// Ions of the others, as whole meshes.
const FEW_MESHES: u64 = 60;

/// Overlays, and routing over their links. Checked: no ion ever holds more links
/// than its limit; one component after the start, the churn (30 % of the ions leave
/// and join in a minute) and the heal of a split; no request is answered twice, or
/// asked twice of one ion; every question ends in time; every word between ions that
/// live and are connected comes back or is refused in time.
#[test]
fn a_thousand_links() {
    let whole = MeshScenario::default();
    each_seed(|seed, ions| {
        let ions = ions.unwrap_or(whole.ions);
        let summary = run_overlays(seed, &MeshScenario { ions, ..whole });
        summary
            .map(|summary| summary.to_string())
            .map_err(|failure| (format!(" --overlay --ions {ions}"), failure))
    });
}

/// Overlay, neighbours, directory, broadcast, routing and signaling together.
/// Checked is the same, and that every word between connected ions comes back, also
/// when all relays are gone, and that what is said to all reaches all.
#[test]
fn a_thousand_meshes() {
    each_seed(|seed, ions| {
        let of_seed = if seed.is_multiple_of(LARGE_EACH) { MANY_MESHES } else { FEW_MESHES };
        let ions = ions.unwrap_or(of_seed);
        let summary = run_meshes(seed, &NebulaScenario::of(ions));
        summary
            .map(|summary| summary.to_string())
            .map_err(|failure| (format!(" --mesh --ions {ions}"), failure))
    });
}
