//! What a task costs beside its work: the latency of an empty one, and how much of the
//! processor's cores is left for tasks of some length.

use std::{fs, time::Duration};

use node_core::{
    compute::{Entry, Inputs, Program, Trust},
    node::{Command, JobId},
};
use spark_runtime::{Lane, Limits};

use super::{Found, median};
use crate::{
    browser::Browser, folder::root, guests, ion_tab::IonTab, raw_channel::RawChannel, relay::Relay,
};

const RUNS: usize = 3;
/// Empty tasks, one after another; the first ones warm up.
const TASKS: u64 = 60;
const WARM_UP: usize = 10;
/// Raw round trips, and their bytes.
const ROUND_TRIPS: u32 = 300;
const ROUND_TRIP_BYTES: usize = 64;
/// Thousands that the task counts by which the speed of counting is measured: a second
/// or so.
const ALONE_THOUSANDS: u32 = 1_000_000;
/// Rows of efficiency: what a task takes, and how many there are, so that a run takes
/// some seconds.
const LENGTHS: [(&str, u32, u32); 3] =
    [("efficiency-100-ms", 100, 60), ("efficiency-10-ms", 10, 600), ("efficiency-1-ms", 1, 4_000)];

/// `task-latency`: from the command to run one empty task in another tab until its result
/// is here, by the round trip of a raw data channel in the same browser.
pub(super) async fn latency() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let raw = RawChannel::open(&browser).await;
    let tabs = IonTab::open_linked(&browser, &relay, 2).await;
    tabs[0].tell(&Command::Pause { paused: true }).await;
    let empty = fs::read(root().join("examples/empty/empty.wasm")).expect("it is kept there");
    let mut names = 1..;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let quick = raw.round_trips(ROUND_TRIPS, ROUND_TRIP_BYTES).await;
        let mut took = Vec::new();
        for job in names.by_ref().take(usize::try_from(TASKS).expect("they are few")) {
            took.push(tabs[0].job(&command(job, &empty, ("empty", "{}"), 1), 1).await);
        }
        runs.push(median(&took[WARM_UP..]) / median(&quick[WARM_UP..]));
    }
    vec![("task-latency", runs)]
}

/// `efficiency-…`: the time that tasks of a length would take if all cores did nothing
/// else, by the time that they take as a job of two tabs which lend all cores. How long a
/// task takes by itself is told by a long one that has the machine alone.
pub(super) async fn efficiency() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let tabs = IonTab::open_linked(&browser, &relay, 2).await;
    let cores = tabs[0].tab.run("return navigator.hardwareConcurrency;").await;
    let cores = cores.as_u64().expect("a page knows the cores");
    let workers = u16::try_from(cores.div_ceil(2)).expect("they are few");
    for tab in &tabs {
        tab.tell(&Command::SetWorkers { workers }).await;
    }
    let count = guests::count();
    let mut names = 1..;
    let mut job = |thousands: u32, tasks| {
        let arguments = format!("{{}} {thousands}");
        let name = names.next().expect("there is no last name");
        command(name, &count, ("count", &arguments), tasks)
    };
    let lends = (u64::from(workers) * 2) as f64;
    let mut found: Found = LENGTHS.iter().map(|(name, ..)| (*name, Vec::new())).collect();
    for _ in 0..RUNS {
        let alone = tabs[0].job(&job(ALONE_THOUSANDS, 1), 1).await;
        let alone = Duration::from_secs_f64(alone / 1_000.0);
        for ((name, milliseconds, tasks), (_, runs)) in LENGTHS.into_iter().zip(&mut found) {
            let length = Duration::from_millis(milliseconds.into());
            let thousands = u128::from(ALONE_THOUSANDS) * length.as_micros() / alone.as_micros();
            let thousands = u32::try_from(thousands).expect("it counts for a second at most");
            let took = tabs[0].job(&job(thousands, tasks.into()), tasks.into()).await;
            let ideal = f64::from(milliseconds * tasks) / lends.min(cores as f64);
            eprintln!("  {name}: {took:.0} ms of {ideal:.0} at best");
            runs.push(ideal / took);
        }
    }
    found
}

fn command(job: JobId, binary: &[u8], (export, arguments): (&str, &str), tasks: u64) -> Command {
    let arguments = arguments.split(' ').map(str::to_owned).collect();
    let entry = Entry::Export { name: export.to_owned(), arguments };
    Command::RunJob {
        job,
        program: Program {
            name: export.to_owned(),
            entry,
            limits: Limits::default(),
            lane: Lane::Automatic,
            trust: Trust::Once,
        },
        binary: binary.to_vec(),
        inputs: Inputs::Range { first: 1, last: tasks.cast_signed() },
        about: String::new(),
    }
}
