//! So many in a window of time, in all and for one address.
//!
//! Says nothing of time itself: whoever counts says when a window begins.

use std::{collections::BTreeMap, net::IpAddr};

/// Counts those of the present window. What it holds is bounded by how many
/// there may be in all.
pub(crate) struct Rate {
    total_max: u32,
    per_address_max: u32,
    total: u32,
    by_address: BTreeMap<IpAddr, u32>,
}

impl Rate {
    pub(crate) fn new(total_max: u32, per_address_max: u32) -> Self {
        Self { total_max, per_address_max, total: 0, by_address: BTreeMap::new() }
    }

    /// A new window begins.
    pub(crate) fn begin(&mut self) {
        self.total = 0;
        self.by_address.clear();
    }

    /// Counts one for this address, if there may be one more.
    pub(crate) fn admit(&mut self, address: IpAddr) -> bool {
        if self.total >= self.total_max {
            return false;
        }
        let here = self.by_address.entry(address).or_insert(0);
        if *here >= self.per_address_max {
            return false;
        }
        *here += 1;
        self.total += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn one_address_and_all_of_them_have_a_bound_in_each_window() {
        let ip = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
        let mut rate = Rate::new(3, 2);
        let admitted: Vec<bool> = [1, 1, 1, 2, 2, 3].map(|last| rate.admit(ip(last))).into();
        assert_eq!(admitted, [true, true, false, true, false, false]);
        assert_eq!(rate.by_address.len(), 2, "who is refused takes no room");
        rate.begin();
        assert!(rate.admit(ip(1)), "a new window");
        assert_eq!(rate.by_address.len(), 1);
    }
}
