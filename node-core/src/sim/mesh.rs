//! The overlay by the thousand: many [`Overlay`]s on virtual time, with
//! [`Routing`](crate::network::routing::Routing) over the links that they make,
//! and nothing else above or below them.
//!
//! What is played here is what the other machines and the world give an
//! overlay: answers to its wishes after a latency that follows from where two
//! ions stand, losses, silence, goodbyes, what a relay and the directory tell,
//! ions behind address translators that reach each other never, partitions.
//! One seed decides all of it.
//!
//! Checked after every step: no ion holds more than its limit, nor a link to
//! itself; no request is answered twice or ends late ([`talk`]). Checked by
//! scenarios: one component after start, churn and heal; every word between ions
//! that have a way to each other comes back or is refused in time, nearly all come
//! back; few cuts in calm; a small diameter.
//!
//! Refuses: to play frames and proofs, which `sim::World` does for whole nodes.
//! The directory is played by an oracle that is [`SURVEY_MS`] late and lacks some of
//! those whom it should know, each time others, as if all that told of them was lost.
//!
//! Bounds: [`IONS_MAX`] ions at once, [`STEPS_MAX`] steps.
//!
//! Reading order: [`options`], this file, `peer`, [`talk`], [`graph`], [`scenario`].

use std::collections::BTreeMap;

use super::turns::Turns;
use crate::{
    identity::IonId,
    network::overlay::{Effect, Input, Overlay, Standing, Why},
    platform::{Time, sim::Rng},
};

pub mod graph;
pub mod options;
pub mod scenario;
pub mod talk;

mod peer;

use options::MeshOptions;
use peer::Peer;

/// Ions of one world at once.
pub const IONS_MAX: usize = 4_096;
/// Steps of one run, after which it counts as hung.
pub const STEPS_MAX: u64 = 50_000_000;
/// Between two surveys of who is in which part, in milliseconds.
pub const SURVEY_MS: u64 = 5_000;

/// What one ion sends another.
#[derive(Clone, Debug)]
enum Message {
    Ask(Standing, Why),
    Accept(Standing),
    Full(Vec<IonId>, bool),
    Cut(Vec<IonId>),
    Beat(Standing),
    Goodbye,
    /// Of what is routed over the link.
    Frame(Vec<u8>),
    /// The other end holds no such link.
    NoLink,
    /// Not sent: the world tells the sender that nobody is there.
    Failed,
}

#[derive(Clone, Debug)]
enum Happening {
    Tick(usize, u32),
    Survey,
    Deliver { from: usize, to: usize, life: u32, message: Message },
}

/// The world.
pub struct MeshWorld {
    seed: u64,
    options: MeshOptions,
    rng: Rng,
    now_ms: u64,
    agenda: BTreeMap<(u64, u64), Happening>,
    planned: u64,
    steps: u64,
    peers: Vec<Peer>,
    by_id: BTreeMap<IonId, usize>,
    /// Which component each was in at the last survey.
    parts: Vec<usize>,
    /// Ions of each of them.
    part_sizes: BTreeMap<usize, usize>,
    /// Living ions at the last survey.
    living: Vec<usize>,
    is_relay_up: bool,
    cuts: u64,
    requests: talk::Requests,
    failure: Option<String>,
}

impl MeshWorld {
    /// A world with nobody in it.
    pub fn new(seed: u64, options: MeshOptions) -> Self {
        let mut world = Self {
            seed,
            options,
            rng: Rng::new(seed),
            now_ms: 0,
            agenda: BTreeMap::new(),
            planned: 0,
            steps: 0,
            peers: Vec::new(),
            by_id: BTreeMap::new(),
            parts: Vec::new(),
            part_sizes: BTreeMap::new(),
            living: Vec::new(),
            is_relay_up: true,
            cuts: 0,
            requests: talk::Requests::default(),
            failure: None,
        };
        world.plan(0, Happening::Survey);
        world
    }

    /// Adds an ion that joins after `delay_ms` milliseconds.
    pub fn add(&mut self, delay_ms: u64) -> usize {
        let index = self.peers.len();
        let peer = Peer::new(&mut self.rng, self.options);
        self.by_id.insert(peer.id, index);
        self.peers.push(peer);
        self.plan(delay_ms, Happening::Tick(index, 0));
        index
    }

    /// An ion leaves: with a goodbye, or without a word.
    pub fn leave(&mut self, ion: usize, says_goodbye: bool) {
        if says_goodbye {
            for other in self.peers[ion].overlay.links().keys().copied().collect::<Vec<_>>() {
                self.send(ion, other, Message::Goodbye);
            }
        }
        self.peers[ion].is_alive = false;
        self.peers[ion].life += 1;
        self.requests.left(ion);
    }

    /// Whether a relay tells ions of each other.
    pub fn set_relay(&mut self, is_up: bool) {
        self.is_relay_up = is_up;
    }

    /// One ion has to do with another.
    pub fn use_one(&mut self, ion: usize, other: usize) {
        let (one, two) = (self.peers[ion].id, self.peers[other].id);
        self.tell(ion, Input::Used(two));
        self.tell(other, Input::Used(one));
    }

    /// What is told to an ion's overlay now.
    pub fn tell(&mut self, ion: usize, input: Input) {
        let mut effects = Vec::new();
        let now = Time::from_ms(self.now_ms);
        self.peers[ion].overlay.handle(now, input, &mut effects);
        for effect in effects {
            self.play(ion, effect);
        }
        self.follow_links(ion);
        self.check(ion);
    }

    /// The overlay of an ion.
    pub fn overlay(&self, ion: usize) -> &Overlay {
        &self.peers[ion].overlay
    }

    /// An ion's id.
    pub fn id(&self, ion: usize) -> IonId {
        self.peers[ion].id
    }

    /// Ions that live and have joined.
    pub fn living(&self) -> Vec<usize> {
        (0..self.peers.len()).filter(|ion| self.peers[*ion].is_alive).collect()
    }

    /// Links that were cut on purpose so far, by either end.
    pub const fn cuts(&self) -> u64 {
        self.cuts
    }

    fn plan(&mut self, delay_ms: u64, happening: Happening) {
        self.planned += 1;
        self.agenda.insert((self.now_ms + delay_ms, self.planned), happening);
    }

    fn step(&mut self, happening: Happening) {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            self.failure = Some("too many steps".to_owned());
        }
        match happening {
            Happening::Tick(ion, life) if self.peers[ion].life == life => self.tick(ion),
            Happening::Tick(..) => {}
            Happening::Survey => {
                self.survey();
                self.plan(SURVEY_MS, Happening::Survey);
            }
            Happening::Deliver { from, to, life, message } => {
                if self.peers[to].is_alive && self.peers[to].life == life {
                    self.deliver(from, to, message);
                }
            }
        }
    }

    fn survey(&mut self) {
        self.parts = self.graph().components();
        self.living = self.living();
        self.failure = self.requests.late(self.now_ms).or(self.failure.take());
        self.part_sizes.clear();
        for ion in &self.living {
            *self.part_sizes.entry(self.parts[*ion]).or_default() += 1;
        }
    }

    /// The rules that hold after every step.
    fn check(&mut self, ion: usize) {
        let overlay = &self.peers[ion].overlay;
        let (links, max) = (overlay.links().len(), overlay.limits().max());
        if links > max {
            self.failure = Some(format!("ion {ion} holds {links} links of {max}"));
        }
        if overlay.links().contains_key(&self.peers[ion].id) {
            self.failure = Some(format!("ion {ion} is linked to itself"));
        }
    }

    fn play(&mut self, ion: usize, effect: Effect) {
        let standing = self.peers[ion].overlay.standing();
        match effect {
            Effect::Want(other, why) => self.send(ion, other, Message::Ask(standing, why)),
            Effect::Accept(other) => self.send(ion, other, Message::Accept(standing)),
            Effect::Refuse { ion: other, others, is_heard } => {
                self.send(ion, other, Message::Full(others, is_heard));
            }
            Effect::Cut { ion: other, others, .. } => {
                self.cuts += 1;
                self.send(ion, other, Message::Cut(others));
            }
        }
    }
}

impl Turns for MeshWorld {
    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn run_for(&mut self, ms: u64) -> Result<(), String> {
        let until = self.now_ms + ms;
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, _), happening) = entry.remove_entry();
            self.now_ms = at;
            self.step(happening);
            if let Some(failure) = self.failure.take() {
                return Err(self.told(&failure));
            }
        }
        self.now_ms = until;
        Ok(())
    }

    fn told(&self, failure: &str) -> String {
        format!("seed {}, {} ms: {failure}", self.seed, self.now_ms)
    }

    fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    fn ions(&self) -> usize {
        self.peers.len()
    }

    fn put_aside(&mut self, ion: usize, side: u64) {
        self.peers[ion].side = side;
    }
}
