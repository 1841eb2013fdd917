//! What a page is told by the relay that serves it: `/bootstrap.json`.
//!
//! Whatever is not of the right form, too long or too much is refused or left
//! out here, so that nobody behind need ask: a browser, for one, takes no
//! connection at all when one server of a list is wrong.

use serde::{Deserialize, Serialize};

/// The version that this code writes and reads.
pub const VERSION: u32 = 1;
/// The document's length, in bytes.
pub const BOOTSTRAP_BYTES_MAX: usize = 16 << 10;
/// Relays that an ion uses.
pub const RELAYS_MAX: usize = 8;
/// Addresses of relays that are taken from the document; one relay has several.
pub const ADDRESSES_MAX: usize = 4 * RELAYS_MAX;
/// STUN and TURN servers that are taken from it.
pub const ICE_SERVERS_MAX: usize = 8;
/// URLs of one such server.
pub const ICE_URLS_MAX: usize = 4;
/// A URL, a user's name or a credential, in bytes.
pub const ICE_BYTES_MAX: usize = 512;

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// The document's version.
    pub version: u32,
    /// Relay addresses, whole, with `/p2p/…`, nearest first. Those of one relay
    /// stand together, the one that every ion can use first.
    pub relays: Vec<String>,
    /// The open nebula's invitation, if the relay offers one.
    pub nebula: Option<String>,
    /// URLs of the relay's own STUN server, at most one of which is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stun: Vec<String>,
    /// Further STUN and TURN servers that the relay's operator named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ice_servers: Vec<IceServer>,
}

/// A STUN or TURN server, in the words of browsers (`RTCIceServer`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// Its URLs (RFC 7064 and 7065).
    pub urls: Vec<String>,
    /// The name by which TURN knows its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Why something is no STUN or TURN server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IceError {
    /// It is not written as one.
    #[error("this is no STUN or TURN server")]
    Form,
    /// It has no URL or too many.
    #[error("a server has 1 to {ICE_URLS_MAX} URLs")]
    Count,
    /// Something in it is empty or too long.
    #[error("URL, name and credential have 1 to {ICE_BYTES_MAX} bytes")]
    Length,
    /// A TURN server comes without what it asks of its users.
    #[error("a TURN server needs a username and a credential")]
    NoCredential,
}

impl Bootstrap {
    /// Reads the document; the error is a sentence for people. Servers that
    /// are none are left out.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > BOOTSTRAP_BYTES_MAX {
            return Err(format!("it is longer than {BOOTSTRAP_BYTES_MAX} bytes"));
        }
        let mut read: Self = ion_codec::from_json(bytes)?;
        if read.version != VERSION {
            return Err(format!("it is of version {}, this page knows {VERSION}", read.version));
        }
        read.relays.truncate(ADDRESSES_MAX);
        read.stun.retain(|url| is_stun(url));
        read.stun.truncate(ICE_URLS_MAX);
        read.ice_servers.retain(|server| server.check().is_ok());
        read.ice_servers.truncate(ICE_SERVERS_MAX);
        Ok(read)
    }

    /// All STUN and TURN servers: the relay's own, then the further ones.
    pub fn all_ice_servers(&self) -> Vec<IceServer> {
        let own = Some(self.stun.clone()).filter(|urls| !urls.is_empty());
        let own = own.map(|urls| IceServer { urls, username: None, credential: None });
        own.into_iter().chain(self.ice_servers.iter().cloned()).collect()
    }
}

impl IceServer {
    /// Whether it is one that a browser takes.
    pub fn check(&self) -> Result<(), IceError> {
        if self.urls.is_empty() || self.urls.len() > ICE_URLS_MAX {
            return Err(IceError::Count);
        }
        let secrets = [&self.username, &self.credential];
        let mut texts = self.urls.iter().chain(secrets.into_iter().flatten());
        if !texts.all(|text| (1..=ICE_BYTES_MAX).contains(&text.len())) {
            return Err(IceError::Length);
        }
        let is_turn = |url: &&String| is_turn(url);
        if !self.urls.iter().all(|url| is_stun(url) || is_turn(&url)) {
            return Err(IceError::Form);
        }
        let is_known = secrets.iter().all(|secret| secret.is_some());
        if self.urls.iter().any(|url| is_turn(&url)) && !is_known {
            return Err(IceError::NoCredential);
        }
        Ok(())
    }
}

fn is_stun(url: &str) -> bool {
    let rest = url.strip_prefix("stun:").or_else(|| url.strip_prefix("stuns:"));
    rest.is_some_and(is_authority)
}

fn is_turn(url: &str) -> bool {
    let rest = url.strip_prefix("turn:").or_else(|| url.strip_prefix("turns:"));
    rest.is_some_and(|rest| {
        let (authority, query) = rest.split_once('?').unwrap_or((rest, "transport=udp"));
        is_authority(authority) && matches!(query, "transport=udp" | "transport=tcp")
    })
}

/// A host name, an IPv4 or a bracketed IPv6 address, and perhaps a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, rest)) => {
            if v6.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", if rest.is_empty() { None } else { rest.strip_prefix(':').or(Some("")) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|at| at > 0)
    };
    (1..=ICE_BYTES_MAX).contains(&host.len())
        && host.bytes().all(is_host)
        && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_needs_and_says_what_is_wrong() {
        let json = br#"{"version":1,"relays":["/ip4/127.0.0.1/tcp/8080/ws"],"nebula":null}"#;
        assert_eq!(Bootstrap::read(json).map(|read| read.relays.len()), Ok(1));
        assert!(Bootstrap::read(b"<html>").is_err());
        let newer = br#"{"version":2,"relays":[],"nebula":null}"#;
        assert_eq!(Bootstrap::read(newer), Err("it is of version 2, this page knows 1".to_owned()));
    }

    fn server(url: &str, secrets: Option<(&str, &str)>) -> IceServer {
        let (username, credential) = secrets.unzip();
        let own = |text: Option<&str>| text.map(str::to_owned);
        IceServer {
            urls: vec![url.to_owned()],
            username: own(username),
            credential: own(credential),
        }
    }

    #[test]
    fn servers_that_a_browser_takes_are_kept_in_order() {
        let json = br#"{"version":1,"relays":[],"nebula":null,
            "stun":["stun:10.0.0.1:8080","http://x"],
            "ice_servers":[{"urls":["turn:a.example?transport=tcp"],"username":"u","credential":"c"},
                {"urls":["turn:a.example"]},{"urls":[]},{"urls":["stun:[::1]:3478"]}]}"#;
        let read = Bootstrap::read(json).expect("it is a bootstrap document");
        let expected = [
            server("stun:10.0.0.1:8080", None),
            server("turn:a.example?transport=tcp", Some(("u", "c"))),
            server("stun:[::1]:3478", None),
        ];
        assert_eq!(read.all_ice_servers(), expected);
        assert_eq!(Bootstrap::default().all_ice_servers(), []);
    }

    #[test]
    fn servers_that_are_none_are_refused_with_the_reason() {
        for good in ["stun:a", "stuns:a.b-c:1", "stun:[::1]", "stun:1.2.3.4:65535"] {
            assert_eq!(server(good, None).check(), Ok(()), "{good}");
        }
        let forms = [
            "a",
            "stun:",
            "stun:a:",
            "stun:a:0",
            "stun:a:+1",
            "stun:a:65536",
            "stun:a b",
            "stun:[::1",
            "stun:[a]",
            "stun:[::1]x",
            "stun://a",
            "stun:a?transport=udp",
            "turn:a?transport=x",
            "stun:\u{e4}",
            "STUN:a",
        ];
        for bad in forms {
            assert_eq!(server(bad, Some(("u", "c"))).check(), Err(IceError::Form), "{bad}");
        }
        assert_eq!(server("turns:a", None).check(), Err(IceError::NoCredential));
        let long = format!("stun:{}", "a".repeat(ICE_BYTES_MAX));
        assert_eq!(server(&long, None).check(), Err(IceError::Length));
        assert_eq!(server("turn:a", Some(("", "c"))).check(), Err(IceError::Length));
        let many = IceServer { urls: vec!["stun:a".to_owned(); 5], ..server("stun:a", None) };
        assert_eq!(many.check(), Err(IceError::Count));
    }

    #[test]
    fn too_much_is_cut() {
        let stun = vec!["stun:a".to_owned(); 100];
        let ice_servers = vec![server("stun:a", None); 100];
        let relays = vec!["/x".to_owned(); 100];
        let long = Bootstrap { version: VERSION, relays, nebula: None, stun, ice_servers };
        let bytes = serde_json::to_vec(&long).expect("it can be written");
        let read = Bootstrap::read(&bytes).expect("it is read");
        assert_eq!((read.relays.len(), read.stun.len()), (ADDRESSES_MAX, ICE_URLS_MAX));
        assert_eq!(read.ice_servers.len(), ICE_SERVERS_MAX);
    }
}
