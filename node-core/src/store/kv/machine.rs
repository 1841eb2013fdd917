//! The shared memory as one machine: what this ion writes, what others say, what
//! is kept on disk.
//!
//! A write is signed, kept on disk, and only then stands, is told to all and is
//! acknowledged. Writes that come while the disk is busy wait and are signed and
//! kept together. What others wrote stands at once and is kept behind. News
//! travels by broadcast; what that loses, and what is too large for it, is found
//! by [`reconcile`] with each neighbour, every [`SYNC_MS`](super::peers::SYNC_MS)
//! and a second after every change. A neighbour that turns out to hold the same
//! entries has all of them: so this ion knows whether a write of its own is
//! elsewhere too.
//!
//! A replica that was out of touch for longer than
//! [`HORIZON_MS`](super::replica::HORIZON_MS) begins anew from a neighbour that
//! was not, if it meets one (`renewal`): what was deleted meanwhile may be known
//! by nobody any more.
//!
//! Clocks may be wrong by hours. Where most neighbours' agree, they are believed.
//! Where most are wrong, or there are only two, what one ion says may stand aside
//! at another for that long, and a deletion by an ion whose clock is behind may
//! lose to what it deleted: nothing is lost, but the later write need not win.
//!
//! Refuses: writes beyond the bounds, frames that are none, entries that their
//! authors did not sign. Bounds: [`QUEUE_MAX`](super::writes::QUEUE_MAX) changes
//! that wait to be written, [`WATCHES_MAX`] watches, and those of the parts.

mod own;
mod renewal;
mod sync;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ion_map::{LongMap, Map};

use super::{
    conflicts::{Conflict, Conflicts},
    entry::{Digest, Entry, Key, Refusal, Space},
    peers::{AGAIN_MS, Peers},
    replica::{Fate, Replica},
    table::{Span, Table},
    writes::{Change, Flight, Record, Writes, record},
};
use crate::{
    identity::{IonId, Keys},
    platform::{Time, storage},
};

/// Watches of one ion.
pub const WATCHES_MAX: usize = 64;
/// How often what is dead is looked for, in milliseconds.
pub const COLLECT_MS: u64 = 10 * 60_000;
/// How soon a disk that did not take what others wrote is tried again, in
/// milliseconds.
pub const DISK_AGAIN_MS: u64 = 10_000;
/// How far a clock goes back before what lies ahead of it is looked for, in
/// milliseconds.
const BACK_MS: u64 = 1_000;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// What the machine's clock claims, in milliseconds since 1970.
    Clock(u64),
    /// Records that were on the disk.
    Records(Vec<Vec<u8>>),
    /// Those were all; this replica was last in touch with others at that moment,
    /// in milliseconds since 1970, if it ever was.
    Opened(Option<u64>),
    /// Make these changes, all or none.
    Put {
        /// The caller's name for it.
        ticket: u64,
        /// At least one, at most [`GROUP_MAX`](super::seal::GROUP_MAX).
        changes: Vec<Change>,
    },
    /// All that was on disk is lost.
    Lost,
    /// The write of that number is on disk, or nothing of it is.
    Written(u64, Result<(), storage::Error>),
    /// These ions are linked.
    Links(Vec<IonId>),
    /// A neighbour says something.
    Heard(IonId, Vec<u8>),
    /// An ion told all.
    Told(IonId, Vec<u8>),
    /// What was to be told to all was not: too much is told.
    Untold,
    /// Tell of changes below this path.
    Watch(u64, Vec<u8>),
    /// Tell no more.
    Unwatch(u64),
    /// Time has passed.
    Tick,
}

/// What is asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Keep these records, all or none; then say so.
    Write(u64, Vec<Record>),
    /// Keep that this replica was awake and in touch with others at this moment.
    Awake(u64),
    /// Say something to a neighbour.
    Say(IonId, Vec<u8>),
    /// Tell all.
    Tell(Vec<u8>),
    /// What was to be written is on disk; its number tells how far it spread.
    Done(u64, Result<u64, Error>),
    /// These entries stand now; some may be dead.
    Changed(u64, Vec<Entry>),
    /// So many records on disk could not be read.
    Decayed(usize),
    /// What others write is not kept on disk; why. Said once until it is again.
    NotKept(storage::Error),
    /// An ion broke the rules.
    Offence(IonId),
}

/// Why something is not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is beyond the bounds.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// This ion's share, or the nebula's, is used up.
    #[error("there is no room for it")]
    Full,
    /// Too much waits for the disk.
    #[error("too many writes wait")]
    Busy,
    /// The disk did not take it.
    #[error(transparent)]
    Disk(storage::Error),
}

/// The machine.
pub struct Kv {
    keys: Arc<dyn Keys>,
    /// What is told to all at once, in bytes.
    told_bytes_max: usize,
    replica: Replica,
    peers: Peers,
    conflicts: Conflicts,
    writes: Writes,
    watches: Map<u64, Vec<u8>>,
    /// Writes of this ion that nobody else is known to have, with their number.
    unspread: LongMap<Box<[u8]>, u64>,
    /// What this ion wrote since it began and nobody overwrote, by digest: only
    /// that is written again where a clock was ahead, not what comes back later
    /// from somebody whose clock still is.
    written: LongMap<Box<[u8]>, Digest>,
    /// When this ion last knew what others know, in milliseconds since 1970.
    touch_ms: Option<u64>,
    /// What it knew before it began anew, until that neighbour is level.
    old: Option<(IonId, Table)>,
    is_open: bool,
    is_kept: bool,
    /// When the disk is tried again with what others wrote.
    behind_at: Time,
    /// What the machine's clock claims.
    clock_ms: u64,
    /// The same, put right by what most clocks around claim.
    wall_ms: u64,
    /// What was told to all last, until it is known not to be.
    told: Vec<Entry>,
    /// Counts what came to stand.
    number: u64,
    collect_at: Time,
    /// What came to stand since watchers were told.
    fresh: Vec<Entry>,
}

impl Kv {
    /// An empty one that waits for its disk.
    pub fn new(keys: Arc<dyn Keys>, told_bytes_max: usize) -> Self {
        Self {
            keys,
            told_bytes_max,
            replica: Replica::default(),
            peers: Peers::default(),
            conflicts: Conflicts::default(),
            writes: Writes::default(),
            watches: Map::new(),
            unspread: LongMap::new(),
            written: LongMap::new(),
            touch_ms: None,
            old: None,
            is_open: false,
            is_kept: true,
            behind_at: Time::ZERO,
            clock_ms: 0,
            wall_ms: 0,
            told: Vec::new(),
            number: 0,
            collect_at: Time::ZERO,
            fresh: Vec::new(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Clock(wall_ms) => self.clock(wall_ms),
            Input::Records(records) => self.records(&records, effects),
            Input::Opened(awake_ms) => self.opened(now, awake_ms, effects),
            Input::Put { ticket, changes } => self.put(ticket, changes, effects),
            Input::Written(number, result) => self.written(now, number, result, effects),
            Input::Lost => {
                let entries = self.replica.table().range(Span::ALL);
                entries.for_each(|entry| self.writes.keep(entry.path()));
            }
            Input::Links(ions) => {
                self.peers.set(now, &ions);
                self.renew_from(&ions);
            }
            Input::Heard(ion, bytes) => self.heard(now, ion, &bytes, effects),
            Input::Told(ion, bytes) => self.told(now, ion, &bytes, effects),
            Input::Untold => self.give_untold(effects),
            Input::Watch(watch, path) => {
                if self.may_watch() {
                    self.watches.insert(watch, path);
                }
            }
            Input::Unwatch(watch) => drop(self.watches.remove(&watch)),
            Input::Tick => self.tick(now, effects),
        }
        self.flush(now, effects);
        self.tell_watchers(effects);
    }

    /// The entry that stands at a key.
    pub fn get(&self, key: &Key) -> Option<&Entry> {
        self.replica.get(&key.path(), self.wall_ms)
    }

    /// The living entries of a range of paths, ascending.
    pub fn range<'a>(&'a self, span: Span<'_>) -> impl Iterator<Item = &'a Entry> {
        self.replica.range(span, self.wall_ms)
    }

    /// The living entries of a range of paths that wait for their time.
    pub fn waiting<'a>(&'a self, span: Span<'_>) -> impl Iterator<Item = &'a Entry> {
        self.replica.waiting_in(span, self.wall_ms)
    }

    /// The spaces in which anything lives, ascending, at most so many.
    pub fn spaces(&self, count_max: usize) -> Vec<Space> {
        let mut spaces: Vec<Space> = Vec::new();
        let mut from = Vec::new();
        while spaces.len() < count_max {
            let first = self.range(Span { from: &from, to: &[] }).next();
            let Some(first) = first else { break };
            let space = &first.body().key.space;
            from = space.span("").1;
            spaces.push(space.clone());
        }
        spaces
    }

    /// Everything, the dead included.
    pub fn table(&self) -> &Table {
        self.replica.table()
    }

    /// Conflicts that were decided lately, oldest first.
    pub fn conflicts(&self) -> impl Iterator<Item = &Conflict> {
        self.conflicts.iter()
    }

    /// Whether what is on disk has been read, and what neighbours have been
    /// heard of, as far as there are any: what is not there now is nowhere near.
    pub fn is_settled(&self) -> bool {
        self.is_open && (self.peers.is_empty() || self.peers.is_any_level())
    }

    /// What all that stands takes, the dead included, in bytes.
    pub const fn bytes(&self) -> usize {
        self.replica.bytes()
    }

    /// Whether there is room for one more watch.
    pub fn may_watch(&self) -> bool {
        self.watches.len() < WATCHES_MAX
    }

    /// Whether something waits for its time at a path.
    pub fn waits(&self, path: &[u8]) -> bool {
        self.replica.is_waiting(path)
    }

    /// How many neighbours hold the write of that number, at least.
    pub fn holders(&self, number: u64) -> usize {
        self.peers.holders(number)
    }

    /// Writes of this ion that nobody else is known to have.
    pub fn unspread(&self) -> usize {
        self.unspread.len()
    }

    fn clock(&mut self, clock_ms: u64) {
        self.clock_ms = clock_ms;
        let wall_ms = clock_ms.saturating_add_signed(self.peers.behind_ms());
        let is_back = wall_ms + BACK_MS < self.wall_ms;
        self.wall_ms = wall_ms;
        if is_back && self.is_open && self.replica.set_back(wall_ms) {
            self.number += 1;
            self.restamp();
        }
    }

    fn records(&mut self, records: &[Vec<u8>], effects: &mut Vec<Effect>) {
        let mut decayed = 0;
        for record in records {
            match record.split_first().map(|(spread, entry)| (*spread, Entry::restore(entry))) {
                Some((spread, Ok(entry))) => {
                    if spread == 0 {
                        self.unspread.insert(entry.path().into(), 0);
                        self.written.insert(entry.path().into(), *entry.digest());
                    }
                    self.replica.restore(self.wall_ms, entry);
                }
                Some((_, Err(_))) | None => decayed += 1,
            }
        }
        effects.extend((decayed > 0).then_some(Effect::Decayed(decayed)));
    }

    fn opened(&mut self, now: Time, touch_ms: Option<u64>, effects: &mut Vec<Effect>) {
        self.is_open = true;
        self.touch_ms = touch_ms;
        self.number += 1;
        self.restamp();
        self.collect(now, effects);
        self.peers.news(now, 0);
    }

    /// Entries that were verified.
    fn absorb(&mut self, now: Time, entries: Vec<Entry>) {
        if !self.is_open {
            // What is said before the disk is read is said again.
            return;
        }
        let before = self.number;
        for entry in entries {
            if self.stands(&entry) {
                self.writes.keep(entry.path());
                self.unspread.remove(entry.path());
                self.written.remove(entry.path());
                self.fresh.push(entry);
            }
        }
        if self.number > before {
            self.peers.news(now, AGAIN_MS);
        }
    }

    /// Whether an entry that came stands now.
    fn stands(&mut self, entry: &Entry) -> bool {
        match self.replica.take(self.wall_ms, entry.clone()) {
            Fate::Stands(old) => {
                self.number += 1;
                if let Some(old) = old {
                    self.conflicts.decided(entry, &old);
                }
                true
            }
            Fate::Known => {
                if let Some(stands) = self.replica.table().get(entry.path()) {
                    self.conflicts.decided(stands, entry);
                }
                false
            }
            Fate::Waits | Fate::Forgotten | Fate::Full => false,
        }
    }

    fn tick(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if !self.is_open {
            return;
        }
        for entry in self.replica.pass(self.wall_ms) {
            self.number += 1;
            self.writes.keep(entry.path());
            self.fresh.push(entry);
        }
        if now >= self.collect_at {
            self.collect(now, effects);
        }
        self.ask_neighbours(now, effects);
    }

    fn collect(&mut self, now: Time, effects: &mut Vec<Effect>) {
        self.collect_at = now.plus_ms(COLLECT_MS);
        if self.is_stale() || self.old.is_some() {
            // What died may be all that says so.
            return;
        }
        for path in self.replica.collect(self.wall_ms) {
            self.writes.keep(&path);
        }
        effects.extend(self.touch_ms.map(Effect::Awake));
    }

    /// Begins the next write, if none is under way.
    fn flush(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.writes.is_busy() || !self.is_open {
            return;
        }
        self.write_own(effects);
        if self.writes.is_busy() {
            return;
        }
        if now < self.behind_at {
            return;
        }
        let (replica, unspread, old) = (&self.replica, &self.unspread, &self.old);
        let is_aside = |path: &[u8]| old.as_ref().is_some_and(|(_, old)| old.get(path).is_some());
        let records = self.writes.next_behind(|path| match replica.table().get(path) {
            Some(entry) => Some(Some(record(entry, !unspread.contains_key(path)))),
            // What waits for its time, or is put aside, stays on disk.
            None => (!replica.is_waiting(path) && !is_aside(path)).then_some(None),
        });
        if !records.is_empty() {
            let paths = records.iter().map(|(path, _)| path.clone()).collect();
            effects.push(Effect::Write(self.writes.begin(Flight::Behind(paths)), records));
        }
    }

    fn tell_watchers(&mut self, effects: &mut Vec<Effect>) {
        let fresh = std::mem::take(&mut self.fresh);
        for (watch, path) in &self.watches {
            let below = fresh.iter().filter(|entry| entry.path().starts_with(path));
            let changed: Vec<Entry> = below.cloned().collect();
            effects.extend((!changed.is_empty()).then_some(Effect::Changed(*watch, changed)));
        }
    }
}
