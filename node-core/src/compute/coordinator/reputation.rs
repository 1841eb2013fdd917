//! What this ion has seen of the others' results, over all of its jobs.
//!
//! Only evidence counts: a result that others confirmed, or one that they
//! outvoted. Who was outvoted begins anew, and gets no task of a job that
//! compares for [`SHUNNED_MS`], twice as long with every further time: a liar
//! would cost a further copy with every result. An ion without a record is one
//! that nobody has confirmed yet, so forgetting one never makes it more trusted.
//!
//! Which results are checked follows from a secret: who could foresee it would lie
//! only where nobody looks.
//!
//! Bounds: [`IONS_MAX`] ions.

use ion_map::Map;

use crate::{compute::trust::TRUSTED_AFTER, identity::IonId, platform::Time};

/// Ions of which something is remembered; who has the fewest good results makes
/// room, those that are not shunned first.
pub(super) const IONS_MAX: usize = 1_024;
/// How long an ion that was outvoted for the first time gets nothing, in
/// milliseconds.
pub(super) const SHUNNED_MS: u64 = 60_000;
/// How often that time doubles: up to an hour and a bit.
const DOUBLED_MAX: u32 = 6;

/// The records of all ions.
#[derive(Debug)]
pub(super) struct Reputations {
    ions: Map<IonId, Record>,
    secret: [u8; 32],
    /// Numbers that were drawn.
    drawn: u64,
    /// Who was outvoted since this was last asked.
    caught: Vec<IonId>,
}

#[derive(Debug, Default)]
struct Record {
    /// Results that others confirmed, since the last one that they outvoted.
    good: u32,
    outvoted: u32,
    shunned_until: Time,
}

impl Reputations {
    /// Nobody is known. The secret decides which results are checked.
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self { ions: Map::new(), secret, drawn: 0, caught: Vec::new() }
    }

    /// Others returned the same as this ion.
    pub(super) fn confirmed(&mut self, now: Time, ion: IonId) {
        let record = self.record(now, ion);
        record.good = record.good.saturating_add(1);
    }

    /// Others agreed on another result than this ion's.
    pub(super) fn outvoted(&mut self, now: Time, ion: IonId) {
        let record = self.record(now, ion);
        let shunned_ms = SHUNNED_MS << record.outvoted.min(DOUBLED_MAX);
        let outvoted = record.outvoted.saturating_add(1);
        let shunned_until = Time::from_ms(now.as_ms().saturating_add(shunned_ms));
        *record = Record { good: 0, outvoted, shunned_until };
        if !self.caught.contains(&ion) {
            self.caught.push(ion);
        }
    }

    /// Whether an ion has earned trust.
    pub(super) fn trusts(&self, ion: &IonId) -> bool {
        self.ions.get(ion).is_some_and(|record| record.good >= TRUSTED_AFTER)
    }

    /// Whether this result of an ion is to be checked: always while it is not
    /// trusted, then with probability one in its good results.
    pub(super) fn draws(&mut self, ion: &IonId) -> bool {
        let good = self.ions.get(ion).map_or(0, |record| record.good);
        good < TRUSTED_AFTER || self.below(good as usize) == 0
    }

    /// A number that nobody foresees, below another one, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.drawn += 1;
        let hash = blake3::keyed_hash(&self.secret, &self.drawn.to_le_bytes());
        let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
        usize::try_from(u64::from_le_bytes(*first) % end as u64).unwrap_or_default()
    }

    /// Whether an ion gets no tasks of jobs that compare.
    pub(super) fn shuns(&self, now: Time, ion: &IonId) -> bool {
        self.shunned_until(now, ion).is_some()
    }

    /// Until when an ion gets none, if so.
    pub(super) fn shunned_until(&self, now: Time, ion: &IonId) -> Option<Time> {
        self.ions.get(ion).map(|record| record.shunned_until).filter(|until| *until > now)
    }

    /// Who was outvoted since this was last asked.
    pub(super) fn take_caught(&mut self) -> Vec<IonId> {
        std::mem::take(&mut self.caught)
    }

    fn record(&mut self, now: Time, ion: IonId) -> &mut Record {
        if self.ions.len() >= IONS_MAX && !self.ions.contains_key(&ion) {
            let rank = |(_, record): &(&IonId, &Record)| (record.shunned_until > now, record.good);
            let least = self.ions.iter().min_by_key(rank).map(|(ion, _)| *ion);
            least.and_then(|least| self.ions.remove(&least));
        }
        self.ions.entry(ion).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ion(number: usize) -> IonId {
        IonId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    fn with_good(count: u32) -> Reputations {
        let mut reputations = Reputations::new([1; 32]);
        for _ in 0..count {
            reputations.confirmed(Time::default(), ion(0));
        }
        reputations
    }

    #[test]
    fn trust_is_earned_by_ten_in_a_row_and_lost_by_one() {
        assert!(!with_good(TRUSTED_AFTER - 1).trusts(&ion(0)));
        let mut reputations = with_good(TRUSTED_AFTER);
        assert!(reputations.trusts(&ion(0)));
        reputations.outvoted(Time::default(), ion(0));
        assert!(!reputations.trusts(&ion(0)) && reputations.draws(&ion(0)));
        assert_eq!(reputations.take_caught(), [ion(0)]);
    }

    #[test]
    fn the_more_good_results_the_rarer_the_checks() {
        let checks = |good: u32| {
            let mut reputations = with_good(good);
            (0..100_000).filter(|_| reputations.draws(&ion(0))).count()
        };
        assert_eq!(checks(TRUSTED_AFTER - 1), 100_000);
        assert!((9_700..10_300).contains(&checks(10)), "{}", checks(10));
        assert!((900..1_100).contains(&checks(100)), "{}", checks(100));
    }

    #[test]
    fn who_was_outvoted_again_waits_twice_as_long() {
        let mut reputations = Reputations::new([1; 32]);
        let mut ms = 0;
        for times in [1, 2, 4] {
            reputations.outvoted(Time::from_ms(ms), ion(0));
            ms += times * SHUNNED_MS;
            assert!(reputations.shuns(Time::from_ms(ms - 1), &ion(0)), "{times}");
            assert!(!reputations.shuns(Time::from_ms(ms), &ion(0)), "{times}");
        }
    }

    #[test]
    fn records_are_bounded_and_the_best_are_kept() {
        let mut reputations = with_good(TRUSTED_AFTER);
        for number in 1..2 * IONS_MAX {
            reputations.confirmed(Time::default(), ion(number));
        }
        assert_eq!(reputations.ions.len(), IONS_MAX);
        assert!(reputations.trusts(&ion(0)));
    }
}
