//! The settings as they are written: one list for flags, environment and file.

use std::{
    fs::File,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{Args, Parser, ValueEnum};
use serde::Deserialize;

use super::{ConfigError, FILE_BYTES_MAX, Place};

/// Helps ions (browser tabs and native processes) meet, and serves mission control.
///
/// A relay stores nothing and decides nothing: it serves the page, introduces
/// ions to each other and carries their encrypted traffic until they have a
/// direct link. Started without options it listens on this machine only.
///
/// Every option can also be set in the environment (name in brackets) or, by
/// its long name, in the file given with --config. Flags win over the
/// environment, the environment over the file.
#[derive(Debug, Default, Parser)]
#[command(name = "relay-server", version)]
pub struct Flags {
    /// A TOML file with any of the options below, e.g. `listen = "0.0.0.0:8080"`.
    #[arg(long, env = "IONOSPHERE_RELAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Everything else.
    #[command(flatten)]
    pub settings: Settings,
}

/// What can be set; what is absent keeps its default.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Where browsers connect, by http and WebSocket on the same port. Use
    /// `0.0.0.0:8080` or `[::]:8080` to let other devices in. [default: 127.0.0.1:8080]
    #[arg(long, env = "IONOSPHERE_RELAY_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where native ions connect by TCP, or `off`. [default: one port above --listen]
    #[arg(long, env = "IONOSPHERE_RELAY_LISTEN_TCP", value_name = "ADDRESS:PORT|off")]
    pub listen_tcp: Option<PortListen>,
    /// Where native ions connect by QUIC (UDP), or `off`. [default: one
    /// port above --listen]
    #[arg(long, env = "IONOSPHERE_RELAY_LISTEN_QUIC", value_name = "ADDRESS:PORT|off")]
    pub listen_quic: Option<PortListen>,
    /// Where tabs connect by WebRTC (UDP), or `off`, e.g. `0.0.0.0:4001`: to an
    /// address that needs no domain and no https. An alpha; the README says what
    /// is weak in it. [default: off]
    #[arg(long, env = "IONOSPHERE_RELAY_LISTEN_WEBRTC", value_name = "ADDRESS:PORT|off")]
    pub listen_webrtc: Option<PortListen>,
    /// Where STUN is answered (UDP), or `off`: it tells tabs under which address
    /// others reach them. [default: the address and port of --listen]
    #[arg(long, env = "IONOSPHERE_RELAY_LISTEN_STUN", value_name = "ADDRESS:PORT|off")]
    pub listen_stun: Option<PortListen>,
    /// Where the relay keeps its key, its open nebula and its own certificate.
    /// [default: ionosphere-relay in the system's folder for application data]
    #[arg(long, env = "IONOSPHERE_RELAY_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// The open nebula's name, given when it is founded. [default: open nebula]
    #[arg(long, env = "IONOSPHERE_RELAY_NAME", value_name = "NAME")]
    pub name: Option<String>,
    /// Whether everyone who opens the page joins an open nebula of this relay.
    /// [default: true]
    #[arg(long, env = "IONOSPHERE_RELAY_OPEN_NEBULA", value_name = "true|false",
          num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub open_nebula: Option<bool>,
    /// Where other people reach this relay, e.g. `https://relay.example.org`.
    /// Needed behind a reverse proxy or a name.
    #[arg(long, env = "IONOSPHERE_RELAY_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// A name or address under which this relay is asked for, beside that of
    /// --public-url. Needed only where it listens on this machine alone, e.g.
    /// behind a reverse proxy with several names: it then answers for no other.
    /// Can be given several times.
    #[arg(long, env = "IONOSPHERE_RELAY_ALLOW_HOST", value_name = "HOST", value_delimiter = ',')]
    pub allow_host: Vec<String>,
    /// Another relay for the page to use too, as a multiaddr that ends in
    /// `/ws/p2p/…` or `/wss/p2p/…`, or one with `/webrtc-direct/`. Can be given several times.
    #[arg(long, env = "IONOSPHERE_RELAY_RELAY", value_name = "MULTIADDR", value_delimiter = ',')]
    pub relay: Vec<String>,
    /// A STUN or TURN server for ions to use beside this relay's own STUN:
    /// "stun:HOST:PORT", or "turn:HOST:PORT USERNAME CREDENTIAL" (everybody who
    /// opens the page is told them). Can be given several times, in the
    /// environment once. [default: none]
    #[arg(long, env = "IONOSPHERE_RELAY_ICE_SERVER", value_name = "URL [USERNAME CREDENTIAL]")]
    pub ice_server: Vec<String>,
    /// Believe the X-Forwarded-For and X-Forwarded-Proto headers. Only behind a
    /// reverse proxy that sets them; otherwise anyone could claim any address.
    /// [default: false]
    #[arg(long, env = "IONOSPHERE_RELAY_TRUST_PROXY", value_name = "true|false",
          num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub trust_proxy: Option<bool>,
    /// Serve https with this certificate chain (PEM); needs --tls-key.
    #[arg(long, env = "IONOSPHERE_RELAY_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, env = "IONOSPHERE_RELAY_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Serve https with a certificate that the relay makes and keeps. Browsers
    /// ask once whether to trust it. [default: false]
    #[arg(long, env = "IONOSPHERE_RELAY_TLS_SELF_MADE", value_name = "true|false",
          num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub tls_self_made: Option<bool>,
    /// A name or address of this machine for that certificate, e.g. pi.local or
    /// 192.168.1.20. Can be given several times.
    #[arg(long, env = "IONOSPHERE_RELAY_TLS_NAME", value_name = "NAME", value_delimiter = ',')]
    pub tls_name: Vec<String>,
    /// Connections at a time; 0 is unlimited. [default: 8192]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<u32>,
    /// Connections at a time from one address; 0 is unlimited. [default: 1024]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N")]
    pub max_connections_per_address: Option<u32>,
    /// Ions that can be reached through this relay at a time. [default: 4096]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_RESERVATIONS", value_name = "N")]
    pub max_reservations: Option<u32>,
    /// The same for one ion, which may have several connections. [default: 8]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_RESERVATIONS_PER_PEER", value_name = "N")]
    pub max_reservations_per_peer: Option<u32>,
    /// Relayed connections between two ions at a time. [default: 1024]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_CIRCUITS", value_name = "N")]
    pub max_circuits: Option<u32>,
    /// The same for one ion. [default: 256]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_CIRCUITS_PER_PEER", value_name = "N")]
    pub max_circuits_per_peer: Option<u32>,
    /// How long a relayed connection lasts before the ions must open a new one,
    /// in seconds; 0 is unlimited. [default: 600]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_CIRCUIT_SECONDS", value_name = "SECONDS")]
    pub max_circuit_seconds: Option<u32>,
    /// How much a relayed connection carries before the ions must open a new
    /// one, in MiB; 0 is unlimited. [default: 64]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_CIRCUIT_MIB", value_name = "MIB")]
    pub max_circuit_mib: Option<u32>,
    /// Reservations, and as many circuits, that one address may ask for in a
    /// minute; 0 is unlimited. [default: 6000]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_REQUESTS_PER_MINUTE", value_name = "N")]
    pub max_requests_per_minute: Option<u32>,
    /// How fast one ion may move bytes through this relay after a burst of eight
    /// seconds' worth, both ways together, in KiB a second; 0 is unlimited.
    /// [default: 16384]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_PEER_KIB_PER_SECOND", value_name = "KIB")]
    pub max_peer_kib_per_second: Option<u32>,
    /// How much one ion may move in a day, in GiB; whoever has used it up goes
    /// on at what a day's share gives in each second. 0 is unlimited. [default: 64]
    #[arg(long, env = "IONOSPHERE_RELAY_MAX_PEER_GIB_PER_DAY", value_name = "GIB")]
    pub max_peer_gib_per_day: Option<u32>,
    /// How the log on standard error is written. How much is set by the
    /// environment variable `RUST_LOG`, e.g. `info` or `relay_server=debug`. [default: text]
    #[arg(long, env = "IONOSPHERE_RELAY_LOG_FORMAT", value_name = "text|json")]
    pub log_format: Option<LogFormat>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line of text an event.
    #[default]
    Text,
    /// A JSON object an event.
    Json,
}

/// Where a part of the relay listens that can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum PortListen {
    /// Nowhere.
    Off,
    /// Here.
    At(SocketAddr),
}

impl PortListen {
    /// The place on UDP that was asked for, if any.
    pub(super) fn place(self) -> Option<Place> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(Place { address, is_asked_for: true }),
        }
    }
}

impl FromStr for PortListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let wrong = |_| format!("{text:?} is neither `off` nor an address like 0.0.0.0:8081");
        text.parse().map(Self::At).map_err(wrong)
    }
}

impl TryFrom<String> for PortListen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Settings {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |reason: String| ConfigError::Unreadable { path: path.to_owned(), reason };
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(|error| unreadable(error.to_string()))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(unreadable(format!("it is longer than {FILE_BYTES_MAX} bytes")));
        }
        toml::from_str(&text).map_err(|error| ConfigError::File {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })
    }

    /// These settings, and where they leave something open, the other ones.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let lists = |ours: Vec<String>, theirs| if ours.is_empty() { theirs } else { ours };
        Self {
            listen: self.listen.or(other.listen),
            listen_tcp: self.listen_tcp.or(other.listen_tcp),
            listen_quic: self.listen_quic.or(other.listen_quic),
            listen_webrtc: self.listen_webrtc.or(other.listen_webrtc),
            listen_stun: self.listen_stun.or(other.listen_stun),
            data_dir: self.data_dir.or(other.data_dir),
            name: self.name.or(other.name),
            open_nebula: self.open_nebula.or(other.open_nebula),
            public_url: self.public_url.or(other.public_url),
            allow_host: lists(self.allow_host, other.allow_host),
            relay: lists(self.relay, other.relay),
            ice_server: lists(self.ice_server, other.ice_server),
            trust_proxy: self.trust_proxy.or(other.trust_proxy),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            tls_self_made: self.tls_self_made.or(other.tls_self_made),
            tls_name: lists(self.tls_name, other.tls_name),
            max_connections: self.max_connections.or(other.max_connections),
            max_connections_per_address: self
                .max_connections_per_address
                .or(other.max_connections_per_address),
            max_reservations: self.max_reservations.or(other.max_reservations),
            max_reservations_per_peer: self
                .max_reservations_per_peer
                .or(other.max_reservations_per_peer),
            max_circuits: self.max_circuits.or(other.max_circuits),
            max_circuits_per_peer: self.max_circuits_per_peer.or(other.max_circuits_per_peer),
            max_circuit_seconds: self.max_circuit_seconds.or(other.max_circuit_seconds),
            max_circuit_mib: self.max_circuit_mib.or(other.max_circuit_mib),
            max_requests_per_minute: self.max_requests_per_minute.or(other.max_requests_per_minute),
            max_peer_kib_per_second: self.max_peer_kib_per_second.or(other.max_peer_kib_per_second),
            max_peer_gib_per_day: self.max_peer_gib_per_day.or(other.max_peer_gib_per_day),
            log_format: self.log_format.or(other.log_format),
        }
    }
}
