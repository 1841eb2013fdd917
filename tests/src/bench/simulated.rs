//! What presence and broadcast cost an ion, in the simulator: the very machines
//! that tabs run, on virtual time.

use node_core::sim::{
    flood::{Options, speech::speak},
    nebula::scenario::presence_bytes_per_s,
};

use super::Found;

/// Seeds of one measurement.
const SEEDS: u64 = 3;

/// `broadcast-hops-1000`, `-redundancy-1000`, `-missed-1000`: one speaker among a
/// thousand ions, no faults. `broadcast-redundancy-churn-1000`: the same while
/// one frame in a hundred is lost and 30 % leave and join in a minute.
pub(super) fn broadcast() -> Found {
    let (mut hops, mut redundancy, mut missed) = (Vec::new(), Vec::new(), Vec::new());
    let mut under_churn = Vec::new();
    for seed in 0..SEEDS {
        let calm = Options { ions: 1_000, seed, loss_permille: 0, churn_per_minute: 0 };
        let outcome = speak(calm).expect("no rule of the broadcast is broken");
        hops.push(f64::from(outcome.hops));
        redundancy.push(outcome.redundancy);
        missed.push(outcome.missed as f64);
        let churned = Options { loss_permille: 10, churn_per_minute: 300, ..calm };
        let outcome = speak(churned).expect("no rule of the broadcast is broken");
        under_churn.push(outcome.redundancy);
    }
    vec![
        ("broadcast-hops-1000", hops),
        ("broadcast-redundancy-1000", redundancy),
        ("broadcast-missed-1000", missed),
        ("broadcast-redundancy-churn-1000", under_churn),
    ]
}

/// `presence-bytes-per-ion-100`: what an ion sends in a second so that everybody
/// knows everybody, links' beats included, while nobody speaks. A world of 1,000
/// whole meshes takes too long yet; its figure has to wait.
pub(super) fn presence() -> Found {
    let cost = presence_bytes_per_s(0, 100).expect("no rule of the mesh is broken");
    vec![("presence-bytes-per-ion-100", vec![cost as f64])]
}
