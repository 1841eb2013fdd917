//! How much memory bringing in a large file takes.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::Found;
use crate::{browser::Browser, heartbeat::renderers, ion_tab::IonTab, relay::Relay};

/// The file's length, in bytes.
const FILE_BYTES: usize = 1 << 30;
/// Between two looks at the memory, in milliseconds.
const LOOK_MS: u64 = 20;
/// A page of memory, in KiB.
const PAGE_KIB: u64 = 4;

/// `import-memory`: by how much the processes of a browser's pages, all their
/// workers included, are larger at most than before while a file of 1 GiB is brought
/// in, in MiB.
pub(super) async fn import() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let file = browser.file("large.bin", &varied());
    let ion = IonTab::open(&browser, &relay).await;
    let processes = browser.process().map(renderers).unwrap_or_default();
    assert!(weight_kib(&processes) > 0, "nothing tells what the pages' processes weigh");
    let scale = Scale::start(processes);
    let took_ms = ion.bring_chosen(1, &file, FILE_BYTES).await;
    let more = scale.most_kib().saturating_sub(scale.first_kib);
    eprintln!("  {} MiB in {:.1} s", FILE_BYTES >> 20, took_ms / 1_000.0);
    vec![("import-memory", vec![more as f64 / 1024.0])]
}

/// Bytes in which no block is like another.
fn varied() -> Vec<u8> {
    let numbers = (1_u64..).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    numbers.take(FILE_BYTES / 8).flat_map(u64::to_le_bytes).collect()
}

/// Weighs processes until it is dropped.
struct Scale {
    first_kib: u64,
    most_kib: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scale {
    fn start(processes: Vec<u32>) -> Self {
        let first_kib = weight_kib(&processes);
        let (most_kib, is_over) =
            (Arc::new(AtomicU64::new(first_kib)), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (most_kib, is_over) = (most_kib.clone(), is_over.clone());
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    most_kib.fetch_max(weight_kib(&processes), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(LOOK_MS));
                }
            }
        });
        Self { first_kib, most_kib, is_over, thread: Some(thread) }
    }

    fn most_kib(&self) -> u64 {
        self.most_kib.load(Ordering::Relaxed)
    }
}

impl Drop for Scale {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only reads.
            let _ = thread.join();
        }
    }
}

/// What processes have in memory, in KiB.
fn weight_kib(processes: &[u32]) -> u64 {
    let pages = |process: &u32| -> Option<u64> {
        let sizes = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
        sizes.split(' ').nth(1)?.parse().ok()
    };
    processes.iter().filter_map(pages).sum::<u64>() * PAGE_KIB
}
