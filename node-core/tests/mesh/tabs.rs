//! Tabs of one browser with two links each and no relay, in many orders of events.

use node_core::{
    network::overlay::Limits,
    sim::{
        nebula::{NebulaWorld, options::NebulaOptions},
        turns::Turns,
    },
};

const SEEDS: std::ops::Range<u64> = 0..300;
const TABS: usize = 5;
/// How long it may take until all know each other, in milliseconds.
const WHOLE_MS_MAX: u64 = 15_000;

fn shown<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|failure| panic!("{failure}"))
}

/// What keeps all from knowing all.
fn apart(world: &NebulaWorld) -> Option<String> {
    let (unknown, _) = world.unknown_and_ghosts();
    (unknown > 0).then(|| format!("{unknown} pairs do not know each other"))
}

fn tabs(seed: u64) -> NebulaWorld {
    let options = NebulaOptions {
        limits: Limits::new(2, 2),
        hidden_percent: 0,
        breaks_per_million: 0,
        latency_ms_max: 10,
        is_one_browser: true,
    };
    let mut world = NebulaWorld::new(seed, options);
    for tab in 0..TABS {
        world.add(2_000 * tab as u64);
    }
    shown(world.run_for(2_000 * TABS as u64));
    shown(world.run_until(WHOLE_MS_MAX, apart));
    world.set_relay(false);
    shown(world.run_for(10_000));
    assert_eq!(apart(&world), None, "seed {seed}");
    world
}

#[test]
fn a_tab_that_is_loaded_anew_finds_the_others_without_a_relay() {
    for seed in SEEDS {
        let mut world = tabs(seed);
        world.leave(2, true);
        shown(world.run_for(1_000));
        world.add(0);
        shown(world.run_for(500));
        shown(world.run_until(WHOLE_MS_MAX, apart));
    }
}
