//! The benchmark: what is measured, against which goal, and how it is told.
//!
//! Each row is a median of several runs against the real relay and a real
//! browser. Rows without a goal of their own (raw mechanisms) have the goal 0. What
//! fails costs its own rows, which have no value then.

mod channels;
mod disk;
mod join;
mod lanes;
mod mechanisms;
mod relay;
mod scheduler;
mod simulated;
mod sizes;
mod store;
mod tasks;
mod weight;
mod work;

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use serde_json::json;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The higher the better.
    Higher,
    /// The lower the better.
    Lower,
}

impl Better {
    fn word(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
        }
    }
}

/// What can be measured.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, by which it is picked.
    pub name: &'static str,
    /// Of what the value is a count.
    pub unit: &'static str,
    /// What is aimed at; 0 where nothing is.
    pub goal: f64,
    /// Which way is better.
    pub better: Better,
    group: Group,
}

/// Rows that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Join,
    Tasks,
    Sizes,
    Relay,
    Mechanisms,
    Latency,
    Efficiency,
    Scheduler,
    Channels,
    Broadcast,
    Presence,
    Puts,
    Transfer,
    TransferThree,
    Disk,
    Weight,
    Reconcile,
    Lanes,
    Start,
}

const GROUPS: [Group; 19] = [
    Group::Sizes,
    Group::Broadcast,
    Group::Presence,
    Group::Reconcile,
    Group::Scheduler,
    Group::Relay,
    Group::Join,
    Group::Tasks,
    Group::Mechanisms,
    Group::Latency,
    Group::Efficiency,
    Group::Lanes,
    Group::Start,
    Group::Puts,
    Group::Transfer,
    Group::TransferThree,
    Group::Disk,
    Group::Weight,
    Group::Channels,
];

const fn row(
    name: &'static str,
    unit: &'static str,
    goal: f64,
    better: Better,
    group: Group,
) -> Row {
    Row { name, unit, goal, better, group }
}

/// All rows, in the order in which they are shown.
pub const ROWS: [Row; 55] = [
    row("join", "ms", 800.0, Better::Lower, Group::Join),
    row("join-again", "ms", 800.0, Better::Lower, Group::Join),
    row("tasks-per-second", "1/s", 9_300.0, Better::Higher, Group::Tasks),
    row("size-page", "KiB", 300.0, Better::Lower, Group::Sizes),
    row("size-ion", "KiB", 600.0, Better::Lower, Group::Sizes),
    row("size-guest", "KiB", 400.0, Better::Lower, Group::Sizes),
    row("size-scanner", "KiB", 100.0, Better::Lower, Group::Sizes),
    row("broadcast-hops-100", "links", 15.0, Better::Lower, Group::Broadcast),
    row("broadcast-redundancy-100", "ratio", 0.2, Better::Lower, Group::Broadcast),
    row("broadcast-missed-100", "ions", 0.0, Better::Lower, Group::Broadcast),
    row("broadcast-bytes-per-ion-100", "B", 0.0, Better::Lower, Group::Broadcast),
    row("broadcast-bytes-per-ion-1000", "B", 0.0, Better::Lower, Group::Broadcast),
    row("broadcast-hops-1000", "links", 15.0, Better::Lower, Group::Broadcast),
    row("broadcast-redundancy-1000", "ratio", 0.2, Better::Lower, Group::Broadcast),
    row("broadcast-missed-1000", "ions", 0.0, Better::Lower, Group::Broadcast),
    row("broadcast-redundancy-churn-1000", "ratio", 0.0, Better::Lower, Group::Broadcast),
    row("presence-bytes-per-ion-100", "B/s", 0.0, Better::Lower, Group::Presence),
    row("presence-bytes-per-ion-1000", "B/s", 0.0, Better::Lower, Group::Presence),
    row("relay-connections", "ions", 1_000.0, Better::Higher, Group::Relay),
    row("relay-memory-per-ion", "KiB", 0.0, Better::Lower, Group::Relay),
    row("raw-messages", "1/s", 0.0, Better::Higher, Group::Mechanisms),
    row("raw-messages-batched", "1/s", 0.0, Better::Higher, Group::Mechanisms),
    row("tasks-to-raw-messages", "ratio", 0.5, Better::Higher, Group::Mechanisms),
    row("task-latency", "ratio", 2.0, Better::Lower, Group::Latency),
    row("efficiency-100-ms", "ratio", 0.95, Better::Higher, Group::Efficiency),
    row("efficiency-10-ms", "ratio", 0.85, Better::Higher, Group::Efficiency),
    row("efficiency-1-ms", "ratio", 0.6, Better::Higher, Group::Efficiency),
    row("scheduler-1000", "µs", 0.0, Better::Lower, Group::Scheduler),
    row("scheduler-growth", "ratio", 1.0, Better::Lower, Group::Scheduler),
    row("fast-lane", "ratio", 0.75, Better::Higher, Group::Lanes),
    row("fast-over-interpreter", "ratio", 15.0, Better::Higher, Group::Lanes),
    row("spark-start", "ms", 1.0, Better::Lower, Group::Start),
    row("puts-1000", "ms", 200.0, Better::Lower, Group::Puts),
    row("put-one", "ms", 3.0, Better::Lower, Group::Puts),
    row("file-transfer", "ratio", 0.85, Better::Higher, Group::Transfer),
    row("file-transfer-three", "ratio", 2.4, Better::Higher, Group::TransferThree),
    row("import", "ratio", 0.8, Better::Higher, Group::Disk),
    row("disk-write", "ratio", 0.8, Better::Higher, Group::Disk),
    row("disk-read", "ratio", 0.8, Better::Higher, Group::Disk),
    row("raw-disk-write", "MiB/s", 0.0, Better::Higher, Group::Disk),
    row("raw-disk-read", "MiB/s", 0.0, Better::Higher, Group::Disk),
    row("hash", "MiB/s", 0.0, Better::Higher, Group::Disk),
    row("hash-sha256", "MiB/s", 0.0, Better::Higher, Group::Disk),
    row("memory-100k", "MiB", 0.0, Better::Lower, Group::Disk),
    row("import-memory", "MiB", 64.0, Better::Lower, Group::Weight),
    row("reconcile-bytes", "KiB", 10.0, Better::Lower, Group::Reconcile),
    row("reconcile-messages", "frames", 0.0, Better::Lower, Group::Reconcile),
    row("webrtc-throughput", "ratio", 0.92, Better::Higher, Group::Channels),
    row("webrtc-round-trip", "ratio", 1.5, Better::Lower, Group::Channels),
    row("direct-link", "ms", 500.0, Better::Lower, Group::Channels),
    row("raw-channel-throughput", "MiB/s", 0.0, Better::Higher, Group::Channels),
    row("raw-channel-round-trip", "ms", 0.0, Better::Lower, Group::Channels),
    row("js-libp2p-throughput", "ratio", 0.0, Better::Higher, Group::Channels),
    row("js-libp2p-round-trip", "ratio", 0.0, Better::Lower, Group::Channels),
    row("js-libp2p-link", "ms", 0.0, Better::Lower, Group::Channels),
];

/// A row's value: the median of `runs` runs.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// What was measured.
    pub row: Row,
    /// The median; not a number where the measurement failed.
    pub value: f64,
    /// How many runs it is the median of; 0 where it failed.
    pub runs: usize,
}

impl Measured {
    /// One line of JSON; its `value` is `null` where the measurement failed.
    pub fn json(&self) -> String {
        json!({
            "name": self.row.name,
            "value": rounded(self.value),
            "unit": self.row.unit,
            "goal": self.row.goal,
            "better": self.row.better.word(),
            "runs": self.runs,
        })
        .to_string()
    }

    /// One line of the table.
    pub fn line(&self) -> String {
        let goal = if self.row.goal > 0.0 { self.row.goal.to_string() } else { "–".to_owned() };
        let value = match self.runs {
            0 => "failed".to_owned(),
            _ => rounded(self.value).to_string(),
        };
        format!(
            "{:31} {value:>12} {:6} {goal:>8} {:>8} {:>5}",
            self.row.name,
            self.row.unit,
            self.row.better.word(),
            self.runs
        )
    }
}

/// The table's head.
pub fn head() -> String {
    format!(
        "{:31} {:>12} {:6} {:>8} {:>8} {:>5}",
        "name", "value", "unit", "goal", "better", "runs"
    )
}

/// Measures every row whose name begins with one of `prefixes`, or all where there is
/// none, and tells each as soon as it is known; those that failed. A program that does not
/// start or a page that does not come fails what needs it, and standard error has the
/// reason.
pub async fn measure(prefixes: &[String], mut tell: impl FnMut(&Measured)) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for group in GROUPS {
        let is_picked = |name: &str| {
            prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
        };
        let is_wanted = |row: &&Row| row.group == group && is_picked(row.name);
        let wanted: Vec<&Row> = ROWS.iter().filter(is_wanted).collect();
        if wanted.is_empty() {
            continue;
        }
        let found = attempt(group.measure()).await.unwrap_or_default();
        for measured in wanted.into_iter().map(|row| row.measured(&found)) {
            tell(&measured);
            failed.extend((measured.runs == 0).then_some(measured.row.name));
        }
    }
    failed
}

impl Group {
    async fn measure(self) -> Found {
        match self {
            Self::Join => join::measure().await,
            Self::Tasks => tasks::measure().await,
            Self::Sizes => sizes::measure().await,
            Self::Relay => relay::measure().await,
            Self::Mechanisms => mechanisms::measure().await,
            Self::Latency => work::latency().await,
            Self::Efficiency => work::efficiency().await,
            Self::Scheduler => scheduler::measure(),
            Self::Lanes => lanes::measure().await,
            Self::Start => lanes::starts().await,
            Self::Channels => channels::measure().await,
            Self::Broadcast => simulated::broadcast(),
            Self::Presence => simulated::presence(),
            Self::Puts => store::puts().await,
            Self::Transfer => store::transfer().await,
            Self::TransferThree => store::transfer_three().await,
            Self::Disk => disk::measure().await,
            Self::Weight => weight::import().await,
            Self::Reconcile => simulated::reconcile(),
        }
    }
}

impl Row {
    /// What was found of it.
    fn measured(self, found: &Found) -> Measured {
        let runs = found.iter().find(|(name, _)| *name == self.name);
        let runs = runs.map_or(&[][..], |(_, runs)| runs);
        Measured { row: self, value: median(runs), runs: runs.len() }
    }
}

/// What comes of a measurement; nothing where it panics, and then standard error has the
/// reason.
async fn attempt<T>(measurement: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(measurement).catch_unwind().await.ok()
}

/// Names and the values of their runs.
type Found = Vec<(&'static str, Vec<f64>)>;

pub(crate) fn median(runs: &[f64]) -> f64 {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    let middle = runs.len() / 2;
    match runs.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => runs[middle],
        _ => f64::midpoint(runs[middle - 1], runs[middle]),
    }
}

/// Three decimals for small values, one for others.
fn rounded(value: f64) -> f64 {
    let scale = if value < 10.0 { 1_000.0 } else { 10.0 };
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let middle = [median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 2.0, 3.0])];
        assert_eq!(middle.map(f64::to_bits), [2.0_f64, 2.5].map(f64::to_bits));
    }

    #[test]
    fn a_row_is_one_line_of_json() {
        let line = Measured { row: ROWS[0], value: 412.345, runs: 5 }.json();
        let read: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(read["name"], "join");
        assert_eq!(read["value"], 412.3);
        assert_eq!((&read["better"], &read["runs"]), (&json!("lower"), &json!(5)));
    }

    #[tokio::test]
    async fn what_fails_costs_its_own_rows() {
        let broken = std::future::poll_fn(|_| -> Poll<Found> { panic!("a page did not come") });
        let found = attempt(broken).await.unwrap_or_default();
        let failed = ROWS[0].measured(&found);
        assert!(failed.line().contains(" failed "), "{}", failed.line());
        let read: serde_json::Value = serde_json::from_str(&failed.json()).expect("it is JSON");
        assert_eq!((&read["value"], &read["runs"]), (&json!(null), &json!(0)));
        let found = attempt(async { vec![(ROWS[0].name, vec![1.0])] }).await.unwrap_or_default();
        assert_eq!(ROWS[0].measured(&found).runs, 1);
    }
}
