//! What is measured of the graph of links that both ends hold.

use super::MeshWorld;
use crate::sim::graph::{Graph, median};

impl MeshWorld {
    /// The graph of links that both ends hold.
    pub fn graph(&self) -> Graph {
        Graph::of(self.peers.len(), self.living(), |ion| self.edges_of(ion))
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

    /// What keeps the living ions from being one component, if anything.
    pub fn split(&self) -> Option<String> {
        self.graph().split()
    }

    /// The median latency of a link's nearer half, and of all pairs, in milliseconds.
    pub fn nearness_ms(&self) -> (u64, u64) {
        let graph = self.graph();
        let mut links: Vec<u64> = Vec::new();
        let mut pairs: Vec<u64> = Vec::new();
        let living = self.living();
        for (place, ion) in living.iter().enumerate() {
            let mut own: Vec<u64> =
                graph.edges()[*ion].iter().map(|other| self.latency_ms(*ion, *other)).collect();
            own.sort_unstable();
            links.extend(&own[..own.len() / 2]);
            pairs.push(self.latency_ms(*ion, living[(place + living.len() / 2) % living.len()]));
        }
        (median(links), median(pairs))
    }
}
