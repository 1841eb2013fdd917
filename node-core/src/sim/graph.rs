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

    /// How many living ions each component has, the largest first.
    pub fn part_sizes(&self) -> Vec<usize> {
        let parts = self.components();
        let mut sizes = BTreeMap::<usize, usize>::new();
        for ion in &self.living {
            *sizes.entry(parts[*ion]).or_default() += 1;
        }
        let mut sizes: Vec<usize> = sizes.into_values().collect();
        sizes.sort_unstable();
        sizes.reverse();
        sizes
    }

    /// What keeps the living ions from being one component, if anything.
    pub fn split(&self) -> Option<String> {
        let sizes = self.part_sizes();
        (sizes.len() > 1).then(|| {
            format!("{} components, the largest of {:?}", sizes.len(), &sizes[..sizes.len().min(5)])
        })
    }

    /// Whether there is a way from one ion to another.
    pub fn connects(&self, one: usize, other: usize) -> bool {
        self.reached(one).into_iter().any(|(ion, _)| ion == other)
    }

    /// Whether any two living ions between which this graph has a way have one in
    /// the other too.
    pub fn is_kept_by(&self, other: &Self) -> bool {
        let (before, now) = (self.components(), other.components());
        let mut parts = BTreeMap::new();
        self.living.iter().all(|ion| *parts.entry(before[*ion]).or_insert(now[*ion]) == now[*ion])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(usize, usize)]) -> Graph {
        let others = |ion: usize| {
            let ways = edges.iter().flat_map(|(one, other)| [(*one, *other), (*other, *one)]);
            ways.filter(|(from, _)| *from == ion).map(|(_, to)| to).collect()
        };
        Graph::of(5, vec![0, 1, 2, 3], others)
    }

    #[test]
    fn ways_are_kept_where_no_component_falls_apart() {
        let before = graph(&[(0, 1), (2, 3)]);
        assert!(before.connects(0, 1) && !before.connects(1, 2));
        assert_eq!(before.part_sizes(), [2, 2]);
        assert!(before.is_kept_by(&graph(&[(1, 0), (1, 2), (3, 2)])));
        assert!(before.is_kept_by(&graph(&[(0, 2), (2, 1), (2, 3)])));
        assert!(!before.is_kept_by(&graph(&[(0, 2), (2, 3)])));
    }
}
