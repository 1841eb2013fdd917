//! What a task costs beside its work: the empty one, from one tab to another.

use std::fs;

use serde_json::Value;

use super::Found;
use crate::{
    browser::Browser,
    folder::root,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

const RUNS: usize = 3;
/// Tasks of one run.
const TASKS: i64 = 10_000;

/// `tasks-per-second`: the tab that submits is paused, so that the other one
/// runs them all; from pressing Run to the page's word that all are finished.
pub(super) async fn measure() -> Found {
    let relay = Relay::start();
    let browser = Browser::start().await;
    let (first, second) = (open(&browser, &relay).await, open(&browser, &relay).await);
    for tab in [&first, &second] {
        mission::joined(tab).await;
        mission::counts_ions(tab, 2).await;
    }
    first.click("pause").await;
    let module = fs::read(root().join("examples/empty/empty.wasm")).expect("it is kept there");
    let file = browser.file("empty.wasm", &module);
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        mission::upload(&first, &file).await;
        mission::set_up(&first, "{}", 1, TASKS).await;
        let milliseconds = time_run(&first).await;
        assert_elsewhere(&first).await;
        runs.push(TASKS as f64 / milliseconds * 1000.0);
    }
    vec![("tasks-per-second", runs)]
}

async fn open(browser: &Browser, relay: &Relay) -> Tab {
    browser.open(&relay.url("/")).await
}

/// Presses Run; milliseconds until the job has ended, by the page's clock.
async fn time_run(tab: &Tab) -> f64 {
    let (run, state) = (query("run"), query("job-state"));
    tab.wait_for("Run", &run).await;
    let took = tab
        .run_async(&format!(
            "const start = performance.now();
             {run}.click();
             const timer = setInterval(() => {{
                const state = {state}?.dataset.state;
                if (state === undefined || state === 'running') return;
                clearInterval(timer);
                done(state === 'finished' ? performance.now() - start : state);
             }}, 5);"
        ))
        .await;
    match took {
        Value::Number(took) => took.as_f64().expect("a page's number is a float"),
        other => panic!("the job ended as {other}\n{}", tab.describe().await),
    }
}

async fn assert_elsewhere(tab: &Tab) {
    let shares = mission::shares(tab).await;
    let sum: u64 = shares.iter().map(|share| share.1).sum();
    let (_, id) = mission::self_name(tab).await;
    assert_eq!(sum, TASKS.unsigned_abs(), "{shares:?}");
    assert!(shares.iter().all(|share| share.0 != id), "the paused tab worked: {shares:?}");
}
