//! Counts what lasts (connections) and refuses what would be too many.
//!
//! Two bounds: in total and for one remote address. IPv6 addresses count by
//! their first 64 bits, since one household or class has all of those.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Who is here. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Census {
    counts: Arc<Mutex<Counts>>,
    total_max: u32,
    per_address_max: u32,
}

#[derive(Debug, Default)]
struct Counts {
    total: u32,
    by_address: BTreeMap<IpAddr, u32>,
}

/// Counts one until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    counts: Arc<Mutex<Counts>>,
    address: IpAddr,
}

impl Census {
    /// An empty one; a bound of 0 means none.
    pub(crate) fn new(total_max: u32, per_address_max: u32) -> Self {
        Self { counts: Arc::default(), total_max, per_address_max }
    }

    /// Counts one from this address, or nothing where a bound is met.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Ticket> {
        let address = group(address);
        let mut counts = lock(&self.counts);
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        let is_full = |count, max| max != 0 && count >= max;
        if is_full(counts.total, self.total_max) || is_full(here, self.per_address_max) {
            return None;
        }
        counts.total += 1;
        counts.by_address.insert(address, here + 1);
        drop(counts);
        Some(Ticket { counts: Arc::clone(&self.counts), address })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.total -= 1;
        let here = counts.by_address.remove(&self.address).unwrap_or(0);
        if here > 1 {
            counts.by_address.insert(self.address, here - 1);
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address that stands for its household.
pub(crate) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let bits = v6.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    #[test]
    fn one_address_and_all_of_them_have_a_bound() {
        let census = Census::new(3, 2);
        let first = census.admit(ip("10.0.0.1")).expect("there is room");
        let _second = census.admit(ip("10.0.0.1")).expect("there is room");
        assert!(census.admit(ip("10.0.0.1")).is_none(), "the address is full");
        let _other = census.admit(ip("10.0.0.2")).expect("another address has room");
        assert!(census.admit(ip("10.0.0.3")).is_none(), "all is full");
        drop(first);
        assert!(census.admit(ip("10.0.0.1")).is_some(), "a place is free again");
        assert_eq!(lock(&census.counts).total, 2);
    }

    #[test]
    fn zero_means_no_bound() {
        let census = Census::new(0, 0);
        let tickets: Vec<_> = (0..100).filter_map(|_| census.admit(ip("::1"))).collect();
        assert_eq!(tickets.len(), 100);
    }

    #[test]
    fn a_household_is_one_address() {
        assert_eq!(group(ip("2001:db8::1")), group(ip("2001:db8::ffff:1")));
        assert_ne!(group(ip("2001:db8::1")), group(ip("2001:db8:0:1::1")));
        assert_eq!(group(ip("::ffff:10.0.0.1")), ip("10.0.0.1"));
    }
}
