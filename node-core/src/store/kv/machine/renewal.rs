//! How a replica that was out of touch for long catches up.
//!
//! After [`HORIZON_MS`] without others, they may have deleted what this ion holds
//! and forgotten that they did: what it would bring back. So it does not answer a
//! neighbour that was in touch, but begins anew from it: it puts aside all but
//! its own writes that nobody else has, and once the two are level, forgets what
//! the neighbour does not hold. Nothing is deleted before. Should the neighbour
//! go, or hold nothing of what others wrote before (a nebula whose older ions were
//! all away while new ones came), what was put aside comes back.
//!
//! Refused: beginning anew from who was out of touch too, or never in touch: if
//! all were away, they put together what they have. In touch is who hears others
//! compare; who never was, or not for long, has to become level first.
//!
//! Part of a nebula that was cut off for longer than that from the rest, but not
//! within itself, still brings back what the rest deleted. Who watches is not
//! told of what is forgotten; it is not there the next time that it is looked for.

use super::{Effect, Kv};
use crate::{
    identity::IonId,
    store::kv::{
        replica::HORIZON_MS,
        table::{Span, Table},
    },
};

impl Kv {
    /// Whether others may have forgotten what they deleted since this ion was in
    /// touch.
    pub(super) fn is_stale(&self) -> bool {
        self.touch_ms.is_some_and(|touch_ms| is_long(touch_ms, self.wall_ms))
    }

    /// Whether this ion is out of touch, and a neighbour that claims this is not.
    pub(super) fn is_fresher(&self, clock_ms: u64, touch_ms: u64) -> bool {
        let is_later = self.touch_ms.is_some_and(|own_ms| own_ms < touch_ms);
        self.is_stale() && is_later && !is_long(touch_ms, clock_ms)
    }

    /// A neighbour compared what the two hold.
    pub(super) fn is_heard(&mut self) {
        if self.touch_ms.is_some() && !self.is_stale() {
            self.touch_ms = Some(self.wall_ms);
        }
    }

    /// A neighbour holds the same.
    pub(super) fn is_level(&mut self, ion: IonId, effects: &mut Vec<Effect>) {
        if self.old.as_ref().is_some_and(|(from, _)| *from != ion) {
            return;
        }
        self.end_renewal();
        if self.touch_ms.is_none() || self.is_stale() {
            effects.push(Effect::Awake(self.wall_ms));
        }
        self.touch_ms = Some(self.wall_ms);
    }

    /// Puts aside what others had too, to hear it from a neighbour.
    pub(super) fn begin_anew(&mut self, from: IonId) {
        let old = self.replica.put_aside();
        for entry in old.range(Span::ALL) {
            if self.unspread.contains_key(entry.path()) {
                self.replica.take(self.wall_ms, entry.clone());
            }
        }
        self.number += 1;
        self.old = Some((from, old));
    }

    /// These are the neighbours now: nothing is renewed from others.
    pub(super) fn renew_from(&mut self, ions: &[IonId]) {
        if let Some((_, old)) = self.old.take_if(|(from, _)| !ions.contains(from)) {
            self.put_back(&old);
        }
    }

    fn end_renewal(&mut self) {
        let Some((_, old)) = self.old.take() else { return };
        let own = self.keys.own();
        let mut of_others = old.range(Span::ALL).filter(|entry| entry.body().author != own);
        if of_others.any(|entry| self.replica.table().get(entry.path()).is_some()) {
            // What is not there any more goes from the disk.
            old.range(Span::ALL).for_each(|entry| self.writes.keep(entry.path()));
        } else {
            self.put_back(&old);
        }
    }

    fn put_back(&mut self, old: &Table) {
        for entry in old.range(Span::ALL) {
            self.replica.restore(self.wall_ms, entry.clone());
            self.writes.keep(entry.path());
        }
        self.number += 1;
    }
}

/// Whether what is dead is forgotten from one moment to another, both in
/// milliseconds since 1970.
fn is_long(from_ms: u64, to_ms: u64) -> bool {
    to_ms.saturating_sub(from_ms) > HORIZON_MS
}
