//! The network that a registration comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that one party can easily have many of: an IPv4 /24, an IPv6
/// /48.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::rendezvous) struct Origin(IpAddr);

impl Origin {
    /// The network of an address.
    pub(in crate::rendezvous) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8))),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_of_one_network() {
        let origin = |text: &str| Origin::of(text.parse().expect("it is an address"));
        assert_eq!(origin("10.1.2.3"), origin("::ffff:10.1.2.250"));
        assert_ne!(origin("10.1.2.3"), origin("10.1.3.3"));
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:ffff::2"));
        assert_ne!(origin("2001:db8:1::1"), origin("2001:db8:2::1"));
    }
}
