//! Whom to let go. Nobody whose only link this is, but where the own limit was
//! lowered below what is held.

use super::{Effect, LIFE_MS_MIN, Link, Overlay, Reason, TRIM_MS, USEFUL_LIFE_MS_MIN, pool::Rest};
use crate::{identity::IonId, platform::Time};

impl Overlay {
    pub(super) fn cut(&mut self, now: Time, ion: IonId, reason: Reason, effects: &mut Vec<Effect>) {
        if self.links.remove(&ion).is_none() {
            return;
        }
        self.is_replaced_no_more(&ion);
        self.rest(now, ion, Rest::Cut);
        let others = self.referrals(&ion);
        effects.push(Effect::Cut { ion, reason, others });
    }

    /// After the limits were lowered.
    pub(super) fn shed(&mut self, now: Time, effects: &mut Vec<Effect>) {
        while self.links.len() > self.limits.max {
            let any = self.links.iter().min_by_key(|(_, link)| link.score).map(|(ion, _)| *ion);
            let Some(ion) = self.least_missed().or(any) else { return };
            self.cut(now, ion, Reason::Full, effects);
        }
    }

    /// Cuts one of too many links, where the other side has too many as well.
    pub(super) fn trim(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.links.len() <= self.limits.target || now < self.trim_at {
            return;
        }
        self.trim_at = now.plus_ms(TRIM_MS + self.rng.below(TRIM_MS));
        if let Some(ion) = self.surplus(now) {
            self.cut(now, ion, Reason::Surplus, effects);
        }
    }

    /// The link that neither side needs: old enough, not of the near half, the
    /// least useful, of those the youngest.
    pub(super) fn surplus(&self, now: Time) -> Option<IonId> {
        let near_ms = self.near_bound_ms().unwrap_or(0);
        let is_spare = |link: &Link| {
            now.since_ms(link.since) >= LIFE_MS_MIN
                && link.standing.is_over()
                && link.standing.has_another()
                && link.round_trip_ms.is_none_or(|ms| ms > near_ms)
        };
        let spare = self.links.iter().filter(|(_, link)| is_spare(link));
        let least = spare.min_by_key(|(_, link)| (link.score, std::cmp::Reverse(link.since)));
        least.map(|(ion, _)| *ion)
    }

    /// The link to cut where one has to go: rather one whose other end has more
    /// than it seeks, then the least useful, then the youngest.
    pub(super) fn least_missed(&self) -> Option<IonId> {
        let spare = self.links.iter().filter(|(_, link)| link.standing.has_another());
        let least = spare.min_by_key(|(_, link)| {
            (!link.standing.is_over(), link.score, std::cmp::Reverse(link.since))
        });
        least.map(|(ion, _)| *ion)
    }

    /// The link that was used least among the last hundred interactions, and
    /// how often; of several the one with the lowest score.
    pub(super) fn least_used_link(&self, now: Time) -> Option<(IonId, usize)> {
        let may_go = |link: &Link| {
            link.standing.has_another() && now.since_ms(link.since) >= USEFUL_LIFE_MS_MIN
        };
        let links = self.links.iter().filter(|(_, link)| may_go(link));
        let counted = links.map(|(ion, link)| (self.uses.of(ion), link.score, *ion));
        counted.min().map(|(uses, _, ion)| (ion, uses))
    }
}
