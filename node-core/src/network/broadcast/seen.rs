//! Rumours that came by: their names, so that none counts twice, and for a
//! while their bodies, for neighbours that missed them.
//!
//! Bounds: [`SEEN_MAX`] names for [`SEEN_MS`], [`KEPT_BYTES_MAX`] of bodies for
//! [`KEPT_MS`]; the oldest go first.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    floors::Floors,
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
    pub(super) at: Time,
    pub(super) author: IonId,
    pub(super) serial: Serial,
    pub(super) hops: u16,
    /// Whether this ion, or who brought it, had to ask for it.
    pub(super) is_repair: bool,
    /// From whom it came first; `None` for one's own.
    pub(super) from: Option<IonId>,
    /// Neighbours that have it too.
    pub(super) knowers: Marks,
    /// Neighbours that it was sent to.
    pub(super) receivers: Marks,
    /// `None` once it is dropped, or when it was not to be passed on.
    pub(super) body: Option<Arc<Body>>,
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

#[derive(Debug, Default)]
pub(super) struct Seen {
    entries: BTreeMap<Id, Entry>,
    order: VecDeque<(Time, Id)>,
    kept: VecDeque<(Time, Id, usize)>,
    kept_bytes: usize,
    floors: Floors,
}

impl Seen {
    pub(super) fn insert(&mut self, id: Id, entry: Entry) {
        let at = entry.at;
        if let Some(body) = &entry.body {
            self.kept.push_back((at, id, body.bytes.len()));
            self.kept_bytes += body.bytes.len();
        }
        self.order.push_back((at, id));
        self.entries.insert(id, entry);
        self.shrink(at);
    }

    /// Whether a rumour whose name is not known was said before one that is
    /// forgotten.
    pub(super) fn is_old(&self, now: Time, author: &IonId, serial: Serial) -> bool {
        self.floors.is_old(now, author, serial)
    }

    pub(super) fn get(&self, id: &Id) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &Id) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    /// A neighbour has it too.
    pub(super) fn known_by(&mut self, id: &Id, mark: Marks) -> Option<&Entry> {
        let entry = self.entries.get_mut(id)?;
        entry.knowers.add(mark);
        Some(entry)
    }

    /// The newest of those that are kept, newest first, with their hops.
    pub(super) fn recent(&self, since: Time) -> impl Iterator<Item = (Id, u16)> {
        let young = self.kept.iter().rev().take_while(move |(at, ..)| *at >= since);
        young.filter_map(|(_, id, _)| Some((*id, self.entries.get(id)?.hops)))
    }

    /// How many came since then.
    pub(super) fn count_since(&self, since: Time) -> usize {
        self.order.iter().rev().take_while(|(at, _)| *at >= since).count()
    }

    /// Forgets what is too old or too much.
    pub(super) fn shrink(&mut self, now: Time) {
        while let Some((at, id, bytes)) = self.kept.front().copied() {
            if now.since_ms(at) < KEPT_MS && self.kept_bytes <= KEPT_BYTES_MAX {
                break;
            }
            self.kept.pop_front();
            self.kept_bytes -= bytes;
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.body = None;
            }
        }
        while let Some((at, id)) = self.order.front().copied() {
            if now.since_ms(at) < SEEN_MS && self.order.len() <= SEEN_MAX {
                break;
            }
            self.order.pop_front();
            if let Some(Entry { author, serial, .. }) = self.entries.remove(&id) {
                self.floors.raise(now, author, serial);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: u64, bytes: usize) -> Entry {
        let body = Body { bytes: vec![0; bytes].into(), signature: [0; 64] };
        let at = Time::from_ms(at);
        let author = IonId::from_bytes([1; 32]);
        let serial = Serial { life: 1, number: 1 };
        Entry {
            at,
            author,
            serial,
            hops: 1,
            is_repair: false,
            from: None,
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
        let mut seen = Seen::default();
        seen.insert(id(1), entry(0, 10));
        seen.shrink(Time::from_ms(KEPT_MS));
        assert!(seen.get(&id(1)).is_some_and(|entry| entry.body.is_none()));
        seen.shrink(Time::from_ms(SEEN_MS));
        assert!(seen.get(&id(1)).is_none());
    }

    #[test]
    fn neither_names_nor_bodies_grow_without_end() {
        let mut seen = Seen::default();
        for number in 0..SEEN_MAX + 10 {
            seen.insert(id(number), entry(0, 1 << 10));
        }
        assert_eq!((seen.entries.len(), seen.order.len()), (SEEN_MAX, SEEN_MAX));
        assert!(seen.kept_bytes <= KEPT_BYTES_MAX);
        assert_eq!(seen.kept.len(), KEPT_BYTES_MAX >> 10);
    }
}
