//! The log of the last attempts to connect.

use std::collections::VecDeque;

use super::event::{ATTEMPTS_MAX, AttemptView};
use crate::platform::Time;

/// The least time between two tellings, in milliseconds.
const TOLD_MS: u64 = 1_000;

/// The newest attempts, at most [`ATTEMPTS_MAX`].
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// Newest first.
    attempts: VecDeque<AttemptView>,
    has_changed: bool,
    told_at: Option<Time>,
}

impl Attempts {
    /// Remembers one.
    pub(super) fn note(&mut self, attempt: AttemptView) {
        self.attempts.push_front(attempt);
        self.attempts.truncate(ATTEMPTS_MAX);
        self.has_changed = true;
    }

    /// Why the last one of a way failed; `None` if it did not, or there was none.
    pub(super) fn last_problem(&self, way: &str) -> Option<&str> {
        let last = self.attempts.iter().find(|attempt| attempt.way == way)?;
        (!last.problem.is_empty()).then_some(last.problem.as_str())
    }

    /// All of them, when there is something new and it was not told a moment ago.
    pub(super) fn news(&mut self, now: Time) -> Option<Vec<AttemptView>> {
        let is_due = self.told_at.is_none_or(|at| now.since_ms(at) >= TOLD_MS);
        if !self.has_changed || !is_due {
            return None;
        }
        self.has_changed = false;
        self.told_at = Some(now);
        Some(self.attempts.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(at_ms: u64) -> AttemptView {
        let (with, way) = ("quiet-heron".to_owned(), "direct".to_owned());
        AttemptView { at_ms, with, way, took_ms: 3, problem: String::new() }
    }

    #[test]
    fn the_newest_are_told_first_and_no_more_than_bounded() {
        let mut attempts = Attempts::default();
        let count = ATTEMPTS_MAX as u64 + 5;
        for at in 0..count {
            attempts.note(attempt(at));
        }
        let told = attempts.news(Time::from_ms(0)).expect("there is news");
        assert_eq!(told.len(), ATTEMPTS_MAX);
        assert_eq!(told[0].at_ms, count - 1);
        assert_eq!(attempts.news(Time::from_ms(5_000)), None, "nothing is new");
    }

    #[test]
    fn the_last_of_a_way_says_why_it_failed() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.last_problem("direct"), None);
        attempts.note(AttemptView { problem: "Nobody answered.".to_owned(), ..attempt(1) });
        attempts.note(AttemptView { way: "relayed".to_owned(), ..attempt(2) });
        assert_eq!(attempts.last_problem("direct"), Some("Nobody answered."));
        attempts.note(attempt(3));
        assert_eq!(attempts.last_problem("direct"), None, "the last one did not fail");
    }

    #[test]
    fn news_are_told_once_a_second() {
        let mut attempts = Attempts::default();
        attempts.note(attempt(1));
        assert!(attempts.news(Time::from_ms(10)).is_some());
        attempts.note(attempt(2));
        assert!(attempts.news(Time::from_ms(20)).is_none());
        assert!(attempts.news(Time::from_ms(10 + TOLD_MS)).is_some());
    }
}
