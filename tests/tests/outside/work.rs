//! Jobs over two tabs: exact results, whatever happens meanwhile.

use std::fs;

use ionosphere_tests::{
    MANDELBROT_BYTES, MANDELBROT_SHA256, browser::Browser, folder::root, guests, mission, tab::Tab,
};

use crate::{turn, two_tabs};

/// The longest that the page may keep its heart waiting: two missed beats of
/// 100 ms, and what a timer is late by.
const GAP_MS_MAX: f64 = 349.0;
/// How often a busy machine may spoil that measurement.
const ATTEMPTS_MAX: u32 = 3;

/// The name of the module's file is the job's.
async fn upload(browser: &Browser, tab: &Tab, name: &str, module: &[u8]) {
    mission::upload(tab, &browser.file(&format!("{name}.wasm"), module)).await;
}

/// The first tab has run a job whose guest loops: no page may have stood still.
/// Another program can hold the processor for a moment, so the same job may
/// try again; a page that a guest can block is blocked every time.
async fn assert_pages_live(tabs: &[&Tab]) {
    for attempt in 1..=ATTEMPTS_MAX {
        let mut longest: f64 = 0.0;
        for tab in tabs {
            longest = longest.max(mission::heartbeat_gap(tab).await.0);
        }
        if longest <= GAP_MS_MAX {
            return;
        }
        assert!(attempt < ATTEMPTS_MAX, "a page stood still for {longest:.0} ms");
        for tab in tabs {
            mission::start_heartbeat(tab).await;
        }
        tabs[0].click("run-again").await;
        mission::ended(tabs[0]).await;
    }
}

async fn assert_picture(tab: &Tab, state: &str) {
    assert_eq!(state, "finished", "{}", tab.describe().await);
    mission::shared_by(tab, 2).await;
    assert_eq!(tab.text("result-sha256").await, MANDELBROT_SHA256);
    let length = tab.attribute("result-bytes", "data-bytes").await;
    assert_eq!(length, MANDELBROT_BYTES.to_string());
    // The file is named after the title that the gallery gives the spark.
    let file = mission::downloaded(tab, "Mandelbrot-set.pbm").await;
    assert_eq!((file.len(), mission::sha256(&file)), (MANDELBROT_BYTES, MANDELBROT_SHA256.into()));
}

#[tokio::test]
async fn two_tabs_draw_one_picture() {
    let _turn = turn().await;
    let (_relay, _browser, first, _second) = two_tabs().await;
    mission::open_spark(&first, "mandelbrot").await;
    mission::run(&first).await;
    let state = mission::ended(&first).await;
    assert_picture(&first, &state).await;
    first.screenshot("mandelbrot").await;
}

#[tokio::test]
async fn a_tab_that_closes_half_way_costs_no_result() {
    const TASKS: u64 = 120;
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    upload(&browser, &first, "count", &guests::count()).await;
    mission::set_up(&first, "{} 2000", 0, 119).await;
    mission::run(&first).await;
    mission::shared_by(&first, 2).await;
    mission::results(&first, TASKS / 4).await;
    second.close().await;
    let before = mission::results_now(&first).await;
    assert!(before < TASKS, "the job was over before the tab closed");
    assert_eq!(mission::ended(&first).await, "finished", "{}", first.describe().await);
    let bytes = mission::downloaded(&first, "count.txt").await;
    let expected: Vec<String> = (0..TASKS).map(|task| task.to_string()).collect();
    assert_eq!(String::from_utf8_lossy(&bytes).lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_picture_is_exact_though_a_tab_closes() {
    let _turn = turn().await;
    let (_relay, _browser, first, second) = two_tabs().await;
    mission::open_spark(&first, "mandelbrot").await;
    mission::run(&first).await;
    mission::shared_by(&first, 2).await;
    second.close().await;
    let state = mission::ended(&first).await;
    assert_picture(&first, &state).await;
}

#[tokio::test]
async fn a_guest_that_loops_for_ever_fails_by_name_and_the_page_lives() {
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    for tab in [&first, &second] {
        mission::start_heartbeat(tab).await;
    }
    upload(&browser, &first, "stuck", &guests::stuck_at()).await;
    mission::set_up(&first, "{} 5", 0, 19).await;
    first.click("limits").await;
    first.fill("limit-fuel", "200").await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished with failures");
    let causes = mission::causes(&first).await;
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert!(causes[0].contains("out of fuel") && causes[0].contains("task 5"), "{causes:?}");
    assert_eq!(first.text("job-succeeded").await, "19");
    assert_pages_live(&[&first, &second]).await;
}

#[tokio::test]
async fn a_guest_past_its_deadline_fails_by_name() {
    let _turn = turn().await;
    let (_relay, browser, first, _second) = two_tabs().await;
    let forever = root().join("examples/forever/forever.wasm");
    let forever = fs::read(&forever).expect("the example is in the repository");
    upload(&browser, &first, "forever", &forever).await;
    mission::set_up(&first, "{}", 1, 1).await;
    first.click("limits").await;
    first.fill("limit-fuel", "1000000").await;
    first.fill("limit-time", "1").await;
    mission::start_heartbeat(&first).await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished with failures");
    let causes = mission::causes(&first).await;
    assert!(causes[0].contains("deadline"), "{causes:?}");
    assert_pages_live(&[&first]).await;
}

#[tokio::test]
async fn a_job_can_be_cancelled_and_keeps_what_came() {
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    upload(&browser, &first, "count", &guests::count()).await;
    mission::set_up(&first, "{} 2000", 0, 9_999).await;
    mission::run(&first).await;
    mission::results(&first, 4).await;
    first.click("cancel").await;
    assert_eq!(mission::ended(&first).await, "cancelled");
    for tab in [&first, &second] {
        let idle =
            "document.querySelector('[data-test=\"doing\"]')?.textContent === 'Ready for work'";
        tab.wait_for("rest after the job", idle).await;
    }
    let lines = mission::downloaded(&first, "count.txt").await;
    let lines = String::from_utf8_lossy(&lines).lines().count() as u64;
    assert_eq!(lines, mission::results_now(&first).await);
    assert!(lines >= 4);
}

#[tokio::test]
async fn a_reload_in_the_middle_leaves_both_ions_usable() {
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    upload(&browser, &first, "count", &guests::count()).await;
    mission::set_up(&first, "{} 2000", 0, 9_999).await;
    mission::run(&first).await;
    mission::shared_by(&first, 2).await;
    first.reload().await;
    mission::joined(&first).await;
    mission::counts_ions(&first, 2).await;
    mission::open_spark(&second, "mandelbrot").await;
    mission::run(&second).await;
    let state = mission::ended(&second).await;
    assert_picture(&second, &state).await;
}
