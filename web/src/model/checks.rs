//! The self-test's steps and the log of attempts, in words, and as text to copy.

use std::fmt::Write;

use node_core::node::event::{AttemptView, CheckState, CheckView};

use super::{
    format::{ago, duration},
    words::Meaning,
};

/// A step's state: its meaning and its word.
pub fn state(state: CheckState) -> (Meaning, &'static str) {
    match state {
        CheckState::Running => (Meaning::Waiting, "testing"),
        CheckState::Good => (Meaning::Good, "works"),
        CheckState::Bad => (Meaning::Bad, "does not work"),
        CheckState::Skipped => (Meaning::Waiting, "not tested"),
    }
}

/// What the steps so far come to, in a sentence.
pub fn summary(checks: &[CheckView]) -> String {
    let count = |wanted| checks.iter().filter(|check| check.state == wanted).count();
    let (bad, skipped) = (count(CheckState::Bad), count(CheckState::Skipped));
    if is_running(checks) {
        let done = checks.len() - count(CheckState::Running);
        return format!("Testing; {done} of {} steps done.", checks.len());
    }
    match (bad, skipped) {
        (0, 0) => "Everything works.".to_owned(),
        (0, 1) => "What could be tested works; 1 step was not tested.".to_owned(),
        (0, skipped) => format!("What could be tested works; {skipped} steps were not tested."),
        (1, _) => "1 step does not work.".to_owned(),
        (bad, _) => format!("{bad} steps do not work."),
    }
}

/// Whether a step is still to end.
pub fn is_running(checks: &[CheckView]) -> bool {
    checks.iter().any(|check| check.state == CheckState::Running)
}

/// The self-test as text, to be sent to whoever helps.
pub fn text(checks: &[CheckView]) -> String {
    let mut text = String::from("Ionosphere, test of the connection\n");
    for check in checks {
        let (_, word) = state(check.state);
        write!(text, "{}: {word}", check.what).expect("a string takes all text");
        if !check.detail.is_empty() {
            write!(text, ". {}", check.detail).expect("a string takes all text");
        }
        text.push('\n');
    }
    text
}

/// How an attempt ended: its meaning and its word.
pub fn outcome(attempt: &AttemptView) -> (Meaning, &'static str) {
    if attempt.problem.is_empty() { (Meaning::Good, "connected") } else { (Meaning::Bad, "failed") }
}

/// When an attempt ended, by the ion's clock: in words, and exactly.
pub fn when(attempt: &AttemptView, ion_clock_ms: u64) -> (String, String) {
    let since = ion_clock_ms.saturating_sub(attempt.at_ms);
    (ago(since), format!("{} ago", duration(since)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: &str, state: CheckState, detail: &str) -> CheckView {
        CheckView { what: what.to_owned(), state, detail: detail.to_owned() }
    }

    #[test]
    fn a_test_is_told_as_far_as_it_has_come() {
        let mut checks = vec![
            check("Relay", CheckState::Good, "It answers in 4 ms."),
            check("Signaling", CheckState::Running, ""),
        ];
        assert!(is_running(&checks));
        assert_eq!(summary(&checks), "Testing; 1 of 2 steps done.");
        checks[1].state = CheckState::Good;
        assert_eq!(summary(&checks), "Everything works.");
        checks[1].state = CheckState::Skipped;
        assert_eq!(summary(&checks), "What could be tested works; 1 step was not tested.");
        checks[1].state = CheckState::Bad;
        assert_eq!(summary(&checks), "1 step does not work.");
    }

    #[test]
    fn a_test_can_be_sent_to_whoever_helps() {
        let checks = [
            check("Relay", CheckState::Good, "It answers in 4 ms."),
            check("Direct link", CheckState::Skipped, ""),
        ];
        let expected = "Ionosphere, test of the connection\nRelay: works. It answers in 4 ms.\n\
                        Direct link: not tested\n";
        assert_eq!(text(&checks), expected);
    }

    #[test]
    fn an_attempt_says_when_and_how_it_ended() {
        let attempt = AttemptView {
            at_ms: 10_000,
            with: "quiet-heron".to_owned(),
            way: "direct".to_owned(),
            took_ms: 312,
            problem: String::new(),
        };
        assert_eq!(outcome(&attempt), (Meaning::Good, "connected"));
        let (relative, exact) = when(&attempt, 135_000);
        assert_eq!((relative.as_str(), exact.as_str()), ("2 min ago", "2 min 05 s ago"));
        assert_eq!(when(&attempt, 0).0, "just now");
        let failed = AttemptView { problem: "It does not answer.".to_owned(), ..attempt };
        assert_eq!(outcome(&failed), (Meaning::Bad, "failed"));
    }
}
