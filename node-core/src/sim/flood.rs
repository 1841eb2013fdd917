//! One machine of the mesh by itself, by the thousand, on a graph of ions on
//! virtual time: every ion keeps about six links to random others, at most ten,
//! as the overlay does; frames on a link keep their order, take 10 to 150 ms,
//! and may be lost; who leaves is missed a while later.
//!
//! Refuses: to decide about links, which the overlay does. Bounds: memory; ions
//! that left are kept as numbers.
//!
//! Reading order: this file, [`speech`].

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    identity::IonId,
    network::{broadcast, routing},
    platform::{Time, sim::Rng},
};

pub mod speech;

/// Links that an ion wants.
const DEGREE: usize = 6;
/// Links that it bears.
const DEGREE_MAX: usize = 10;
/// Between two ticks, in milliseconds.
const TICK_MS: u64 = 250;

/// What happens to a member.
pub enum Event {
    /// A link stands.
    Up(IonId),
    /// A link is gone.
    Down(IonId),
    /// A frame came.
    Heard(IonId, Vec<u8>),
    /// Time has passed.
    Tick,
}

impl From<Event> for broadcast::Input {
    fn from(event: Event) -> Self {
        match event {
            Event::Up(ion) => Self::NeighbourUp(ion),
            Event::Down(ion) => Self::NeighbourDown(ion),
            Event::Heard(from, bytes) => Self::Heard(from, bytes),
            Event::Tick => Self::Tick,
        }
    }
}

impl From<Event> for routing::Input {
    fn from(event: Event) -> Self {
        match event {
            Event::Up(ion) => Self::NeighbourUp(ion),
            Event::Down(ion) => Self::NeighbourDown(ion),
            Event::Heard(from, bytes) => Self::Heard(from, bytes),
            Event::Tick => Self::Tick,
        }
    }
}

/// A machine with what the test wants to know of it.
pub trait Member {
    /// What the machine takes.
    type Input: From<Event>;

    /// Feeds the machine; what it sends goes to `out`.
    fn feed(&mut self, now: Time, input: Self::Input, out: &mut Vec<(IonId, Vec<u8>)>);
}

enum Due {
    Member(usize, Event),
    Frame { from: usize, to: usize, link: u64, bytes: Vec<u8> },
    Tick(usize),
    Churn,
}

/// One link, as both ends see it.
#[derive(Clone, Copy)]
struct Link {
    /// Tells it from an earlier link of the same two.
    number: u64,
    latency_ms: u64,
}

/// What a world is made of.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Ions at first.
    pub ions: usize,
    /// Decides everything that is random.
    pub seed: u64,
    /// Frames that are lost, of a thousand.
    pub loss_permille: u64,
    /// Ions that leave, and that join, in a minute.
    pub churn_per_minute: u64,
}

/// Looks at frames.
pub type Watch = Box<dyn FnMut(&[u8])>;
/// Makes a member from its id and a seed.
type Make<M> = Box<dyn Fn(IonId, u64) -> M>;

/// The world.
pub struct World<M> {
    /// Virtual time, in milliseconds.
    pub now: u64,
    /// Everybody; `None` once they left.
    pub members: Vec<Option<M>>,
    /// When each joined, in milliseconds.
    pub born: Vec<u64>,
    /// Frames that were sent.
    pub frames: u64,
    /// Looks at every frame that is sent.
    pub watch: Watch,
    make: Make<M>,
    places: BTreeMap<IonId, usize>,
    links: Vec<BTreeMap<usize, Link>>,
    arrivals: BTreeMap<(usize, usize), u64>,
    queue: BTreeMap<(u64, u64), Due>,
    count: u64,
    rng: Rng,
    options: Options,
}

/// The id of the ion of that number.
pub fn ion(index: usize) -> IonId {
    IonId::from_bytes(*blake3::hash(&index.to_le_bytes()).as_bytes())
}

impl<M: Member> World<M> {
    /// A world of members that `make` makes of an id and a seed.
    pub fn new(options: Options, make: impl Fn(IonId, u64) -> M + 'static) -> Self {
        let mut world = Self {
            now: 0,
            members: Vec::new(),
            born: Vec::new(),
            frames: 0,
            watch: Box::new(|_| {}),
            make: Box::new(make),
            places: BTreeMap::new(),
            links: Vec::new(),
            arrivals: BTreeMap::new(),
            queue: BTreeMap::new(),
            count: 0,
            rng: Rng::new(options.seed),
            options,
        };
        for _ in 0..world.options.ions {
            world.join();
        }
        for index in 0..world.options.ions {
            world.fill(index);
        }
        world
    }

    /// From now on ions come and go.
    pub fn start_churn(&mut self) {
        if let Some(between_ms) = 60_000_u64.checked_div(self.options.churn_per_minute) {
            self.push(between_ms, Due::Churn);
        }
    }

    /// A random number below `end`.
    pub fn random(&mut self, end: usize) -> usize {
        usize::try_from(self.rng.below(end as u64)).expect("it is below a usize")
    }

    /// A random ion that lives.
    pub fn anyone(&mut self) -> usize {
        loop {
            let index = self.random(self.members.len());
            if self.members[index].is_some() {
                return index;
            }
        }
    }

    /// All that are in one component with this one.
    pub fn component(&self, index: usize) -> BTreeSet<usize> {
        let (mut seen, mut open) = (BTreeSet::from([index]), vec![index]);
        while let Some(next) = open.pop() {
            let new = self.links[next].keys().filter(|other| self.members[**other].is_some());
            let new: Vec<_> = new.copied().filter(|other| !seen.contains(other)).collect();
            seen.extend(&new);
            open.extend(new);
        }
        seen
    }

    /// Lets a member do something by itself.
    pub fn act(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut M, Time, &mut Vec<(IonId, Vec<u8>)>),
    ) {
        let mut out = Vec::new();
        let Some(member) = &mut self.members[index] else { return };
        act(member, Time::from_ms(self.now), &mut out);
        self.send(index, out);
    }

    /// Lets time pass until then, in milliseconds.
    pub fn run_until(&mut self, ms: u64) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > ms {
                break;
            }
            self.now = entry.key().0;
            match entry.remove() {
                Due::Member(index, event) => self.step(index, event),
                Due::Frame { from, to, link, bytes } => {
                    if self.links[to].get(&from).is_some_and(|now| now.number == link) {
                        self.step(to, Event::Heard(ion(from), bytes));
                    }
                }
                Due::Tick(index) => {
                    if self.members[index].is_some() {
                        self.step(index, Event::Tick);
                        self.push(TICK_MS, Due::Tick(index));
                    }
                }
                Due::Churn => self.churn(),
            }
        }
        self.now = ms;
    }

    fn push(&mut self, in_ms: u64, due: Due) {
        self.count += 1;
        self.queue.insert((self.now + in_ms, self.count), due);
    }

    fn step(&mut self, index: usize, event: Event) {
        self.act(index, |member, now, out| member.feed(now, event.into(), out));
    }

    fn send(&mut self, from: usize, frames: Vec<(IonId, Vec<u8>)>) {
        for (to, bytes) in frames {
            self.frames += 1;
            (self.watch)(&bytes);
            let Some(to) = self.places.get(&to).copied() else { continue };
            let Some(link) = self.links[from].get(&to).copied() else { continue };
            if self.rng.below(1_000) < self.options.loss_permille {
                continue;
            }
            let jitter = self.rng.below(10);
            let last = self.arrivals.entry((from, to)).or_default();
            let at = (self.now + link.latency_ms + jitter).max(*last);
            *last = at;
            let in_ms = at - self.now;
            self.push(in_ms, Due::Frame { from, to, link: link.number, bytes });
        }
    }

    fn join(&mut self) -> usize {
        let index = self.members.len();
        let seed = self.rng.next_u64();
        self.members.push(Some((self.make)(ion(index), seed)));
        self.places.insert(ion(index), index);
        self.born.push(self.now);
        self.links.push(BTreeMap::new());
        let phase = self.rng.below(TICK_MS);
        self.push(phase, Due::Tick(index));
        index
    }

    /// Links an ion to random others until it has enough.
    fn fill(&mut self, index: usize) {
        for _ in 0..100 {
            if self.members[index].is_none() || self.links[index].len() >= DEGREE {
                return;
            }
            let other = self.anyone();
            let is_full = self.links[other].len() >= DEGREE_MAX;
            if other != index && !is_full && !self.links[index].contains_key(&other) {
                self.link(index, other);
            }
        }
    }

    fn link(&mut self, one: usize, other: usize) {
        self.count += 1;
        let link = Link { number: self.count, latency_ms: 10 + self.rng.below(140) };
        for (from, to) in [(one, other), (other, one)] {
            self.links[from].insert(to, link);
            self.push(0, Due::Member(from, Event::Up(ion(to))));
        }
    }

    fn churn(&mut self) {
        // The first stays: it is the one that speaks.
        let leaver = self.anyone();
        if leaver != 0 {
            self.leave(leaver);
        }
        let newcomer = self.join();
        self.fill(newcomer);
        self.push(60_000 / self.options.churn_per_minute, Due::Churn);
    }

    fn leave(&mut self, index: usize) {
        self.members[index] = None;
        for other in std::mem::take(&mut self.links[index]).into_keys() {
            self.links[other].remove(&index);
            let missed_ms = 100 + self.rng.below(900);
            self.push(missed_ms, Due::Member(other, Event::Down(ion(index))));
            self.fill(other);
        }
    }
}
