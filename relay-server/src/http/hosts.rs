//! Which hosts a relay answers for.
//!
//! A relay that listens on this machine only answers for this machine's own
//! names and those that the operator named. Otherwise any web page could, by
//! pointing its own name at 127.0.0.1 (DNS rebinding), read from a private
//! relay what its open nebula's invitation is. Where others can reach the relay
//! anyway, it answers for every name.

use std::net::IpAddr;

use crate::address::{Authority, Host};

/// The hosts that are answered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// Every one.
    Any,
    /// This machine's own, and these.
    Own(Vec<Host>),
}

impl Hosts {
    /// Those of a relay that listens there, and that the operator gave these
    /// names.
    pub(crate) fn new(listen: IpAddr, named: Vec<Host>) -> Self {
        if listen.to_canonical().is_loopback() { Self::Own(named) } else { Self::Any }
    }

    /// Whether it is answered. A request without a host comes from no browser.
    pub(super) fn admit(&self, host: Option<&Authority>, is_given: bool) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Own(named), Some(Authority { host, .. })) => {
                host.is_loopback() || named.contains(host)
            }
            (Self::Own(_), None) => !is_given,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(hosts: &Hosts, text: &str) -> bool {
        hosts.admit(text.parse().ok().as_ref(), true)
    }

    #[test]
    fn a_private_relay_answers_for_this_machine_and_its_names() {
        let named = vec!["pi.local".parse().expect("it is a host")];
        for listen in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9"] {
            let hosts = Hosts::new(listen.parse().expect("it is an address"), named.clone());
            for own in ["127.0.0.1:1", "localhost", "LOCALHOST.:80", "a.localhost", "[::1]:9"] {
                assert!(admits(&hosts, own), "{own}");
            }
            assert!(admits(&hosts, "PI.local:8080"));
            for other in ["evil.example", "localhost.evil.example", "10.0.0.1", "-a.b", "0.0.0.0"] {
                assert!(!admits(&hosts, other), "{other}");
            }
            assert!(hosts.admit(None, false), "no browser asks without a host");
        }
    }

    #[test]
    fn a_relay_for_others_answers_for_every_name() {
        for listen in ["0.0.0.0", "::", "10.0.0.1"] {
            let hosts = Hosts::new(listen.parse().expect("it is an address"), Vec::new());
            assert!(admits(&hosts, "any.example"), "{listen}");
        }
    }
}
