//! A whole run of a mesh: ions come, a third leave and join each minute, the
//! network falls apart and heals, and then it is calm.

use std::fmt;

use super::{MeshWorld, options::MeshOptions, talk::Tally};
use crate::sim::turns::Turns;

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub struct MeshScenario {
    /// Ions.
    pub ions: u64,
    /// What the mesh is like.
    pub options: MeshOptions,
    /// In what time they join at first, in milliseconds.
    pub join_ms: u64,
    /// Ions that leave, and as many that join, in percent and minute.
    pub churn_percent: u64,
    /// For how long, in milliseconds.
    pub churn_ms: u64,
    /// How long the network is cut in two, in milliseconds.
    pub cut_ms: u64,
    /// How long it may take to be one component again, in milliseconds.
    pub whole_ms_max: u64,
    /// How long the calm lasts in which cuts are counted, in milliseconds.
    pub calm_ms: u64,
    /// Cuts that are allowed per hundred ions and minute of calm.
    pub cuts_percent_max: u64,
    /// The longest way between two ions at the end, in links.
    pub diameter_max: usize,
}

impl Default for MeshScenario {
    fn default() -> Self {
        Self {
            ions: 1_000,
            options: MeshOptions::default(),
            join_ms: 20_000,
            churn_percent: 30,
            churn_ms: 120_000,
            cut_ms: 60_000,
            whole_ms_max: 60_000,
            calm_ms: 180_000,
            cuts_percent_max: 40,
            diameter_max: 8,
        }
    }
}

/// What a run was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshSummary {
    /// Its seed.
    pub seed: u64,
    /// Ions that lived at the end.
    pub ions: usize,
    /// Milliseconds until all were one component: after the last joined, after
    /// the churn, and after the heal.
    pub whole_after_ms: [u64; 3],
    /// Cuts per hundred ions and minute of calm.
    pub cuts_percent: u64,
    /// The longest way between two ions.
    pub diameter: usize,
    /// Links of an ion on average, in hundredths.
    pub mean_degree_percent: usize,
    /// The median latency of the nearer half of the links, and of all pairs.
    pub nearness_ms: (u64, u64),
    /// What became of requests.
    pub tally: Tally,
    /// Steps in all.
    pub steps: u64,
}

impl fmt::Display for MeshSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, ions, whole_after_ms: [joined, churned, healed], .. } = self;
        let Self { cuts_percent, diameter, mean_degree_percent, nearness_ms, steps, .. } = self;
        let Tally { questions, answers, words, refused, refused_connected } = self.tally;
        let (near, far) = nearness_ms;
        write!(
            f,
            "seed {seed}: {ions} ions one after {joined}, {churned} and {healed} ms, diameter \
             {diameter}, {}.{:02} links each, {cuts_percent} cuts per 100 ions and minute, \
             near links {near} ms of {far} ms; {questions} questions with {answers} answers, \
             {words} words came back, {refused} were refused, {refused_connected} of them with a \
             way; {steps} steps",
            mean_degree_percent / 100,
            mean_degree_percent % 100,
        )
    }
}

/// Runs a scenario; a broken rule is told with its seed.
pub fn run(seed: u64, scenario: &MeshScenario) -> Result<MeshSummary, String> {
    let mut world = MeshWorld::new(seed, scenario.options);
    for _ in 0..scenario.ions {
        let delay_ms = world.rng.below(scenario.join_ms + 1);
        world.add(delay_ms);
    }
    world.run_for(scenario.join_ms)?;
    let joined = world.run_until(scenario.whole_ms_max, MeshWorld::split)?;
    churn(&mut world, scenario)?;
    let churned = world.run_until(scenario.whole_ms_max, MeshWorld::split)?;
    world.part(scenario.cut_ms)?;
    let healed = world.run_until(scenario.whole_ms_max, MeshWorld::split)?;
    let cuts_percent = calm(&mut world, scenario)?;
    let graph = world.graph();
    let summary = MeshSummary {
        seed,
        ions: world.living().len(),
        whole_after_ms: [joined, churned, healed],
        cuts_percent,
        diameter: graph.diameter(),
        mean_degree_percent: graph.mean_degree_percent(),
        nearness_ms: world.nearness_ms(),
        tally: world.tally(),
        steps: world.steps,
    };
    verdict(scenario, &world, &summary)?;
    Ok(summary)
}

/// Requests in the calm, and before it, after the heal.
const CALM_REQUESTS: u64 = 20;
/// Between two requests while ions come and go, in leavers.
const REQUEST_EACH: u64 = 8;
/// The words that may be refused although there is a way, in percent.
const REFUSED_PERCENT_MAX: u64 = 5;

/// Some call each other, and one asks all around.
fn talk(world: &mut MeshWorld, turn: u64) {
    let mut anyone = || {
        let living = world.living();
        let pick = world.rng.below(living.len() as u64);
        living[usize::try_from(pick).unwrap_or(0)]
    };
    let (one, other, asker) = (anyone(), anyone(), anyone());
    if one != other {
        world.call(one, other);
    }
    if turn.is_multiple_of(2) {
        world.ask(asker, u8::try_from(turn / 2 % 3).unwrap_or(0));
    }
}

/// Some leave, half of them without a word, and as many come; others ask and call.
fn churn(world: &mut MeshWorld, scenario: &MeshScenario) -> Result<(), String> {
    let each_ms = 6_000_000 / (scenario.ions * scenario.churn_percent).max(1);
    let until = world.now_ms + scenario.churn_ms;
    let mut turn = 0;
    while world.now_ms < until {
        turn += 1;
        if turn % REQUEST_EACH == 0 {
            talk(world, turn / REQUEST_EACH);
        }
        let living = world.living();
        let pick = world.rng.below(living.len() as u64);
        let leaver = living[usize::try_from(pick).unwrap_or(0)];
        let says_goodbye = world.rng.below(2) == 0;
        world.leave(leaver, says_goodbye);
        world.add(0);
        world.run_for(each_ms.max(1))?;
    }
    Ok(())
}

fn calm(world: &mut MeshWorld, scenario: &MeshScenario) -> Result<u64, String> {
    for turn in 0..CALM_REQUESTS {
        talk(world, turn);
        world.run_for(scenario.calm_ms / 2 / CALM_REQUESTS)?;
    }
    let before = world.cuts();
    world.run_for(scenario.calm_ms / 2)?;
    let minutes_percent = (scenario.calm_ms / 2) * 100 / 60_000;
    Ok((world.cuts() - before) * 10_000 / (scenario.ions * minutes_percent).max(1))
}

fn verdict(
    scenario: &MeshScenario,
    world: &MeshWorld,
    summary: &MeshSummary,
) -> Result<(), String> {
    if let Some(split) = world.split() {
        return Err(format!("{summary}: {split} although nothing changed"));
    }
    if summary.diameter > scenario.diameter_max {
        return Err(format!("{summary}: a diameter above {}", scenario.diameter_max));
    }
    let Tally { words, refused_connected, .. } = summary.tally;
    if refused_connected * 100 > words * REFUSED_PERCENT_MAX {
        return Err(format!("{summary}: too many words were refused"));
    }
    if summary.cuts_percent > scenario.cuts_percent_max {
        return Err(format!("{summary}: more cuts than {}", scenario.cuts_percent_max));
    }
    Ok(())
}
