//! A few ions, one thing at a time.

use node_core::{
    network::overlay::{Input, Limits, Why},
    sim::{
        mesh::{MeshWorld, options::MeshOptions},
        turns::Turns,
    },
};

const SEEDS: std::ops::Range<u64> = 0..40;

fn narrow(hidden_percent: u64) -> MeshOptions {
    MeshOptions {
        limits: Limits::new(2, 2),
        hidden_percent,
        loss_per_ten_thousand: 0,
        ..MeshOptions::default()
    }
}

fn world(seed: u64, options: MeshOptions, ions: usize) -> MeshWorld {
    let mut world = MeshWorld::new(seed, options);
    for ion in 0..ions {
        world.add(100 * ion as u64);
    }
    shown(world.run_for(1_000));
    world
}

fn shown<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn five_ions_with_two_links_each_are_one_component_and_stay_it() {
    for seed in SEEDS {
        let mut world = world(seed, narrow(0), 5);
        shown(world.run_until(30_000, MeshWorld::split));
        shown(world.run_for(60_000));
        assert_eq!(world.split(), None, "seed {seed}");
    }
}

#[test]
fn two_rings_without_a_free_place_become_one_component() {
    for seed in SEEDS {
        let mut world = MeshWorld::new(seed, narrow(0));
        for ion in 0..6 {
            world.add(0);
            world.put_aside(ion, (ion as u64) % 2);
        }
        let rings = |world: &MeshWorld| {
            let full = (0..6).all(|ion| world.overlay(ion).links().len() == 2);
            (!full).then(|| "no rings yet".to_owned())
        };
        shown(world.run_until(60_000, rings));
        world.heal();
        shown(world.run_until(60_000, MeshWorld::split));
    }
}

#[test]
fn a_peer_that_is_used_through_others_takes_the_place_of_an_idle_one() {
    for seed in SEEDS {
        let mut world = world(seed, narrow(0), 5);
        shown(world.run_until(30_000, MeshWorld::split));
        shown(world.run_for(10_000));
        let mut others = (1..5).rev();
        let far = others.find(|other| !world.overlay(0).links().contains_key(&world.id(*other)));
        let far = far.expect("two of four are not linked");
        for _ in 0..100 {
            world.use_one(0, far);
        }
        let missing = |world: &MeshWorld| {
            let is_linked = world.overlay(0).links().contains_key(&world.id(far));
            (!is_linked).then(|| format!("0 is not linked to {far}"))
        };
        shown(world.run_until(30_000, missing));
        shown(world.run_until(30_000, MeshWorld::split));
        shown(world.run_for(30_000));
        assert_eq!(missing(&world), None, "seed {seed}: the useful link stays");
    }
}

#[test]
fn a_newcomer_without_any_link_is_let_in_where_all_places_are_taken() {
    for seed in SEEDS {
        let mut world = world(seed, narrow(0), 5);
        shown(world.run_until(30_000, MeshWorld::split));
        let newcomer = world.add(0);
        let alone = |world: &MeshWorld| {
            world.overlay(newcomer).links().is_empty().then(|| "it is alone".to_owned())
        };
        shown(world.run_until(10_000, alone));
        shown(world.run_until(30_000, MeshWorld::split));
    }
}

#[test]
fn links_that_stand_outlive_the_relay_and_are_replaced_without_it() {
    for seed in SEEDS {
        let options = MeshOptions { hidden_percent: 0, ..MeshOptions::default() };
        let mut world = world(seed, options, 40);
        shown(world.run_until(30_000, MeshWorld::split));
        shown(world.run_for(20_000));
        world.set_relay(false);
        for ion in 0..20 {
            world.leave(ion, ion % 2 == 0);
        }
        shown(world.run_until(30_000, MeshWorld::split));
        let few = |world: &MeshWorld| {
            let few = (20..40).find(|ion| world.overlay(*ion).links().len() < 6);
            few.map(|ion| format!("ion {ion} has few links"))
        };
        shown(world.run_until(60_000, few));
    }
}

#[test]
fn lowered_limits_hold_at_once() {
    let mut world = world(1, MeshOptions::default(), 30);
    shown(world.run_for(30_000));
    assert!(world.overlay(3).links().len() >= 4);
    world.tell(3, Input::Limits(Limits::new(2, 3)));
    assert!(world.overlay(3).links().len() <= 3);
    shown(world.run_for(60_000));
    assert_eq!(world.split(), None);
}

#[test]
fn half_of_the_links_are_near() {
    let mut world = world(2, MeshOptions::default(), 120);
    shown(world.run_for(240_000));
    let (near, all) = world.nearness_ms();
    assert!(near * 2 < all, "the nearer half takes {near} ms, any two {all} ms");
    let is_near = |why: Why| matches!(why, Why::Near);
    let links = (0..120).flat_map(|ion| world.overlay(ion).links().values());
    assert!(links.filter(|link| is_near(link.why)).count() > 120);
}
