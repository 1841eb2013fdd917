//! Jobs that outlive the ion that began them.

use node_core::{
    compute::{Inputs, Trust},
    node::{Command, JobState, RecordView},
    sim::{Conditions, Failure, Flavour, IonOptions, JobPlan, World},
};

use crate::shown;

const SEEDS: std::ops::Range<u64> = 0..5;

fn world(seed: u64, ions: usize) -> World {
    let mut world = World::new(seed, Conditions::default(), 1, 1);
    for _ in 0..ions {
        world.add(IonOptions::default(), 0);
    }
    shown(world.run_until_settled(30_000));
    world
}

fn job(tasks: i64, work_ms: u64) -> JobPlan {
    let flavour = Flavour { trap_every: 50, ..Flavour::plain(7, work_ms) };
    JobPlan { owner: 0, flavour, inputs: Inputs::Range { first: 1, last: tasks } }
}

/// What an ion's user sees of the first job that the nebula keeps.
fn record(world: &World, ion: usize) -> Option<&RecordView> {
    world.records(ion).first()
}

/// Runs until an ion's user sees that so many tasks are done.
fn until_kept(world: &mut World, ion: usize, tasks: u64) {
    let until = world.now_ms() + 240_000;
    let missing = |world: &World| {
        let done = record(world, ion).map_or(0, |record| record.done);
        (done < tasks).then(|| format!("ion {ion} sees {done} of {tasks} tasks done"))
    };
    shown(world.run_until(until, missing));
}

fn finish(world: &mut World, job: u64) -> Result<(), Failure> {
    world.run_until(world.now_ms() + 240_000, World::open_job)?;
    assert!(world.is_finished(job));
    Ok(())
}

fn open(world: &mut World, ion: usize) {
    let record = record(world, ion).expect("it is kept");
    let (owner, job) = (record.owner.clone(), record.job);
    world.command(ion, Command::OpenJob { owner, job });
}

#[test]
fn a_job_goes_on_without_its_owner_and_is_told_when_that_is_back() {
    for seed in SEEDS {
        let mut world = world(seed, 6);
        let job = world.submit(job(600, 400));
        until_kept(&mut world, 3, 60);
        world.crash(0);
        until_kept(&mut world, 3, 600);
        assert_eq!(record(&world, 3).map(|record| record.state), Some(JobState::Finished));
        world.restart(0);
        until_kept(&mut world, 0, 600);
        open(&mut world, 0);
        shown(world.run_for(100));
        shown(finish(&mut world, job));
        assert_eq!(world.results_told(job), 600);
    }
}

#[test]
fn an_owner_that_is_back_goes_on_with_its_job() {
    for seed in SEEDS {
        let mut world = world(seed, 6);
        let job = world.submit(job(600, 400));
        until_kept(&mut world, 3, 60);
        world.crash(0);
        until_kept(&mut world, 3, 250);
        let runs = world.summary().runs;
        world.restart(0);
        shown(world.run_until(world.now_ms() + 60_000, |world| {
            (world.results_told(job) < 100).then(|| "its user is told nothing".to_owned())
        }));
        shown(finish(&mut world, job));
        assert_eq!(world.results_told(job), 600);
        // What was kept was not done again, but for what ran meanwhile.
        let again = world.summary().runs - runs;
        assert!(again < 500, "{again} runs for 350 tasks");
    }
}

#[test]
fn coordinators_may_end_one_after_the_other() {
    for seed in SEEDS {
        let mut world = world(seed, 8);
        let job = world.submit(job(1_500, 400));
        until_kept(&mut world, 7, 50);
        for ion in 0..5 {
            world.crash(ion);
            let done = record(&world, 7).map_or(0, |record| record.done);
            until_kept(&mut world, 7, done + 100);
        }
        until_kept(&mut world, 7, 1_500);
        open(&mut world, 7);
        shown(world.run_for(100));
        shown(finish(&mut world, job));
        assert_eq!(world.results_told(job), 1_500);
    }
}

#[test]
fn both_halves_of_a_cut_nebula_do_the_job_and_agree() {
    for seed in SEEDS {
        let mut world = world(seed, 8);
        let job = world.submit(job(900, 400));
        until_kept(&mut world, 7, 50);
        world.cut_off(&[4, 5, 6, 7]);
        until_kept(&mut world, 7, 200);
        world.heal();
        shown(finish(&mut world, job));
        assert_eq!(world.results_told(job), 900);
    }
}

#[test]
fn what_is_compared_is_compared_by_whoever_coordinates() {
    for seed in SEEDS {
        let mut world = world(seed, 6);
        let mut plan = job(400, 300);
        plan.flavour.trust = Trust::Copies(2);
        let job = world.submit(plan);
        until_kept(&mut world, 3, 40);
        world.crash(0);
        until_kept(&mut world, 3, 400);
        open(&mut world, 3);
        shown(world.run_for(100));
        shown(finish(&mut world, job));
        assert_eq!(world.results_told(job), 400);
    }
}

#[test]
fn a_job_that_is_cancelled_stays_so() {
    let mut world = world(1, 4);
    let job = world.submit(job(2_000, 400));
    until_kept(&mut world, 3, 20);
    world.cancel(job);
    let is_open = |world: &World| {
        let state = record(world, 3).map(|record| record.state);
        (state != Some(JobState::Cancelled)).then(|| format!("it is {state:?}"))
    };
    shown(world.run_until(world.now_ms() + 30_000, is_open));
    world.crash(0);
    let runs = world.summary().runs;
    shown(world.run_for(30_000));
    assert_eq!(world.summary().runs, runs);
}

#[test]
fn a_job_that_is_forgotten_is_gone_everywhere() {
    let mut world = world(1, 4);
    world.submit(job(2_000, 400));
    until_kept(&mut world, 3, 20);
    world.crash(0);
    until_kept(&mut world, 3, 200);
    let (owner, name) = record(&world, 3).map(|one| (one.owner.clone(), one.job)).expect("kept");
    world.command(3, Command::ForgetJob { owner, job: name });
    let is_there = |world: &World| {
        let there = (1..4).find(|ion| record(world, *ion).is_some());
        there.map(|ion| format!("ion {ion} still sees it"))
    };
    shown(world.run_until(world.now_ms() + 60_000, is_there));
}

#[test]
fn a_job_that_is_paused_waits_for_its_owner() {
    for seed in SEEDS {
        let mut world = world(seed, 5);
        let job = world.submit(job(300, 400));
        until_kept(&mut world, 3, 20);
        let name = record(&world, 0).expect("it is kept").job;
        let hold = |is_held| Command::HoldJob { job: name, is_held };
        world.command(0, hold(true));
        let other = |world: &World| {
            let state = record(world, 3).map(|record| record.state);
            (state != Some(JobState::Paused)).then(|| format!("it is {state:?}"))
        };
        shown(world.run_until(world.now_ms() + 30_000, other));
        world.crash(0);
        let runs = world.summary().runs;
        shown(world.run_for(60_000));
        assert_eq!(world.summary().runs, runs, "seed {seed}: nothing runs meanwhile");
        world.restart(0);
        shown(world.run_for(30_000));
        assert_eq!(world.summary().runs, runs, "seed {seed}: nothing runs until it is resumed");
        world.command(0, hold(false));
        shown(finish(&mut world, job));
        assert_eq!(world.results_told(job), 300);
    }
}
