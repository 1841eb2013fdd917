//! Ions that lie, each by itself, and what their lies cost.

use node_core::{
    compute::{Inputs, Trust},
    sim::{Conditions, Failure, Flavour, IonOptions, JobPlan, Temper, World},
};

use crate::shown;

/// A world in which so many of a hundred ions lie, ion 0 never, in so many of a
/// hundred results.
fn world(seed: u64, ions: usize, liars_percent: usize, lies_percent: u64) -> World {
    let conditions = Conditions { silent_loss_permille: 5, lies_percent, ..Conditions::default() };
    let mut world = World::new(seed, conditions, 1, 1);
    let liars = ions * liars_percent / 100;
    for number in 0..ions {
        let temper = if number >= ions - liars { Temper::Liar } else { Temper::Sound };
        world.add(IonOptions { temper, ..IonOptions::default() }, 0);
    }
    world
}

fn job(tasks: i64, trust: Trust) -> JobPlan {
    let inputs = Inputs::Range { first: 1, last: tasks };
    let flavour = Flavour { trap_every: 50, trust, ..Flavour::plain(7, 50) };
    JobPlan { owner: 0, flavour, inputs }
}

/// Runs a job to its end, though two honest ions crash meanwhile, of which one
/// comes back. Gives how many times as many tasks ran as the job has. A wrong
/// result that is told is the world's failure.
fn cost(world: &mut World, plan: JobPlan) -> Result<f64, Failure> {
    let (before, tasks) = (world.summary(), plan.inputs.len());
    let until = world.now_ms() + 600_000;
    let job = world.submit(plan);
    let some_told = |world: &World| {
        (world.results_told(job) < tasks / 4).then(|| "no quarter of the results".to_owned())
    };
    world.run_until(until, some_told)?;
    world.crash(1);
    world.crash(2);
    world.restart(1);
    world.run_until(until, World::open_job)?;
    world.restart(2);
    let after = world.summary();
    assert!(world.is_finished(job) && after.results - before.results == tasks);
    #[expect(clippy::cast_precision_loss, reason = "they are small")]
    Ok((after.runs - before.runs) as f64 / tasks as f64)
}

/// The costs of one seed; the error is why it failed.
pub(crate) fn run(seed: u64, ions: usize) -> Result<String, String> {
    let tasks = i64::try_from(50 * ions).expect("it is small");
    let mut told = Vec::new();
    let mut bound = |what: &str, cost: Result<f64, Failure>, most: f64| {
        let cost = cost.map_err(|failure| format!("{what}: {failure}"))?;
        told.push(format!("{what} {cost:.2} times the work"));
        if cost <= most { Ok(()) } else { Err(format!("{what}: {cost:.2} is more than {most}")) }
    };
    for (what, trust) in [("quorum of 2", Trust::Copies(2)), ("adaptive", Trust::Adaptive)] {
        let mut world = world(seed, ions, 20, 100);
        world.run_until_settled(60_000).map_err(|failure| failure.to_string())?;
        bound(what, cost(&mut world, job(tasks, trust)), 2.3)?;
    }
    let mut world = world(seed, ions, 5, 100);
    world.run_until_settled(60_000).map_err(|failure| failure.to_string())?;
    bound("earning trust", cost(&mut world, job(tasks, Trust::Adaptive)), 2.3)?;
    bound("with trust earned", cost(&mut world, job(2 * tasks, Trust::Adaptive)), 1.25)?;
    Ok(format!("seed {seed}: {}", told.join(", ")))
}

#[test]
fn those_who_lie_now_and_then_get_nothing_past_a_quorum() {
    for seed in 0..5 {
        let mut world = world(seed, 12, 25, 30);
        shown(world.run_until_settled(30_000));
        shown(cost(&mut world, job(600, Trust::Copies(2))));
        shown(cost(&mut world, job(300, Trust::Copies(3))));
    }
}

/// The checker itself: where nothing is compared, it sees the first lie.
#[test]
fn a_wrong_result_that_is_told_is_seen() {
    let mut world = world(1, 5, 20, 100);
    shown(world.run_until_settled(30_000));
    let failure = cost(&mut world, job(500, Trust::Once)).expect_err("a lie counts");
    assert!(failure.to_string().contains("tells a wrong result"), "{failure}");
}

#[test]
fn two_ions_cannot_outvote_each_other() {
    let mut world = world(1, 2, 50, 100);
    shown(world.run_until_settled(30_000));
    let job = world.submit(job(10, Trust::Copies(2)));
    shown(world.run_for(120_000));
    assert_eq!(world.results_told(job), 0);
    world.add(IonOptions::default(), 0);
    let until = world.now_ms() + 60_000;
    shown(world.run_until(until, World::open_job));
    assert!(world.is_finished(job));
}
