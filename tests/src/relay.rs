//! The real relay, as a process on free ports with a data folder of its own.

use std::{net::SocketAddr, path::PathBuf, process::Command};

use libp2p::{Multiaddr, multiaddr::Protocol};
use node_core::network::bootstrap::Bootstrap;

use crate::{
    folder::{Folder, root},
    http_get,
    process::Process,
};

/// The environment variable that names the program.
pub const PROGRAM: &str = "IONOSPHERE_RELAY";

/// A relay that runs until this is dropped.
#[derive(Debug)]
pub struct Relay {
    process: Option<Process>,
    data: Folder,
    options: Vec<String>,
    http: SocketAddr,
    tcp: SocketAddr,
}

impl Relay {
    /// Starts one with an open nebula. Panics with a sentence when it cannot.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further options.
    pub fn start_with(options: &[&str]) -> Self {
        let data = Folder::new();
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let (process, http, tcp) = run(&data, &options, free, free);
        Self { process: Some(process), data, options, http, tcp }
    }

    /// Where it serves the page and browsers connect.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Its process' number. Panics while it is killed.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// The address of a place of the page.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again, at the same addresses and with the same data.
    pub fn restart(&mut self) {
        self.kill();
        let (process, ..) = run(&self.data, &self.options, self.http, self.tcp);
        self.process = Some(process);
    }

    /// What it has logged, the newest lines.
    pub fn log(&self) -> String {
        self.process.as_ref().map(|process| process.lines().join("\n")).unwrap_or_default()
    }

    /// Its address for browsers, by `WebSocket`, which any libp2p client may
    /// dial as well. Panics when it does not answer.
    pub async fn websocket(&self) -> Multiaddr {
        let bootstrap = self.document().await;
        bootstrap.relays[0].parse().expect("it was written by us")
    }

    /// What it tells newcomers, as they get it. Panics when it does not answer.
    pub async fn document(&self) -> Bootstrap {
        let answer = http_get::get(self.http, "/bootstrap.json", "").await;
        Bootstrap::read(&answer.expect("the relay answers").body).expect("it was written by us")
    }

    /// Its address for browsers, as text. Panics when it does not answer.
    pub async fn browser_address(&self) -> String {
        self.document().await.relays.swap_remove(0)
    }

    /// Its address for native peers. Panics when it does not answer.
    pub async fn multiaddr(&self) -> Multiaddr {
        let bootstrap = bootstrap(self.http, Way::Tcp).await.expect("the relay answers");
        bootstrap.relays[0].parse().expect("it was written by us")
    }
}

/// How a native peer reaches a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Plain TCP.
    Tcp,
    /// QUIC.
    Quic,
    /// `WebSocket`, as browsers do.
    WebSocket,
}

impl Way {
    fn is_of(self, address: &str) -> bool {
        let Ok(address) = address.parse::<Multiaddr>() else { return false };
        let last = address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).last();
        match self {
            Self::Tcp => matches!(last, Some(Protocol::Tcp(_))),
            Self::Quic => matches!(last, Some(Protocol::QuicV1)),
            Self::WebSocket => matches!(last, Some(Protocol::Ws(_))),
        }
    }
}

/// What the relay at this address tells newcomers, with no address of it but those of
/// that way. The error is a sentence.
pub async fn bootstrap(http: SocketAddr, way: Way) -> Result<Bootstrap, String> {
    let answer = http_get::get(http, "/bootstrap.json", "").await?;
    let mut bootstrap = Bootstrap::read(&answer.body)?;
    bootstrap.relays.retain(|address| way.is_of(address));
    if bootstrap.relays.is_empty() {
        return Err(format!("the relay names no address for {way:?}"));
    }
    Ok(bootstrap)
}

fn run(
    data: &Folder,
    options: &[String],
    http: SocketAddr,
    tcp: SocketAddr,
) -> (Process, SocketAddr, SocketAddr) {
    let mut command = Command::new(program());
    command
        .args(["--listen", &http.to_string(), "--listen-tcp", &tcp.to_string()])
        .args(["--listen-quic", "127.0.0.1:0"])
        .args(["--log-format", "json", "--data-dir"])
        .arg(data.path())
        .args(options)
        .env("RUST_LOG", "info");
    let mut process = Process::start("the relay", &mut command);
    let http = process.wait_for_line("where it is", |line| {
        line.strip_prefix("open http://").and_then(|rest| rest.trim_end_matches('/').parse().ok())
    });
    let tcp = process.wait_for_line("where native ions connect", |line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let address: Multiaddr = line.pointer("/fields/tcp")?.as_str()?.parse().ok()?;
        socket(&address)
    });
    (process, http, tcp)
}

fn socket(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    match (parts.next()?, parts.next()?) {
        (Protocol::Ip4(ip), Protocol::Tcp(port)) => Some(SocketAddr::from((ip, port))),
        _ => None,
    }
}

fn program() -> PathBuf {
    let program = std::env::var_os(PROGRAM)
        .map_or_else(|| root().join("target/debug/relay-server"), PathBuf::from);
    assert!(
        program.is_file(),
        "there is no relay at {}: use `cargo xtask test`, which builds site and relay first",
        program.display()
    );
    program
}
