//! Two tabs and a plain data channel, without any transport of libp2p or ours:
//! what `tests/js/raw/raw.js` does.

use serde_json::{Value, json};

use crate::{bench::median, browser::Browser, folder::root, pages::Pages, tab::Tab};

/// How bytes are put on the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Bytes of a message.
    pub message: usize,
    /// Bytes in the browser's buffer at which the sender waits.
    pub high: usize,
    /// Bytes in it at which the sender goes on.
    pub low: usize,
}

const fn setting(message_kib: usize, high_kib: usize, low_kib: usize) -> Setting {
    Setting { message: message_kib << 10, high: high_kib << 10, low: low_kib << 10 }
}

/// What is tried to find the best.
const SETTINGS: [Setting; 6] = [
    setting(16, 1_024, 256),
    setting(16, 4_096, 1_024),
    setting(64, 1_024, 256),
    setting(64, 4_096, 1_024),
    setting(256, 1_024, 256),
    setting(256, 4_096, 1_024),
];

/// Bytes of a transfer that only finds the best setting.
const TRIAL_BYTES: usize = 16 << 20;
/// How often each setting is tried.
const TRIALS: usize = 2;

/// Two tabs with an open channel between them.
#[derive(Debug)]
pub struct RawChannel {
    sender: Tab,
    receiver: Tab,
    _pages: Pages,
}

impl RawChannel {
    /// Opens two tabs of a browser and links them. Panics when they do not.
    pub async fn open(browser: &Browser) -> Self {
        let pages = Pages::serve(vec![root().join("tests/js/raw")]).await;
        let sender = browser.open(&pages.url("index.html")).await;
        let receiver = browser.open(&pages.url("index.html")).await;
        let offer = call(&sender, "offer()").await;
        let answer = call(&receiver, &format!("answer({offer})")).await;
        call(&sender, &format!("open({answer})")).await;
        receiver.wait_for("an open channel", "raw.isOpen()").await;
        Self { sender, receiver, _pages: pages }
    }

    /// Moves bytes from the first to the second; MiB a second.
    pub async fn throughput(&self, setting: Setting, bytes: usize) -> f64 {
        call(&self.receiver, &format!("sink({bytes})")).await;
        let Setting { message, high, low } = setting;
        let setting = json!({
            "messageBytes": message, "totalBytes": bytes, "highBytes": high, "lowBytes": low,
        });
        let took = call(&self.sender, &format!("transfer({setting})")).await;
        mib_per_second(bytes, took.as_f64().expect("a time is a number"))
    }

    /// The setting whose trials have the highest median.
    pub async fn best_setting(&self) -> Setting {
        // A fresh connection begins slowly, which no setting is to blame for.
        self.throughput(SETTINGS[0], TRIAL_BYTES).await;
        let mut best = (0.0, SETTINGS[0]);
        for setting in SETTINGS {
            let mut trials = Vec::new();
            for _ in 0..TRIALS {
                trials.push(self.throughput(setting, TRIAL_BYTES).await);
            }
            let figure = median(&trials);
            eprintln!("  {setting:?}: {figure:.1} MiB/s");
            if figure > best.0 {
                best = (figure, setting);
            }
        }
        best.1
    }

    /// Sends so many things there and back, so many in a message; how many a second.
    pub async fn messages(&self, count: u32, batch: u32, bytes: usize, under_way: u32) -> f64 {
        call(&self.receiver, "mirror()").await;
        let how = json!({ "count": count, "batch": batch, "bytes": bytes, "underWay": under_way });
        let took = call(&self.sender, &format!("messages({how})")).await;
        f64::from(count) / took.as_f64().expect("a time is a number") * 1000.0
    }

    /// Milliseconds of each round trip.
    pub async fn round_trips(&self, count: u32, bytes: usize) -> Vec<f64> {
        call(&self.receiver, "mirror()").await;
        let took = call(&self.sender, &format!("roundTrips({count}, {bytes})")).await;
        took.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    }
}

/// Bytes in milliseconds as MiB a second.
pub fn mib_per_second(bytes: usize, milliseconds: f64) -> f64 {
    bytes as f64 / f64::from(1 << 20) / milliseconds * 1000.0
}

async fn call(tab: &Tab, what: &str) -> Value {
    match tab.promise(&format!("raw.{what}")).await {
        Ok(answer) => answer,
        Err(why) => panic!("raw.{what}: {why}"),
    }
}
