//! What one ion knows of the shared memory, and what becomes of an entry that
//! arrives.
//!
//! Bounds: [`AUTHOR_ENTRIES_MAX`] and [`AUTHOR_BYTES_MAX`] for each author,
//! [`ENTRIES_MAX`] and [`BYTES_MAX`] in all. [`WAITING_MAX`] entries wait for their
//! time, [`AUTHOR_WAITING_MAX`] of one author, beside what stood here before the
//! clock was set back; what is beyond comes again when neighbours compare.
//! What replaces an entry and is no larger, a tombstone for example, is taken
//! even when its author's share is used up, so that deleting always helps.
//!
//! Tombstones, and values whose time is over, stay for [`HORIZON_MS`]: a
//! replica that was out of touch for less cannot bring back what was deleted. One
//! that was for longer has to begin anew from others.

use ion_map::LongMap;

use super::{
    entry::Entry,
    stamp::Clock,
    table::{Span, Table},
};
use crate::identity::IonId;

/// Entries of one author.
pub const AUTHOR_ENTRIES_MAX: usize = 50_000;
/// Names and values of one author, in bytes.
pub const AUTHOR_BYTES_MAX: usize = 32 << 20;
/// Entries in all.
pub const ENTRIES_MAX: usize = 200_000;
/// Names and values in all, in bytes.
pub const BYTES_MAX: usize = 128 << 20;
/// Entries that wait for their time.
pub const WAITING_MAX: usize = 1_024;
/// Of those, entries of one author.
pub const AUTHOR_WAITING_MAX: usize = 256;
/// How long what is dead stays known, in milliseconds: 30 days.
pub const HORIZON_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stands now, in place of this one.
    Stands(Option<Box<Entry>>),
    /// It, or one that beats it, stood there.
    Known,
    /// Its time has not come; it is kept aside.
    Waits,
    /// It died so long ago that it says nothing any more.
    Forgotten,
    /// Its author, or the nebula, has no room for it.
    Full,
}

/// What an author uses.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    entries: usize,
    bytes: usize,
}

/// What may be added.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    /// Takes room for one entry of so many bytes, in place of one of so many
    /// if any stands there; `false` where there is none.
    pub fn take(&mut self, standing_bytes: Option<usize>, bytes: usize) -> bool {
        let more = bytes.saturating_sub(standing_bytes.unwrap_or_default());
        if standing_bytes.is_some() && more == 0 {
            return true;
        }
        let new = usize::from(standing_bytes.is_none());
        let rest = (self.entries.checked_sub(new), self.bytes.checked_sub(more));
        let (Some(entries), Some(bytes)) = rest else { return false };
        *self = Self { entries, bytes };
        true
    }
}

/// By stamp, path and author.
type Place = (u64, Box<[u8]>, IonId);

/// What one ion knows.
#[derive(Debug, Default)]
pub struct Replica {
    table: Table,
    shares: LongMap<IonId, Share>,
    bytes: usize,
    /// By stamp and path, so that the next to stand comes first.
    waiting: LongMap<Place, Entry>,
    clock: Clock,
}

impl Replica {
    /// All that stands, the dead included: what is reconciled.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The clock that new entries are stamped by.
    pub fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// The living entry at a path.
    pub fn get(&self, path: &[u8], wall_ms: u64) -> Option<&Entry> {
        self.table.get(path).filter(|entry| !is_dead(entry, wall_ms))
    }

    /// The living entries of a range, ascending.
    pub fn range<'a>(&'a self, span: Span<'_>, wall_ms: u64) -> impl Iterator<Item = &'a Entry> {
        self.table.range(span).filter(move |entry| !is_dead(entry, wall_ms))
    }

    /// An entry comes back that this replica held before, with the same bounds.
    pub fn restore(&mut self, wall_ms: u64, entry: Entry) {
        if entry.body().stamp.is_ahead_of(wall_ms) {
            self.waiting.insert(place(&entry), entry);
        } else {
            self.take(wall_ms, entry);
        }
    }

    /// An entry arrives, verified. Taking one twice, or several in any order,
    /// comes to the same.
    pub fn take(&mut self, wall_ms: u64, entry: Entry) -> Fate {
        let stamp = entry.body().stamp;
        if stamp.is_ahead_of(wall_ms) {
            return self.keep_aside(entry);
        }
        self.forget_waiting(&entry);
        let known = self.table.get(entry.path());
        if known.is_some_and(|known| !entry.beats(known)) {
            return Fate::Known;
        }
        if known.is_none() && is_forgotten(&entry, wall_ms) {
            return Fate::Forgotten;
        }
        if !self.has_room(&entry) {
            return Fate::Full;
        }
        self.clock.hear(stamp, wall_ms);
        self.share_of(&entry, true);
        let old = self.table.put(entry);
        if let Some(old) = &old {
            self.share_of(old, false);
        }
        Fate::Stands(old.map(Box::new))
    }

    /// Time passes: takes what waited for it, and forgets what died long ago.
    /// Gives what stands now.
    pub fn pass(&mut self, wall_ms: u64) -> Vec<Entry> {
        let mut standing = Vec::new();
        let is_due = |entry: &Entry| !entry.body().stamp.is_ahead_of(wall_ms);
        while self.waiting.first_key_value().is_some_and(|(_, first)| is_due(first)) {
            let Some((_, entry)) = self.waiting.pop_first() else { break };
            if let Fate::Stands(_) = self.take(wall_ms, entry.clone()) {
                standing.push(entry);
            }
        }
        standing
    }

    /// Takes away all that stands, but not what waits for its time.
    pub fn put_aside(&mut self) -> Table {
        self.shares.clear();
        self.bytes = 0;
        std::mem::take(&mut self.table)
    }

    /// What all that stands takes, in bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What an author may add.
    pub fn room_of(&self, author: &IonId) -> Room {
        let share = self.shares.get(author).copied().unwrap_or_default();
        let entries = AUTHOR_ENTRIES_MAX.saturating_sub(share.entries);
        Room {
            entries: entries.min(ENTRIES_MAX.saturating_sub(self.table.len())),
            bytes: AUTHOR_BYTES_MAX
                .saturating_sub(share.bytes)
                .min(BYTES_MAX.saturating_sub(self.bytes)),
        }
    }

    /// The clock was set back: what lies ahead of it waits now; whether there was
    /// any. Looks at every entry.
    pub fn set_back(&mut self, wall_ms: u64) -> bool {
        let ahead =
            self.table.range(Span::ALL).filter(|entry| entry.body().stamp.is_ahead_of(wall_ms));
        let paths: Vec<Box<[u8]>> = ahead.map(|entry| entry.path().into()).collect();
        for path in &paths {
            if let Some(entry) = self.table.remove(path) {
                self.share_of(&entry, false);
                self.waiting.insert(place(&entry), entry);
            }
        }
        self.clock.set_back(wall_ms);
        !paths.is_empty()
    }

    /// Whether anything at a path waits for its time.
    pub fn is_waiting(&self, path: &[u8]) -> bool {
        self.waiting.keys().any(|place| *place.1 == *path)
    }

    /// The living entries of a range that wait for their time, the next to stand
    /// first.
    pub fn waiting_in<'a>(
        &'a self,
        span: Span<'_>,
        wall_ms: u64,
    ) -> impl Iterator<Item = &'a Entry> {
        let is_alive = move |entry: &&Entry| !is_dead(entry, wall_ms);
        self.waiting.values().filter(move |entry| span.holds(entry.path())).filter(is_alive)
    }

    /// What waits of an author, the last of each key.
    pub fn waiting_of(&self, author: &IonId) -> Vec<&Entry> {
        let of = self.waiting.values().filter(|entry| entry.body().author == *author);
        let of_keys: LongMap<_, _> = of.map(|entry| (entry.path(), entry)).collect();
        of_keys.into_iter().map(|(_, entry)| entry).collect()
    }

    /// What its author has written again need not be waited for.
    fn forget_waiting(&mut self, entry: &Entry) {
        let Some(over) = entry.body().over else { return };
        let (path, author) = (entry.path(), entry.body().author);
        let is_of_key = |key: &Place| *key.1 == *path && key.2 == author;
        let of_key: Vec<_> = self.waiting.iter().filter(|(key, _)| is_of_key(key)).collect();
        if of_key.iter().any(|(_, waiting)| waiting.beginning() == over) {
            let keys: Vec<_> = of_key.into_iter().map(|(key, _)| key.clone()).collect();
            for key in &keys {
                self.waiting.remove(key);
            }
        }
    }

    /// Forgets what died longer ago than the horizon, and gives where it stood;
    /// looks at every entry.
    pub fn collect(&mut self, wall_ms: u64) -> Vec<Box<[u8]>> {
        let forgotten = self.table.range(Span::ALL).filter(|entry| is_forgotten(entry, wall_ms));
        let paths: Vec<Box<[u8]>> = forgotten.map(|entry| entry.path().into()).collect();
        for path in &paths {
            if let Some(old) = self.table.remove(path) {
                self.share_of(&old, false);
            }
        }
        paths
    }

    /// Nothing that waits gives way: it may have stood here.
    fn keep_aside(&mut self, entry: Entry) -> Fate {
        let place = place(&entry);
        let of_author = || self.waiting.keys().filter(|other| other.2 == place.2).count();
        let has_room = self.waiting.len() < WAITING_MAX && of_author() < AUTHOR_WAITING_MAX;
        if !has_room && !self.waiting.contains_key(&place) {
            return Fate::Full;
        }
        self.waiting.insert(place, entry);
        Fate::Waits
    }

    fn has_room(&self, entry: &Entry) -> bool {
        self.room_of(&entry.body().author)
            .take(self.standing_bytes(entry.path()), entry.cost_bytes())
    }

    /// What the entry at a path takes, in bytes, if any is there.
    pub fn standing_bytes(&self, path: &[u8]) -> Option<usize> {
        self.table.get(path).map(Entry::cost_bytes)
    }

    fn share_of(&mut self, entry: &Entry, is_more: bool) {
        let share = self.shares.entry(entry.body().author).or_default();
        if is_more {
            share.entries += 1;
            share.bytes += entry.cost_bytes();
            self.bytes += entry.cost_bytes();
        } else {
            share.entries -= 1;
            share.bytes -= entry.cost_bytes();
            self.bytes -= entry.cost_bytes();
        }
        if share.entries == 0 {
            self.shares.remove(&entry.body().author);
        }
    }
}

/// Where an entry stands among those that wait.
fn place(entry: &Entry) -> Place {
    (entry.body().stamp.ms, entry.path().into(), entry.body().author)
}

/// Whether nothing stands there any more.
fn is_dead(entry: &Entry, wall_ms: u64) -> bool {
    entry.is_tombstone() || entry.body().ends_ms.is_some_and(|ends| ends <= wall_ms)
}

fn is_forgotten(entry: &Entry, wall_ms: u64) -> bool {
    let body = entry.body();
    let died_ms = match body.ends_ms {
        _ if entry.is_tombstone() => body.stamp.ms,
        Some(ends_ms) => ends_ms.max(body.stamp.ms),
        None => return false,
    };
    died_ms.saturating_add(HORIZON_MS) < wall_ms
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::store::kv::{stamp::AHEAD_MS_MAX, table::tests::entry};

    const NOW: u64 = HORIZON_MS * 2;

    /// All that a replica knows, as bytes.
    fn contents(replica: &Replica) -> Vec<Vec<u8>> {
        replica.table().range(Span::ALL).map(Entry::encode).collect()
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let name = (0_u32..8).prop_map(|number| format!("{number}"));
        let value = prop::option::of("[a-c]");
        (name, value, 0_u64..5, 1_u8..4)
            .prop_map(|(name, value, ms, author)| entry(&name, value.as_deref(), NOW + ms, author))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Commutative, associative, idempotent: five replicas that hear the
        /// same in five orders, some of it twice, hold the same bytes.
        #[test]
        fn replicas_agree_in_any_order(
            entries in prop::collection::vec(any_entry(), 1..40),
            orders in prop::collection::vec(prop::collection::vec(any::<Index>(), 60), 5),
        ) {
            let mut expected = None;
            for order in orders {
                let mut replica = Replica::default();
                let again = order.iter().map(|index| index.get(&entries));
                for entry in again.chain(entries.iter().rev()) {
                    replica.take(NOW, entry.clone());
                }
                let found = contents(&replica);
                prop_assert_eq!(expected.get_or_insert_with(|| found.clone()), &found);
            }
        }
    }

    #[test]
    fn the_later_stands_and_the_deleted_stays_deleted() {
        let mut replica = Replica::default();
        let (old, new) = (entry("a", Some("old"), NOW, 1), entry("a", Some("new"), NOW + 1, 2));
        let gone = entry("a", None, NOW + 2, 1);
        assert_eq!(replica.take(NOW, new.clone()), Fate::Stands(None));
        assert_eq!(replica.take(NOW, old.clone()), Fate::Known);
        assert_eq!(replica.get(new.path(), NOW), Some(&new));
        assert_eq!(replica.take(NOW, gone), Fate::Stands(Some(Box::new(new.clone()))));
        assert_eq!(replica.take(NOW, new.clone()), Fate::Known);
        assert_eq!(replica.get(new.path(), NOW), None);
    }

    #[test]
    fn an_entry_from_the_future_waits_for_its_time() {
        let mut replica = Replica::default();
        let early = entry("a", Some("x"), NOW + AHEAD_MS_MAX + 10, 1);
        assert_eq!(replica.take(NOW, early.clone()), Fate::Waits);
        assert_eq!(replica.pass(NOW + 9), []);
        assert_eq!(replica.pass(NOW + 10), std::slice::from_ref(&early));
        assert_eq!(replica.get(early.path(), NOW + 10), Some(&early));
    }

    #[test]
    fn what_waits_gives_way_to_nobody() {
        let mut replica = Replica::default();
        let later = NOW + AHEAD_MS_MAX + 50;
        let stood = entry("a", Some("x"), later, 1);
        replica.restore(NOW, stood.clone());
        let of = |number: usize| {
            let author = u8::try_from(2 + number / AUTHOR_WAITING_MAX).expect("they are few");
            entry(&format!("{number}"), Some("x"), later - 20, author)
        };
        let first: Vec<Fate> =
            (0..AUTHOR_WAITING_MAX + 5).map(|number| replica.take(NOW, of(number))).collect();
        assert!(first.iter().all(|fate| *fate == Fate::Waits));
        let more = entry("more", Some("x"), later - 20, 2);
        assert_eq!(replica.take(NOW, more), Fate::Full, "one author has a part of the room");
        for number in AUTHOR_WAITING_MAX + 5..2 * WAITING_MAX {
            replica.take(NOW, of(number));
        }
        assert_eq!(replica.waiting.len(), WAITING_MAX);
        replica.pass(later);
        assert_eq!(replica.get(stood.path(), later), Some(&stood));
    }

    #[test]
    fn what_died_long_ago_is_forgotten_and_not_taken_again() {
        let mut replica = Replica::default();
        let gone = entry("a", None, NOW, 1);
        replica.take(NOW, gone.clone());
        replica.collect(NOW + HORIZON_MS);
        assert_eq!(replica.table().len(), 1);
        replica.collect(NOW + HORIZON_MS + 1);
        assert_eq!(replica.table().len(), 0);
        assert_eq!(replica.take(NOW + HORIZON_MS + 1, gone), Fate::Forgotten);
    }

    /// What is known, or forgotten, is no matter of room.
    #[test]
    fn a_full_share_is_told_of_what_is_new_only() {
        let mut replica = Replica::default();
        let value = "x".repeat(60_000);
        let of = |number: usize, ms: u64| entry(&format!("{number:06}"), Some(&value), NOW + ms, 1);
        let count = AUTHOR_BYTES_MAX / (value.len() + 6);
        assert!((0..count).all(|number| replica.take(NOW, of(number, 1)) == Fate::Stands(None)));
        assert_eq!(replica.take(NOW, of(0, 1)), Fate::Known, "it stands");
        assert_eq!(replica.take(NOW, of(0, 0)), Fate::Known, "a later one stands");
        let long_gone = entry("gone", None, NOW - HORIZON_MS - 1, 1);
        assert_eq!(replica.take(NOW, long_gone), Fate::Forgotten);
        let late = of(count, 3);
        assert_eq!(replica.take(NOW, late.clone()), Fate::Full);
        assert!(matches!(replica.take(NOW, of(0, 2)), Fate::Stands(Some(_))), "it is no longer");
        let early = entry("early", Some("x"), NOW + AHEAD_MS_MAX + 1, 1);
        assert_eq!(replica.take(NOW, early), Fate::Waits, "there is other room for it");
        assert!(replica.clock().tick(0) < late.body().stamp, "what found no room moves no clock");
    }

    #[test]
    fn an_author_has_a_share_and_can_always_delete() {
        let mut replica = Replica::default();
        let value = "x".repeat(60_000);
        let count = AUTHOR_BYTES_MAX / (value.len() + 6) + 1;
        let of = |number: usize, author| entry(&format!("{number:06}"), Some(&value), NOW, author);
        let fates: Vec<Fate> = (0..count).map(|number| replica.take(NOW, of(number, 1))).collect();
        assert_eq!(fates.iter().filter(|fate| **fate == Fate::Full).count(), 1);
        assert_eq!(fates.last(), Some(&Fate::Full));
        let gone = entry("000000", None, NOW + 1, 1);
        assert!(matches!(replica.take(NOW, gone), Fate::Stands(Some(_))));
        assert_eq!(replica.take(NOW, of(count, 1)), Fate::Stands(None));
        assert_eq!(replica.take(NOW, of(count + 1, 2)), Fate::Stands(None));
    }
}
