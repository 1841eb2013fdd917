//! A whole run: ions come, users work, everything goes wrong, then peace.

use std::fmt;

use super::{
    agenda::Act,
    jobs::{Flavour, JobPlan},
    options::{Conditions, IonOptions, Temper},
    trace::Failure,
    world::World,
};
use crate::{
    compute::{Input, Inputs, Trust},
    node::Command,
};

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Ions at the start.
    pub ions: usize,
    /// Nebulas that they belong to; the first has most of them.
    pub nebulas: usize,
    /// Relays.
    pub relays: usize,
    /// Jobs.
    pub jobs: usize,
    /// Tasks of one job, at most.
    pub tasks_max: u64,
    /// How long things go wrong, in milliseconds.
    pub trouble_ms: u64,
    /// Faults of each kind in that time.
    pub faults: u64,
    /// How long the world may take to come to rest, in milliseconds.
    pub rest_ms_max: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            ions: 100,
            nebulas: 4,
            relays: 2,
            jobs: 6,
            tasks_max: 1_200,
            trouble_ms: 16_000,
            faults: 8,
            rest_ms_max: 180_000,
        }
    }
}

/// What a run was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its seed.
    pub seed: u64,
    /// Steps in all.
    pub steps: u64,
    /// Virtual time until the world came to rest, in milliseconds.
    pub virtual_ms: u64,
    /// Results that users were told.
    pub results: u64,
    /// Guests that were run for them.
    pub runs: u64,
    /// Streams that broke.
    pub breaks: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, steps, virtual_ms, results, runs, breaks } = self;
        write!(
            f,
            "seed {seed}: {results} results of {runs} runs, {breaks} broken streams, \
             {steps} steps in {virtual_ms} ms of virtual time"
        )
    }
}

/// Runs a scenario from a seed.
pub fn run(seed: u64, scenario: &Scenario) -> Result<Summary, Failure> {
    let mut world = scenario.world(seed);
    world.run_for(scenario.trouble_ms)?;
    world.calm();
    world.run_until_settled(scenario.rest_ms_max)?;
    Ok(world.summary())
}

impl World {
    /// What the run was so far.
    pub fn summary(&self) -> Summary {
        Summary {
            seed: self.seed,
            steps: self.steps,
            virtual_ms: self.now_ms,
            results: self.books.told,
            runs: self.books.runs,
            breaks: self.breaks,
        }
    }
}

impl Scenario {
    fn world(&self, seed: u64) -> World {
        let conditions = Conditions { silent_loss_permille: 5, ..Conditions::default() };
        let mut world = World::new(seed, conditions, self.relays, self.nebulas);
        for number in 0..self.ions {
            let options = self.ion(number, &mut world);
            let delay = world.between(0, self.trouble_ms / 4);
            world.add(options, delay);
        }
        for number in 0..self.jobs {
            self.plan_job(number, &mut world);
        }
        for _ in 0..self.faults {
            self.plan_faults(&mut world);
        }
        self.plan_disasters(&mut world);
        world
    }

    fn ion(&self, number: usize, world: &mut World) -> IonOptions {
        let one_in = |world: &mut World, parts: u64| world.rng.below(parts) == 0;
        // Half are in the first nebula, half of the others in the second, …
        let depth = (number + 1).trailing_zeros() as usize;
        let nebula = (depth > 0).then(|| depth.min(self.nebulas - 1));
        IonOptions {
            nebula,
            workers: u16::try_from(world.between(1, 4)).unwrap_or(1),
            temper: if one_in(world, 10) { Temper::Flaky } else { Temper::Sound },
            slowness: if one_in(world, 10) { 8 } else { 1 },
            can_direct: !one_in(world, 5),
            clock_ms: world.between(0, 1_000_000_000),
            skew_ms: 0,
        }
    }

    fn plan_job(&self, number: usize, world: &mut World) {
        let tasks = world.between(1, self.tasks_max);
        let base = i64::try_from(world.rng.below(1 << 40)).unwrap_or(0);
        let last = base + i64::try_from(tasks).unwrap_or(1) - 1;
        let inputs = if number.is_multiple_of(2) {
            Inputs::Range { first: base, last }
        } else {
            Inputs::List((base..=last).map(|one| Input::from(one.to_string().repeat(7))).collect())
        };
        let flavour = Flavour {
            salt: world.rng.next_u64(),
            module_bytes: usize::try_from(world.between(16, 600_000)).unwrap_or(16),
            work_ms: world.between(2, 200),
            trap_every: world.rng.below(40),
            wall_ms_max: 1_500,
            trust: Trust::Once,
        };
        let owner = world.any_ion();
        let at = world.between(self.trouble_ms / 8, self.trouble_ms / 2);
        world.plan(at, Act::Submit(JobPlan { owner, flavour, inputs }));
        if world.rng.below(6) == 0 {
            world.plan(at + 2_000, Act::CancelOf(owner));
        }
    }

    /// A moment in the middle of trouble.
    fn moment(&self, world: &mut World) -> u64 {
        world.between(self.trouble_ms / 5, self.trouble_ms - 1)
    }

    fn plan_faults(&self, world: &mut World) {
        for _ in 0..10 {
            let at = self.moment(world);
            world.plan(at, Act::Break);
        }
        let (at, back) = (self.moment(world), world.between(50, 8_000));
        let ion = world.any_ion();
        world.plan(at, Act::Crash(ion));
        match world.rng.below(3) {
            0 => world.plan(at + back, Act::Restart(ion)),
            1 => world.plan(at + back, Act::Replace(ion)),
            _ => {}
        }
        let (at, ion) = (self.moment(world), world.any_ion());
        world.plan(at, Act::Command(ion, Box::new(Command::Pause { paused: true })));
        let back = world.between(50, 5_000);
        world.plan(at + back, Act::Command(ion, Box::new(Command::Pause { paused: false })));
        let (at, ion, workers) = (self.moment(world), world.any_ion(), world.between(1, 6));
        let workers = u16::try_from(workers).unwrap_or(1);
        world.plan(at, Act::Command(ion, Box::new(Command::SetWorkers { workers })));
        let (at, ion) = (self.moment(world), world.any_ion());
        world.plan(at, Act::Hide(ion, 2_000));
    }

    fn plan_disasters(&self, world: &mut World) {
        for _ in 0..self.faults / 2 {
            let (at, ion) = (self.moment(world), world.any_ion());
            let nebula = usize::try_from(world.rng.below(self.nebulas as u64)).unwrap_or(0);
            world.plan(at, Act::Move(ion, nebula));
        }
        if world.rng.below(2) == 0 {
            let (at, long) = (self.moment(world), world.between(500, 15_000));
            world.plan(at, Act::Split(40));
            world.plan(at + long, Act::Heal);
        }
        if world.rng.below(2) == 0 {
            let (at, long) = (self.moment(world), world.between(100, 6_000));
            let relay = usize::try_from(world.rng.below(self.relays as u64)).unwrap_or(0);
            world.plan(at, Act::RelayDown(relay));
            world.plan(at + long, Act::RelayUp(relay));
        }
    }
}
