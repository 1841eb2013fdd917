//! A run of many whole meshes: they join, come and go while they ask, call and
//! speak, the network falls apart and heals, the relay dies, and then it is
//! calm.

use std::fmt;

use super::{NebulaWorld, TICK_MS, options::NebulaOptions, watch::Tally};
use crate::{network::directory::DELIVERIES_PER_S, sim::turns::Turns};

/// How long it takes until links and tree are settled, in milliseconds.
const SETTLE_MS: u64 = 30_000;

/// From how many ions on a run is short.
const MANY: u64 = 500;

/// What a run is made of.
#[derive(Clone, Copy, Debug)]
pub struct NebulaScenario {
    /// Ions.
    pub ions: u64,
    /// What the nebula is like.
    pub options: NebulaOptions,
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
    /// How long the calm lasts, in milliseconds.
    pub calm_ms: u64,
}

impl NebulaScenario {
    /// With so many ions. From [`MANY`] on each part is shorter, as what happens in
    /// a second grows with the ions.
    pub fn of(ions: u64) -> Self {
        let is_long = ions < MANY;
        Self {
            ions,
            options: NebulaOptions::default(),
            join_ms: 10_000,
            churn_percent: 30,
            churn_ms: if is_long { 30_000 } else { 12_000 },
            cut_ms: if is_long { 15_000 } else { 10_000 },
            whole_ms_max: 60_000,
            calm_ms: if is_long { 20_000 } else { 8_000 },
        }
    }
}

/// What a run was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NebulaSummary {
    /// Its seed.
    pub seed: u64,
    /// Ions that lived at the end.
    pub ions: usize,
    /// Milliseconds until all were one component: after the last joined, after
    /// the churn, after the heal, and after the relay returned.
    pub whole_after_ms: [u64; 4],
    /// Components that were left when the relay died and a tenth of all left at
    /// once: beyond one, no way led from some to others.
    pub parts: usize,
    /// The longest way between two ions.
    pub diameter: usize,
    /// Links of an ion on average, in hundredths.
    pub mean_degree_percent: usize,
    /// What became of requests.
    pub tally: Tally,
    /// Living ions that did not hear words, over those that should have, in
    /// ten thousandths; those said in the calm.
    pub missed_per_ten_thousand: u64,
    /// Pairs that did not know each other at the end, in ten thousandths.
    pub unknown_per_ten_thousand: u64,
    /// What an ion sent for links and presence in the calm, in bytes a second.
    pub presence_bytes_per_s: u64,
    /// Connections that were made by offers which others carried.
    pub met: u64,
    /// Steps in all.
    pub steps: u64,
}

impl fmt::Display for NebulaSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, ions, diameter, tally, met, steps, .. } = self;
        let [joined, churned, healed, alone] = self.whole_after_ms;
        let degree = self.mean_degree_percent;
        let parts = self.parts;
        write!(
            f,
            "seed {seed}: {ions} ions one after {joined}, {churned}, {healed} and {alone} ms, \
             {parts} without a relay, diameter {diameter}, {}.{:02} links each; {} questions with {} answers; of words {} \
             came back, {} were refused, {} silent, {} of them broken; {} of 10,000 missed, {} unknown; {} bytes/s \
             each; {met} met; {steps} steps",
            degree / 100,
            degree % 100,
            tally.questions,
            tally.answers,
            tally.echoes,
            tally.refused,
            tally.silent,
            tally.broken,
            self.missed_per_ten_thousand,
            self.unknown_per_ten_thousand,
            self.presence_bytes_per_s,
        )
    }
}

/// Runs a scenario; a broken rule is told with its seed.
pub fn run(seed: u64, scenario: &NebulaScenario) -> Result<NebulaSummary, String> {
    let mut world = NebulaWorld::new(seed, scenario.options);
    let joined = gather(&mut world, scenario)?;
    churn(&mut world, scenario)?;
    let churned = world.run_until(scenario.whole_ms_max, split)?;
    world.part(scenario.cut_ms)?;
    let healed = world.run_until(scenario.whole_ms_max, split)?;
    // A split that just healed hangs on a few links.
    world.run_for(scenario.cut_ms)?;
    let (parts, alone) = lose_the_relay(&mut world, scenario)?;
    let (missed_per_ten_thousand, presence_bytes_per_s) = calm(&mut world, scenario)?;
    let graph = world.graph();
    let living = world.living().len() as u64;
    let (unknown, _) = world.unknown_and_ghosts();
    let summary = NebulaSummary {
        seed,
        ions: world.living().len(),
        whole_after_ms: [joined, churned, healed, alone],
        parts,
        diameter: graph.diameter(),
        mean_degree_percent: graph.mean_degree_percent(),
        tally: world.watch().tally,
        missed_per_ten_thousand,
        unknown_per_ten_thousand: unknown as u64 * 10_000 / (living * living).max(1),
        presence_bytes_per_s,
        met: world.watch().met,
        steps: world.steps,
    };
    verdict(&world, &summary)?;
    Ok(summary)
}

/// What an ion sends for links and presence while nothing else happens, in bytes
/// a second, among so many: of the time in which each beats once, for those who
/// joined together beat together.
pub fn presence_bytes_per_s(seed: u64, ions: u64) -> Result<u64, String> {
    let scenario = NebulaScenario::of(ions);
    let mut world = NebulaWorld::new(seed, scenario.options);
    gather(&mut world, &scenario)?;
    let round_ms = ions * 1_000 / DELIVERIES_PER_S;
    world.run_for(round_ms.max(SETTLE_MS))?;
    presence(&mut world, round_ms.max(scenario.calm_ms))
}

/// What an ion sends for them in that time, in bytes a second.
fn presence(world: &mut NebulaWorld, ms: u64) -> Result<u64, String> {
    let sent = |world: &NebulaWorld| world.watch().of_links.bytes + world.watch().to_all.bytes;
    let before = sent(world);
    world.run_for(ms)?;
    let living = world.living().len() as u64;
    Ok((sent(world) - before) * 1_000 / (ms * living).max(1))
}

fn split(world: &NebulaWorld) -> Option<String> {
    world.graph().split()
}

/// All join; how long after the last of them they are one component.
pub(super) fn gather(world: &mut NebulaWorld, scenario: &NebulaScenario) -> Result<u64, String> {
    for _ in 0..scenario.ions {
        let delay_ms = world.rng.below(scenario.join_ms + 1);
        world.add(delay_ms);
    }
    world.run_for(scenario.join_ms + TICK_MS)?;
    world.run_until(scenario.whole_ms_max, split)
}

/// Some leave, half of them without a word, and as many come; meanwhile others
/// ask, call and speak.
fn churn(world: &mut NebulaWorld, scenario: &NebulaScenario) -> Result<(), String> {
    let leaves = scenario.ions * scenario.churn_percent * scenario.churn_ms / 6_000_000;
    let each_ms = (scenario.churn_ms / leaves.max(1)).max(1);
    for turn in 0..leaves {
        let gone = world.anyone();
        let is_noticed = world.rng.below(2) == 0;
        world.leave(gone, is_noticed);
        world.add(0);
        let (one, other) = (world.anyone(), world.anyone());
        if one != other {
            world.call(one, other);
        }
        if turn.is_multiple_of(8) {
            let asker = world.anyone();
            world.ask(asker, u8::try_from(turn / 8 % 3).unwrap_or(0));
        }
        world.run_for(each_ms)?;
    }
    Ok(())
}

/// The relay dies, and a tenth of all leave at once. Whoever has a way to each
/// other then must keep it; parts without any have none until a relay returns.
/// Gives how many parts there were, and how long it took to be one again then.
fn lose_the_relay(
    world: &mut NebulaWorld,
    scenario: &NebulaScenario,
) -> Result<(usize, u64), String> {
    world.set_relay(false);
    for _ in 0..scenario.ions / 10 {
        let leaver = world.anyone();
        world.leave(leaver, true);
    }
    let left = world.graph();
    world.run_for(scenario.cut_ms)?;
    if !left.is_kept_by(&world.graph()) {
        let (left, now) = (left.part_sizes(), world.graph().part_sizes());
        return Err(world.told(&format!("parts of {left:?} ions fell apart to {now:?}")));
    }
    world.set_relay(true);
    Ok((left.part_sizes().len(), world.run_until(scenario.whole_ms_max, split)?))
}

/// One speaks, and others call; how many missed how much, and what presence
/// costs an ion, in bytes a second.
fn calm(world: &mut NebulaWorld, scenario: &NebulaScenario) -> Result<(u64, u64), String> {
    let each = presence(world, scenario.calm_ms / 2)?;
    let living = world.living().len() as u64;
    let speaker = world.anyone();
    let mut said = Vec::new();
    for _ in 0..scenario.calm_ms / 4_000 {
        said.push(world.say(speaker));
        for _ in 0..10 {
            let (one, other) = (world.anyone(), world.anyone());
            if one != other {
                world.call(one, other);
            }
        }
        world.run_for(1_000)?;
    }
    world.run_for(scenario.calm_ms / 4)?;
    let missed: usize = said.iter().map(|number| world.missed(*number)).sum();
    let should = (said.len() as u64 * living).max(1);
    Ok((missed as u64 * 10_000 / should, each))
}

fn verdict(world: &NebulaWorld, summary: &NebulaSummary) -> Result<(), String> {
    if let Some(split) = split(world) {
        return Err(format!("{summary}: {split} although nothing changed"));
    }
    if summary.missed_per_ten_thousand > 0 {
        return Err(format!("{summary}: words were missed"));
    }
    if summary.tally.broken > 0 {
        return Err(format!("{summary}: words between connected ions did not come back"));
    }
    Ok(())
}
