//! The graph of links that both ends hold, and what is measured of it.

use std::collections::{BTreeMap, VecDeque};

/// Who is linked to whom.
#[derive(Clone, Debug)]
pub struct Graph {
    edges: Vec<Vec<usize>>,
    living: Vec<usize>,
}

impl Graph {
    /// Of so many ions, of which those live, with the links of each.
    pub fn of(ions: usize, living: Vec<usize>, edges_of: impl Fn(usize) -> Vec<usize>) -> Self {
        Self { edges: (0..ions).map(edges_of).collect(), living }
    }

    /// For each ion those that it is linked to.
    pub fn edges(&self) -> &[Vec<usize>] {
        &self.edges
    }

    /// For each ion the lowest number of its component; the dead are alone.
    pub fn components(&self) -> Vec<usize> {
        let mut parts = vec![usize::MAX; self.edges.len()];
        for start in 0..self.edges.len() {
            if parts[start] == usize::MAX {
                for (ion, _) in self.reached(start) {
                    parts[ion] = start;
                }
            }
        }
        parts
    }

    /// What keeps the living ions from being one component, if anything.
    pub fn split(&self) -> Option<String> {
        let parts = self.components();
        let mut sizes = BTreeMap::<usize, usize>::new();
        for ion in &self.living {
            *sizes.entry(parts[*ion]).or_default() += 1;
        }
        let mut sizes: Vec<usize> = sizes.into_values().collect();
        sizes.sort_unstable();
        sizes.reverse();
        (sizes.len() > 1).then(|| {
            format!("{} components, the largest of {:?}", sizes.len(), &sizes[..sizes.len().min(5)])
        })
    }

    /// The longest of the shortest ways between living ions, in links.
    pub fn diameter(&self) -> usize {
        let farthest = |start: &usize| self.reached(*start).into_iter().map(|(_, hops)| hops).max();
        self.living.iter().filter_map(farthest).max().unwrap_or(0)
    }

    /// Links of an ion on average, in hundredths.
    pub fn mean_degree_percent(&self) -> usize {
        let links: usize = self.edges.iter().map(Vec::len).sum();
        100 * links / self.living.len().max(1)
    }

    /// Everybody who is reached from `start`, and over how many links.
    fn reached(&self, start: usize) -> Vec<(usize, usize)> {
        let mut seen = vec![false; self.edges.len()];
        let mut found = vec![(start, 0)];
        let mut queue = VecDeque::from([(start, 0)]);
        seen[start] = true;
        while let Some((ion, hops)) = queue.pop_front() {
            for other in &self.edges[ion] {
                if !std::mem::replace(&mut seen[*other], true) {
                    found.push((*other, hops + 1));
                    queue.push_back((*other, hops + 1));
                }
            }
        }
        found
    }
}

/// The middle one of some numbers; 0 of none.
pub fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or(0)
}
