//! Host names and ports as people and browsers write them, and the multiaddrs
//! that they stand for.
//!
//! Refuses whatever is no host name, IPv4 or bracketed IPv6 address: what a
//! `Host` header says is put into answers and policies. Bounds:
//! [`HOST_CHARS_MAX`].

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use libp2p::{Multiaddr, multiaddr::Protocol};

/// A host name's length, in characters (RFC 1035).
pub const HOST_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;

/// A host, as it stands in a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// A name.
    Name(String),
}

/// A host and, where one was given, a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: Option<u16>,
}

/// The text is no host with an optional port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no host name or IP address with an optional port")]
pub struct NoAuthority;

impl FromStr for Authority {
    type Err = NoAuthority;

    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        let (host, port) = split_port(text)?;
        Ok(Self { host: host.parse()?, port: port.map(read_port).transpose()? })
    }
}

impl FromStr for Host {
    type Err = NoAuthority;

    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return inner.parse().map(Self::V6).map_err(|_| NoAuthority);
        }
        if let Ok(v4) = text.parse() {
            return Ok(Self::V4(v4));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        // A last label of digits is how browsers tell broken IPv4 addresses.
        let ends_in_digits = name.rsplit('.').next().is_some_and(is_digits);
        if name.len() > HOST_CHARS_MAX || ends_in_digits || !name.split('.').all(is_label) {
            return Err(NoAuthority);
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }
}

impl Host {
    /// The host as the first part of a multiaddr.
    pub fn protocol(&self) -> Protocol<'_> {
        match self {
            Self::V4(v4) => Protocol::Ip4(*v4),
            Self::V6(v6) => Protocol::Ip6(*v6),
            Self::Name(name) => Protocol::Dns4(name.into()),
        }
    }

    /// The host that people name so: IPv6 addresses without brackets too.
    pub fn named(text: &str) -> Option<Self> {
        text.parse().map(Self::V6).or_else(|_| text.parse()).ok()
    }

    /// Whether it is this machine, to whoever says it: a loopback address, or
    /// a name that never leaves the machine (RFC 6761).
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::V4(v4) => v4.is_loopback(),
            Self::V6(v6) => v6.to_canonical().is_loopback(),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(v4) => v4.fmt(f),
            Self::V6(v6) => write!(f, "[{v6}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Authority {
    /// The WebSocket at this authority; without a port, the scheme's own.
    pub fn websocket(&self, is_tls: bool) -> Multiaddr {
        let port = self.port.unwrap_or(if is_tls { 443 } else { 80 });
        let scheme = if is_tls { Protocol::Wss("/".into()) } else { Protocol::Ws("/".into()) };
        Multiaddr::from(self.host.protocol()).with(Protocol::Tcp(port)).with(scheme)
    }
}

/// Where other people reach this relay: `http://…` or `https://…`, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    /// Whether it is https.
    pub is_tls: bool,
    /// Host and port.
    pub authority: Authority,
}

impl FromStr for PublicUrl {
    type Err = NoAuthority;

    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        let (scheme, rest) = text.split_once("://").ok_or(NoAuthority)?;
        let is_tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(NoAuthority),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest).parse()?;
        Ok(Self { is_tls, authority })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

/// The first IP address of a multiaddr.
pub fn ip(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(v4) => Some(IpAddr::V4(v4)),
        Protocol::Ip6(v6) => Some(IpAddr::V6(v6)),
        _ => None,
    })
}

/// The origin of a WebSocket multiaddr, as a content security policy names it.
pub fn websocket_origin(address: &Multiaddr) -> Option<String> {
    let mut parts = address.iter();
    let host = match parts.next()? {
        Protocol::Ip4(v4) => Host::V4(v4),
        Protocol::Ip6(v6) => Host::V6(v6),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => name.parse().ok()?,
        _ => return None,
    };
    let Protocol::Tcp(port) = parts.next()? else { return None };
    let scheme = match (parts.next()?, parts.next()) {
        (Protocol::Ws(_), _) => "ws",
        (Protocol::Wss(_), _) | (Protocol::Tls, Some(Protocol::Ws(_))) => "wss",
        _ => return None,
    };
    Some(format!("{scheme}://{host}:{port}"))
}

/// Whether it is where a relay takes WebRTC connections, with the hash of its
/// certificate.
pub fn is_webrtc_direct(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    matches!(parts.next(), Some(Protocol::Ip4(_) | Protocol::Ip6(_)))
        && matches!(parts.next(), Some(Protocol::Udp(_)))
        && matches!(parts.next(), Some(Protocol::WebRTCDirect))
        && matches!(parts.next(), Some(Protocol::Certhash(_)))
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), NoAuthority> {
    if !text.starts_with('[') {
        return Ok(text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))));
    }
    let (host, rest) = text.split_at(text.find(']').ok_or(NoAuthority)? + 1);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(NoAuthority),
    }
}

fn read_port(text: &str) -> Result<u16, NoAuthority> {
    if is_digits(text) { text.parse().map_err(|_| NoAuthority) } else { Err(NoAuthority) }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty()
        && label.len() <= LABEL_CHARS_MAX
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn websocket(text: &str, is_tls: bool) -> Option<String> {
        let authority: Authority = text.parse().ok()?;
        Some(authority.websocket(is_tls).to_string())
    }

    #[test]
    fn hosts_become_addresses() {
        let cases = [
            ("127.0.0.1:8080", false, "/ip4/127.0.0.1/tcp/8080/ws"),
            ("[::1]:8080", false, "/ip6/::1/tcp/8080/ws"),
            ("localhost:8080", false, "/dns4/localhost/tcp/8080/ws"),
            ("Relay.Example", true, "/dns4/relay.example/tcp/443/wss"),
            ("relay.example.", false, "/dns4/relay.example/tcp/80/ws"),
            ("my_pi-2.local:1", true, "/dns4/my_pi-2.local/tcp/1/wss"),
        ];
        for (text, is_tls, expected) in cases {
            assert_eq!(websocket(text, is_tls).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn odd_hosts_are_refused() {
        let long = "a".repeat(LABEL_CHARS_MAX + 1);
        let longest = format!("{}x", "a.".repeat(HOST_CHARS_MAX));
        let odd = [
            "",
            ":80",
            "a b",
            "a/b",
            "a@b",
            "a;b",
            "a'b",
            "a\"b",
            "*",
            "a..b",
            "-a",
            "1.2.3.4.5",
            "256.1.1.1",
            "::1",
            "[::1",
            "[::1]x",
            "[fe80::1%eth0]",
            "a:",
            "a:+1",
            "a:65536",
            "a:80:90",
            "ä.example",
            &long,
            &longest,
        ];
        for text in odd {
            assert_eq!(websocket(text, false), None, "{text}");
        }
    }

    #[test]
    fn public_urls_are_read() {
        let read = |text: &str| text.parse::<PublicUrl>().map(|url| url.to_string());
        assert_eq!(read("https://relay.example/"), Ok("https://relay.example".to_owned()));
        assert_eq!(read("http://[::1]:80"), Ok("http://[::1]:80".to_owned()));
        for wrong in ["relay.example", "ftp://a", "https://a/b", "https://", "https://a?b"] {
            assert_eq!(read(wrong), Err(NoAuthority), "{wrong}");
        }
    }

    #[test]
    fn websocket_addresses_have_an_origin() {
        let origin = |text: &str| websocket_origin(&text.parse().expect("a multiaddr"));
        assert_eq!(origin("/ip4/1.2.3.4/tcp/5/ws").as_deref(), Some("ws://1.2.3.4:5"));
        assert_eq!(origin("/dns4/a.b/tcp/443/tls/ws").as_deref(), Some("wss://a.b:443"));
        assert_eq!(origin("/ip6/::1/tcp/443/wss").as_deref(), Some("wss://[::1]:443"));
        assert_eq!(origin("/ip4/1.2.3.4/tcp/5"), None);
    }
}
