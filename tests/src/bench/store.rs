//! The store between two tabs: writes until they are acknowledged and seen, files
//! from one disk to the other.

use super::{Found, median};
use crate::{
    browser::Browser,
    ion_tab::IonTab,
    raw_channel::{RawChannel, mib_per_second},
    relay::Relay,
};

/// Runs of each, the first of which warms up what it uses and is not counted.
const PUT_RUNS: usize = 6;
const FILE_RUNS: u64 = 4;
/// Writes of one run.
const PUTS: u32 = 1_000;
/// Writes one after the other, in each run.
const PUTS_SINGLY: u32 = 100;
/// A file's length, in bytes.
const FILE_BYTES: usize = 64 << 20;
/// The length of one that comes over capped links, and their cap a second.
const CAPPED_FILE_BYTES: usize = 32 << 20;
const CAP_BYTES: u32 = 4 << 20;
/// Runs over capped links.
const CAPPED_RUNS: u64 = 3;

/// `puts-1000`: from the first of a thousand commands, each a write of its own,
/// until another tab has seen them all. `put-one`: from the command to its
/// acknowledgement in the page. Both in milliseconds, in tabs that are linked.
pub(super) async fn puts() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let tabs = IonTab::open_linked(&browser, &relay, 2).await;
    let (mut all, mut singly) = (Vec::new(), Vec::new());
    for run in 0..PUT_RUNS {
        tabs[1].watch(2 * run, PUTS).await;
        let start = tabs[0].put_all(2 * run, PUTS).await;
        all.push(tabs[1].saw_all().await - start);
        singly.push(median(&tabs[0].put_each(2 * run + 1, PUTS_SINGLY).await));
    }
    vec![("puts-1000", all.split_off(1)), ("put-one", singly.split_off(1))]
}

/// `file-transfer`: MiB a second from the word to keep it until all of it is
/// verified and on disk, as a ratio to a plain channel in the same run.
pub(super) async fn transfer() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let tabs = IonTab::open_linked(&browser, &relay, 2).await;
    let raw = RawChannel::open(&browser).await;
    let best = raw.best_setting().await;
    tabs[1].give_nothing().await;
    let mut ratios = Vec::new();
    for run in 1..=FILE_RUNS {
        let plain = raw.throughput(best, FILE_BYTES).await;
        tabs[0].bring(run, FILE_BYTES).await;
        let ours = mib_per_second(FILE_BYTES, tabs[1].fetch(run).await);
        eprintln!("  plain {plain:.1}, file {ours:.1} MiB/s");
        ratios.push(ours / plain);
    }
    vec![("file-transfer", ratios.split_off(1))]
}

/// `file-transfer-three`: how much faster a file comes from three tabs than from
/// one, while each may send 4 MiB a second.
pub(super) async fn transfer_three() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let tabs = IonTab::open_linked_capped(&browser, &relay, 4).await;
    let (sources, to) = (&tabs[..3], &tabs[3]);
    for tab in &tabs[1..] {
        tab.give_nothing().await;
    }
    let mut ratios = Vec::new();
    for run in 1..=CAPPED_RUNS {
        let (alone, shared) = (2 * run, 2 * run + 1);
        for file in [alone, shared] {
            tabs[0].bring(file, CAPPED_FILE_BYTES).await;
        }
        for tab in &sources[1..] {
            tab.fetch(shared).await;
        }
        to.file(shared, "file.copies === 3").await;
        let one = capped(sources, to, alone).await;
        let three = capped(sources, to, shared).await;
        eprintln!("  from one {one:.1}, from three {three:.1} MiB/s");
        ratios.push(three / one);
    }
    vec![("file-transfer-three", ratios)]
}

/// MiB a second of a file that comes while its sources may send [`CAP_BYTES`].
async fn capped(sources: &[IonTab], to: &IonTab, file: u64) -> f64 {
    for tab in sources {
        tab.cap(Some(CAP_BYTES)).await;
    }
    let took = to.fetch(file).await;
    for tab in sources {
        tab.cap(None).await;
    }
    mib_per_second(CAPPED_FILE_BYTES, took)
}
