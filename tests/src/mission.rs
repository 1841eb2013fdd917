//! Mission control as a person uses it: what the tests do on its pages.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::tab::{Tab, query};

/// Runs after which a job that is to be shared is given up.
const RUNS_MAX: usize = 10;
/// JavaScript: the tasks that each ion has finished, as pairs of id and count.
const SHARES: &str = "[...document.querySelectorAll('[data-test=\"job-by-ion\"]')]\
    .map((row) => [row.dataset.ion, Number(row.dataset.finished)])";
/// JavaScript: milliseconds since 1970, on the clock that all pages of one
/// browser share.
pub const NOW: &str = "(performance.timeOrigin + performance.now())";
/// JavaScript: the results that came, whatever is shown of them.
const RESULTS: &str =
    "Number(document.querySelector('[data-test=\"results-count\"]')?.dataset.count ?? 0)";

/// JavaScript: whether the Files page has its list, be it empty.
pub const FILES_LISTED: &str =
    "!document.querySelector('.empty-title')?.innerText.includes('Reading')";

/// Waits until the tab belongs to its nebula.
pub async fn joined(tab: &Tab) {
    tab.wait_for("joining", "document.body.dataset.phase === 'joined'").await;
}

/// Waits until the tab counts so many ions alive, itself included.
pub async fn counts_ions(tab: &Tab, ions: usize) {
    let count = format!("{}?.dataset.count === '{ions}'", query("ion-count"));
    tab.wait_for(&format!("a count of {ions} ions"), &count).await;
}

/// This ion's name and id. Goes to Overview for it.
pub async fn self_name(tab: &Tab) -> (String, String) {
    tab.click("nav-overview").await;
    (tab.text("self-name").await, tab.attribute("self-name", "data-id").await)
}

/// Opens a spark of the gallery and waits for its form.
pub async fn open_spark(tab: &Tab, name: &str) {
    tab.click("nav-sparks").await;
    tab.click(&format!("spark-{name}")).await;
    tab.wait_for("the spark's form", &query("run")).await;
}

/// Uploads a module and waits for its form, or for its refusal.
pub async fn upload(tab: &Tab, file: &Path) {
    tab.click("nav-sparks").await;
    tab.choose_file("upload", file).await;
    let either = format!("{} ?? {}", query("inspection"), query("bench-refused"));
    tab.wait_for("a word about the module", &either).await;
}

/// Sets an export with arguments over a range of inputs.
pub async fn set_up(tab: &Tab, arguments: &str, first: i64, last: i64) {
    tab.fill("arguments", arguments).await;
    tab.click("inputs-range").await;
    tab.fill("range-first", &first.to_string()).await;
    tab.fill("range-last", &last.to_string()).await;
}

/// Presses Run and waits until the job's page stands.
pub async fn run(tab: &Tab) {
    tab.click("run").await;
    tab.wait_for("the job's page", &query("job-state")).await;
}

/// Waits until the job has so many results.
pub async fn results(tab: &Tab, at_least: u64) {
    tab.wait_for(&format!("{at_least} results"), &format!("{RESULTS} >= {at_least}")).await;
}

/// The results that have come so far.
pub async fn results_now(tab: &Tab) -> u64 {
    tab.value(RESULTS).await.ok().and_then(|count| count.as_u64()).unwrap_or_default()
}

/// Waits until the job has ended, whichever way; the way's name.
pub async fn ended(tab: &Tab) -> String {
    let state = format!("{}?.dataset.state", query("job-state"));
    let way = format!("!['running', 'paused'].includes({state}) && {state}");
    let way = tab.wait_for("the job's end", &way).await;
    way.as_str().unwrap_or_default().to_owned()
}

/// Waits until so many ions have each finished a task of the job.
pub async fn shared_by(tab: &Tab, ions: usize) {
    let expression = format!("{SHARES}.filter((share) => share[1] > 0).length >= {ions}");
    tab.wait_for(&format!("work by {ions} ions"), &expression).await;
}

/// Runs a spark of the gallery until so many ions share one run of it. A small
/// job may be over before another tab has its module and its first task. Panics
/// after [`RUNS_MAX`] runs.
pub async fn run_shared(tab: &Tab, spark: &str, ions: usize) {
    let count = format!("{SHARES}.filter((share) => share[1] > 0).length");
    let state = format!("{}?.dataset.state", query("job-state"));
    for _ in 0..RUNS_MAX {
        open_spark(tab, spark).await;
        run(tab).await;
        let enough = format!("{count} >= {ions} || {state} !== 'running'");
        tab.wait_for("a share or the end", &enough).await;
        if tab.value(&count).await.ok().and_then(|count| count.as_u64()) >= Some(ions as u64) {
            return;
        }
    }
    panic!("no run was shared by {ions} ions; {}", tab.describe().await);
}

/// Lets a page close another one, which it opened and has by this name, as soon as
/// two ions share a job and a quarter of its results is there.
pub async fn close_half_way(tab: &Tab, other: &str, results: u64) {
    let script = format!(
        "globalThis.testClosed = null;
         const shares = () => {SHARES}.filter((share) => share[1] > 0).length;
         const look = () => {{
            const now = {RESULTS};
            if (shares() < 2 || now < {results} / 4) return;
            {other}.close();
            globalThis.testClosed = now;
            observer.disconnect();
         }};
         const observer = new MutationObserver(look);
         observer.observe(document.body, {{ subtree: true, childList: true, attributes: true }});"
    );
    tab.run(&script).await;
}

/// How many results a page had when it closed the other one, if it did.
pub async fn results_when_closed(tab: &Tab) -> Option<u64> {
    tab.run("return globalThis.testClosed;").await.as_u64()
}

/// The tasks that each ion has finished, by its id.
pub async fn shares(tab: &Tab) -> Vec<(String, u64)> {
    let read = tab.value(SHARES).await.unwrap_or(Value::Null);
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_u64()?));
    read.as_array().into_iter().flatten().filter_map(pair).collect()
}

/// Why tasks failed, as the page says it.
pub async fn causes(tab: &Tab) -> Vec<String> {
    let all = "[...document.querySelectorAll('[data-test=\"job-cause\"]')]\
        .map((row) => row.textContent)";
    let read = tab.wait_for("a cause", &format!("{all}.length > 0 && {all}")).await;
    let text = |row: &Value| row.as_str().map(str::to_owned);
    read.as_array().into_iter().flatten().filter_map(text).collect()
}

/// Waits for a problem that mentions a word; the whole of it.
pub async fn problem(tab: &Tab, word: &str) -> String {
    let all = "[...document.querySelectorAll('[data-test=\"problem\"]')]\
        .map((one) => one.innerText)";
    let word = Value::from(word.to_lowercase());
    let found = format!("{all}.find((text) => text.toLowerCase().includes({word}))");
    let text = tab.wait_for("a problem", &found).await;
    text.as_str().unwrap_or_default().to_owned()
}

/// The job's outputs as the page would save them, and the name it gives them.
pub async fn downloaded(tab: &Tab, name: &str) -> Vec<u8> {
    tab.click("download").await;
    tab.downloaded(name).await
}

/// A SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Opens the Invite dialog, makes a nebula if this tab has none of its own,
/// and gives the link.
pub async fn invite(tab: &Tab, name: &str) -> String {
    tab.click("invite").await;
    tab.fill("nebula-new-name", name).await;
    tab.click("nebula-create").await;
    let link = tab.text("invite-link").await;
    tab.click("dialog-close").await;
    link
}

/// Notes every change of the number of ions that the page shows, and when it
/// came ([`NOW`]), from now on.
pub async fn watch_ions(tab: &Tab) {
    tab.run(&format!(
        "const count = () => document.querySelector('[data-test=\"ion-count\"]').dataset.count;
         window.testIons = [count()];
         window.testIonsAt = [{NOW}];
         new MutationObserver(() => {{
            if (window.testIons.at(-1) !== count()) {{
                window.testIons.push(count());
                window.testIonsAt.push({NOW});
            }}
         }}).observe(document.body,
             {{ subtree: true, attributes: true, attributeFilter: ['data-count'] }});",
    ))
    .await;
}

/// The numbers of ions that the page has shown since [`watch_ions`], in order.
pub async fn ions_shown(tab: &Tab) -> Vec<String> {
    let read = tab.run("return window.testIons;").await;
    let text = |count: &Value| count.as_str().map(str::to_owned);
    read.as_array().into_iter().flatten().filter_map(text).collect()
}

/// When the page showed that number of ions first since [`watch_ions`]; waits
/// for it. In milliseconds since 1970 ([`NOW`]).
pub async fn showed_ions_at(tab: &Tab, ions: usize) -> f64 {
    let at = format!("window.testIonsAt[window.testIons.indexOf('{ions}')]");
    let at = tab.wait_for(&format!("a count of {ions} ions"), &at).await;
    at.as_f64().expect("a time is a number")
}
