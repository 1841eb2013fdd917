//! News of those who are gone: what this ion has to tell, and whom it believes.
//!
//! A neighbour's end is told by about [`TELLERS`] of its neighbours within
//! [`NOTICE_MS`]; each of them draws by itself whether it is one, from how many
//! links the neighbour had. The others wait until the news of those must be with
//! them, and tell only when fewer than [`WITNESSES`] did: else everybody would
//! hear of one end as often as the ion had links. What is told names the beat
//! after the last one that the teller knows: that one may have left before the
//! end, and have reached others. Bounds: [`PLANNED_MAX`] notices to tell,
//! [`AUTHORS_MAX`] authors whose notices are counted.

use ion_map::Map;

use super::{
    Age, Bond, Cause, Directory, Effect, FOREIGN_MS, NOTICES_MAX, REFUTE_MS, REFUTE_MS_MIN,
    WITNESSES, Way,
};
use crate::{
    identity::IonId,
    platform::{Time, sim::Rng},
};

/// Within what time a neighbour's end is told, in milliseconds.
pub(super) const NOTICE_MS: u64 = 200;
/// Neighbours that tell it then, about: one more than are believed at once.
pub(super) const TELLERS: u64 = WITNESSES as u64 + 1;
/// How long the others wait whether they did, in milliseconds; up to twice that.
pub(super) const LATE_NOTICE_MS: u64 = 1_000;
/// Notices to tell at once.
const PLANNED_MAX: usize = 64;
/// How long a beat is waited for whose ion another part took for gone, in percent
/// of what it promised.
const PATIENCE_PERCENT: u64 = 125;
/// Authors whose notices are counted.
const AUTHORS_MAX: usize = 1_024;
/// How many beats newer than what is known here a notice may claim.
const AHEAD_MAX: u64 = 4;

impl Age {
    /// Whether the other is of the same run and at most [`AHEAD_MAX`] beats newer.
    fn leads_to(self, other: Self) -> bool {
        other.incarnation == self.incarnation
            && other.counter <= self.counter.saturating_add(AHEAD_MAX)
    }
}
/// Over which time they are counted, in milliseconds.
const COUNT_MS: u64 = 60_000;

/// A notice that is to be told now.
pub(super) struct Due {
    pub(super) ion: IonId,
    pub(super) age: Age,
    pub(super) bond: Bond,
}

/// A notice to tell, if it is still news then.
struct Planned {
    at: Time,
    age: Age,
    bond: Bond,
    /// Others that told as much.
    told: usize,
}

#[derive(Default)]
pub(super) struct Notices {
    planned: Map<IonId, Planned>,
    counts: Map<IonId, (Time, u32)>,
}

impl Notices {
    /// Plans to tell the end of a neighbour that was heard last so old and had so
    /// many links; unless it has begun anew since the bond was given.
    pub(super) fn plan(
        &mut self,
        now: Time,
        ion: IonId,
        heard: Age,
        bond: Bond,
        links: u64,
        rng: &mut Rng,
    ) {
        let age = heard.max(Age { incarnation: bond.incarnation, counter: 0 }).next();
        if self.planned.len() < PLANNED_MAX && age.incarnation == bond.incarnation {
            let is_teller = rng.below(links.max(1)) < TELLERS;
            let wait_ms = if is_teller {
                rng.below(NOTICE_MS)
            } else {
                LATE_NOTICE_MS + rng.below(LATE_NOTICE_MS)
            };
            self.planned.insert(ion, Planned { at: now.plus_ms(wait_ms), age, bond, told: 0 });
        }
    }

    /// Another tells it too, of a beat that old.
    fn heard(&mut self, ion: &IonId, age: Age) {
        if let Some(planned) = self.planned.get_mut(ion) {
            // The other may have missed one beat.
            planned.told += usize::from(age.next() >= planned.age);
        }
    }

    pub(super) fn drop(&mut self, ion: &IonId) {
        self.planned.remove(ion);
    }

    pub(super) fn due(&mut self, now: Time) -> Vec<Due> {
        let mut due = Vec::new();
        self.planned.retain(|ion, Planned { at, age, bond, told }| {
            let is_due = now >= *at;
            if is_due && *told < WITNESSES {
                due.push(Due { ion: *ion, age: *age, bond: bond.clone() });
            }
            !is_due
        });
        due
    }

    /// Counts a notice; whether its author may be believed once more.
    fn may_tell(&mut self, now: Time, author: IonId) -> bool {
        if self.counts.len() >= AUTHORS_MAX && !self.counts.contains_key(&author) {
            self.counts.retain(|_, (since, _)| now.since_ms(*since) < COUNT_MS);
        }
        if self.counts.len() >= AUTHORS_MAX && !self.counts.contains_key(&author) {
            // Authors that somebody made up must not keep others from telling.
            let first = self.counts.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(first) = first.map(|(author, _)| *author) {
                self.counts.remove(&first);
            }
        }
        let (since, count) = self.counts.entry(author).or_insert((now, 0));
        if now.since_ms(*since) >= COUNT_MS {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= NOTICES_MAX
    }
}

impl Directory {
    /// Somebody tells that an ion is gone.
    pub(super) fn told_gone(
        &mut self,
        now: Time,
        author: IonId,
        ion: IonId,
        age: Age,
        effects: &mut Vec<Effect>,
    ) {
        if ion == self.own {
            self.refute(now, age, effects);
            return;
        }
        self.notices.heard(&ion, age);
        if !self.entries.contains_key(&ion) {
            self.departed_later(ion, age);
            return;
        }
        let is_refuted = self.entries.get(&ion).is_none_or(|entry| entry.age > age);
        if !is_refuted && !self.neighbours.contains_key(&ion) && self.notices.may_tell(now, author)
        {
            self.witnessed(now, author, ion, age, effects);
        }
    }

    /// Whether a notice comes from another part of the nebula: this ion was here
    /// when it was said, and did not hear it.
    pub(super) fn is_foreign(&self, now: Time, way: Way) -> bool {
        let age_ms = u64::from(way.age_ms);
        let was_here = self.linked_since.is_some_and(|since| now.since_ms(since) > age_ms);
        age_ms >= FOREIGN_MS && was_here
    }

    /// Another part took an ion for gone: its next beat is waited for, and no more.
    pub(super) fn doubt(&mut self, now: Time, ion: &IonId, age: Age) {
        let Some(entry) = self.entries.get_mut(ion).filter(|entry| entry.age <= age) else {
            return;
        };
        let in_ms = entry.interval_ms * PATIENCE_PERCENT / 100 + REFUTE_MS;
        entry.expected_by.get_or_insert(now.plus_ms(in_ms));
        self.expire_at = self.expire_at.min(entry.over_at());
    }

    /// Another knew a newer beat of one who is gone: that beat, should it still
    /// come, does not bring it back. A liar gains [`AHEAD_MAX`] beats by it.
    fn departed_later(&mut self, ion: IonId, age: Age) {
        let Some((known, _)) = self.departed.get_mut(&ion) else { return };
        if known.leads_to(age) {
            *known = age.max(*known);
        }
    }

    /// This ion lives, and says so; however lately it has beaten, for that beat may
    /// be the very one that is told of.
    fn refute(&mut self, now: Time, age: Age, effects: &mut Vec<Effect>) {
        let is_past = age.incarnation < self.age.incarnation;
        let is_refuted = age < self.age && now.since_ms(self.refuted_at) < REFUTE_MS_MIN;
        if is_past || is_refuted {
            return;
        }
        // Beats up to the one that is told of may be from before the end, and
        // bring nobody back.
        let told = if self.age.leads_to(age) { age } else { self.age };
        self.age = self.age.next().max(told);
        self.is_refutation_due = true;
        self.say_it_lives(now, effects);
    }

    /// Says so now, or with a later tick if it has just done so.
    pub(super) fn say_it_lives(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.is_refutation_due && now.since_ms(self.refuted_at) >= REFUTE_MS_MIN {
            self.is_refutation_due = false;
            self.refuted_at = now;
            self.publish_beat(now, effects);
        }
    }

    /// One who was linked to an ion lost it.
    pub(super) fn witnessed(
        &mut self,
        now: Time,
        witness: IonId,
        ion: IonId,
        age: Age,
        effects: &mut Vec<Effect>,
    ) {
        let Some(entry) = self.entries.get_mut(&ion) else { return };
        if entry.age.leads_to(age) {
            entry.doubted = entry.doubted.max(age);
        }
        if entry.witnesses.len() <= WITNESSES {
            entry.witnesses.insert(witness);
        }
        entry.suspected_at.get_or_insert(now);
        self.expire_at = self.expire_at.min(entry.over_at());
        let links = entry.standing.map_or(WITNESSES, |standing| usize::from(standing.links));
        if entry.witnesses.len() >= WITNESSES.min(links.max(1)) {
            self.depart(now, ion, Cause::Told, effects);
        }
    }
}
