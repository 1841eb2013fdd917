//! What a simulated nebula is like.

use crate::network::overlay::Limits;

/// What a nebula is like.
#[derive(Clone, Copy, Debug)]
pub struct NebulaOptions {
    /// Every ion's limits.
    pub limits: Limits,
    /// Ions behind an address translator, in percent: no two of them can link.
    pub hidden_percent: u64,
    /// Frames with which a connection breaks, of a million.
    pub breaks_per_million: u64,
    /// The most that a frame takes, in milliseconds; neighbours take a few.
    pub latency_ms_max: u64,
    /// Whether all are tabs of one browser, which hear each other without any relay.
    pub is_one_browser: bool,
}

impl Default for NebulaOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            hidden_percent: 20,
            breaks_per_million: 20,
            latency_ms_max: 150,
            is_one_browser: false,
        }
    }
}
