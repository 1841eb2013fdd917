//! libp2p peers that are no ions, all with the same few protocols: tabs
//! ([`PeerTab`]) of js-libp2p, which knows nothing of Ionosphere, and of
//! `ion-webrtc`; and js-libp2p as a process ([`listen`], [`reach`]).

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    pages::{Pages, js_programs},
    process::Process,
    tab::Tab,
};

/// The environment variable that names Node 22 or later; else `node` is it.
const NODE: &str = "IONOSPHERE_NODE";

/// Dials between two peers of js-libp2p, each of which gives up after 6 s.
const JS_DIALS_MAX: u32 = 5;

/// Whose peer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// js-libp2p's.
    Js,
    /// That of `ion-webrtc`, in a worker: the crate `webrtc-peer`.
    Ours,
}

impl Kind {
    fn page(self) -> &'static str {
        match self {
            Self::Js => "page.html",
            Self::Ours => "webrtc.html",
        }
    }
}

/// A tab that is such a peer.
#[derive(Debug)]
pub struct PeerTab {
    /// The tab itself.
    pub tab: Tab,
    /// The peer's id.
    pub id: String,
    kind: Kind,
}

impl PeerTab {
    /// Opens a tab and waits until the relay can introduce it. Panics when
    /// that fails.
    pub async fn open(browser: &Browser, pages: &Pages, kind: Kind, relay: &str) -> Self {
        let tab = Self::load(browser, pages, kind).await;
        let id = ask(&tab, "start", &[json!(relay)]).await;
        let id = id.as_str().expect("an id is a text").to_owned();
        Self { tab, id, kind }
    }

    /// Opens such a tab and waits until its code is loaded; it is no peer yet.
    pub async fn load(browser: &Browser, pages: &Pages, kind: Kind) -> Tab {
        let tab = browser.open(&pages.url(kind.page())).await;
        ask(&tab, "ready", &[]).await;
        tab
    }

    /// Calls a function of `testPeer` and waits for its answer. Panics when it
    /// is refused.
    pub async fn ask(&self, function: &str, arguments: &[Value]) -> Value {
        ask(&self.tab, function, arguments).await
    }

    /// Dials another tab's peer over `/webrtc`, as [`patiently`] does; the connection
    /// that came of it. Panics when none does.
    pub async fn link(&self, relay: &str, other: &Self) -> Value {
        let address = format!("{relay}/p2p-circuit/webrtc/p2p/{}", other.id);
        let dial = format!("testPeer.dial({})", json!(address));
        let linked = patiently((self.kind, other.kind), async || self.tab.promise(&dial).await);
        match linked.await {
            Ok(connection) => connection,
            Err(why) => panic!("testPeer.dial: {why}\n{}", self.tab.describe().await),
        }
    }
}

/// Tries a dial from the first kind to the second, and where both are js-libp2p's, up
/// to [`JS_DIALS_MAX`] times. What came of the last.
///
/// Two of js-libp2p (`@libp2p/webrtc` 6.0.33) miss each other now and then, and no relay
/// can help it: the side that was dialed closes the channel `init` as soon as its muxer
/// stands (`onDataChannel` in `muxer.js`), though that is the dialer's part. A dialer that
/// looks at the channel only then (`initiateConnection` in `initiate-connection.js`) finds
/// it not open, and waits for it to open until the time for an address is over
/// (`ADDRESS_DIAL_TIMEOUT`, 6 s).
pub async fn patiently<T, F>(kinds: (Kind, Kind), mut dial: impl FnMut() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, String>>,
{
    if kinds == (Kind::Js, Kind::Js) {
        for _ in 1..JS_DIALS_MAX {
            match dial().await {
                Ok(linked) => return Ok(linked),
                Err(why) => eprintln!("js-libp2p dials itself once more: {why}"),
            }
        }
    }
    dial().await
}

async fn ask(tab: &Tab, function: &str, arguments: &[Value]) -> Value {
    match tab.promise(&format!("testPeer.{function}(...{})", json!(arguments))).await {
        Ok(answer) => answer,
        Err(why) => panic!("testPeer.{function}: {why}\n{}", tab.describe().await),
    }
}

/// Starts a process that waits to be reached through the relay; its id.
/// Panics when the relay gives it no reservation.
pub fn listen(relay: &str) -> (Process, String) {
    let mut process = start(&["listen", relay]);
    let listening = process.wait_for_line("that it listens", |line| said(line, "listening "));
    let id = listening["id"].as_str().expect("an id is a text").to_owned();
    (process, id)
}

/// Has a process reach a peer through the relay, identify it, ping it and
/// send it bytes; what it saw. Panics with its words when it fails.
pub fn reach(relay: &str, peer: &str, bytes: usize) -> Value {
    let mut process = start(&["reach", relay, peer, &bytes.to_string()]);
    process.wait_for_line("what it reached", |line| said(line, "reached "))
}

fn start(words: &[&str]) -> Process {
    let node = std::env::var_os(NODE).unwrap_or_else(|| "node".into());
    let program = js_programs().join("node.cjs");
    Process::start("the js-libp2p node", Command::new(node).arg(program).args(words))
}

fn said(line: &str, word: &str) -> Option<Value> {
    serde_json::from_str(line.strip_prefix(word)?).ok()
}

/// The bytes that all test peers send, as `tests/js/src/echo.js` says:
/// xorshift32 from 1, four bytes a step, the lowest first.
pub fn pattern(length: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut bytes = Vec::with_capacity(length + 4);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
