//! What a direct link between two tabs costs beside the data channel below it.
//!
//! Each transport is measured against the plain channel of the same browser,
//! one right after the other, and only their ratio is kept: the plain figures
//! move by half within an hour.

use serde_json::{Value, json};

use super::{Found, attempt, median};
use crate::{
    browser::Browser,
    libp2p_peer::{Kind, PeerTab, patiently},
    pages::{Pages, js_programs},
    raw_channel::{RawChannel, mib_per_second},
    relay::Relay,
};

/// Interleaved runs.
const RUNS: usize = 5;
/// Browsers in which two tabs meet.
const LINK_RUNS: usize = 3;
/// Bytes of one transfer.
const BYTES: usize = 32 << 20;
/// Round trips of one run; the first ones warm up.
const ROUND_TRIPS: u32 = 300;
const WARM_UP: usize = 50;
const ROUND_TRIP_BYTES: usize = 64;

/// What is measured against the plain channel, and its rows.
const KINDS: [(Kind, &str, &str); 2] = [
    (Kind::Js, "js-libp2p-throughput", "js-libp2p-round-trip"),
    (Kind::Ours, "webrtc-throughput", "webrtc-round-trip"),
];

/// Two linked peers of one kind.
struct Pair {
    from: PeerTab,
    to: PeerTab,
}

/// `raw-channel-throughput` and `raw-channel-round-trip`: plain JavaScript at
/// the best of its settings. Others: a transport's figure as a ratio to those
/// of the same run; and how long two open pages take until they are linked. A transport
/// that fails costs its own rows.
pub(super) async fn measure() -> Found {
    let relay = Relay::start();
    let address = relay.browser_address().await;
    let pages = Pages::serve(vec![js_programs()]).await;
    let mut found = against_raw(&pages, &address).await;
    for (name, kind) in [("js-libp2p-link", Kind::Js), ("direct-link", Kind::Ours)] {
        let took = attempt(links(&pages, kind, &address)).await;
        found.extend(took.map(|took| (name, took)));
    }
    found
}

async fn against_raw(pages: &Pages, relay: &str) -> Found {
    let browser = Browser::start().await;
    let raw = RawChannel::open(&browser).await;
    let mut pairs = Vec::new();
    for (kind, ..) in KINDS {
        pairs.push(attempt(Pair::open(&browser, pages, kind, relay)).await);
    }
    let best = raw.best_setting().await;
    let mut plain = [Vec::new(), Vec::new()];
    let mut ratios = [const { [const { Vec::new() }; 2] }; KINDS.len()];
    for _ in 0..RUNS {
        let (fast, quick) = (raw.throughput(best, BYTES).await, raw_round_trip(&raw).await);
        push(&mut plain, [fast, quick]);
        for (pair, ratios) in pairs.iter_mut().zip(&mut ratios) {
            let Some(linked) = pair else { continue };
            match attempt(linked.figures()).await {
                Some([throughput, round_trip]) => {
                    push(ratios, [throughput / fast, round_trip / quick]);
                }
                None => *pair = None,
            }
        }
    }
    let names = ["raw-channel-throughput", "raw-channel-round-trip"];
    let mut found: Found = names.into_iter().zip(plain).collect();
    for ((_, throughput, round_trip), ratios) in KINDS.into_iter().zip(ratios) {
        // One that failed on its way has fewer, and they are no median of what was meant.
        if ratios[0].len() == RUNS {
            found.extend([throughput, round_trip].into_iter().zip(ratios));
        }
    }
    found
}

fn push(columns: &mut [Vec<f64>; 2], figures: [f64; 2]) {
    for (column, figure) in columns.iter_mut().zip(figures) {
        column.push(figure);
    }
}

/// Milliseconds from both pages open, with their code loaded, until the one
/// that dials has a direct link: connecting to the relay, its reservations,
/// circuit and handshake. Each time is that of a meeting in which the first dial
/// came through.
async fn links(pages: &Pages, kind: Kind, relay: &str) -> Vec<f64> {
    let mut runs = Vec::new();
    for _ in 0..LINK_RUNS {
        let took = patiently((kind, kind), || meeting(pages, kind, relay)).await;
        runs.push(took.unwrap_or_else(|why| panic!("{kind:?}: the tabs did not link: {why}")));
    }
    runs
}

/// How long it took in a browser of its own, or why they did not link.
async fn meeting(pages: &Pages, kind: Kind, relay: &str) -> Result<f64, String> {
    let browser = Browser::start().await;
    let dialer = PeerTab::load(&browser, pages, kind).await;
    let listener = PeerTab::load(&browser, pages, kind).await;
    listener.run(MEET_LISTENER).await;
    let took = dialer.promise(&format!("({MEET_DIALER})({})", json!(relay))).await?;
    Ok(took.as_f64().expect("a time is a number"))
}

/// JavaScript: starts when it is told to, and tells its id.
const MEET_LISTENER: &str = "
    const meeting = globalThis.meeting = new BroadcastChannel('meeting');
    meeting.onmessage = async ({ data: { relay } }) => {
        if (relay) meeting.postMessage({ id: await testPeer.start(relay) });
    };";
/// JavaScript: tells the other to start, starts too, and dials.
const MEET_DIALER: &str = "async (relay) => {
    const meeting = new BroadcastChannel('meeting');
    const started = performance.now();
    const other = new Promise((resolve) => {
        meeting.onmessage = ({ data: { id } }) => { if (id) resolve(id); };
    });
    meeting.postMessage({ relay });
    const [id] = await Promise.all([other, testPeer.start(relay)]);
    await testPeer.dial(relay + '/p2p-circuit/webrtc/p2p/' + id);
    return performance.now() - started;
}";

async fn raw_round_trip(raw: &RawChannel) -> f64 {
    let took = raw.round_trips(ROUND_TRIPS, ROUND_TRIP_BYTES).await;
    median(&took[WARM_UP..])
}

impl Pair {
    async fn open(browser: &Browser, pages: &Pages, kind: Kind, relay: &str) -> Self {
        let from = PeerTab::open(browser, pages, kind, relay).await;
        let to = PeerTab::open(browser, pages, kind, relay).await;
        let link = from.link(relay, &to).await;
        assert_eq!(link["isDirect"], true, "{link:#}");
        Self { from, to }
    }

    /// Its throughput, and its round trip.
    async fn figures(&self) -> [f64; 2] {
        [self.throughput().await, self.round_trip().await]
    }

    /// MiB a second, one way.
    async fn throughput(&self) -> f64 {
        let took = self.from.ask("transfer", &[json!(self.to.id), json!(BYTES)]).await;
        mib_per_second(BYTES, took.as_f64().expect("a time is a number"))
    }

    /// Milliseconds, on one stream.
    async fn round_trip(&self) -> f64 {
        let arguments = [json!(self.to.id), json!(ROUND_TRIPS), json!(ROUND_TRIP_BYTES)];
        let took = self.from.ask("roundTrips", &arguments).await;
        let took: Vec<f64> =
            took.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        median(&took[WARM_UP..])
    }
}
