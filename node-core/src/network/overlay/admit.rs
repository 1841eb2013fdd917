//! Whom to let in, and whom to name to those who are not.

use super::{
    Asking, Effect, Link, Overlay, REFERRALS_MAX, ROOM_MS, Reason, Standing, USE_SCORE, Want, Why,
    seek,
};
use crate::{identity::IonId, platform::Time};

impl Overlay {
    /// Somebody asks for a link.
    pub(super) fn asked(
        &mut self,
        now: Time,
        ion: IonId,
        asking: Asking,
        effects: &mut Vec<Effect>,
    ) {
        if ion == self.own {
            return;
        }
        if self.links.contains_key(&ion) {
            // It began anew: the link stands as before.
            self.stands(ion, asking.standing);
            effects.push(Effect::Accept(ion));
        } else if self.wants.contains_key(&ion) {
            self.both_want(now, ion, asking.standing, effects);
        } else if self.has_place_for(now, ion, asking, effects) {
            self.admit(now, ion, asking.why, asking.standing);
            effects.push(Effect::Accept(ion));
        } else {
            let others = self.referrals(&ion);
            effects.push(Effect::Refuse { ion, others, is_heard: asking.is_heard });
        }
    }

    /// Each asked the other: the place was kept for it.
    fn both_want(&mut self, now: Time, ion: IonId, standing: Standing, effects: &mut Vec<Effect>) {
        self.linked(now, ion, standing, effects);
        if self.links.contains_key(&ion) {
            effects.push(Effect::Accept(ion));
        }
    }

    /// An ion that was asked accepted.
    pub(super) fn linked(
        &mut self,
        now: Time,
        ion: IonId,
        standing: Standing,
        effects: &mut Vec<Effect>,
    ) {
        if self.links.contains_key(&ion) {
            self.stands(ion, standing);
            return;
        }
        let Some(want) = self.wants.remove(&ion) else {
            self.turn_away(ion, Reason::Unwanted, effects);
            return;
        };
        if let Some(old) = want.replaces {
            self.cut(now, old, Reason::Replaced, effects);
        }
        if self.links.len() < self.limits.max {
            self.admit(now, ion, want.why, standing);
        } else {
            self.turn_away(ion, Reason::Full, effects);
        }
    }

    fn admit(&mut self, now: Time, ion: IonId, why: Why, standing: Standing) {
        let round_trip_ms = self.pool.get(&ion).and_then(|one| one.round_trip_ms);
        // Whoever was used through others until now is as useful when direct.
        let uses = u32::try_from(self.uses.of(&ion)).unwrap_or(u32::MAX);
        let score = uses.saturating_mul(USE_SCORE);
        let link = Link { since: now, why, round_trip_ms, score, standing, heard: self.heard };
        self.links.insert(ion, link);
        self.pool.linked(&ion);
    }

    fn turn_away(&mut self, ion: IonId, reason: Reason, effects: &mut Vec<Effect>) {
        let others = self.referrals(&ion);
        effects.push(Effect::Cut { ion, reason, others });
    }

    /// Whether there is a place, or whether one is made.
    fn has_place_for(
        &mut self,
        now: Time,
        ion: IonId,
        asking: Asking,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let occupied = self.occupied();
        if asking.why == Why::Split && asking.is_heard {
            return occupied < self.limits.target;
        }
        occupied < self.limits.max || self.make_place(now, ion, asking, effects)
    }

    fn make_place(
        &mut self,
        now: Time,
        ion: IonId,
        asking: Asking,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let is_in_need = match asking.why {
            Why::Alone => asking.standing.links == 0 && !self.has_many_alone(),
            Why::Split => !self.somebody_has_place(),
            // What is beyond the target is there to be given to whoever needs it: who
            // seeks blocks that are here has had nothing to do with this ion yet.
            Why::Useful => {
                let least = self.least_used_link(now);
                self.links.len() > self.limits.target
                    || least.is_some_and(|(_, uses)| seek::is_used_more(self.uses.of(&ion), uses))
            }
            Why::Fill | Why::Near => false,
        };
        if !is_in_need || now < self.room_at {
            return false;
        }
        if self.give_hoped_place() {
            self.room_at = now.plus_ms(ROOM_MS);
            return true;
        }
        let least_used = self.least_used_link(now).map(|(ion, _)| ion);
        let is_useful = asking.why == Why::Useful;
        let (old, reason) = if is_useful {
            (least_used, Reason::Replaced)
        } else {
            (self.least_missed(), Reason::MadeRoom)
        };
        let Some(old) = old else { return false };
        self.room_at = now.plus_ms(ROOM_MS);
        self.cut(now, old, reason, effects);
        true
    }

    /// A place that is only kept for an ion that did not answer yet is given before a
    /// link that stands is cut.
    fn give_hoped_place(&mut self) -> bool {
        let may_go =
            |want: &Want| want.replaces.is_none() && !matches!(want.why, Why::Alone | Why::Split);
        let hoped = self.wants.iter().find(|(_, want)| may_go(want));
        let hoped = hoped.map(|(ion, _)| *ion).filter(|_| self.links.len() < self.limits.max);
        hoped.is_some_and(|ion| self.wants.remove(&ion).is_some())
    }

    /// Whether a third of the places have those who were let in as they were alone and
    /// say that they still are. Nobody is cut who has no other link, so whoever lies
    /// about it, under many ids, would in the end have all places.
    fn has_many_alone(&self) -> bool {
        let is_alone = |link: &&Link| link.why == Why::Alone && !link.standing.has_another();
        let alone = self.links.values().filter(is_alone).count();
        alone >= (self.limits.max / 3).max(1)
    }

    /// Whom somebody may try who is turned away here: those with a place first.
    pub(super) fn referrals(&mut self, asker: &IonId) -> Vec<IonId> {
        let candidates = self
            .pool
            .all()
            .filter(|(_, one)| one.strange_since.is_none() && one.failures == 0)
            .map(|(ion, one)| (one.has_place(), *ion));
        let links = self.links.iter().map(|(ion, link)| (link.standing.has_place(), *ion));
        let mut known: Vec<(bool, IonId)> =
            candidates.chain(links).filter(|(_, ion)| ion != asker && *ion != self.own).collect();
        for index in (1..known.len()).rev() {
            let bound = u64::try_from(index + 1).unwrap_or(u64::MAX);
            let other = usize::try_from(self.rng.below(bound)).unwrap_or(0);
            known.swap(index, other);
        }
        ion_map::sort_by_key(&mut known, |(has_place, _)| !has_place);
        let mut named: Vec<IonId> = Vec::new();
        for (_, ion) in known {
            if named.len() < REFERRALS_MAX && !named.contains(&ion) {
                named.push(ion);
            }
        }
        named
    }
}
