//! How many tasks of a job a guest worker is given at once.
//!
//! A message there and back costs more than a short task does, and a long task is to
//! wait for nobody. So the first tasks go one by one; the number doubles while a guest
//! worker is through with them in half of [`TURN_MS`], and falls to what fits there as
//! soon as they took longer.
//!
//! Bounds: [`AT_ONCE_MAX`] tasks.

/// How long a guest worker is to be busy with what it is given at once, in
/// milliseconds.
pub(super) const TURN_MS: u64 = 20;
/// Tasks that a guest worker is given at once.
pub(super) const AT_ONCE_MAX: usize = 64;

/// What was seen of a job's tasks.
#[derive(Debug)]
pub(super) struct Pace {
    at_once: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: 1 }
    }
}

impl Pace {
    /// How many to give.
    pub(super) fn at_once(&self) -> usize {
        self.at_once
    }

    /// A guest worker was given so many tasks, and took so long for them.
    pub(super) fn note(&mut self, took_ms: u64, tasks: usize) {
        if took_ms > TURN_MS {
            let fit = (tasks as u64).saturating_mul(TURN_MS) / took_ms;
            self.at_once = usize::try_from(fit).unwrap_or(AT_ONCE_MAX).clamp(1, AT_ONCE_MAX);
        } else if took_ms <= TURN_MS / 2 && tasks >= self.at_once {
            // Fewer at once tell nothing of more.
            self.at_once = (self.at_once * 2).min(AT_ONCE_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tasks_go_ever_more_at_once() {
        let mut pace = Pace::default();
        let mut given = Vec::new();
        for _ in 0..8 {
            given.push(pace.at_once());
            pace.note(TURN_MS / 2, pace.at_once());
        }
        assert_eq!(given, [1, 2, 4, 8, 16, 32, 64, 64]);
    }

    #[test]
    fn only_as_many_go_at_once_as_are_done_in_time() {
        let mut pace = Pace { at_once: 32 };
        pace.note(TURN_MS * 4, 32);
        assert_eq!(pace.at_once(), 8);
        pace.note(TURN_MS, 8);
        assert_eq!(pace.at_once(), 8, "twice as many would take too long");
        pace.note(60_000, 8);
        assert_eq!(pace.at_once(), 1);
        pace.note(u64::MAX, usize::MAX);
        assert_eq!(pace.at_once(), 1);
    }

    #[test]
    fn a_few_short_tasks_say_nothing_of_many() {
        let mut pace = Pace { at_once: 16 };
        pace.note(1, 4);
        assert_eq!(pace.at_once(), 16);
    }
}
