//! Rumours that came by: their names, so that none counts twice, and for a
//! while their bodies, for neighbours that missed them.
//!
//! Bounds: [`SEEN_MAX`] names for [`SEEN_MS`], [`KEPT_BYTES_MAX`] of bodies for
//! [`KEPT_MS`]; the oldest go first.

use std::{collections::VecDeque, sync::Arc};

use super::{
    floors::Floors,
    names::{Names, lower},
    wire::{Id, Serial},
};
use crate::{
    identity::{IonId, Signature},
    platform::Time,
};

/// Names that are remembered.
pub const SEEN_MAX: usize = 16_384;
/// How long they are remembered, in milliseconds.
pub const SEEN_MS: u64 = 60_000;
/// All bodies that are kept, in bytes.
pub const KEPT_BYTES_MAX: usize = 8 << 20;
/// How long a body is kept, in milliseconds.
pub const KEPT_MS: u64 = 20_000;

/// What a neighbour that missed a rumour is sent.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) bytes: Box<[u8]>,
    pub(super) signature: Signature,
}

/// One rumour that came by.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: Id,
    pub(super) at: Time,
    pub(super) author: IonId,
    pub(super) serial: Serial,
    pub(super) hops: u16,
    /// How old it was when it came, in milliseconds.
    pub(super) age_ms: u32,
    /// Whether this ion, or who brought it, had to ask for it.
    pub(super) is_repair: bool,
    /// From whom it came first; nobody for one's own.
    pub(super) from: Marks,
    /// Neighbours that have it too.
    pub(super) knowers: Marks,
    /// Neighbours that it was sent to.
    pub(super) receivers: Marks,
    /// `None` once it is dropped, or when it was not to be passed on.
    pub(super) body: Option<Arc<Body>>,
}

impl Entry {
    /// How old it is, in milliseconds.
    pub(super) fn age_ms(&self, now: Time) -> u32 {
        let held_ms = u32::try_from(now.since_ms(self.at)).unwrap_or(u32::MAX);
        self.age_ms.saturating_add(held_ms)
    }

    /// What its body takes, while it is kept.
    fn bytes(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.bytes.len())
    }
}

/// Some of the neighbours, by their marks: a neighbour's mark is a bit that no
/// other one has at the time. They count for [`ASSURE_MS`](super::ASSURE_MS) after
/// a rumour came; within it, a neighbour that goes takes its mark along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(pub(super) u32);

impl Marks {
    pub(super) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) const fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// A mark that is not among these; `None` when all are in use.
    pub(super) const fn free(self) -> Option<Self> {
        let bit = self.0.trailing_ones();
        if bit < u32::BITS { Some(Self(1 << bit)) } else { None }
    }
}

/// In order of arrival, with an index by name: what is looked up by name is
/// small, and what is looked at together lies together.
#[derive(Debug)]
pub(super) struct Seen {
    /// The number of each name's entry.
    names: Names,
    entries: VecDeque<Entry>,
    /// The number of the first entry.
    first: u64,
    /// The number of the first entry whose body may be kept.
    first_kept: u64,
    kept_bytes: usize,
    floors: Floors,
}

impl Seen {
    /// Of no rumour. The salt is to be random.
    pub(super) fn new(salt: u64) -> Self {
        Self {
            names: Names::new(salt),
            entries: VecDeque::new(),
            first: 0,
            first_kept: 0,
            kept_bytes: 0,
            floors: Floors::default(),
        }
    }

    /// Takes a rumour whose name is not known.
    pub(super) fn insert(&mut self, entry: Entry) {
        let at = entry.at;
        self.kept_bytes += entry.bytes();
        self.names.insert(&entry.id, self.first + self.entries.len() as u64);
        self.entries.push_back(entry);
        self.shrink(at);
    }

    /// Whether a rumour whose name is not known was said before one that is
    /// forgotten.
    pub(super) fn is_old(&self, now: Time, author: &IonId, serial: Serial) -> bool {
        self.floors.is_old(now, author, serial)
    }

    pub(super) fn get(&self, id: &Id) -> Option<&Entry> {
        self.entries.get(self.place_of(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &Id) -> Option<&mut Entry> {
        let place = self.place_of(id)?;
        self.entries.get_mut(place)
    }

    fn place_of(&self, id: &Id) -> Option<usize> {
        let place = |number: u32| number.wrapping_sub(lower(self.first)) as usize;
        let is_it = |number| self.entries.get(place(number)).is_some_and(|one| one.id == *id);
        self.names.find(id, is_it).map(place)
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    /// A neighbour has it too.
    pub(super) fn known_by(&mut self, id: &Id, mark: Marks) -> Option<&Entry> {
        let entry = self.get_mut(id)?;
        entry.knowers.add(mark);
        Some(entry)
    }

    /// The newest of those that are kept, newest first, with their hops.
    pub(super) fn recent(&self, since: Time) -> impl Iterator<Item = (Id, u16)> {
        let young = self.entries.iter().rev().take_while(move |entry| entry.at >= since);
        young.filter(|entry| entry.body.is_some()).map(|entry| (entry.id, entry.hops))
    }

    /// How many came since then.
    pub(super) fn count_since(&self, since: Time) -> usize {
        self.entries.len() - self.entries.partition_point(|entry| entry.at < since)
    }

    /// Forgets what is too old or too much.
    pub(super) fn shrink(&mut self, now: Time) {
        while let Some(place) = self.place(self.first_kept)
            && let Some(entry) = self.entries.get_mut(place)
        {
            if now.since_ms(entry.at) < KEPT_MS && self.kept_bytes <= KEPT_BYTES_MAX {
                break;
            }
            self.kept_bytes -= entry.bytes();
            entry.body = None;
            self.first_kept += 1;
        }
        while let Some(entry) = self.entries.front() {
            if now.since_ms(entry.at) < SEEN_MS && self.entries.len() <= SEEN_MAX {
                break;
            }
            self.kept_bytes -= entry.bytes();
            self.floors.raise(now, entry.author, entry.serial);
            self.names.remove(&entry.id, self.first);
            self.entries.pop_front();
            self.first += 1;
            self.first_kept = self.first_kept.max(self.first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize, at: u64, bytes: usize) -> Entry {
        let body = Body { bytes: vec![0; bytes].into(), signature: [0; 64] };
        let at = Time::from_ms(at);
        let author = IonId::from_bytes([1; 32]);
        let serial = Serial { life: 1, number: 1 };
        Entry {
            id: id(number),
            at,
            author,
            serial,
            hops: 1,
            age_ms: 0,
            is_repair: false,
            from: Marks::default(),
            knowers: Marks::default(),
            receivers: Marks::default(),
            body: Some(Arc::new(body)),
        }
    }

    fn id(number: usize) -> Id {
        Id::of(&number.to_le_bytes())
    }

    #[test]
    fn bodies_go_before_names_and_both_go() {
        let mut seen = Seen::new(0);
        seen.insert(entry(1, 0, 10));
        seen.shrink(Time::from_ms(KEPT_MS));
        assert!(seen.get(&id(1)).is_some_and(|entry| entry.body.is_none()));
        seen.shrink(Time::from_ms(SEEN_MS));
        assert!(seen.get(&id(1)).is_none());
    }

    #[test]
    fn neither_names_nor_bodies_grow_without_end() {
        let mut seen = Seen::new(0);
        for number in 0..SEEN_MAX + 10 {
            seen.insert(entry(number, 0, 1 << 10));
        }
        assert_eq!((seen.entries.len(), seen.names.len()), (SEEN_MAX, SEEN_MAX));
        assert_eq!(seen.kept_bytes, KEPT_BYTES_MAX);
        let kept = seen.entries.iter().filter(|entry| entry.body.is_some());
        assert_eq!(kept.count(), KEPT_BYTES_MAX >> 10);
        assert!(seen.get(&id(9)).is_none() && seen.get(&id(10)).is_some());
    }
}
