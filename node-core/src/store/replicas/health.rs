//! How likely a part is lost, from how often ions were seen to leave.
//!
//! Let `r` be the departures seen in an hour of one ion's presence. An ion
//! leaves within the time `T` that a repair takes with probability
//! `p = 1 - exp(-r T)`; a part with `n` live holders is lost where all leave,
//! with `p^n`. That holds for ions that leave independently of each other; a
//! room whose power fails is not in it. What was seen counts half after each
//! [`HALF_LIFE_ION_HOURS`]; before anything was seen, an ion is taken to stay
//! for [`STAY_HOURS_GUESS`].
//!
//! The figure is shown to people; nothing is decided by it, so that floating
//! point does no harm.

use ion_map::Set;

use crate::{identity::IonId, platform::Time};

/// Hours of presence after which what was seen counts half.
pub const HALF_LIFE_ION_HOURS: f64 = 48.0;
/// How long an ion is taken to stay before anything was seen, in hours.
pub const STAY_HOURS_GUESS: f64 = 2.0;

const MS_PER_HOUR: f64 = 3_600_000.0;

/// What was seen of ions leaving.
#[derive(Clone, Copy, Debug)]
pub struct Churn {
    departures: f64,
    ion_hours: f64,
    seen_at: Option<Time>,
}

impl Default for Churn {
    fn default() -> Self {
        Self { departures: 1.0, ion_hours: STAY_HOURS_GUESS, seen_at: None }
    }
}

impl Churn {
    /// Who was there until now, and who is from now on.
    pub fn pass(&mut self, now: Time, before: &Set<IonId>, after: &Set<IonId>) {
        let ms = self.seen_at.map_or(0, |at| now.since_ms(at)) as f64;
        self.seen_at = Some(now);
        let hours = ms / MS_PER_HOUR * before.len() as f64;
        let keeps = (-hours / HALF_LIFE_ION_HOURS).exp2();
        let gone = before.iter().filter(|ion| !after.contains(*ion)).count();
        self.departures = self.departures * keeps + gone as f64;
        self.ion_hours = self.ion_hours * keeps + hours;
    }

    /// Departures in an hour of one ion's presence.
    pub fn per_hour(&self) -> f64 {
        self.departures / self.ion_hours
    }

    /// The probability that so many holders all leave within that time, in
    /// milliseconds: between 0 and 1.
    pub fn loss(&self, holders: usize, repair_ms: u64) -> f64 {
        let one = 1.0 - (-self.per_hour() * repair_ms as f64 / MS_PER_HOUR).exp();
        one.powi(i32::try_from(holders).unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ions(count: u8) -> Set<IonId> {
        (0..count).map(|number| IonId::from_bytes([number; 32])).collect()
    }

    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn it_is_a_probability() {
        let churn = Churn::default();
        assert!((churn.loss(0, HOUR_MS) - 1.0).abs() < 1e-12, "who has no holder is lost");
        let expected = 1.0 - (-0.5_f64).exp();
        assert!((churn.loss(1, HOUR_MS) - expected).abs() < 1e-12);
        assert!((churn.loss(3, HOUR_MS) - expected.powi(3)).abs() < 1e-12);
        assert!(churn.loss(1, u64::MAX) <= 1.0);
    }

    #[test]
    fn it_learns_from_what_it_sees() {
        let (mut calm, mut rough) = (Churn::default(), Churn::default());
        for hour in 0..100 {
            let now = Time::from_ms(hour * HOUR_MS);
            calm.pass(now, &ions(10), &ions(10));
            // Each of ten stays for two hours and a half.
            rough.pass(now, &ions(10), &ions(6));
        }
        assert!(calm.per_hour() < 0.001, "{}", calm.per_hour());
        assert!((rough.per_hour() - 0.4).abs() < 0.05, "{}", rough.per_hour());
    }
}
