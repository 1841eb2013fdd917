//! What the browser itself could do: the measure of what we add to it.

use super::{Found, median, tasks};
use crate::browser::Browser;

const RUNS: usize = 3;
/// Messages of one run, and how many are under way at a time.
const MESSAGES: u32 = 20_000;
const UNDER_WAY: u32 = 256;
/// A worker that answers each message.
const ECHO: &str = "onmessage=(event)=>postMessage(event.data)";

/// `raw-worker-messages`: small objects from a page to a worker in plain
/// JavaScript and back, per second. `tasks-to-raw-messages`: how many of our
/// tasks that is.
pub(super) async fn measure() -> Found {
    let mut raw = Vec::new();
    for _ in 0..RUNS {
        raw.push(messages().await);
    }
    let tasks = tasks::measure().await;
    let ratio = median(&tasks[0].1) / median(&raw);
    vec![("raw-worker-messages", raw), ("tasks-to-raw-messages", vec![ratio])]
}

async fn messages() -> f64 {
    let browser = Browser::start().await;
    // A document without a policy and without anything that runs.
    let tab = browser.open("about:blank").await;
    let took = tab
        .run_async(&format!(
            "const code = URL.createObjectURL(new Blob(['{ECHO}']));
             const worker = new Worker(code);
             let sent = 0, received = 0, start = 0;
             const send = () => worker.postMessage({{ task: sent++, input: String(sent) }});
             worker.onmessage = () => {{
                if (start === 0) {{
                    start = performance.now();
                    sent = 0;
                    for (let at = 0; at < {UNDER_WAY}; at++) send();
                    return;
                }}
                received++;
                if (received === {MESSAGES}) {{ done(performance.now() - start); return; }}
                if (sent < {MESSAGES}) send();
             }};
             send();"
        ))
        .await;
    f64::from(MESSAGES) / took.as_f64().expect("it is a number") * 1000.0
}
