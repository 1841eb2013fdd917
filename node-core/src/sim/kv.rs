//! The shared memory by itself among some dozen ions on virtual time: lossy
//! gossip, ordered links, partitions, crashes with and without their disk, disks
//! that fail, clocks that are wrong by hours.
//!
//! What an ion tells all reaches only neighbours here, now and then nobody: the
//! rest is left to what neighbours compare. [`World::check`] looks at what must
//! hold once all is healed.
//!
//! Refuses: to decide about links, which the overlay does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_bytes::ByteBuf;

use crate::{
    identity::{IonId, SimKeys},
    platform::{Time, sim::Rng, storage},
    store::kv::{
        Change, Entry, Key, Kv, Space,
        entry::Digest,
        machine::{DISK_AGAIN_MS, Effect, Input},
        table::Span,
        writes::Record,
    },
};

/// Links that an ion makes.
const DEGREE: usize = 3;
/// Between two ticks, in milliseconds.
const TICK_MS: u64 = 250;
/// Between two faults, in milliseconds.
const FAULT_MS: u64 = 400;
/// Of so many clocks at most one is wrong: where most were, nobody could tell.
const WRONG_CLOCKS_SHARE: usize = 5;
/// The wall clock at the beginning, in milliseconds since 1970.
const EPOCH_MS: u64 = 1_800_000_000_000;

/// What a world is made of.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Ions.
    pub ions: usize,
    /// Decides everything that is random.
    pub seed: u64,
    /// How long users write and things go wrong, in milliseconds.
    pub faults_ms: u64,
}

enum Due {
    Tick(usize),
    Frame { from: usize, to: usize, life: u64, bytes: Vec<u8> },
    Told { from: IonId, to: usize, bytes: Vec<u8> },
    Written { ion: usize, life: u64, number: u64, records: Vec<Record>, is_taken: bool },
    Start(usize),
    Fault,
    Write,
}

struct Member {
    id: IonId,
    kv: Option<Kv>,
    /// Counts restarts, so that what was meant for an earlier one is not heard.
    life: u64,
    disk: BTreeMap<Box<[u8]>, Vec<u8>>,
    awake_ms: Option<u64>,
    skew_ms: i64,
    side: bool,
    tickets: BTreeMap<u64, Wish>,
}

/// What a user wanted of a key that is written once.
#[derive(Clone, Debug)]
struct Wish {
    name: String,
    is_delete: bool,
}

/// What was acknowledged at a key.
#[derive(Clone, Copy, Debug, Default)]
struct Acknowledged {
    put: bool,
    deleted: bool,
    /// Whether somebody wanted it deleted: it may be, though nobody was told.
    wished_away: bool,
}

/// The world.
pub struct World {
    now: u64,
    members: Vec<Member>,
    links: BTreeSet<(usize, usize)>,
    arrivals: BTreeMap<(usize, usize), u64>,
    queue: BTreeMap<(u64, u64), Due>,
    count: u64,
    rng: Rng,
    options: Options,
    acknowledged: BTreeMap<String, Acknowledged>,
    is_faulty: bool,
}

impl World {
    /// A world in which users write from the beginning.
    pub fn new(options: Options) -> Self {
        let mut world = Self {
            now: 0,
            members: Vec::new(),
            links: BTreeSet::new(),
            arrivals: BTreeMap::new(),
            queue: BTreeMap::new(),
            count: 0,
            rng: Rng::new(options.seed),
            options,
            acknowledged: BTreeMap::new(),
            is_faulty: true,
        };
        for index in 0..options.ions {
            world.members.push(Member::new(index, 0));
            world.start(index);
            let phase_ms = world.rng.below(TICK_MS);
            world.push(phase_ms, Due::Tick(index));
        }
        world.push(0, Due::Fault);
        world.push(0, Due::Write);
        world
    }

    /// Lets users write and things go wrong, then heals all and waits until
    /// nobody has anything new for anybody. Gives a summary.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn run(&mut self) -> Result<String, String> {
        self.run_until(self.options.faults_ms);
        self.is_faulty = false;
        let held = self.held();
        let healed = self.now;
        for index in 0..self.members.len() {
            (self.members[index].skew_ms, self.members[index].side) = (0, false);
            if self.members[index].kv.is_none() {
                self.start(index);
            }
        }
        self.link_all();
        let deadline = self.now + 120_000;
        while self.now < deadline && !self.is_level() {
            self.run_until(self.now + 1_000);
        }
        let level = self.now;
        // Disks that failed are tried again.
        self.run_until(self.now + 2 * DISK_AGAIN_MS);
        self.check(&held)?;
        let all = self.acknowledged.len();
        let deleted = held.values().filter(|is_deleted| **is_deleted).count();
        let entries = self.digests(0).len();
        Ok(format!(
            "{} of {all} keys held, {deleted} deleted, {entries} entries, level after {} s",
            held.len(),
            (level - healed) / 1_000
        ))
    }

    /// Names of what was acknowledged and that somebody holds, alive or on disk;
    /// with each, whether it was deleted and somebody holds that too.
    fn held(&self) -> BTreeMap<String, bool> {
        let puts = self.acknowledged.iter().filter(|(_, acknowledged)| acknowledged.put);
        let held = puts.filter_map(|(name, acknowledged)| {
            let path = key(name).path();
            let of =
                |member: &Member| member.entry(&path).filter(|entry| self.counts(member, entry));
            let entries: Vec<Entry> = self.members.iter().filter_map(of).collect();
            let is_deleted = acknowledged.deleted && entries.iter().any(Entry::is_tombstone);
            let is_held = is_deleted || (!acknowledged.deleted && !entries.is_empty());
            is_held.then(|| (name.clone(), is_deleted))
        });
        held.collect()
    }

    /// What an ion whose clock was ahead wrote waits for its time everywhere,
    /// unless that ion is there to write it again.
    fn counts(&self, member: &Member, entry: &Entry) -> bool {
        let is_ahead = entry.body().stamp.is_ahead_of(EPOCH_MS + self.now);
        !is_ahead || entry.body().author == member.id
    }

    fn digests(&self, index: usize) -> Vec<Digest> {
        let kv = self.members[index].kv.as_ref();
        kv.map(|kv| kv.table().range(Span::ALL).map(|entry| *entry.digest()).collect())
            .unwrap_or_default()
    }

    fn is_level(&self) -> bool {
        let first = self.digests(0);
        (1..self.members.len()).all(|index| self.digests(index) == first)
    }

    /// What must hold once all is healed.
    fn check(&self, held: &BTreeMap<String, bool>) -> Result<(), String> {
        let first = self.digests(0);
        for index in 1..self.members.len() {
            let other = self.digests(index);
            if other != first {
                return Err(format!("{index} holds {} entries, 0 {}", other.len(), first.len()));
            }
        }
        let kv = self.members[0].kv.as_ref().expect("all run");
        for (name, is_deleted) in held {
            match (kv.get(&key(name)), *is_deleted) {
                (None, false) if !self.waits(name) && !self.acknowledged[name].wished_away => {
                    return Err(format!("{name} was acknowledged and is missing"));
                }
                (Some(_), true) => return Err(format!("{name} was deleted and is back")),
                (None, _) | (Some(_), false) => {}
            }
        }
        let all_kept = self.members.iter().all(Member::has_kept_all);
        if !all_kept {
            return Err("a disk lacks what stands".to_owned());
        }
        Ok(())
    }

    /// Whether something waits for its time there: what an ion wrote while its
    /// clock was ahead, and which came back to it from others since.
    fn waits(&self, name: &str) -> bool {
        let path = key(name).path();
        self.members.iter().filter_map(|member| member.kv.as_ref()).any(|kv| kv.waits(&path))
    }

    fn push(&mut self, in_ms: u64, due: Due) {
        self.count += 1;
        self.queue.insert((self.now + in_ms, self.count), due);
    }

    fn run_until(&mut self, ms: u64) {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > ms {
                break;
            }
            self.now = entry.key().0;
            let due = entry.remove();
            self.happen(due);
        }
        self.now = ms;
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Tick(index) => {
                let neighbours = self.neighbours(index);
                let clock = self.clock(index);
                for input in [Input::Clock(clock), Input::Links(neighbours), Input::Tick] {
                    self.hand(index, input);
                }
                self.push(TICK_MS, Due::Tick(index));
            }
            Due::Frame { from, to, life, bytes } => {
                if self.members[to].life == life && self.is_linked(from, to) {
                    let from = self.members[from].id;
                    self.hand(to, Input::Heard(from, bytes));
                }
            }
            Due::Told { from, to, bytes } => self.hand(to, Input::Told(from, bytes)),
            Due::Written { ion, life, number, records, is_taken } => {
                self.written(ion, life, number, records, is_taken);
            }
            Due::Start(index) => self.start(index),
            Due::Fault if self.is_faulty => {
                self.fault();
                self.push(FAULT_MS, Due::Fault);
            }
            Due::Write if self.is_faulty => {
                self.write();
                let in_ms = self.rng.below(200);
                self.push(in_ms, Due::Write);
            }
            Due::Fault | Due::Write => {}
        }
    }

    fn written(
        &mut self,
        ion: usize,
        life: u64,
        number: u64,
        records: Vec<Record>,
        is_taken: bool,
    ) {
        if self.members[ion].life != life {
            return;
        }
        let full = || Err(storage::Error::QuotaExceeded);
        if is_taken {
            self.members[ion].keep(records);
        }
        self.hand(ion, Input::Written(number, if is_taken { Ok(()) } else { full() }));
    }

    fn hand(&mut self, index: usize, input: Input) {
        let now = Time::from_ms(self.now);
        let Some(kv) = &mut self.members[index].kv else { return };
        let mut effects = Vec::new();
        kv.handle(now, input, &mut effects);
        for effect in effects {
            self.act(index, effect);
        }
    }

    fn act(&mut self, index: usize, effect: Effect) {
        let life = self.members[index].life;
        match effect {
            Effect::Write(number, records) => {
                let is_taken = !self.is_faulty || self.rng.below(100) > 0;
                let in_ms = 1 + self.rng.below(20);
                self.push(in_ms, Due::Written { ion: index, life, number, records, is_taken });
            }
            Effect::Awake(ms) => self.members[index].awake_ms = Some(ms),
            Effect::Say(to, bytes) => self.say(index, to, bytes),
            Effect::Tell(bytes) => {
                let from = self.members[index].id;
                for to in 0..self.members.len() {
                    if !self.is_linked(index, to) {
                        continue;
                    }
                    let in_ms = 5 + self.rng.below(400);
                    if self.rng.below(10) > 0 {
                        self.push(in_ms, Due::Told { from, to, bytes: bytes.clone() });
                    }
                }
            }
            Effect::Done(ticket, result) => {
                let wish = self.members[index].tickets.remove(&ticket);
                if let (Some(wish), Ok(_)) = (wish, result) {
                    let acknowledged = self.acknowledged.entry(wish.name).or_default();
                    acknowledged.put |= !wish.is_delete;
                    acknowledged.deleted |= wish.is_delete;
                }
            }
            Effect::Offence(ion) => panic!("{ion} broke no rule"),
            Effect::Decayed(count) => panic!("{count} records decayed"),
            Effect::Changed(..) | Effect::NotKept(_) => {}
        }
    }

    fn say(&mut self, from: usize, to: IonId, bytes: Vec<u8>) {
        let Some(to) = self.members.iter().position(|member| member.id == to) else { return };
        let last = self.arrivals.get(&(from, to)).copied().unwrap_or_default();
        let at = (self.now + 5 + self.rng.below(60)).max(last);
        self.arrivals.insert((from, to), at);
        let life = self.members[to].life;
        self.push(at - self.now, Due::Frame { from, to, life, bytes });
    }

    fn is_linked(&self, one: usize, other: usize) -> bool {
        self.links.contains(&(one.min(other), one.max(other)))
            && self.members[one].kv.is_some()
            && self.members[other].kv.is_some()
            && self.members[one].side == self.members[other].side
    }

    fn neighbours(&self, index: usize) -> Vec<IonId> {
        let linked = (0..self.members.len()).filter(|other| self.is_linked(index, *other));
        linked.map(|other| self.members[other].id).collect()
    }

    fn clock(&self, index: usize) -> u64 {
        (EPOCH_MS + self.now).saturating_add_signed(self.members[index].skew_ms)
    }

    fn random(&mut self) -> usize {
        usize::try_from(self.rng.below(self.members.len() as u64)).expect("there are few ions")
    }

    fn start(&mut self, index: usize) {
        let clock = self.clock(index);
        let member = &mut self.members[index];
        if member.kv.is_some() {
            return;
        }
        member.kv = Some(Kv::new(Arc::new(SimKeys::of(member.id)), 64 << 10));
        let records = member.disk.values().cloned().collect();
        let awake_ms = member.awake_ms;
        for input in [Input::Clock(clock), Input::Records(records), Input::Opened(awake_ms)] {
            self.hand(index, input);
        }
        for _ in 0..DEGREE {
            let other = self.random();
            if other != index {
                self.links.insert((index.min(other), index.max(other)));
            }
        }
    }

    /// A ring, so that nobody is cut off by chance.
    fn link_all(&mut self) {
        let count = self.members.len();
        for index in 0..count {
            let next = (index + 1) % count;
            self.links.insert((index.min(next), index.max(next)));
        }
    }

    /// Ends an ion, as a killed tab does: what was on its way to the disk may
    /// have reached it or not.
    fn crash(&mut self, index: usize) {
        let life = self.members[index].life;
        let is_of = |due: &Due| matches!(due, Due::Written { ion, life: of, .. } if (*ion, *of) == (index, life));
        let keys: Vec<_> =
            self.queue.iter().filter(|(_, due)| is_of(due)).map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(Due::Written { records, .. }) = self.queue.remove(&key)
                && self.rng.below(2) == 0
            {
                self.members[index].keep(records);
            }
        }
        let member = &mut self.members[index];
        (member.kv, member.life) = (None, member.life + 1);
        member.tickets.clear();
    }

    fn fault(&mut self) {
        let index = self.random();
        match self.rng.below(10) {
            0..=3 => {
                self.crash(index);
                let away_ms = 1_000 + self.rng.below(15_000);
                self.push(away_ms, Due::Start(index));
            }
            4 => {
                self.crash(index);
                let life = self.members[index].life;
                self.members[index] = Member::new(index, life);
                self.push(2_000, Due::Start(index));
            }
            5 => {
                let is_cut = self.rng.below(2) == 0;
                for other in 0..self.members.len() {
                    self.members[other].side = is_cut && self.rng.below(2) == 0;
                }
            }
            6..=7 if self.wrong_clocks() < self.members.len() / WRONG_CLOCKS_SHARE => {
                let hours = i64::try_from(self.rng.below(7)).expect("it is small") - 3;
                self.members[index].skew_ms = hours * 3_600_000;
            }
            _ => self.members[index].skew_ms = 0,
        }
    }

    fn wrong_clocks(&self) -> usize {
        self.members.iter().filter(|member| member.skew_ms != 0).count()
    }

    /// A user writes: a new key, one that is fought over, or deletes one.
    fn write(&mut self) {
        let index = self.random();
        let ticket = self.count;
        let (name, is_delete) = match self.rng.below(4) {
            0 => (format!("shared/{}", self.rng.below(20)), self.rng.below(3) == 0),
            1 => match self.known_at(index) {
                Some(name) => (name, true),
                None => return,
            },
            _ => (format!("once/{ticket}"), false),
        };
        if self.members[index].kv.is_none() {
            return;
        }
        if name.starts_with("once/") {
            self.acknowledged.entry(name.clone()).or_default().wished_away |= is_delete;
            let wish = Wish { name: name.clone(), is_delete };
            self.members[index].tickets.insert(ticket, wish);
        }
        let value = (!is_delete).then(|| ByteBuf::from(ticket.to_string()));
        let changes = vec![Change { key: key(&name), value, lasts_ms: None }];
        self.hand(index, Input::Put { ticket, changes });
    }

    /// A key that is written once and stands at an ion whose clock is right.
    fn known_at(&mut self, index: usize) -> Option<String> {
        let skip = usize::try_from(self.rng.below(50)).expect("it is small");
        let member = &self.members[index];
        let space = space();
        let (from, to) = space.span("once/");
        let kv = member.kv.as_ref().filter(|_| member.skew_ms == 0)?;
        let mut names = kv.range(Span { from: &from, to: &to }).map(|entry| &entry.body().key.name);
        names.nth(skip).cloned()
    }
}

impl Member {
    fn new(index: usize, life: u64) -> Self {
        let id =
            *blake3::hash(&[(index as u64).to_le_bytes(), life.to_le_bytes()].concat()).as_bytes();
        Self {
            id: IonId::from_bytes(id),
            kv: None,
            life,
            disk: BTreeMap::new(),
            awake_ms: None,
            skew_ms: 0,
            side: false,
            tickets: BTreeMap::new(),
        }
    }

    /// What it holds at a path, awake or on its disk.
    fn entry(&self, path: &[u8]) -> Option<Entry> {
        match &self.kv {
            Some(kv) => kv.table().get(path).cloned(),
            None => Entry::restore(self.disk.get(path)?.get(1..)?).ok(),
        }
    }

    /// Whether all that stands is on its disk, beside what waits for its time.
    fn has_kept_all(&self) -> bool {
        let is_kept = |entry: &Entry| {
            let kept = self.disk.get(entry.path()).and_then(|record| record.get(1..));
            kept.is_some_and(|kept| *kept == *entry.encode())
        };
        self.kv.iter().all(|kv| kv.table().range(Span::ALL).all(is_kept))
    }

    fn keep(&mut self, records: Vec<Record>) {
        for (path, record) in records {
            match record {
                Some(record) => drop(self.disk.insert(path, record)),
                None => drop(self.disk.remove(&path)),
            }
        }
    }
}

fn space() -> Space {
    Space::Members("test".to_owned())
}

fn key(name: &str) -> Key {
    Key { space: space(), name: name.to_owned() }
}
