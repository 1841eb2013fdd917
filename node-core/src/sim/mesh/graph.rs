//! The graph of links that both ends hold, and what is measured of it.

use std::collections::VecDeque;

use super::MeshWorld;

impl MeshWorld {
    /// For each ion those that it is linked to, where both ends say so.
    pub fn edges(&self) -> Vec<Vec<usize>> {
        (0..self.peers.len()).map(|ion| self.edges_of(ion)).collect()
    }

    fn edges_of(&self, ion: usize) -> Vec<usize> {
        if !self.peers[ion].is_alive {
            return Vec::new();
        }
        let own = self.peers[ion].id;
        let others = self.peers[ion].overlay.links().keys().filter_map(|id| self.by_id.get(id));
        let is_mutual = |other: &usize| {
            let peer = &self.peers[*other];
            peer.is_alive
                && peer.side == self.peers[ion].side
                && peer.overlay.links().contains_key(&own)
        };
        others.copied().filter(is_mutual).collect()
    }

    /// For each ion the lowest number of its component; the dead are alone.
    pub fn components(&self) -> Vec<usize> {
        let edges = self.edges();
        let mut parts = vec![usize::MAX; edges.len()];
        for start in 0..edges.len() {
            if parts[start] == usize::MAX {
                for (ion, _) in reached(&edges, start) {
                    parts[ion] = start;
                }
            }
        }
        parts
    }

    /// What keeps the living ions from being one component, if anything.
    pub fn split(&self) -> Option<String> {
        let parts = self.components();
        let mut sizes = std::collections::BTreeMap::<usize, usize>::new();
        for ion in self.living() {
            *sizes.entry(parts[ion]).or_default() += 1;
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
        let edges = self.edges();
        let farthest = |start| reached(&edges, start).into_iter().map(|(_, hops)| hops).max();
        self.living().into_iter().filter_map(farthest).max().unwrap_or(0)
    }

    /// Links of an ion on average, in hundredths.
    pub fn mean_degree_percent(&self) -> usize {
        let links: usize = self.edges().iter().map(Vec::len).sum();
        100 * links / self.living().len().max(1)
    }

    /// Links that only one end holds.
    pub fn one_sided(&self) -> usize {
        let held: usize =
            self.living().iter().map(|ion| self.peers[*ion].overlay.links().len()).sum();
        held - self.edges().iter().map(Vec::len).sum::<usize>()
    }

    /// The median latency of a link's nearer half, and of all pairs, in milliseconds.
    pub fn nearness_ms(&self) -> (u64, u64) {
        let edges = self.edges();
        let mut links: Vec<u64> = Vec::new();
        let mut pairs: Vec<u64> = Vec::new();
        let living = self.living();
        for (place, ion) in living.iter().enumerate() {
            let mut own: Vec<u64> =
                edges[*ion].iter().map(|other| self.latency_ms(*ion, *other)).collect();
            own.sort_unstable();
            links.extend(&own[..own.len() / 2]);
            pairs.push(self.latency_ms(*ion, living[(place + living.len() / 2) % living.len()]));
        }
        (median(links), median(pairs))
    }
}

fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or(0)
}

/// Everybody who is reached from `start`, and over how many links.
fn reached(edges: &[Vec<usize>], start: usize) -> Vec<(usize, usize)> {
    let mut seen = vec![false; edges.len()];
    let mut found = vec![(start, 0)];
    let mut queue = VecDeque::from([(start, 0)]);
    seen[start] = true;
    while let Some((ion, hops)) = queue.pop_front() {
        for other in &edges[ion] {
            if !std::mem::replace(&mut seen[*other], true) {
                found.push((*other, hops + 1));
                queue.push_back((*other, hops + 1));
            }
        }
    }
    found
}
