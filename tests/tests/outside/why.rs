//! What a person reads who asks why, and for whom a tab worked.

use ionosphere_tests::{
    browser::Browser,
    guests, mission,
    tab::{Tab, query},
};
use serde_json::json;

use crate::{forms::pictures, turn, two_tabs};

/// Presses a key as a keyboard does.
async fn press(tab: &Tab, key: &str, code: u32) {
    for kind in ["rawKeyDown", "keyUp"] {
        let stroke = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
        tab.devtools("Input.dispatchKeyEvent", stroke).await;
    }
}

/// JavaScript: what an element says, if that is in it.
fn says(test: &str, words: &str) -> String {
    let content = format!("({}?.textContent ?? '')", query(test));
    format!("{content}.includes('{words}') && {content}")
}

/// The last of four tasks outstays its deadline at two ions, and the third lends nothing.
async fn run_until_it_waits(browser: &Browser, tab: &Tab) {
    mission::upload(tab, &browser.file("stuck.wasm", &guests::stuck_at())).await;
    mission::set_up(tab, "{} 3", 0, 3).await;
    tab.click("limits").await;
    tab.fill("limit-fuel", "1000000").await;
    tab.fill("limit-time", "1").await;
    mission::run(tab).await;
    let waits = says("job-waiting", "failed at every ion that asks for work");
    let why = tab.wait_for("a job that waits", &waits).await.to_string();
    println!("{why}");
    assert!(why.contains("fails for good in") && why.contains("1 ion is paused"), "{why}");
}

#[tokio::test]
async fn who_asks_why_is_told_and_a_tab_knows_for_whom_it_worked() {
    let _turn = turn().await;
    let (relay, browser, first, second) = two_tabs().await;
    let (owner, id) = mission::self_name(&first).await;
    let (other, _) = mission::self_name(&second).await;
    let third = browser.open(&relay.url("/")).await;
    mission::joined(&third).await;
    for tab in [&first, &second, &third] {
        mission::counts_ions(tab, 3).await;
    }
    third.click("pause").await;
    first.click("nav-ions").await;
    let paused = "document.querySelector('tbody').textContent.includes('paused')";
    first.wait_for("the third tab's pause", paused).await;

    run_until_it_waits(&browser, &first).await;
    first.run("document.querySelector('svg.grid').focus();").await;
    for _ in 0..3 {
        press(&first, "ArrowRight", 39).await;
    }
    first.wait_for("the task that is walked to", &says("task-detail", "Task 3")).await;
    press(&first, "Enter", 13).await;
    let why = first.wait_for("the answer", &says("task-why", "failed at")).await.to_string();
    println!("{why}");
    for part in ["Task 3: failed at 2 ions", &owner, &other, "deadline", "fails for good in"] {
        assert!(why.contains(part), "{part} is not in {why}");
    }
    pictures(&first, "task-why", "task-why").await;

    assert_eq!(mission::ended(&first).await, "finished with failures");
    let failed = says("task-detail", "Task 3: failed by");
    let failed = first.wait_for("how it ended", &failed).await.to_string();
    assert!(failed.contains("Run it again with more time"), "{failed}");

    second.click("nav-settings").await;
    let row = format!("{}?.dataset.owner === '{id}'", query("work-row"));
    second.wait_for("a row for the first tab's job", &row).await;
    let row = second.text("work-row").await;
    println!("{row}");
    assert!(row.contains("stuck") && row.contains(&format!("for {owner}")), "{row}");
    assert!(row.contains("failed") && row.contains("fuel"), "{row}");
    pictures(&second, "work", "work-row").await;
    first.click("nav-settings").await;
    first.wait_for("its own job", &says("work-row", "yours")).await;
}
