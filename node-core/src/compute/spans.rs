//! Which tasks of a job: runs of numbers that do not touch.

use std::ops::Range;

/// Numbers from a first one up to one that does not belong to it any more.
pub type Span = Range<u64>;

/// A set of numbers, kept as runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// Adds a run; what is there already makes no difference, and an empty run none.
    pub fn insert(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        // All that it overlaps or touches becomes one with it.
        let first = self.0.partition_point(|run| run.end < span.start);
        let last = self.0.partition_point(|run| run.start <= span.end);
        let touched = &self.0[first..last];
        let start = touched.first().map_or(span.start, |run| run.start.min(span.start));
        let end = touched.last().map_or(span.end, |run| run.end.max(span.end));
        self.0.splice(first..last, std::iter::once(start..end));
    }

    /// Where the run ends that a number is in; `None` where it is in none.
    pub fn end_of(&self, number: u64) -> Option<u64> {
        let place = self.0.partition_point(|run| run.end <= number);
        self.0.get(place).filter(|run| run.start <= number).map(|run| run.end)
    }

    /// Whether a number belongs to it.
    pub fn contains(&self, number: u64) -> bool {
        self.end_of(number).is_some()
    }

    /// Whether all numbers of a run belong to it.
    pub fn covers(&self, span: &Span) -> bool {
        span.is_empty() || self.end_of(span.start).is_some_and(|end| end >= span.end)
    }

    /// How many numbers there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|run| run.end - run.start).sum()
    }

    /// The runs, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = &Span> {
        self.0.iter()
    }
}

impl FromIterator<Span> for Spans {
    fn from_iter<I: IntoIterator<Item = Span>>(runs: I) -> Self {
        let mut spans = Self::default();
        runs.into_iter().for_each(|run| spans.insert(run));
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::sim::Rng;
    use std::collections::BTreeSet;

    #[test]
    fn runs_that_touch_become_one() {
        let spans: Spans = [5..7, 0..2, 9..9, 2..3, 6..9, 20..21].into_iter().collect();
        assert_eq!(spans.iter().cloned().collect::<Vec<_>>(), [0..3, 5..9, 20..21]);
        assert_eq!((spans.end_of(2), spans.end_of(3), spans.end_of(8)), (Some(3), None, Some(9)));
        assert!(spans.covers(&(5..9)) && !spans.covers(&(2..6)) && spans.covers(&(4..4)));
    }

    #[test]
    fn it_is_the_set_of_all_that_was_put_in() {
        let mut rng = Rng::new(1);
        for _ in 0..200 {
            let (mut spans, mut model) = (Spans::default(), BTreeSet::new());
            for _ in 0..rng.below(12) {
                let start = rng.below(40);
                let end = start + rng.below(12);
                spans.insert(start..end);
                model.extend(start..end);
            }
            assert_eq!(spans.count(), model.len() as u64);
            assert!((0..60).all(|one| spans.contains(one) == model.contains(&one)));
            let apart = spans.0.windows(2).all(|pair| pair[0].end < pair[1].start);
            assert!(apart, "{spans:?}");
        }
    }
}
