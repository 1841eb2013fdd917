//! Jobs that outlive the tab that started them.

use ionosphere_tests::{
    browser::Browser,
    guests, mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::{offline::is_kept, turn};

/// Tasks of a job that takes some tabs a while.
const TASKS: u64 = 240;

/// How far each of them counts, in thousands.
const THOUSANDS: u32 = 40_000;

async fn start(browser: &Browser, tab: &Tab, thousands: u32) {
    mission::upload(tab, &browser.file("count.wasm", &guests::count())).await;
    mission::set_up(tab, &format!("{{}} {thousands}"), 0, TASKS.cast_signed() - 1).await;
    mission::run(tab).await;
}

/// The job ends well, with the result of each task once and in order.
async fn assert_whole(tab: &Tab) {
    assert_eq!(mission::ended(tab).await, "finished", "{}", tab.describe().await);
    mission::results(tab, TASKS).await;
    let bytes = mission::downloaded(tab, "count.txt").await;
    let expected: Vec<String> = (0..TASKS).map(|task| task.to_string()).collect();
    assert_eq!(String::from_utf8_lossy(&bytes).lines().collect::<Vec<_>>(), expected);
}

/// What the list of kept jobs says of the first one.
fn row() -> String {
    format!("{}?.textContent ?? ''", query("record-row"))
}

async fn open(browser: &Browser, relay: &Relay, path: &str) -> Tab {
    let tab = browser.open(&relay.url(path)).await;
    mission::joined(&tab).await;
    tab
}

#[tokio::test]
async fn a_job_goes_on_when_its_tab_is_closed() {
    let _turn = turn().await;
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let first = open(&browser, &relay, "/").await;
    let (second, third) =
        (open(&browser, &relay, "/jobs").await, open(&browser, &relay, "/").await);
    for tab in [&first, &second, &third] {
        mission::counts_ions(tab, 3).await;
    }
    start(&browser, &first, THOUSANDS).await;
    let has_some = format!("/[1-9][0-9]* of {TASKS} tasks/.test({})", row());
    second.wait_for("some results kept", &has_some).await;
    assert!(mission::results_now(&first).await < TASKS, "the job was over at once");
    first.close().await;
    second.look(1440, 900, "light").await;
    second.screenshot("kept-light").await;
    second.look(390, 844, "dark").await;
    second.screenshot("kept-dark-narrow").await;
    second.wait_for("its end", &format!("{}.includes('finished')", row())).await;
    second.click("record-row").await;
    assert_whole(&second).await;
    second.look(1440, 900, "dark").await;
    second.screenshot("kept-opened").await;
}

/// The mission's own story: of five tabs the relay is killed at 30 %, two tabs at 50 %,
/// and the one that started the job is closed at 70 % and opened again, from what the
/// browser kept and through another tab.
#[tokio::test]
async fn a_job_outlives_its_relay_two_tabs_and_the_tab_that_started_it() {
    const TABS: usize = 5;
    let _turn = turn().await;
    let (mut relay, browser) = (Relay::start(), Browser::start().await);
    let mut tabs = Vec::new();
    for _ in 0..TABS {
        tabs.push(open(&browser, &relay, "/").await);
    }
    for tab in &tabs {
        mission::counts_ions(tab, TABS).await;
    }
    let [first, stays, also_stays, one, other] =
        <[Tab; TABS]>::try_from(tabs).unwrap_or_else(|_| unreachable!("there are five"));
    is_kept(&first).await;
    // Long enough for a tab to be opened before its end.
    start(&browser, &first, 4 * THOUSANDS).await;
    let path = first.run("return location.pathname;").await;
    let path = path.as_str().expect("a page has an address").to_owned();
    mission::results(&first, TASKS * 3 / 10).await;
    relay.kill();
    mission::results(&first, TASKS / 2).await;
    one.kill().await;
    other.kill().await;
    mission::results(&first, TASKS * 7 / 10).await;
    first.close().await;
    let again = browser.open(&relay.url(&path)).await;
    again.wait_for("the job's page", &query("job-state")).await;
    let come = mission::results_now(&again).await;
    assert!(come < TASKS, "the job was over before it was opened again");
    mission::shared_by(&again, 3).await;
    assert_whole(&again).await;
    again.look(1440, 900, "light").await;
    again.screenshot("outlived").await;
    for tab in [&again, &stays, &also_stays] {
        mission::counts_ions(tab, 3).await;
    }
}

#[tokio::test]
async fn a_tab_that_is_loaded_again_goes_on_with_its_job() {
    let _turn = turn().await;
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let tab = open(&browser, &relay, "/").await;
    start(&browser, &tab, THOUSANDS).await;
    mission::results(&tab, TASKS / 4).await;
    tab.reload().await;
    tab.wait_for("the job's page", &query("job-state")).await;
    assert_whole(&tab).await;
}

#[tokio::test]
async fn a_paused_job_is_still_paused_after_a_reload_and_goes_on_when_resumed() {
    let _turn = turn().await;
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let tab = open(&browser, &relay, "/").await;
    start(&browser, &tab, THOUSANDS).await;
    let state = |word: &str| format!("{}?.dataset.state === '{word}'", query("job-state"));
    mission::results(&tab, TASKS / 8).await;
    tab.click("hold").await;
    tab.wait_for("the pause", &state("paused")).await;
    let none_is_out = format!("{}?.innerText === '0'", query("job-running"));
    tab.wait_for("what is out", &none_is_out).await;
    let told = format!(
        "{}?.dataset.count === {}?.innerText",
        query("results-count"),
        query("job-succeeded")
    );
    tab.wait_for("all results", &told).await;
    let before = mission::results_now(&tab).await;
    tab.look(390, 844, "light").await;
    tab.screenshot("paused-narrow").await;
    tab.look(1440, 900, "dark").await;
    tab.screenshot("paused-dark").await;
    assert!(before < TASKS, "the job was over at once");
    let second = open(&browser, &relay, "/jobs").await;
    second.wait_for("the pause", &format!("{}.includes('paused')", row())).await;
    tab.reload().await;
    tab.wait_for("the pause after a reload", &state("paused")).await;
    mission::results(&tab, before).await;
    assert_eq!(mission::results_now(&tab).await, before, "nothing was given out meanwhile");
    tab.click("hold").await;
    assert_whole(&tab).await;
}

#[tokio::test]
async fn what_is_deleted_is_gone_for_all() {
    let _turn = turn().await;
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let first = open(&browser, &relay, "/").await;
    let second = open(&browser, &relay, "/jobs").await;
    mission::counts_ions(&second, 2).await;
    mission::run_shared(&first, "mandelbrot", 1).await;
    assert_eq!(mission::ended(&first).await, "finished");
    second.wait_for("its end", &format!("{}.includes('finished')", row())).await;
    first.go(&relay.url("/jobs")).await;
    first.wait_for("its record", &query("record-delete")).await;
    first.click("record-delete").await;
    first.click("record-delete").await;
    for tab in [&first, &second] {
        tab.wait_for("no record", &format!("{} === ''", row())).await;
    }
}
