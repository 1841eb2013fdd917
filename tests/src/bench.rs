//! The benchmark: what is measured, against which goal, and how it is told.
//!
//! Each row is a median of several runs against the real relay and a real
//! browser. Rows without a goal of their own (raw mechanisms) have the goal 0.

mod channels;
mod disk;
mod join;
mod lanes;
mod mechanisms;
mod relay;
mod simulated;
mod sizes;
mod store;
mod tasks;
mod weight;

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

const GROUPS: [Group; 16] = [
    Group::Sizes,
    Group::Broadcast,
    Group::Presence,
    Group::Reconcile,
    Group::Relay,
    Group::Join,
    Group::Tasks,
    Group::Mechanisms,
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
pub const ROWS: [Row; 48] = [
    row("join", "ms", 800.0, Better::Lower, Group::Join),
    row("join-again", "ms", 800.0, Better::Lower, Group::Join),
    row("tasks-per-second", "1/s", 0.0, Better::Higher, Group::Tasks),
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
    row("raw-worker-messages", "1/s", 0.0, Better::Higher, Group::Mechanisms),
    row("tasks-to-raw-messages", "ratio", 0.0, Better::Higher, Group::Mechanisms),
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
    /// The median.
    pub value: f64,
    /// How many runs it is the median of.
    pub runs: usize,
}

impl Measured {
    /// One line of JSON.
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
        format!(
            "{:31} {:>12} {:6} {goal:>8} {:>8} {:>5}",
            self.row.name,
            rounded(self.value),
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
/// none, and tells each as soon as it is known. Panics with a sentence when a program does not start or a
/// page does not come.
pub async fn measure(prefixes: &[String], mut tell: impl FnMut(&Measured)) {
    for group in GROUPS {
        let is_picked = |name: &str| {
            prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
        };
        let is_wanted = |row: &&Row| row.group == group && is_picked(row.name);
        let wanted: Vec<&Row> = ROWS.iter().filter(is_wanted).collect();
        if wanted.is_empty() {
            continue;
        }
        let found = match group {
            Group::Join => join::measure().await,
            Group::Tasks => tasks::measure().await,
            Group::Sizes => sizes::measure().await,
            Group::Relay => relay::measure().await,
            Group::Mechanisms => mechanisms::measure().await,
            Group::Lanes => lanes::measure().await,
            Group::Start => lanes::starts().await,
            Group::Channels => channels::measure().await,
            Group::Broadcast => simulated::broadcast(),
            Group::Presence => simulated::presence(),
            Group::Puts => store::puts().await,
            Group::Transfer => store::transfer().await,
            Group::TransferThree => store::transfer_three().await,
            Group::Disk => disk::measure().await,
            Group::Weight => weight::import().await,
            Group::Reconcile => simulated::reconcile(),
        };
        for row in wanted {
            let runs = found.iter().find(|(name, _)| *name == row.name);
            let (_, runs) = runs.expect("each group measures its rows");
            tell(&Measured { row: *row, value: median(runs), runs: runs.len() });
        }
    }
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
}
