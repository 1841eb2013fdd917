//! Whether a page stood still by its own doing.
//!
//! The page notes the time every 100 ms. When it misses beats, either its own
//! code held its thread, or other programs had the processor. What tells the
//! two apart is the processor time that the thread used meanwhile, which the
//! system keeps ([`Watch`] reads it every [`LOOK_MS`]): a page is at fault when
//! it worked for so long between two beats that it would have missed more than
//! [`MISSED_MAX`] of them on a machine of its own. What the browser counts as
//! a long task is kept beside it, for whoever reads a failure.
//!
//! What it does not see: a thread that waits for another one. A page's thread may
//! not block in a browser but by a synchronous request, which the page never makes;
//! what else it waits for is work that it gave to others, who wait for the processor
//! themselves when the machine is busy: with that counted, the pages of two tabs
//! alone missed up to nine beats beside a compiler. Where the system has no `/proc`,
//! all time counts as the page's own.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{browser::Browser, tab::Tab};

/// Beats in a row that a page may miss.
pub const MISSED_MAX: u32 = 2;
/// The longest that a page may work between two beats, in milliseconds: beyond
/// it, [`MISSED_MAX`] beats and one more are missed.
pub const WORK_MS_MAX: f64 = (MISSED_MAX as f64 + 1.0) * 100.0;
/// Between two looks at the processor time, in milliseconds.
pub const LOOK_MS: u64 = 10;

/// Pages that beat, and the processor time of their threads.
#[derive(Debug)]
pub struct Watch {
    pages: Vec<u32>,
    samples: Arc<Mutex<Vec<Sample>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The processor time that each page's thread had used at a moment, both in
/// milliseconds.
#[derive(Clone, Debug)]
struct Sample {
    at: f64,
    used: Vec<f64>,
}

/// When a page beat, in milliseconds since 1970, and its long tasks.
#[derive(Clone, Debug, Default)]
struct Beats {
    at: Vec<f64>,
    /// When each began, and how long it took.
    long: Vec<(f64, f64)>,
}

/// The time between two beats of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gap {
    /// How long it was, in milliseconds.
    pub ms: f64,
    /// For how much of it a page's thread worked, in milliseconds.
    pub work_ms: f64,
    /// The longest task meanwhile that the browser counts as long, in
    /// milliseconds.
    pub task_ms: f64,
}

impl Gap {
    /// Whether the page's own work made it miss too many beats.
    pub fn is_stall(&self) -> bool {
        self.work_ms > WORK_MS_MAX
    }
}

impl Watch {
    /// Lets these pages of a browser beat, and watches them until this is
    /// dropped. The first is brought to the front.
    pub async fn start(browser: &Browser, tabs: &[&Tab]) -> Self {
        for tab in tabs {
            beat(tab).await;
        }
        if let Some(first) = tabs.first() {
            first.show().await;
        }
        let pages = browser.process().map(renderers).unwrap_or_default();
        let (samples, is_over) =
            (Arc::<Mutex<Vec<Sample>>>::default(), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (pages, samples, is_over) = (pages.clone(), samples.clone(), is_over.clone());
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    let sample = Sample::now(&pages);
                    samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                    std::thread::sleep(Duration::from_millis(LOOK_MS));
                }
            }
        });
        Self { pages, samples, is_over, thread: Some(thread) }
    }

    /// The gap between two beats of a page in which most work was done, up to
    /// now. A page that does not beat at all panics.
    pub async fn longest(&self, tab: &Tab) -> Gap {
        let beats = beats(tab).await;
        assert!(beats.at.len() > 3, "the page does not beat: {beats:?}");
        let last = Sample::now(&self.pages);
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push(last);
        beats.longest(&samples)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only reads, and may have failed with the test.
            let _ = thread.join();
        }
    }
}

impl Sample {
    fn now(pages: &[u32]) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let used = pages.iter().map(|page| used_ms(*page).unwrap_or_default()).collect();
        Self { at: since.as_secs_f64() * 1000.0, used }
    }
}

impl Beats {
    fn longest(&self, samples: &[Sample]) -> Gap {
        let gaps = self.at.windows(2).map(|pair| self.gap(samples, pair[0], pair[1]));
        gaps.fold(Gap::default(), |longest, gap| {
            if (gap.work_ms, gap.ms) > (longest.work_ms, longest.ms) { gap } else { longest }
        })
    }

    fn gap(&self, samples: &[Sample], from: f64, to: f64) -> Gap {
        let ms = to - from;
        let within = self.long.iter().filter(|(began, took)| *began < to && began + took > from);
        let task_ms = within.map(|(_, took)| *took).fold(0.0, f64::max);
        let work_ms = worked(samples, from, to).unwrap_or(ms).min(ms);
        Gap { ms, work_ms, task_ms }
    }
}

/// The most that any page's thread worked between two moments; `None` where
/// nothing is known.
fn worked(samples: &[Sample], from: f64, to: f64) -> Option<f64> {
    let pages = samples.first()?.used.len();
    let work = |page| used_at(samples, page, to) - used_at(samples, page, from);
    (0..pages).map(work).reduce(f64::max)
}

/// What a page's thread had used at a moment, between two samples in equal parts.
fn used_at(samples: &[Sample], page: usize, at: f64) -> f64 {
    let next = samples.partition_point(|sample| sample.at < at);
    let (before, after) = (samples.get(next.saturating_sub(1)), samples.get(next));
    match (before, after.or(samples.last())) {
        (Some(before), Some(after)) if after.at > before.at => {
            let part = ((at - before.at) / (after.at - before.at)).clamp(0.0, 1.0);
            before.used[page] + part * (after.used[page] - before.used[page])
        }
        (Some(only), _) | (None, Some(only)) => only.used[page],
        (None, None) => 0.0,
    }
}

async fn beat(tab: &Tab) {
    tab.run(
        "const now = () => performance.timeOrigin + performance.now();
         const beat = { at: [now()], long: [] };
         setInterval(() => beat.at.push(now()), 100);
         beat.note = (tasks) => tasks.forEach((task) =>
            beat.long.push([performance.timeOrigin + task.startTime, task.duration]));
         beat.observer = new PerformanceObserver((list) => beat.note(list.getEntries()));
         beat.observer.observe({ type: 'longtask' });
         globalThis.testBeat = beat;",
    )
    .await;
}

/// A page's beats so far, one for this moment included.
async fn beats(tab: &Tab) -> Beats {
    let read = tab
        .run_async(
            "setTimeout(() => {
                testBeat.note(testBeat.observer.takeRecords());
                done([[...testBeat.at, performance.timeOrigin + performance.now()], testBeat.long]);
             });",
        )
        .await;
    let numbers = |list: &Value| -> Vec<f64> {
        list.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let tasks = read[1].as_array().into_iter().flatten().map(numbers);
    Beats { at: numbers(&read[0]), long: tasks.map(|task| (task[0], task[1])).collect() }
}

/// The processes of a browser that run pages.
pub(crate) fn renderers(browser: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: BTreeMap<u32, u32> =
        processes.filter_map(|process| Some((process, parent(process)?))).collect();
    let is_of_browser = |process: &u32| {
        std::iter::successors(Some(*process), |child| parents.get(child).copied())
            .any(|ancestor| ancestor == browser)
    };
    let is_page = |process: &u32| {
        let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains("--type=renderer")
    };
    parents.keys().copied().filter(is_of_browser).filter(is_page).collect()
}

fn parent(process: u32) -> Option<u32> {
    let about = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    about.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// The processor time of a process's first thread, which is the page's, in
/// milliseconds.
fn used_ms(process: u32) -> Option<f64> {
    let spent = fs::read_to_string(format!("/proc/{process}/task/{process}/schedstat")).ok()?;
    let nanoseconds: f64 = spent.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread that works all the time from 1,000 to 1,500 ms.
    fn samples() -> Vec<Sample> {
        let used = |at: f64| (at - 1_000.0).clamp(0.0, 500.0);
        (0..20)
            .map(|nth| 800.0 + 50.0 * f64::from(nth))
            .map(|at| Sample { at, used: vec![used(at)] })
            .collect()
    }

    fn beats(at: &[f64]) -> Beats {
        Beats { at: at.to_vec(), long: vec![(1_000.0, 500.0)] }
    }

    #[test]
    fn work_between_two_beats_is_a_stall() {
        let gap = beats(&[800.0, 900.0, 1_500.0, 1_600.0]).longest(&samples());
        assert_eq!((gap.ms, gap.task_ms), (600.0, 500.0));
        assert!((gap.work_ms - 500.0).abs() < 1.0 && gap.is_stall(), "{gap:?}");
    }

    #[test]
    fn a_long_wait_for_the_processor_is_none() {
        let gap = beats(&[800.0, 1_200.0, 1_450.0, 1_800.0]).longest(&samples());
        assert!(!gap.is_stall() && gap.ms < 300.0, "{gap:?}");
    }

    #[test]
    fn where_nothing_is_known_all_time_counts() {
        assert!(beats(&[0.0, 400.0]).longest(&[]).is_stall());
        assert!(!beats(&[0.0, 290.0]).longest(&[]).is_stall());
    }
}
