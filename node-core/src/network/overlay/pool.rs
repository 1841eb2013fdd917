//! Ions that could be asked for a link, and those to be left alone meanwhile.
//!
//! Bounds: [`CANDIDATES_MAX`] candidates. When there are more, a random one
//! gives way, so that what stays is a fair sample of a large nebula; strange
//! ones stay, for they may lead to another part of it.

use ion_map::Map;

use super::{Sighting, Standing};
use crate::{
    identity::IonId,
    platform::{Time, sim::Rng},
};

/// Candidates that are remembered.
pub const CANDIDATES_MAX: usize = 256;
/// How long whoever refused is left alone at first, in milliseconds; doubles.
pub const REFUSED_MS: u64 = 2_000;
/// The longest that whoever refused is left alone, in milliseconds.
pub const REFUSED_MS_MAX: u64 = 60_000;
/// How long whoever failed is left alone at first, in milliseconds; doubles.
pub const FAILED_MS: u64 = 2_000;
/// The longest that whoever failed is left alone, in milliseconds.
pub const FAILED_MS_MAX: u64 = 600_000;
/// How long the other end of a cut link is left alone, in milliseconds.
pub const CUT_MS: u64 = 60_000;
/// How long the other end of a lost link is left alone, in milliseconds.
pub const LOST_MS: u64 = 500;
/// How long an ion without links, or one that heals a split, leaves those
/// alone who refused or were cut, in milliseconds.
pub const URGENT_MS: u64 = 1_000;
/// Failures in a row after which an ion that nobody hears is forgotten.
pub const FAILURES_MAX: u32 = 8;

/// Why a candidate is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It had no place.
    Refused,
    /// It could not be reached.
    Failed,
    /// The link with it was cut, by either side.
    Cut,
    /// The link with it ended by itself.
    Lost,
}

/// An ion that could be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Candidate {
    /// Since when it was found although nobody hears it.
    pub strange_since: Option<Time>,
    /// Its links, as last heard.
    pub standing: Option<Standing>,
    /// The round-trip time, measured or expected, in milliseconds.
    pub round_trip_ms: Option<u32>,
    /// Attempts that failed, since one did not.
    pub failures: u32,
    is_measured: bool,
    refusals: u32,
    rested_at: Time,
    rest_ms: u64,
    is_unreachable: bool,
}

impl Candidate {
    /// Whether it may be asked now.
    fn is_ready(&self, now: Time, is_urgent: bool) -> bool {
        now >= self.ready_at(is_urgent)
    }

    fn ready_at(&self, is_urgent: bool) -> Time {
        let is_short = is_urgent && !self.is_unreachable;
        let ms = if is_short { self.rest_ms.min(URGENT_MS) } else { self.rest_ms };
        self.rested_at.plus_ms(ms)
    }

    /// Whether it says that it could take one more.
    pub fn has_place(&self) -> bool {
        self.standing.is_some_and(Standing::has_place)
    }
}

/// All candidates.
#[derive(Debug, Default)]
pub struct Pool {
    candidates: Map<IonId, Candidate>,
}

impl Pool {
    /// What is known of an ion.
    pub fn get(&self, ion: &IonId) -> Option<&Candidate> {
        self.candidates.get(ion)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&IonId, &Candidate)> {
        self.candidates.iter()
    }

    /// Those who may be asked now; whether it is urgent.
    pub fn ready(&self, now: Time, is_urgent: bool) -> impl Iterator<Item = (&IonId, &Candidate)> {
        self.candidates.iter().filter(move |(_, one)| one.is_ready(now, is_urgent))
    }

    /// When the next one may be asked that may not be asked now.
    pub fn next_ready_at(&self, now: Time, is_urgent: bool) -> Time {
        let later = self.candidates.values().map(|one| one.ready_at(is_urgent));
        later.filter(|at| *at > now).min().unwrap_or(Time::MAX)
    }

    /// Takes what was found of an ion.
    pub fn found(&mut self, now: Time, sighting: &Sighting, rng: &mut Rng) {
        let candidate = self.entry(sighting.ion, rng);
        if sighting.is_heard {
            candidate.strange_since = None;
        } else {
            candidate.strange_since.get_or_insert(now);
        }
        candidate.standing = sighting.standing.or(candidate.standing);
        if !candidate.is_measured {
            candidate.round_trip_ms = sighting.round_trip_ms.or(candidate.round_trip_ms);
        }
    }

    /// Takes an ion that another one named.
    pub fn named(&mut self, ion: IonId, rng: &mut Rng) {
        self.entry(ion, rng);
    }

    /// Its presence is heard: it is not strange.
    pub fn is_heard(&mut self, ion: &IonId) {
        if let Some(candidate) = self.candidates.get_mut(ion) {
            candidate.strange_since = None;
        }
    }

    /// A round trip was measured, in milliseconds.
    pub fn round_trip(&mut self, ion: &IonId, ms: u32) {
        if let Some(candidate) = self.candidates.get_mut(ion) {
            candidate.round_trip_ms = Some(ms);
            candidate.is_measured = true;
        }
    }

    /// The link stands: nothing that went wrong before counts any more.
    pub fn linked(&mut self, ion: &IonId) {
        if let Some(candidate) = self.candidates.get_mut(ion) {
            candidate.failures = 0;
            candidate.refusals = 0;
            candidate.is_unreachable = false;
            candidate.strange_since = None;
        }
    }

    /// Leaves an ion alone for a while; forgets it when nothing is left to hope for.
    pub fn rest(&mut self, now: Time, ion: IonId, rest: Rest, rng: &mut Rng) {
        let candidate = self.entry(ion, rng);
        candidate.rested_at = now;
        candidate.is_unreachable = rest == Rest::Failed;
        let ms = match rest {
            Rest::Refused => {
                candidate.refusals += 1;
                doubled(REFUSED_MS, candidate.refusals, REFUSED_MS_MAX)
            }
            Rest::Failed => {
                candidate.failures += 1;
                doubled(FAILED_MS, candidate.failures, FAILED_MS_MAX)
            }
            Rest::Cut => CUT_MS,
            Rest::Lost => LOST_MS,
        };
        let is_hopeless = candidate.failures >= FAILURES_MAX && candidate.strange_since.is_some();
        // Not all who were refused at once come back at once.
        candidate.rest_ms = ms + rng.below(ms / 2 + 1);
        if is_hopeless {
            self.forget(&ion);
        }
    }

    /// Forgets an ion.
    pub fn forget(&mut self, ion: &IonId) {
        self.candidates.remove(ion);
    }

    fn entry(&mut self, ion: IonId, rng: &mut Rng) -> &mut Candidate {
        if self.candidates.len() >= CANDIDATES_MAX && !self.candidates.contains_key(&ion) {
            self.give_way(rng);
        }
        self.candidates.entry(ion).or_default()
    }

    /// One of a few random ones goes, rather one that is heard.
    fn give_way(&mut self, rng: &mut Rng) {
        let picks = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
        let chosen = picks.into_iter().filter_map(|pick| self.at(pick));
        let chosen = chosen.min_by_key(|(_, one)| one.strange_since.is_some());
        if let Some(ion) = chosen.map(|(ion, _)| *ion) {
            self.candidates.remove(&ion);
        }
    }

    /// The candidate at a random place: the first above a random id.
    fn at(&self, random: u64) -> Option<(&IonId, &Candidate)> {
        let mut start = [0; 32];
        start[..8].copy_from_slice(&random.to_be_bytes());
        let start = IonId::from_bytes(start);
        self.candidates.range(start..).next().or_else(|| self.candidates.first_key_value())
    }
}

fn doubled(first_ms: u64, times: u32, ms_max: u64) -> u64 {
    first_ms.saturating_mul(1 << times.saturating_sub(1).min(20)).min(ms_max)
}
