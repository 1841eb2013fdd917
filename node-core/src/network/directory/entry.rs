//! What is known of one ion, and until when it holds.

use ion_map::Set;

use super::{Age, Cause, INTERVAL_MS_MIN, PROMISES_BROKEN, Profile, REFUTE_MS, Way};
use crate::{identity::IonId, network::overlay::Standing, platform::Time};

/// One ion, as heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says of itself; its name is clean.
    pub profile: Profile,
    /// How its links stand, as it says.
    pub standing: Option<Standing>,
    /// How new that is.
    pub age: Age,
    /// When its beat was heard, or its link ended.
    pub heard_at: Time,
    /// Since when it is there.
    pub since: Time,
    /// When the next beat was promised for, in milliseconds after the last.
    pub interval_ms: u64,
    /// The neighbour that brought the last beat: a way to it.
    pub via: IonId,
    /// Links that the last beat crossed.
    pub hops: u16,
    /// Who told that it is gone, since its last beat.
    pub(super) witnesses: Set<IonId>,
    pub(super) suspected_at: Option<Time>,
    /// Beats up to this one may be from before that.
    pub(super) doubted: Age,
    /// By when it is to beat, as another part of the nebula took it for gone.
    pub(super) expected_by: Option<Time>,
}

impl Entry {
    /// When nothing is waited for any more.
    pub(super) fn over_at(&self) -> Time {
        let late = self.heard_at.plus_ms(PROMISES_BROKEN * self.interval_ms + 1);
        let late = self.expected_by.map_or(late, |at| late.min(at));
        self.suspected_at.map_or(late, |at| late.min(at.plus_ms(REFUTE_MS)))
    }

    /// Why it has departed, if it has.
    pub(super) fn is_over(&self, now: Time) -> Option<Cause> {
        let is_doomed = self.suspected_at.is_some_and(|at| now.since_ms(at) >= REFUTE_MS);
        let cause = if is_doomed { Cause::Told } else { Cause::Silent };
        (now >= self.over_at()).then_some(cause)
    }

    /// Until it beats, it is taken to beat as often as this ion.
    pub(super) fn new(now: Time, way: Way, interval_ms: u64) -> Self {
        Self {
            profile: Profile::default(),
            standing: None,
            age: Age::default(),
            heard_at: now,
            since: now,
            interval_ms: interval_ms.max(INTERVAL_MS_MIN),
            via: way.from,
            hops: way.hops,
            witnesses: Set::new(),
            suspected_at: None,
            doubted: Age::default(),
            expected_by: None,
        }
    }

    /// It lives: nobody's word that it is gone counts any more.
    pub(super) fn trust(&mut self) {
        self.witnesses.clear();
        self.suspected_at = None;
        self.expected_by = None;
    }
}
