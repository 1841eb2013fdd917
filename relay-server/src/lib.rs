//! The relay: helps ions meet, and serves mission control.
//!
//! One program, and for browsers one port: [`start`] opens a listener that speaks
//! HTTP and WebSocket, and for native ions one each for libp2p over TCP and over
//! QUIC. Browsers load the page over the first and reach libp2p through a
//! WebSocket on the same port, or, where an operator turned it on, over WebRTC; on a UDP port they may ask by STUN where others
//! see them. A relay stores
//! nothing but its own key, the invitation to its open nebula and its
//! certificates, and decides nothing: what ions say to each other is encrypted
//! between them.
//!
//! Reading order: [`config`], [`site`], `http`, `server`, `websocket`,
//! `webrtc`, `transport`, `listeners`, `swarm`, `rendezvous`, `stun`.

pub mod address;
mod allowance;
mod census;
pub mod config;
mod http;
mod identity;
mod listeners;
mod metrics;
mod private_file;
mod rate;
mod rendezvous;
mod server;
pub mod site;
mod stun;
mod swarm;
mod tls;
mod transport;
mod webrtc;
mod websocket;

use std::{
    fs::File,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, TransportError, identity::Keypair, metrics::Registry};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use allowance::Accounts;
pub use allowance::Allowance;
pub use config::{Config, ConfigError, Limits};
pub use private_file::FileError;
pub use site::Site;
pub use tls::TlsError;

/// How long [`Relay::stop`] takes at most.
pub const STOP_MAX: Duration = Duration::from_secs(4);

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key, the nebula or their folder cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}", listen_reason(reason, flag))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// Why.
        reason: io::Error,
    },
    /// The libp2p part cannot be set up.
    #[error("the network part cannot be set up: {0}")]
    Network(String),
}

impl Error {
    /// Whether other settings would help.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Config(_) => true,
            Self::File(_) | Self::Tls(_) | Self::Listen { .. } | Self::Network(_) => false,
        }
    }
}

impl From<TransportError<io::Error>> for Error {
    fn from(error: TransportError<io::Error>) -> Self {
        Self::Network(error.to_string())
    }
}

fn listen_reason(reason: &io::Error, flag: &str) -> String {
    match reason.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program, perhaps another relay, uses this port; \
             stop it, or choose another port with {flag}"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("this user may not open this port; choose one above 1023 with {flag}")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("this machine has no such address; choose another with {flag}")
        }
        _ => format!("{reason}; choose another address with {flag}"),
    }
}

/// A relay that runs. Dropping it ends it at once.
#[derive(Debug)]
pub struct Relay {
    /// The page's address on this machine.
    pub url: String,
    /// The page's address for other devices, where it differs.
    pub url_for_others: Option<String>,
    /// Where HTTP and WebSocket listen.
    pub http: SocketAddr,
    /// Where libp2p over TCP listens.
    pub tcp: Option<Multiaddr>,
    /// Where libp2p over QUIC listens.
    pub quic: Option<Multiaddr>,
    /// Where libp2p over WebRTC listens, with the hash of its certificate.
    pub webrtc: Option<Multiaddr>,
    /// Where STUN is answered.
    pub stun: Option<SocketAddr>,
    /// The relay's id.
    pub peer_id: PeerId,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    _data_dir: File,
}

impl Relay {
    /// Waits until the relay ends by itself, which it does only when broken.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }

    /// Closes every connection, letting requests finish, within [`STOP_MAX`].
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        // What has not ended by then is dropped with the relay.
        let _ = tokio::time::timeout(STOP_MAX, all_ended).await;
    }
}

/// What the data folder gives a relay.
struct Kept {
    lock: File,
    key: Keypair,
    nebula: Option<String>,
    tls: Option<TlsAcceptor>,
    webrtc: Option<webrtc::Certificate>,
}

impl Kept {
    fn open(config: &Config) -> Result<Self, Error> {
        let lock = private_file::open_folder(&config.data_dir)?;
        let key = identity::key(&config.data_dir)?;
        let nebula = config
            .open_nebula
            .then(|| identity::open_nebula(&config.data_dir, &config.name))
            .transpose()?;
        let tls = tls::acceptor(&config.tls, config.listen, &config.data_dir)?;
        let webrtc = config.listen_webrtc.map(|_| webrtc::kept(&config.data_dir)).transpose()?;
        Ok(Self { lock, key, nebula, tls, webrtc })
    }
}

/// Starts a relay that serves this site. When it returns, all listeners are
/// open.
pub async fn start(config: Config, site: Site) -> Result<Relay, Error> {
    let Kept { lock, key, nebula, tls, webrtc } = Kept::open(&config)?;
    let peer_id = key.public().to_peer_id();
    let (listener, http) = bind(config.listen).await?;
    let mut registry = Registry::with_prefix("ionosphere");
    let metrics = metrics::Metrics::new(&mut registry);
    let (door, websocket) = websocket::transport();
    let accounts = Accounts::new(config.limits.per_peer);
    let hash = webrtc.as_ref().map(webrtc::hash);
    let webrtc = webrtc::transport(&key, webrtc, metrics.clone());
    let transport = transport::all(&key, websocket, webrtc, accounts)
        .map_err(|error| Error::Network(error.to_string()))?;
    let mut swarm = swarm::build(key, &config.limits, transport, &mut registry);
    let (listeners, stun) = listeners::open(&mut swarm, &config, http, hash).await?;
    let libp2p = libp2p::metrics::Metrics::new(&mut registry);
    let counters = swarm::Counters { metrics: metrics.clone(), libp2p };

    let (url, url_for_others) = urls(&config, http);
    let census = http_census(&config);
    let hosts = http::Hosts::new(http.ip(), config.own_hosts());
    let Config { relays, ice_servers, public_url, trust_proxy, .. } = config;
    let app = http::App {
        site,
        peer_id,
        nebula,
        relays,
        hosts,
        listeners,
        ice_servers,
        public_url,
        trust_proxy,
        door,
        metrics: metrics.clone(),
        registry,
    };
    let router = http::router(Arc::new(app));
    let server = server::Server { listener, tls, router, census, metrics: metrics.clone() };

    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(swarm::run(swarm, counters, stopped.clone()));
    if let Some(socket) = stun {
        tasks.spawn(stun::run(socket, metrics, stopped.clone()));
    }
    tasks.spawn(server.run(stopped));
    Ok(Relay {
        url,
        url_for_others,
        http,
        tcp: listeners.tcp_address(),
        quic: listeners.quic_address(),
        webrtc: listeners.webrtc_address(),
        stun: listeners.stun,
        peer_id,
        stop,
        tasks,
        _data_dir: lock,
    })
}

/// Waits until the relay is stopped, or dropped.
pub(crate) async fn asked_to_stop(mut stop: watch::Receiver<bool>) {
    // An error means that it was dropped.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |reason| Error::Listen { address, flag: "--listen", reason };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Connections to the HTTP port; behind a proxy all come from its address, so
/// only the total counts there.
fn http_census(config: &Config) -> census::Census {
    let Limits { connections, connections_per_address, .. } = config.limits;
    census::Census::new(connections, if config.trust_proxy { 0 } else { connections_per_address })
}

/// The page's address on this machine and, where it differs, for others.
fn urls(config: &Config, http: SocketAddr) -> (String, Option<String>) {
    let scheme = if config.tls.is_on() { "https" } else { "http" };
    let url = |ip: IpAddr| format!("{scheme}://{}", SocketAddr::new(ip, http.port()));
    let here = match http.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let there = reachable(http.ip());
    let others = config.public_url.as_ref().map(ToString::to_string);
    (url(here), others.or_else(|| (there != here).then(|| url(there))))
}

/// An address under which this one may be reached: itself, or where it stands
/// for all of this machine's, the one that packets to others leave from.
fn reachable(ip: IpAddr) -> IpAddr {
    let any = || local_address().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    if ip.is_unspecified() { any() } else { ip }
}

/// The address that this machine's packets leave from. Nothing is sent: the
/// socket is only told where it would send to (an address for documentation).
pub(crate) fn local_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
