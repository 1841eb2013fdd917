//! Whom to ask for a link: to fill up, to heal a split, to be nearer, more useful
//! or more random.

use super::{
    Effect, GROWN_PERCENT, HEAL_MS, IMPROVE_MS, Link, NEED_MS, Overlay, REFERRALS_MAX, STRANGE_MS,
    Sighting, USEFUL_LIFE_MS_MIN, USES_MIN, WANTS_MAX, Want, Why, pool::Candidate,
};
use crate::{identity::IonId, platform::Time};

/// How much nearer, in percent of the present one, an ion must be expected to
/// be for a link to it to be worth the trouble.
const NEARER_PERCENT: u64 = 60;
/// The least that it must be nearer, in milliseconds: below, all are alike.
const NEARER_MS_MIN: u64 = 5;

impl Overlay {
    pub(super) fn found(&mut self, now: Time, sightings: &[Sighting]) {
        for sighting in sightings.iter().filter(|one| one.ion != self.own) {
            self.pool.found(now, sighting, &mut self.rng);
            self.idle_until = Time::ZERO;
        }
    }

    pub(super) fn referred(&mut self, now: Time, others: &[IonId]) {
        for ion in others.iter().take(REFERRALS_MAX).filter(|ion| **ion != self.own) {
            self.pool.named(*ion, &mut self.rng);
        }
        self.idle_until = self.idle_until.min(now);
    }

    pub(super) fn want(
        &mut self,
        now: Time,
        ion: IonId,
        why: Why,
        replaces: Option<IonId>,
        effects: &mut Vec<Effect>,
    ) {
        self.wants.insert(ion, Want { since: now, why, replaces });
        effects.push(Effect::Want(ion, why));
    }

    /// Asks for links until there are as many as are sought.
    pub(super) fn fill(&mut self, now: Time, effects: &mut Vec<Effect>) {
        while self.occupied() < self.limits.target
            && self.wants.len() < WANTS_MAX
            && now >= self.idle_until
        {
            let Some((ion, why)) = self.pick(now) else {
                self.idle_until = self.pool.next_ready_at(now, self.links.is_empty());
                return;
            };
            self.want(now, ion, why, None, effects);
        }
    }

    fn pick(&mut self, now: Time) -> Option<(IonId, Why)> {
        let is_alone = self.links.is_empty();
        let ready = self.ready(now, is_alone, |_| true);
        if is_alone && !self.wants.values().any(|want| want.why == Why::Alone) {
            return Some((self.random_of(&ready)?, Why::Alone));
        }
        if self.near_links() < self.limits.target / 2
            && let Some(near) = nearest(&ready)
        {
            return Some((near, Why::Near));
        }
        Some((self.random_of(&ready)?, Why::Fill))
    }

    /// Who may be asked now. Whoever failed has its turn when nobody is left
    /// who failed less.
    fn ready(
        &self,
        now: Time,
        is_urgent: bool,
        fits: impl Fn(&Candidate) -> bool,
    ) -> Vec<(IonId, Candidate)> {
        let ready = self.pool.ready(now, is_urgent);
        let ready = ready.filter(|(ion, one)| !self.is_engaged(ion) && fits(one));
        let mut ready: Vec<_> = ready.map(|(ion, one)| (*ion, *one)).collect();
        let failures = ready.iter().map(|(_, one)| one.failures).min();
        ready.retain(|(_, one)| Some(one.failures) == failures);
        ready
    }

    /// Whether it is linked or asked already.
    pub(super) fn is_engaged(&self, ion: &IonId) -> bool {
        self.links.contains_key(ion) || self.wants.contains_key(ion)
    }

    fn near_links(&self) -> usize {
        let links = self.links.values().filter(|link| link.why == Why::Near).count();
        links + self.wants.values().filter(|want| want.why == Why::Near).count()
    }

    /// Of two random ones that with more places left, which spreads the load
    /// (Mitzenmacher, "The power of two choices", 2001).
    fn random_of(&mut self, ready: &[(IonId, Candidate)]) -> Option<IonId> {
        let count = u64::try_from(ready.len()).ok().filter(|count| *count > 0)?;
        let mut pick = || ready.get(usize::try_from(self.rng.below(count)).unwrap_or(0));
        let (one, other) = (pick()?, pick()?);
        let links = |of: &(IonId, Candidate)| of.1.standing.map_or(0, |standing| standing.links);
        let chosen = if links(other) < links(one) { other } else { one };
        Some(chosen.0)
    }

    /// Links to an ion that nobody here hears, so that the parts become one.
    pub(super) fn heal(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let is_healing = self.wants.values().any(|want| want.why == Why::Split);
        if now < self.heal_at || is_healing || self.links.is_empty() {
            return;
        }
        let strange = self.ready(now, true, |one| is_strange(now, one, STRANGE_MS));
        let Some(ion) = self.random_of(&strange) else { return };
        self.heal_at = now.plus_ms(HEAL_MS + self.rng.below(HEAL_MS));
        if self.occupied() < self.limits.max {
            self.want(now, ion, Why::Split, None, effects);
            return;
        }
        // Others of this part who have a place go first.
        let patience = if self.somebody_has_place() { 4 * STRANGE_MS } else { STRANGE_MS };
        let is_late = strange.iter().any(|(_, one)| is_strange(now, one, patience));
        if let Some(old) = self.least_missed().filter(|_| is_late) {
            self.want(now, ion, Why::Split, Some(old), effects);
        }
    }

    /// Whether anybody who is heard is known to have a place.
    pub(super) fn somebody_has_place(&self) -> bool {
        let is_open = |one: &Candidate| one.strange_since.is_none() && one.has_place();
        self.pool.all().any(|(ion, one)| is_open(one) && !self.links.contains_key(ion))
            || self.links.values().any(|link| link.standing.has_place())
    }

    /// Seeks a link that is more useful, more random or nearer than one that stands.
    pub(super) fn improve(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if now < self.improve_at || self.links.is_empty() {
            return;
        }
        self.improve_at = now.plus_ms(IMPROVE_MS + self.rng.below(IMPROVE_MS));
        let is_filled = self.links.len() >= self.limits.target;
        if self.wants.len() < WANTS_MAX && !self.seek_useful(now, effects) && is_filled {
            let _ = self.seek_wider(now, effects) || self.seek_near(now, effects);
        }
    }

    /// A link to a random ion in place of one that was made when far fewer were
    /// heard of.
    fn seek_wider(&mut self, now: Time, effects: &mut Vec<Effect>) -> bool {
        let Some(old) = self.narrow_link(now) else { return false };
        let ready = self.ready(now, false, |one| one.strange_since.is_none());
        let Some(ion) = self.random_of(&ready) else { return false };
        self.want(now, ion, Why::Fill, Some(old), effects);
        true
    }

    /// Of the links that were to be random the one that was made when the fewest
    /// ions were heard of, if that were far fewer. Where everybody can be linked
    /// to, or nearly so, nothing is gained.
    fn narrow_link(&self, now: Time) -> Option<IonId> {
        if self.heard < 3 * self.limits.max {
            return None;
        }
        let is_narrow = |link: &Link| {
            matches!(link.why, Why::Fill | Why::Alone)
                && self.heard * 100 >= link.heard * GROWN_PERCENT
                && now.since_ms(link.since) >= USEFUL_LIFE_MS_MIN
                && link.standing.has_another()
        };
        let narrow = self.links.iter().filter(|(_, link)| is_narrow(link));
        narrow.min_by_key(|(_, link)| (link.heard, link.score)).map(|(ion, _)| *ion)
    }

    /// The rule of Kraken: over the last hundred interactions, an ion reached
    /// through others and used at least 1.1 times as often as a direct one
    /// takes its place.
    fn seek_useful(&mut self, now: Time, effects: &mut Vec<Effect>) -> bool {
        let Some((ion, uses)) = self.most_used_relayed(now) else { return false };
        if self.occupied() < self.limits.target {
            self.want(now, ion, Why::Useful, None, effects);
            return true;
        }
        let Some((old, old_uses)) = self.least_used_link(now) else { return false };
        if !is_used_more(uses, old_uses) {
            return false;
        }
        self.want(now, ion, Why::Useful, Some(old), effects);
        true
    }

    /// Something waits for a link to that ion: it is asked for one at once, in place
    /// of the least used where all are taken.
    pub(super) fn need(&mut self, now: Time, ion: IonId, effects: &mut Vec<Effect>) {
        self.used(ion);
        let is_free = ion != self.own && !self.is_engaged(&ion) && !self.is_resting(now, &ion);
        if !is_free || now < self.need_at || self.wants.len() >= WANTS_MAX {
            return;
        }
        let is_full = self.occupied() >= self.limits.max;
        let replaces = self.least_used_link(now).map(|(old, _)| old).filter(|_| is_full);
        if !is_full || replaces.is_some() {
            self.need_at = now.plus_ms(NEED_MS);
            self.want(now, ion, Why::Useful, replaces, effects);
        }
    }

    /// Whether it is left alone for a while, as it refused or failed.
    fn is_resting(&self, now: Time, ion: &IonId) -> bool {
        self.pool.get(ion).is_some() && !self.pool.ready(now, true).any(|(ready, _)| ready == ion)
    }

    fn most_used_relayed(&self, now: Time) -> Option<(IonId, usize)> {
        if !self.uses.are_complete() {
            return None;
        }
        let may_be_asked = |ion: &IonId| !self.is_engaged(ion) && !self.is_resting(now, ion);
        let relayed =
            self.uses.all().filter(|(ion, count)| *count >= USES_MIN && may_be_asked(ion));
        relayed.max_by_key(|(_, count)| *count).map(|(ion, count)| (*ion, count))
    }

    fn seek_near(&mut self, now: Time, effects: &mut Vec<Effect>) -> bool {
        let ready = self.ready(now, false, |_| true);
        let Some(ion) = nearest(&ready) else { return false };
        let Some(worst_ms) = self.near_bound_ms() else { return false };
        let expected_ms = self.pool.get(&ion).and_then(|one| one.round_trip_ms);
        let is_nearer = expected_ms.is_some_and(|ms| is_worth_it(ms, worst_ms));
        if !is_nearer {
            return false;
        }
        let replaces = if self.occupied() < self.limits.max { None } else { self.surplus(now) };
        let may_want = replaces.is_some() || self.occupied() < self.limits.max;
        if may_want {
            self.want(now, ion, Why::Near, replaces, effects);
        }
        may_want
    }

    /// The round trip of the farthest of the near half of the links, in
    /// milliseconds; `None` while some are not measured.
    pub(super) fn near_bound_ms(&self) -> Option<u32> {
        let mut times: Vec<u32> =
            self.links.values().filter_map(|link| link.round_trip_ms).collect();
        ion_map::sort(&mut times);
        times.get((self.limits.target / 2).checked_sub(1)?).copied()
    }
}

/// Whether so many uses are at least 1.1 times as many.
pub(super) fn is_used_more(uses: usize, than: usize) -> bool {
    uses >= USES_MIN && uses * 10 >= than * 11
}

fn is_worth_it(ms: u32, than_ms: u32) -> bool {
    let (ms, than_ms) = (u64::from(ms), u64::from(than_ms));
    ms * 100 < than_ms * NEARER_PERCENT && ms + NEARER_MS_MIN <= than_ms
}

fn is_strange(now: Time, candidate: &Candidate, ms: u64) -> bool {
    candidate.strange_since.is_some_and(|since| now.since_ms(since) >= ms)
}

fn nearest(ready: &[(IonId, Candidate)]) -> Option<IonId> {
    let known = ready.iter().filter_map(|(ion, one)| Some((one.round_trip_ms?, *ion)));
    known.min().map(|(_, ion)| ion)
}
