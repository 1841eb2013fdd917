//! Problems that the user has not dismissed: the newest few, each once.

use node_core::node::Problem;

/// How many are kept; older ones go first.
pub const PROBLEMS_MAX: usize = 4;

/// The problems shown, oldest first, each with a number that names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    shown: Vec<(u64, Problem)>,
    next: u64,
}

impl News {
    /// Adds a problem, unless it is shown already.
    pub fn add(&mut self, problem: Problem) {
        if self.shown.iter().any(|(_, known)| *known == problem) {
            return;
        }
        self.shown.push((self.next, problem));
        self.next += 1;
        if self.shown.len() > PROBLEMS_MAX {
            self.shown.remove(0);
        }
    }

    /// Takes one away.
    pub fn dismiss(&mut self, number: u64) {
        self.shown.retain(|(known, _)| *known != number);
    }

    /// Takes the newest away; whether there was one.
    pub fn dismiss_newest(&mut self) -> bool {
        self.shown.pop().is_some()
    }

    /// What is shown, oldest first.
    pub fn shown(&self) -> &[(u64, Problem)] {
        &self.shown
    }
}

/// A problem in three parts.
pub fn problem(what: &str, why: &str, remedy: &str) -> Problem {
    Problem { what: what.to_owned(), why: why.to_owned(), remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_once_until_dismissed() {
        let mut news = News::default();
        news.add(problem("a", "b", "c"));
        news.add(problem("a", "b", "c"));
        assert_eq!(news.shown().len(), 1);
        let number = news.shown()[0].0;
        news.dismiss(number);
        assert!(news.shown().is_empty());
        news.add(problem("a", "b", "c"));
        assert_ne!(news.shown()[0].0, number);
    }

    #[test]
    fn only_the_newest_few_stay() {
        let mut news = News::default();
        for number in 0..10 {
            news.add(problem(&number.to_string(), "", ""));
        }
        assert_eq!(news.shown().len(), PROBLEMS_MAX);
        assert_eq!(news.shown()[PROBLEMS_MAX - 1].1.what, "9");
    }
}
