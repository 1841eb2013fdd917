//! What an operator can set, and where it comes from: flags, then environment,
//! then a TOML file, then the defaults here.
//!
//! [`Config`] is checked: whoever holds one need not ask again. It refuses
//! unknown keys, values out of range and combinations that contradict each
//! other, each with a sentence. Bounds: [`FILE_BYTES_MAX`], [`RELAYS_MAX`],
//! [`RELAY_BYTES_MAX`], [`TLS_NAMES_MAX`].

mod settings;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use libp2p::{Multiaddr, multiaddr::Protocol};
use node_core::{
    identity::name::{NAME_CHARS_MAX, clean_name},
    network::bootstrap::{ICE_SERVERS_MAX, IceError, IceServer},
};

pub use settings::{Flags, LogFormat, PortListen, Settings};

use crate::{
    address::{Host, PublicUrl, is_webrtc_direct, websocket_origin},
    allowance::Allowance,
};

/// A configuration file's length, in bytes.
pub const FILE_BYTES_MAX: u64 = 64 << 10;
/// Further relays that `/bootstrap.json` can name.
pub const RELAYS_MAX: usize = node_core::network::bootstrap::RELAYS_MAX - 1;
/// Names and addresses in a certificate that the relay makes.
pub const TLS_NAMES_MAX: usize = 16;
/// Hosts that `allow-host` can name.
pub const HOSTS_MAX: usize = 16;
/// A relay's address, in bytes of its text.
pub const RELAY_BYTES_MAX: usize = 512;

/// The port that is opened unless another is given.
const PORT: u16 = 8080;
/// What an unlimited circuit's duration is: ten years, since the library takes
/// no "never".
const CIRCUIT_SECONDS_UNLIMITED: u64 = 10 * 365 * 24 * 60 * 60;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP and WebSocket listen.
    pub listen: SocketAddr,
    /// Where libp2p over TCP listens; not at all if none.
    pub listen_tcp: Option<SocketAddr>,
    /// Where libp2p over QUIC listens; not at all if none.
    pub listen_quic: Option<Place>,
    /// Where libp2p over WebRTC listens, for tabs; not at all if none.
    pub listen_webrtc: Option<Place>,
    /// Where STUN is answered; not at all if none.
    pub listen_stun: Option<Place>,
    /// The folder with key, nebula and certificate.
    pub data_dir: PathBuf,
    /// The open nebula's name.
    pub name: String,
    /// Whether there is an open nebula.
    pub open_nebula: bool,
    /// Where other people reach this relay, if that differs from `listen`.
    pub public_url: Option<PublicUrl>,
    /// Further hosts for which the relay answers where it listens on this
    /// machine only.
    pub allow_hosts: Vec<Host>,
    /// Further relays for the page to use, as WebSocket or WebRTC-direct
    /// multiaddrs.
    pub relays: Vec<Multiaddr>,
    /// Further STUN and TURN servers for ions to use.
    pub ice_servers: Vec<IceServer>,
    /// Whether `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trust_proxy: bool,
    /// Whether and how HTTP is encrypted.
    pub tls: Tls,
    /// What is allowed at most.
    pub limits: Limits,
}

/// Where a part of the relay listens on UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub address: SocketAddr,
    /// Whether the operator named it; then it must open.
    pub is_asked_for: bool,
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain http.
    Off,
    /// PEM files.
    Files {
        /// The certificate chain.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// Made and kept by the relay, for these names and addresses.
    SelfMade {
        /// Names and addresses, beside the usual ones of this machine.
        names: Vec<String>,
    },
}

/// What is allowed at most; 0 is unlimited where the text says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; 0: unlimited.
    pub connections: u32,
    /// Connections at a time from one address; 0: unlimited.
    pub connections_per_address: u32,
    /// Reservations at a time.
    pub reservations: u32,
    /// Reservations at a time of one ion.
    pub reservations_per_peer: u32,
    /// Circuits at a time.
    pub circuits: u32,
    /// Circuits at a time that one ion has opened or is the end of.
    pub circuits_per_peer: u32,
    /// How long a circuit lasts; long circuits are closed and opened anew.
    pub circuit_duration: Duration,
    /// Bytes through a circuit, both ways together; 0: unlimited.
    pub circuit_bytes: u64,
    /// Reservations and circuits, each, that one address may ask for in a
    /// minute; 0: unlimited.
    pub requests_per_minute: u32,
    /// Bytes that one ion may move, both ways together.
    pub per_peer: Allowance,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {reason}; check the path given with --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file has a mistake.
    #[error("the configuration file {} has a mistake: {reason}\nremove or correct that line; `relay-server --help` lists every key", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What and in which line.
        reason: String,
    },
    /// A value cannot be used.
    #[error("`{key}` cannot be used: {reason}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// Nowhere to keep the key.
    #[error(
        "this system names no folder for application data; say where to keep the relay's key with --data-dir"
    )]
    NoDataFolder,
}

impl Config {
    /// Reads the file that the flags name, if any, fills what flags and
    /// environment leave open, and checks the whole.
    /// The format of the log comes along, since the log starts before the relay.
    pub fn from_flags(flags: Flags) -> Result<(Self, LogFormat), ConfigError> {
        let file =
            flags.config.as_deref().map_or_else(|| Ok(Settings::default()), Settings::read)?;
        let settings = flags.settings.or(file);
        let log_format = settings.log_format.unwrap_or_default();
        Ok((Self::new(settings)?, log_format))
    }

    /// Checks settings and fills in the defaults.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        let limits = Limits::new(&settings)?;
        let tls = Tls::new(&settings)?;
        let relays = read_relays(&settings.relay)?;
        let listen =
            settings.listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT));
        let listen_tcp = listen_tcp(settings.listen_tcp, listen)?;
        Ok(Self {
            listen,
            listen_tcp,
            listen_quic: listen_udp(settings.listen_quic, listen, 1),
            listen_webrtc: settings.listen_webrtc.and_then(PortListen::place),
            listen_stun: listen_udp(settings.listen_stun, listen, 0),
            data_dir: settings.data_dir.or_else(data_folder).ok_or(ConfigError::NoDataFolder)?,
            name: read_name(settings.name.as_deref().unwrap_or("open nebula"))?,
            open_nebula: settings.open_nebula.unwrap_or(true),
            public_url: settings.public_url.as_deref().map(read_public_url).transpose()?,
            allow_hosts: read_hosts(&settings.allow_host)?,
            relays,
            ice_servers: read_ice_servers(&settings.ice_server)?,
            trust_proxy: settings.trust_proxy.unwrap_or(false),
            tls,
            limits,
        })
    }
}

impl Config {
    /// The hosts that the operator named as this relay's.
    pub(crate) fn own_hosts(&self) -> Vec<Host> {
        let public = self.public_url.iter().map(|url| url.authority.host.clone());
        let certified: &[String] = match &self.tls {
            Tls::SelfMade { names } => names,
            Tls::Off | Tls::Files { .. } => &[],
        };
        let certified = certified.iter().filter_map(|name| Host::named(name));
        public.chain(certified).chain(self.allow_hosts.iter().cloned()).collect()
    }
}

impl Limits {
    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let seconds = match settings.max_circuit_seconds.unwrap_or(600) {
            0 => CIRCUIT_SECONDS_UNLIMITED,
            seconds => u64::from(seconds),
        };
        let mib = u64::from(settings.max_circuit_mib.unwrap_or(64));
        Ok(Self {
            connections: settings.max_connections.unwrap_or(8_192),
            connections_per_address: settings.max_connections_per_address.unwrap_or(1_024),
            reservations: positive("max-reservations", settings.max_reservations, 4_096)?,
            reservations_per_peer: positive(
                "max-reservations-per-peer",
                settings.max_reservations_per_peer,
                8,
            )?,
            circuits: positive("max-circuits", settings.max_circuits, 1_024)?,
            circuits_per_peer: positive(
                "max-circuits-per-peer",
                settings.max_circuits_per_peer,
                256,
            )?,
            circuit_duration: Duration::from_secs(seconds),
            circuit_bytes: mib << 20,
            requests_per_minute: settings.max_requests_per_minute.unwrap_or(6_000),
            per_peer: Allowance {
                bytes_per_second: u64::from(settings.max_peer_kib_per_second.unwrap_or(16_384))
                    << 10,
                bytes_per_day: u64::from(settings.max_peer_gib_per_day.unwrap_or(64)) << 30,
            },
        })
    }
}

impl Tls {
    fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let refuse = |key, reason: &str| Err(ConfigError::Value { key, reason: reason.to_owned() });
        let self_made = settings.tls_self_made.unwrap_or(false);
        if !self_made && !settings.tls_name.is_empty() {
            return refuse(
                "tls-name",
                "names go into a certificate that the relay makes; add --tls-self-made",
            );
        }
        match (&settings.tls_cert, &settings.tls_key) {
            (Some(_), Some(_)) if self_made => {
                refuse("tls-self-made", "there are certificate files too; give one of the two")
            }
            (Some(cert), Some(key)) => Ok(Self::Files { cert: cert.clone(), key: key.clone() }),
            (Some(_), None) => refuse("tls-cert", "it needs its private key; add --tls-key"),
            (None, Some(_)) => refuse("tls-key", "it needs its certificate; add --tls-cert"),
            (None, None) if self_made => Self::self_made(settings),
            (None, None) => Ok(Self::Off),
        }
    }

    fn self_made(settings: &Settings) -> Result<Self, ConfigError> {
        let names = settings.tls_name.clone();
        let refuse = |reason| Err(ConfigError::Value { key: "tls-name", reason });
        if names.len() > TLS_NAMES_MAX {
            return refuse(format!("a certificate takes at most {TLS_NAMES_MAX} names"));
        }
        let is_name = |name: &String| {
            name.parse::<IpAddr>().is_ok() || matches!(name.parse(), Ok(Host::Name(_)))
        };
        if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
            return refuse(format!("{wrong:?} is no host name and no IP address"));
        }
        Ok(Self::SelfMade { names })
    }

    /// Whether HTTP is encrypted.
    pub fn is_on(&self) -> bool {
        *self != Self::Off
    }
}

fn positive(key: &'static str, given: Option<u32>, default: u32) -> Result<u32, ConfigError> {
    match given.unwrap_or(default) {
        0 => Err(ConfigError::Value { key, reason: "it must be at least 1".to_owned() }),
        number => Ok(number),
    }
}

/// Unless it was set, TCP listens beside HTTP, one port above.
fn listen_tcp(
    given: Option<PortListen>,
    listen: SocketAddr,
) -> Result<Option<SocketAddr>, ConfigError> {
    match given {
        Some(PortListen::Off) => Ok(None),
        Some(PortListen::At(address)) if address == listen && address.port() != 0 => {
            let reason = format!("{address} is where http listens; give it another port");
            Err(ConfigError::Value { key: "listen-tcp", reason })
        }
        Some(PortListen::At(address)) => Ok(Some(address)),
        None if listen.port() == 0 => Ok(Some(listen)),
        None => Ok(listen.port().checked_add(1).map(|port| SocketAddr::new(listen.ip(), port))),
    }
}

/// Unless it was set, a part that uses UDP listens beside HTTP, so many ports
/// above.
fn listen_udp(given: Option<PortListen>, listen: SocketAddr, above: u16) -> Option<Place> {
    let by_default = |address| Place { address, is_asked_for: false };
    match given {
        Some(given) => given.place(),
        None if listen.port() == 0 => Some(by_default(listen)),
        None => {
            let port = listen.port().checked_add(above)?;
            Some(by_default(SocketAddr::new(listen.ip(), port)))
        }
    }
}

fn read_name(name: &str) -> Result<String, ConfigError> {
    clean_name(name).ok_or_else(|| ConfigError::Value {
        key: "name",
        reason: format!("{name:?} must have 1 to {NAME_CHARS_MAX} visible characters"),
    })
}

fn read_public_url(text: &str) -> Result<PublicUrl, ConfigError> {
    text.parse().map_err(|_| ConfigError::Value {
        key: "public-url",
        reason: format!(
            "{text:?} is no address like https://relay.example.org (scheme and host, no path)"
        ),
    })
}

fn read_hosts(texts: &[String]) -> Result<Vec<Host>, ConfigError> {
    let refuse = |reason| Err(ConfigError::Value { key: "allow-host", reason });
    if texts.len() > HOSTS_MAX {
        return refuse(format!("at most {HOSTS_MAX} hosts can be named"));
    }
    let hosts: Option<Vec<Host>> = texts.iter().map(|text| Host::named(text)).collect();
    hosts.map_or_else(
        || refuse("write a name or an IP address, like relay.example.org, without a port".into()),
        Ok,
    )
}

fn read_relays(texts: &[String]) -> Result<Vec<Multiaddr>, ConfigError> {
    if texts.len() > RELAYS_MAX {
        let reason = format!("at most {RELAYS_MAX} further relays can be named");
        return Err(ConfigError::Value { key: "relay", reason });
    }
    texts.iter().map(|text| read_relay(text)).collect()
}

fn read_relay(text: &str) -> Result<Multiaddr, ConfigError> {
    let short = Some(text).filter(|text| text.len() <= RELAY_BYTES_MAX);
    let address = short.and_then(|text| text.parse().ok()).filter(|address: &Multiaddr| {
        let is_named = matches!(address.iter().last(), Some(Protocol::P2p(_)));
        is_named && (websocket_origin(address).is_some() || is_webrtc_direct(address))
    });
    address.ok_or_else(|| ConfigError::Value {
        key: "relay",
        reason: format!(
            "{text:?} is no address like /dns4/relay.example.org/tcp/443/wss/p2p/12D3Koo… \
             or /ip4/203.0.113.1/udp/4001/webrtc-direct/certhash/uEi…/p2p/12D3Koo…; a relay's own /bootstrap.json shows its address"
        ),
    })
}

fn read_ice_servers(texts: &[String]) -> Result<Vec<IceServer>, ConfigError> {
    if texts.len() > ICE_SERVERS_MAX {
        let reason = format!("at most {ICE_SERVERS_MAX} servers can be named");
        return Err(ConfigError::Value { key: "ice-server", reason });
    }
    texts.iter().map(|text| read_ice_server(text)).collect()
}

fn read_ice_server(text: &str) -> Result<IceServer, ConfigError> {
    let mut words = text.split_whitespace().map(str::to_owned);
    let urls = words.next().into_iter().collect();
    let server = IceServer { urls, username: words.next(), credential: words.next() };
    let checked = if words.next().is_some() { Err(IceError::Form) } else { server.check() };
    checked.map(|()| server).map_err(|reason| ConfigError::Value {
        key: "ice-server",
        reason: format!(
            "{reason}; write \"stun:stun.example.org:3478\", or \"turn:turn.example.org:3478 \
             USERNAME CREDENTIAL\""
        ),
    })
}

/// The folder for the data of applications, as the system names it.
fn data_folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = folder("XDG_DATA_HOME")
        .or_else(|| folder("LOCALAPPDATA"))
        .or_else(|| folder("HOME").map(|home| home.join(".local/share")));
    base.map(|base| base.join("ionosphere-relay"))
}

#[cfg(test)]
mod tests;
