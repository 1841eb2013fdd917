//! The ion's disk beside plain `IndexedDB`, and what is done with blocks on the way.

use serde_json::{Value, json};

use super::{Found, median};
use crate::{
    browser::Browser,
    folder::root,
    ion_tab::IonTab,
    pages::{Pages, js_programs},
    raw_channel::mib_per_second,
    relay::Relay,
    tab::Tab,
};

/// Interleaved runs.
const RUNS: usize = 5;
/// Bytes of one run, and of one that only finds the best setting.
const BYTES: usize = 64 << 20;
const TRIAL_BYTES: usize = 16 << 20;
/// Bytes that are hashed at a time, and how often in a run.
const HASH_BYTES: usize = 4 << 20;
const HASHES: usize = 12;
/// How often each setting is tried.
const TRIALS: usize = 2;
/// Bytes of a value and values of a transaction that are tried.
const CHUNKS: [usize; 3] = [64 << 10, 256 << 10, 1 << 20];
const BATCHES: [usize; 5] = [1, 8, 16, 32, 64];
/// Entries of the shared memory that is weighed.
const ENTRIES: u32 = 100_000;

/// How plain JavaScript writes and reads.
#[derive(Clone, Copy, Debug)]
struct Setting {
    chunk_bytes: usize,
    batch: usize,
}

/// `raw-disk-write` and `raw-disk-read`: plain JavaScript at the best of
/// [`CHUNKS`] and [`BATCHES`] for each. `disk-write`, `disk-read`: the ion's disk
/// as a ratio to them in the same run; `import`: a browser's `File` into the
/// store of an ion, named, written and with its place in the shared memory.
/// `hash`: naming blocks, the fastest of some short tries; `hash-sha256`: what the browser's own hash does with
/// them. `memory-100k`: by how much WebAssembly's memory grows for 100,000 entries
/// of 64 bytes that others wrote.
pub(super) async fn measure() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let ion = IonTab::open(&browser, &relay).await;
    let page = DiskPage::open(&browser).await;
    // First of all: memory that was used for something else would be used again.
    let weight = page.call("testStore.memory", &[json!(ENTRIES)]).await;
    let mib = weight.as_f64().expect("a weight is a number") / f64::from(1 << 20);
    let (to_write, to_read) = page.best_settings().await;
    let names = [
        "raw-disk-write",
        "raw-disk-read",
        "disk-write",
        "disk-read",
        "import",
        "hash",
        "hash-sha256",
    ];
    let mut found: Found = names.map(|name| (name, Vec::new())).into();
    for run in 0..RUNS {
        let fast_write = page.raw(to_write, BYTES).await.0;
        let fast_read = page.raw(to_read, BYTES).await.1;
        let write = page.speed("write", &[json!(format!("bench-{run}")), json!(BYTES)]).await;
        let read = page.speed("read", &[]).await;
        let import = mib_per_second(BYTES, ion.bring(run as u64 + 1, BYTES).await);
        eprintln!(
            "  plain {fast_write:.0} in, {fast_read:.0} out; ion {write:.0} in, {read:.0} out; file {import:.0} MiB/s"
        );
        let hash = page.hash_speed("name").await;
        let sha256 = page.hash_speed("sha256").await;
        let ratios = [write / fast_write, read / fast_read, import / fast_write];
        let figures = [fast_write, fast_read].into_iter().chain(ratios).chain([hash, sha256]);
        for ((_, runs), figure) in found.iter_mut().zip(figures) {
            runs.push(figure);
        }
    }
    found.push(("memory-100k", vec![mib]));
    found
}

/// A page of the store's parts: `tests/store-peer` and `tests/js/raw/disk.js`.
struct DiskPage {
    tab: Tab,
    _pages: Pages,
}

impl DiskPage {
    async fn open(browser: &Browser) -> Self {
        let pages = Pages::serve(vec![js_programs(), root().join("tests/js/raw")]).await;
        let tab = browser.open(&pages.url("store.html")).await;
        let page = Self { tab, _pages: pages };
        page.call("testStore.ready", &[]).await;
        page
    }

    /// The settings whose trials have the highest medians: to write, to read.
    async fn best_settings(&self) -> (Setting, Setting) {
        let first = Setting { chunk_bytes: CHUNKS[0], batch: BATCHES[0] };
        let (mut to_write, mut to_read) = ((0.0, first), (0.0, first));
        for chunk_bytes in CHUNKS {
            for batch in BATCHES {
                let setting = Setting { chunk_bytes, batch };
                let (write, read) = self.trials(setting).await;
                eprintln!("  {setting:?}: {write:.0} MiB/s in, {read:.0} out");
                to_write = if write > to_write.0 { (write, setting) } else { to_write };
                to_read = if read > to_read.0 { (read, setting) } else { to_read };
            }
        }
        (to_write.1, to_read.1)
    }

    async fn trials(&self, setting: Setting) -> (f64, f64) {
        let (mut writes, mut reads) = (Vec::new(), Vec::new());
        for _ in 0..TRIALS {
            let (write, read) = self.raw(setting, TRIAL_BYTES).await;
            writes.push(write);
            reads.push(read);
        }
        (median(&writes), median(&reads))
    }

    /// Plain JavaScript: MiB a second in and out.
    async fn raw(&self, Setting { chunk_bytes, batch }: Setting, bytes: usize) -> (f64, f64) {
        let setting = json!({ "chunkBytes": chunk_bytes, "batch": batch, "totalBytes": bytes });
        let took = self.call("rawDisk.run", &[setting]).await;
        let speed = |way: &str| mib_per_second(bytes, took[way].as_f64().expect("it is a time"));
        (speed("write"), speed("read"))
    }

    /// MiB a second of a hash: of tries so short that nothing comes between, the
    /// fastest.
    async fn hash_speed(&self, function: &str) -> f64 {
        let mut fastest: f64 = 0.0;
        for _ in 0..HASHES {
            let took = self.call(&format!("testStore.{function}"), &[json!(HASH_BYTES)]).await;
            let took = took.as_f64().expect("a time is a number");
            fastest = fastest.max(mib_per_second(HASH_BYTES, took));
        }
        fastest
    }

    /// MiB a second of something that is done with [`BYTES`].
    async fn speed(&self, function: &str, arguments: &[Value]) -> f64 {
        let took = self.call(&format!("testStore.{function}"), arguments).await;
        mib_per_second(BYTES, took.as_f64().expect("a time is a number"))
    }

    async fn call(&self, function: &str, arguments: &[Value]) -> Value {
        match self.tab.promise(&format!("{function}(...{})", json!(arguments))).await {
            Ok(answer) => answer,
            Err(why) => panic!("{function}: {why}"),
        }
    }
}
