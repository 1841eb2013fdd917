//! What a simulated mesh is like.

use crate::network::overlay::Limits;

/// What a mesh is like.
#[derive(Clone, Copy, Debug)]
pub struct MeshOptions {
    /// Every ion's limits.
    pub limits: Limits,
    /// Ions behind an address translator, in percent: no two of them can link.
    pub hidden_percent: u64,
    /// Messages that are lost, of ten thousand.
    pub loss_per_ten_thousand: u64,
    /// Ions that a directory lacks between two surveys, each another, of ten
    /// thousand.
    pub unheard_per_ten_thousand: u64,
    /// The most that a message takes, in milliseconds; neighbours take a few.
    pub latency_ms_max: u64,
}

impl Default for MeshOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            hidden_percent: 20,
            loss_per_ten_thousand: 5,
            unheard_per_ten_thousand: 100,
            latency_ms_max: 150,
        }
    }
}
