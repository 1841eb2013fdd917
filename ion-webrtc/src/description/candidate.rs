//! Candidates: where a peer may be reached, as RFC 8839 writes them.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// What kind of address a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateKind {
    /// An address of the machine itself.
    Host,
    /// Its address as a STUN server saw it.
    ServerReflexive,
    /// Its address as the other side saw it.
    PeerReflexive,
    /// An address of a TURN server.
    Relay,
}

impl CandidateKind {
    pub(super) const ALL: [Self; 4] =
        [Self::Host, Self::ServerReflexive, Self::PeerReflexive, Self::Relay];

    /// As SDPs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relay => "relay",
        }
    }
}

/// Where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// An address that can be reached as it is.
    Ip(IpAddr),
    /// A random name that hides a local address: the UUID before `.local`.
    Mdns([u8; 16]),
}

/// One way that leads to a peer, over UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Whose address it is.
    pub kind: CandidateKind,
    /// The address.
    pub address: Address,
    /// The UDP port.
    pub port: u16,
    /// Which to try first: higher ones.
    pub priority: u32,
}

impl Candidate {
    /// Reads `candidate:…`, with or without `a=` before it; `None` for what is
    /// malformed, not UDP, or has another name than mDNS gives.
    pub fn from_line(line: &str) -> Option<Self> {
        let line = line.strip_prefix("a=").unwrap_or(line).strip_prefix("candidate:")?;
        let words: Vec<&str> = line.split_ascii_whitespace().take(8).collect();
        let [_, component, protocol, priority, address, port, "typ", kind] = words[..] else {
            return None;
        };
        if component != "1" || !protocol.eq_ignore_ascii_case("udp") {
            return None;
        }
        Some(Self {
            kind: CandidateKind::ALL.into_iter().find(|one| one.name() == kind)?,
            address: Address::from_text(address)?,
            port: port.parse().ok().filter(|port| *port != 0)?,
            priority: priority.parse().ok()?,
        })
    }

    /// The candidate as browsers write it, without `a=`. Foundations are made
    /// up: only what differs in kind or family has a different one.
    pub fn to_line(&self) -> String {
        let foundation = self.foundation();
        let Self { port, priority, .. } = self;
        let address = self.address.to_text();
        let kind = self.kind.name();
        let mut line =
            format!("candidate:{foundation} 1 udp {priority} {address} {port} typ {kind}");
        if self.kind != CandidateKind::Host {
            line.push_str(" raddr 0.0.0.0 rport 0");
        }
        line
    }

    fn foundation(&self) -> u32 {
        let family = match self.address {
            Address::Ip(IpAddr::V4(_)) => 0,
            Address::Ip(IpAddr::V6(_)) => 1,
            Address::Mdns(_) => 2,
        };
        1 + self.kind as u32 * 3 + family
    }
}

impl Address {
    fn from_text(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Ip(address));
        }
        let name = text.strip_suffix(".local")?;
        let hyphens = [8, 13, 18, 23];
        let is_uuid = name.len() == 36 && name.is_ascii();
        if !is_uuid || hyphens.iter().any(|place| name.as_bytes()[*place] != b'-') {
            return None;
        }
        let digits: String = name.split('-').collect();
        if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(|number| Self::Mdns(number.to_be_bytes()))
    }

    /// The address as browsers write it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Ip(address) => address.to_string(),
            Self::Mdns(bytes) => {
                let mut name = String::with_capacity(42);
                for (place, byte) in bytes.iter().enumerate() {
                    if [4, 6, 8, 10].contains(&place) {
                        name.push('-');
                    }
                    write!(name, "{byte:02x}").expect("a string takes all that is written");
                }
                name.push_str(".local");
                name
            }
        }
    }

    pub(super) fn bytes(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Ip(IpAddr::V4(address)) => (0, address.octets().to_vec()),
            Self::Ip(IpAddr::V6(address)) => (1, address.octets().to_vec()),
            Self::Mdns(bytes) => (2, bytes.to_vec()),
        }
    }

    pub(super) fn of_bytes(family: u8, bytes: &[u8]) -> Option<Self> {
        match family {
            0 => <[u8; 4]>::try_from(bytes).ok().map(|four| Self::Ip(Ipv4Addr::from(four).into())),
            1 => <[u8; 16]>::try_from(bytes).ok().map(|all| Self::Ip(Ipv6Addr::from(all).into())),
            2 => <[u8; 16]>::try_from(bytes).ok().map(Self::Mdns),
            _ => None,
        }
    }
}
