//! When to mend the tree.
//!
//! Over a tree that many authors share, a rumour is often announced over a
//! shortcut before it comes by itself. A link made eager for it closes a circle
//! that the next rumour must cut open again. So what does not come is only
//! *fetched*; when no eager neighbour brings it within [`PROBATION_MS`], the tree
//! is broken here and the link that it was fetched over becomes eager.
//! After an eager neighbour went, the damage is here, and that is not waited for.
//!
//! A circle is to be cut once. Rumours of many authors that run around it at
//! the same time would each cut it elsewhere, so only about [`PRUNES_PER_S`] a
//! second count for that: those with a small name, on which all ions agree.
//!
//! Bounds: [`PROBATION_MAX`] fetched rumours.

use ion_map::Map;

use super::wire::Id;
use crate::{identity::IonId, platform::Time};

/// Fetched rumours whose eager bearer is waited for.
pub const PROBATION_MAX: usize = 1_024;
/// How long it is waited for, in milliseconds.
pub const PROBATION_MS: u64 = 1_200;
/// How long after the loss of an eager neighbour a link that something was asked
/// for over becomes eager at once, in milliseconds.
pub const HURT_MS: u64 = 1_500;
/// Until a link that became eager shows effect, in milliseconds.
const EFFECT_MS: u64 = 500;
/// Rumours that cut circles open, in a second, about.
pub const PRUNES_PER_S: u16 = 3;

/// Over how long rumours are counted, in milliseconds.
pub const RATE_MS: u64 = 4_000;

/// Which rumours cut circles open.
#[derive(Debug)]
pub(super) struct Prunes {
    /// Names that begin below it.
    below: u16,
    counted_at: Time,
}

impl Default for Prunes {
    fn default() -> Self {
        Self { below: ALL_NAMES, counted_at: Time::ZERO }
    }
}

/// More than any first byte.
const ALL_NAMES: u16 = 256;

impl Prunes {
    /// Whether a rumour that comes twice cuts a link.
    pub(super) fn counts(&self, id: &Id) -> bool {
        u16::from(id.0[0]) < self.below
    }

    /// Follows the rate, from rumours of the last [`RATE_MS`].
    pub(super) fn tick(&mut self, now: Time, count: impl FnOnce() -> usize) {
        if now.since_ms(self.counted_at) >= RATE_MS / 4 {
            self.counted_at = now;
            let per_s =
                u16::try_from((count() as u64).saturating_mul(1_000) / RATE_MS).unwrap_or(u16::MAX);
            self.below = (PRUNES_PER_S * ALL_NAMES / per_s.max(1)).clamp(1, ALL_NAMES);
        }
    }
}

#[derive(Debug)]
struct Fetched {
    from: IonId,
    until: Time,
}

/// What one ion knows of the tree's state around it.
#[derive(Debug)]
pub(super) struct Repair {
    fetched: Map<Id, Fetched>,
    hurt_until: Time,
    mended_until: Time,
}

impl Repair {
    pub(super) const fn new() -> Self {
        Self { fetched: Map::new(), hurt_until: Time::ZERO, mended_until: Time::ZERO }
    }

    /// An eager neighbour went.
    pub(super) fn hurt(&mut self, now: Time) {
        self.hurt_until = now.plus_ms(HURT_MS);
    }

    /// Whether the tree is known to be broken around here.
    pub(super) fn is_hurt(&self, now: Time) -> bool {
        now < self.hurt_until
    }

    /// A rumour was fetched from a lazy neighbour.
    pub(super) fn fetched(&mut self, now: Time, id: Id, from: IonId) {
        if self.fetched.len() < PROBATION_MAX {
            let until = now.plus_ms(PROBATION_MS);
            self.fetched.insert(id, Fetched { from, until });
        }
    }

    /// An eager neighbour brings a rumour that was fetched: it was asked for too
    /// soon, and the tree is whole.
    pub(super) fn is_brought(&mut self, id: &Id, bearer: &IonId) {
        if self.fetched.get(id).is_some_and(|one| one.from != *bearer) {
            self.fetched.remove(id);
        }
    }

    /// The neighbour whose link is to become eager, if the tree is broken: one,
    /// and until it can have shown effect no other.
    pub(super) fn due(&mut self, now: Time) -> Option<IonId> {
        let mut from = None;
        self.fetched.retain(|_, one| {
            let is_over = one.until <= now;
            from = if is_over { Some(one.from) } else { from };
            !is_over
        });
        let from = from.filter(|_| now >= self.mended_until)?;
        self.mended_until = now.plus_ms(PROBATION_MS + EFFECT_MS);
        Some(from)
    }

    /// A neighbour is gone.
    pub(super) fn down(&mut self, ion: &IonId) {
        self.fetched.retain(|_, one| one.from != *ion);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_ms(ms)
    }

    fn ion(salt: u8) -> IonId {
        IonId::from_bytes([salt; 32])
    }

    #[test]
    fn of_many_rumours_few_cut_links_and_of_few_all() {
        let name = |first| Id([first; 16]);
        let mut prunes = Prunes::default();
        assert!(prunes.counts(&name(255)));
        prunes.tick(at(RATE_MS), || 80);
        assert!(prunes.counts(&name(37)) && !prunes.counts(&name(38)));
        prunes.tick(at(2 * RATE_MS), || usize::MAX);
        assert!(prunes.counts(&name(0)) && !prunes.counts(&name(1)));
        prunes.tick(at(3 * RATE_MS), || 4);
        assert!(prunes.counts(&name(255)));
    }

    #[test]
    fn only_what_no_eager_neighbour_brings_mends_the_tree() {
        let mut repair = Repair::new();
        let (late, lost) = (Id::of(b"late"), Id::of(b"lost"));
        repair.fetched(at(0), late, ion(1));
        repair.fetched(at(0), lost, ion(2));
        repair.is_brought(&lost, &ion(2));
        repair.is_brought(&late, &ion(3));
        assert_eq!(repair.due(at(PROBATION_MS - 1)), None);
        assert_eq!(repair.due(at(PROBATION_MS)), Some(ion(2)));
        repair.fetched(at(PROBATION_MS), lost, ion(2));
        assert_eq!(repair.due(at(2 * PROBATION_MS)), None, "the first has had no time");
        repair.fetched(at(2 * PROBATION_MS), lost, ion(2));
        assert_eq!(repair.due(Time::MAX), Some(ion(2)));
    }
}
