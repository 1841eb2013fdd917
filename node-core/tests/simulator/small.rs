//! One nebula, a few ions, one fault at a time.

use node_core::{
    compute::Inputs,
    node::Command,
    sim::{Conditions, Flavour, IonOptions, JobPlan, Temper, World},
};

use crate::shown;

const SEEDS: std::ops::Range<u64> = 0..5;

fn world(seed: u64, relays: usize, ions: usize) -> World {
    let mut world = World::new(seed, Conditions::default(), relays, 2);
    for _ in 0..ions {
        world.add(IonOptions::default(), 0);
    }
    world
}

fn job(owner: usize, tasks: i64, work_ms: u64) -> JobPlan {
    let inputs = Inputs::Range { first: 1, last: tasks };
    JobPlan { owner, flavour: Flavour::plain(7, work_ms), inputs }
}

/// Runs until a job's user knows at least so many results.
fn until_told(world: &mut World, job: u64, results: u64) {
    let until = world.now_ms() + 60_000;
    let missing = |world: &World| {
        let told = world.results_told(job);
        (told < results).then(|| format!("{told} results of {results}"))
    };
    shown(world.run_until(until, missing));
}

fn finish(world: &mut World, job: u64) {
    shown(world.run_until_settled(120_000));
    assert!(world.is_finished(job));
}

#[test]
fn one_ion_alone_works() {
    let mut world = world(1, 1, 1);
    shown(world.run_for(2_000));
    let job = world.submit(job(0, 100, 20));
    finish(&mut world, job);
    assert_eq!(world.results_told(job), 100);
}

#[test]
fn an_ion_works_with_no_relay_at_all() {
    let mut world = world(1, 1, 1);
    world.stop_relay(0);
    shown(world.run_for(2_000));
    let job = world.submit(job(0, 10, 20));
    shown(world.run_for(20_000));
    assert!(world.is_finished(job));
    assert!(!world.problems(0).is_empty(), "its user was told nothing");
}

#[test]
fn two_that_greet_each_other_at_once_are_linked_once() {
    for seed in 0..20 {
        let mut world = world(seed, 1, 2);
        shown(world.run_until_settled(5_000));
        world.gossip(0, 1);
        world.gossip(1, 0);
        shown(world.run_until_settled(5_000));
        assert_eq!((world.links_seen(0), world.links_seen(1)), (1, 1));
    }
}

#[test]
fn a_job_survives_a_partition() {
    for seed in SEEDS {
        let mut world = world(seed, 2, 12);
        shown(world.run_until_settled(10_000));
        let job = world.submit(job(0, 2_000, 100));
        until_told(&mut world, job, 100);
        world.cut_off(&[3, 4, 5, 6, 7]);
        shown(world.run_for(15_000));
        assert!(world.missing_link().is_none(), "{:?}", world.missing_link());
        world.heal();
        finish(&mut world, job);
    }
}

#[test]
fn a_job_survives_the_death_of_its_owners_relay() {
    for seed in SEEDS {
        let mut world = world(seed, 1, 8);
        shown(world.run_until_settled(10_000));
        let job = world.submit(job(0, 1_000, 100));
        until_told(&mut world, job, 100);
        world.stop_relay(0);
        shown(world.run_for(5_000));
        world.start_relay(0);
        finish(&mut world, job);
    }
}

#[test]
fn a_job_survives_the_crash_of_most_workers() {
    for seed in SEEDS {
        let mut world = world(seed, 1, 8);
        shown(world.run_until_settled(10_000));
        let job = world.submit(job(0, 1_000, 50));
        until_told(&mut world, job, 100);
        for ion in 1..7 {
            world.crash(ion);
        }
        finish(&mut world, job);
    }
}

/// Rooms overtake each other by seconds while ions come back under their key.
#[test]
fn sessions_that_restart_with_reordered_rooms_come_to_rest() {
    for seed in SEEDS {
        let conditions = Conditions { latency_ms_max: 2_000, ..Conditions::default() };
        let mut world = World::new(seed, conditions, 1, 1);
        for _ in 0..6 {
            world.add(IonOptions::default(), 0);
        }
        shown(world.run_for(10_000));
        let job = world.submit(job(0, 400, 100));
        for round in 0..6 {
            world.crash(1 + round % 5);
            shown(world.run_for(300));
            world.restart(1 + round % 5);
            shown(world.run_for(1_500));
        }
        finish(&mut world, job);
    }
}

#[test]
fn what_fails_on_one_ion_is_tried_on_another() {
    for seed in SEEDS {
        let mut world = world(seed, 1, 4);
        world.add(IonOptions { temper: Temper::Broken, ..IonOptions::default() }, 0);
        shown(world.run_until_settled(10_000));
        let job = world.submit(job(0, 300, 20));
        finish(&mut world, job);
        assert_eq!(world.failures_told(job), 0);
    }
}

#[test]
fn a_paused_ion_puts_back_what_it_holds() {
    for seed in SEEDS {
        let mut world = world(seed, 1, 4);
        shown(world.run_until_settled(10_000));
        let job = world.submit(job(0, 600, 50));
        until_told(&mut world, job, 50);
        world.command(1, Command::Pause { paused: true });
        world.command(2, Command::Pause { paused: true });
        let until = world.now_ms() + 60_000;
        shown(world.run_until(until, World::open_job));
        assert!(world.is_finished(job));
    }
}

#[test]
fn a_cancelled_job_leaves_nothing_behind() {
    for seed in SEEDS {
        let mut world = world(seed, 1, 6);
        shown(world.run_until_settled(10_000));
        let job = world.submit(job(0, 2_000, 100));
        until_told(&mut world, job, 50);
        world.cancel(job);
        shown(world.run_until_settled(20_000));
        assert!(!world.is_finished(job));
    }
}

/// Half of the ions die while there is no relay: those that are left make new
/// links by offers that others carry.
#[test]
fn links_are_made_without_any_relay() {
    let mut world = world(31, 1, 16);
    shown(world.run_until_settled(20_000));
    world.stop_relay(0);
    shown(world.run_for(5_000));
    for ion in 0..8 {
        world.crash(ion);
    }
    shown(world.run_for(60_000));
    for ion in 8..16 {
        assert_eq!(world.links_seen(ion), 7, "ion {ion} knows the others");
        let links = world.links_held(ion);
        assert!(links >= 5, "ion {ion} holds {links} links");
    }
    let job = world.submit(job(9, 100, 20));
    until_told(&mut world, job, 100);
}
