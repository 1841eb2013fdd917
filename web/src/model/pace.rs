//! How fast a job goes: samples of its progress, the rate of late, and the
//! time that is left.

use std::collections::VecDeque;

/// Samples that are kept.
pub const SAMPLES_MAX: usize = 90;
/// The least time between two samples, in milliseconds.
pub const STEP_MS: u64 = 500;
/// How far back "of late" reaches, in samples.
const WINDOW: usize = 10;

/// Progress over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    /// Elapsed milliseconds, and tasks ended by then.
    samples: VecDeque<(u64, u64)>,
}

impl Pace {
    /// Notes how many tasks had ended after so many milliseconds.
    pub fn note(&mut self, elapsed_ms: u64, ended: u64) {
        match self.samples.back() {
            Some(&(last_ms, _)) if elapsed_ms < last_ms + STEP_MS => return,
            Some(_) => {}
            None => self.samples.push_back((0, 0)),
        }
        if elapsed_ms < STEP_MS {
            return;
        }
        self.samples.push_back((elapsed_ms, ended));
        if self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
    }

    /// Tasks a second over the last few seconds; 0 while nothing is known.
    pub fn rate(&self) -> f64 {
        let Some(&(now_ms, now)) = self.samples.back() else { return 0.0 };
        let earliest = self.samples.len().saturating_sub(WINDOW + 1);
        let (then_ms, then) = self.samples[earliest];
        let span_ms = now_ms.saturating_sub(then_ms);
        if span_ms == 0 { 0.0 } else { now.saturating_sub(then) as f64 * 1000.0 / span_ms as f64 }
    }

    /// Milliseconds until `left` more tasks have ended at the present rate;
    /// `None` while there is none.
    pub fn left_ms(&self, left: u64) -> Option<u64> {
        let rate = self.rate();
        if rate <= f64::EPSILON {
            return None;
        }
        let milliseconds = left as f64 * 1000.0 / rate;
        Some(rounded(milliseconds))
    }

    /// Rates between samples, oldest first, as shares of the highest (0 to 1).
    pub fn curve(&self) -> Vec<f64> {
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        let rates: Vec<f64> = pairs
            .map(|(then, now)| (now.1 - then.1.min(now.1)) as f64 / (now.0 - then.0).max(1) as f64)
            .collect();
        let highest = rates.iter().copied().fold(f64::EPSILON, f64::max);
        rates.into_iter().map(|rate| rate / highest).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive, and casts from floats saturate"
)]
fn rounded(milliseconds: f64) -> u64 {
    milliseconds.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_late() {
        let mut pace = Pace::default();
        for second in 1..=60 {
            // Ten a second for half a minute, then one a second.
            let ended = if second <= 30 { second * 10 } else { 300 + second - 30 };
            pace.note(second * 1000, ended);
        }
        assert!((pace.rate() - 1.0).abs() < 0.01, "{}", pace.rate());
        assert_eq!(pace.left_ms(5), Some(5_000));
        assert!((pace.curve()[0] - 1.0).abs() < 0.01);
    }

    #[test]
    fn nothing_known_is_no_guess() {
        let mut pace = Pace::default();
        assert_eq!(pace.left_ms(5), None);
        pace.note(1_000, 0);
        assert_eq!(pace.left_ms(5), None);
        assert!(pace.curve().iter().all(|rate| rate.abs() < f64::EPSILON));
    }

    #[test]
    fn samples_are_bounded() {
        let mut pace = Pace::default();
        for step in 0..10_000 {
            pace.note(step * 100, step);
        }
        assert_eq!(pace.curve().len(), SAMPLES_MAX - 1);
    }
}
