//! The network by the thousand: many whole [`Mesh`]es on virtual time, with
//! everything that travels between them, and nothing above them.
//!
//! What is played here is what drivers give a mesh: streams that open with
//! their proof, frames in order after a latency that follows from where two
//! ions stand, connections that break, failing attempts, offers and answers,
//! what a relay tells. Every frame is encoded, carried and decoded as between
//! tabs. One seed decides all of it.
//!
//! Checked after every step: no ion holds more links than its limit. Checked by
//! the [`watch`]: every request of an ion that stays ends once and in time, and
//! nobody answers one twice; a word between ions that live and have a way to each
//! other comes back. Checked by scenarios: one component after start, churn and
//! heal; what was said reached all; ions that have a way to each other without a
//! relay keep it. What is not promised: that parts between which no link is left
//! find each other without a relay. Nothing leads from one to the other then, but
//! what is outside this world: another tab of the same browser, or a pairing.
//!
//! Refuses: jobs and whatever else stands above the network, which
//! [`sim::World`](super::World) plays for a hundred whole nodes; what libp2p
//! does. Keys are [`SimKeys`].
//!
//! Bounds: [`IONS_MAX`] ions over a run, [`STEPS_MAX`] steps.
//!
//! Reading order: [`options`], this file, `ion`, `wires`, [`watch`],
//! [`scenario`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{graph::Graph, turns::Turns};
use crate::{
    identity::{Invitation, IonId, SimKeys},
    network::mesh::{Effect, Input, Mesh, Start},
    platform::{Time, sim::Rng},
};

pub mod options;
pub mod scenario;
pub mod watch;

mod ion;
mod wires;

use ion::Ion;
use options::NebulaOptions;
use watch::Watch;

/// Ions over a whole run.
pub const IONS_MAX: usize = 16_384;
/// Steps of one run, after which it counts as hung.
pub const STEPS_MAX: u64 = 200_000_000;
/// Between two ticks of an ion, in milliseconds, as its driver has it.
pub const TICK_MS: u64 = 250;
/// Between two questions to the relay, in milliseconds.
const ASK_MS: u64 = 15_000;
/// The same for an ion without links.
const ASK_ALONE_MS: u64 = 1_000;
/// Ions that the relay tells at once.
const SAMPLE: usize = 12;
/// The room that everybody is in.
const HALL: &str = "hall";

enum Happening {
    /// Time passes for an ion, in one of its lives.
    Tick(usize),
    /// An input for an ion, while it lives.
    Tell(usize, Input),
    /// The next of what travels from one ion to another is there.
    Arrival { from: usize, to: usize, parcel: wires::Parcel },
}

/// The world.
pub struct NebulaWorld {
    seed: u64,
    options: NebulaOptions,
    rng: Rng,
    now_ms: u64,
    agenda: BTreeMap<u64, Vec<Happening>>,
    steps: u64,
    ions: Vec<Ion>,
    living: Vec<usize>,
    invitation: Invitation,
    is_relay_up: bool,
    /// Pairs between which a connection was made without a relay.
    met: BTreeSet<(usize, usize)>,
    watch: Watch,
    failure: Option<String>,
}

impl NebulaWorld {
    /// A world with nobody in it.
    pub fn new(seed: u64, options: NebulaOptions) -> Self {
        let invitation =
            Invitation::found("simulated", false, vec![], &[7; 48]).expect("the name is short");
        Self {
            seed,
            options,
            rng: Rng::new(seed),
            now_ms: 0,
            agenda: BTreeMap::new(),
            steps: 0,
            ions: Vec::new(),
            living: Vec::new(),
            invitation,
            is_relay_up: true,
            met: BTreeSet::new(),
            watch: Watch::default(),
            failure: None,
        }
    }

    /// Adds an ion that joins after `delay_ms` milliseconds.
    pub fn add(&mut self, delay_ms: u64) -> usize {
        let index = self.ions.len();
        self.ions.push(Ion::new(index, &mut self.rng, self.options));
        self.plan(delay_ms, Happening::Tick(index));
        index
    }

    fn join(&mut self, index: usize) {
        let ion = &mut self.ions[index];
        let start = Start {
            keys: Arc::new(SimKeys::of(ion.id)),
            seed: self.rng.next_u64(),
            incarnation: 1 + self.now_ms,
            limits: self.options.limits,
        };
        ion.mesh = Some(Box::new(Mesh::new(start)));
        ion.joined_ms = self.now_ms;
        self.living.push(index);
        let (nebula, membership) = (self.invitation.nebula, self.invitation.membership());
        self.tell(index, Input::Move(nebula, membership));
        self.tell(index, Input::Rooms(crate::network::rooms::Input::Subscribe(HALL.to_owned())));
    }

    /// An ion leaves: its connections end at once, or it falls silent.
    pub fn leave(&mut self, index: usize, is_noticed: bool) {
        if !self.ions[index].is_alive() {
            return;
        }
        if is_noticed {
            for other in self.ions[index].reached_ions() {
                self.close(index, other);
            }
        }
        self.ions[index].end();
        self.living.retain(|ion| *ion != index);
        self.watch.left(index);
    }

    /// Whether a relay tells ions of each other and lets them connect.
    pub fn set_relay(&mut self, is_up: bool) {
        self.is_relay_up = is_up;
    }

    /// What is told to an ion now; the dead hear nothing.
    pub fn tell(&mut self, index: usize, input: Input) {
        let now = Time::from_ms(self.now_ms);
        let Some(mesh) = &mut self.ions[index].mesh else { return };
        let mut effects = Vec::new();
        mesh.handle(now, input, &mut effects);
        let (links, max) = (mesh.overlay().links().len(), mesh.overlay().limits().max());
        if links > max {
            self.failure = Some(format!("ion {index} holds {links} links of {max}"));
        }
        for effect in effects {
            self.play(index, effect);
        }
    }

    /// An ion's id.
    pub fn id(&self, ion: usize) -> IonId {
        self.ions[ion].id
    }

    /// An ion's mesh, while it lives.
    pub fn mesh(&self, ion: usize) -> Option<&Mesh> {
        self.ions[ion].mesh.as_deref()
    }

    /// Ions that live and have joined.
    pub fn living(&self) -> &[usize] {
        &self.living
    }

    /// A random one of them.
    pub fn anyone(&mut self) -> usize {
        let count = u64::try_from(self.living.len()).unwrap_or(u64::MAX).max(1);
        let pick = usize::try_from(self.rng.below(count)).unwrap_or(0);
        self.living.get(pick).copied().unwrap_or(0)
    }

    /// What was asked, said and sent, and what became of it.
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The graph of links that both ends hold.
    pub fn graph(&self) -> Graph {
        Graph::of(self.ions.len(), self.living.clone(), |ion| self.edges_of(ion))
    }

    fn edges_of(&self, ion: usize) -> Vec<usize> {
        let Some(mesh) = self.mesh(ion) else { return Vec::new() };
        let (own, side) = (self.id(ion), self.ions[ion].side);
        let others = mesh.overlay().links().keys().filter_map(|other| self.index(other));
        let is_mutual = |other: &usize| {
            let links = self.mesh(*other).map(|mesh| mesh.overlay().links());
            self.ions[*other].side == side && links.is_some_and(|links| links.contains_key(&own))
        };
        others.filter(is_mutual).collect()
    }

    /// The ion of that id.
    fn index(&self, id: &IonId) -> Option<usize> {
        let index = ion::index_in(id)?;
        self.ions.get(index).is_some_and(|ion| ion.id == *id).then_some(index)
    }

    /// Of all pairs of living ions, how many do not know each other, and how
    /// many that are gone are still known, each one way.
    pub fn unknown_and_ghosts(&self) -> (usize, usize) {
        let living: BTreeSet<IonId> = self.living.iter().map(|ion| self.id(*ion)).collect();
        let (mut unknown, mut ghosts) = (0, 0);
        for mesh in self.living.iter().filter_map(|ion| self.mesh(*ion)) {
            let known = mesh.directory().entries();
            let alive = known.keys().filter(|ion| living.contains(ion)).count();
            unknown += living.len() - 1 - alive;
            ghosts += known.len() - alive;
        }
        (unknown, ghosts)
    }

    fn plan(&mut self, delay_ms: u64, happening: Happening) {
        self.agenda.entry(self.now_ms + delay_ms).or_default().push(happening);
    }

    fn step(&mut self, happening: Happening) {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            self.failure = Some("too many steps".to_owned());
        }
        match happening {
            Happening::Tick(ion) => self.tick(ion),
            Happening::Tell(ion, input) => self.tell(ion, input),
            Happening::Arrival { from, to, parcel } => self.arrive(from, to, parcel),
        }
    }

    fn tick(&mut self, index: usize) {
        if self.ions[index].is_over {
            return;
        }
        if !self.ions[index].is_alive() {
            self.join(index);
        }
        self.ask_relay(index);
        self.tell(index, Input::Tick);
        self.plan(TICK_MS, Happening::Tick(index));
    }

    /// What a relay tells: some of those who are there.
    fn ask_relay(&mut self, index: usize) {
        let ion = &self.ions[index];
        let is_alone = ion.mesh.as_ref().is_some_and(|mesh| mesh.overlay().links().is_empty());
        let wait_ms = if is_alone { ASK_ALONE_MS } else { ASK_MS };
        if !self.is_relay_up || self.now_ms < ion.asked_ms + wait_ms {
            return;
        }
        let side = ion.side;
        self.ions[index].asked_ms = self.now_ms;
        let picks: Vec<usize> = (0..SAMPLE).map(|_| self.anyone()).collect();
        let fits = |other: &usize| *other != index && self.ions[*other].side == side;
        let found = picks.into_iter().filter(fits).map(|other| self.id(other)).collect();
        self.tell(index, Input::Found(found));
    }

    fn play(&mut self, index: usize, effect: Effect) {
        match effect {
            Effect::Reach(ion, opening) => self.ions[index].reach(ion, opening),
            Effect::Send(ion, room, bytes) => self.send(index, ion, room, bytes),
            Effect::Close(ion) => self.close(index, ion),
            Effect::Refuse(ion) => {
                self.watch.refusals += 1;
                self.close(index, ion);
            }
            Effect::Offer(attempt) => self.offer(index, attempt),
            Effect::Answer(attempt, ion, offer) => self.answer(index, attempt, ion, &offer),
            Effect::Accept(_, ion, answer) => self.accept(index, ion, &answer),
            Effect::Told { author, payload, .. } => {
                self.check(|watch| watch.told(index, author, &payload));
            }
            Effect::Echoed { request, result } => {
                let ended = self.echoed(index, request, result.is_some());
                self.failure = ended.err().or(self.failure.take());
            }
            Effect::Answered { request, from, .. } => {
                self.check(|watch| watch.answered(index, request, from));
            }
            Effect::Ended { request, answers, .. } => {
                let now_ms = self.now_ms;
                self.check(|watch| watch.ended(now_ms, index, request, answers));
            }
            Effect::NotSaid(room, why) => self.failure = Some(format!("{room}: {why}")),
            Effect::Arrived(_)
            | Effect::Entries(..)
            | Effect::Untold
            | Effect::Departed(_)
            | Effect::Present { .. }
            | Effect::Probed(_)
            | Effect::Heard(..)
            | Effect::Unreachable(_)
            | Effect::Abandon(_) => {}
            Effect::Near(to, bytes) => self.say_near(index, to, &bytes),
        }
    }

    /// Says something in the browser, where all have the same one.
    fn say_near(&mut self, index: usize, to: Option<IonId>, bytes: &[u8]) {
        let from = self.id(index);
        let is_told = |other: usize| to.is_none_or(|to| self.id(other) == to);
        let hears =
            |other: &usize| self.options.is_one_browser && *other != index && is_told(*other);
        for other in self.living.iter().copied().filter(hears).collect::<Vec<_>>() {
            self.plan(1, Happening::Tell(other, Input::Near(from, bytes.to_vec())));
        }
    }

    fn check(&mut self, look: impl FnOnce(&mut Watch) -> Result<(), String>) {
        if let Err(failure) = look(&mut self.watch) {
            self.failure = Some(failure);
        }
    }
}

impl Turns for NebulaWorld {
    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn run_for(&mut self, ms: u64) -> Result<(), String> {
        let until = self.now_ms + ms;
        while let Some(entry) = self.agenda.first_entry().filter(|entry| *entry.key() <= until) {
            let (at, happenings) = entry.remove_entry();
            self.now_ms = at;
            for happening in happenings {
                self.step(happening);
                if let Some(failure) = self.failure.take() {
                    return Err(self.told(&failure));
                }
            }
        }
        self.now_ms = until;
        self.watch.late(until).map_or(Ok(()), |late| Err(self.told(&late)))
    }

    fn told(&self, failure: &str) -> String {
        format!("seed {}, {} ms: {failure}", self.seed, self.now_ms)
    }

    fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    fn ions(&self) -> usize {
        self.ions.len()
    }

    fn put_aside(&mut self, ion: usize, side: u64) {
        self.ions[ion].side = side;
    }
}
