//! Results that several ions agree on, and the receipts that they leave.

use std::path::Path;

use ionosphere_tests::{
    browser::Browser,
    guests, mission,
    relay::Relay,
    tab::{Tab, query},
};
use serde_json::Value;

use crate::{forms::pictures, turn};

const TASKS: usize = 40;
/// How many ions have to agree on each.
const COPIES: usize = 2;

/// Three tabs of a nebula, the first of which has a module and inputs set up.
async fn set_up() -> (Relay, Browser, [Tab; 3]) {
    let relay = Relay::start();
    let browser = Browser::start().await;
    let mut tabs = Vec::new();
    for _ in 0..3 {
        let tab = browser.open(&relay.url("/")).await;
        mission::joined(&tab).await;
        tabs.push(tab);
    }
    for tab in &tabs {
        mission::counts_ions(tab, 3).await;
    }
    let tabs: [Tab; 3] = tabs.try_into().expect("three were opened");
    mission::upload(&tabs[0], &browser.file("count.wasm", &guests::count())).await;
    let last = i64::try_from(TASKS - 1).expect("a small number");
    mission::set_up(&tabs[0], "{} 2000", 0, last).await;
    (relay, browser, tabs)
}

/// What the Jobs page says of a file of receipts.
async fn told(tab: &Tab, file: &Path) -> String {
    tab.click("nav-jobs").await;
    let fold = query("receipts");
    tab.wait_for("the check of receipts", &fold).await;
    tab.run(&format!("{fold}.closest('details').open = true;")).await;
    tab.choose_file("receipts-file", file).await;
    let name = file.file_name().and_then(|name| name.to_str()).expect("a test's name is a text");
    let words = format!("{}?.innerText", query("receipts-told"));
    let about = format!("{words}?.includes({name:?}) && {words}");
    let words = tab.wait_for("a word about the receipts", &about).await;
    words.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn results_that_two_ions_agree_on_have_receipts_that_can_be_checked() {
    let _turn = turn().await;
    let (_relay, browser, [tab, ..]) = set_up().await;
    tab.choose("trust", "two").await;
    pictures(&tab, "trust-form", "trust").await;
    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished", "{}", tab.describe().await);
    let checked = tab.text("job-checked").await;
    assert_eq!(checked, format!("{TASKS} results confirmed by several ions; 0 results outvoted."));
    pictures(&tab, "trust-job", "job-checked").await;

    tab.click("download-receipts").await;
    let receipts = tab.downloaded("count.receipts").await;
    let words = told(&tab, &browser.file("good.receipts", &receipts)).await;
    let found = format!("good.receipts: {} receipts of 1 job by ", COPIES * TASKS);
    assert!(words.starts_with("Signed") && words.contains(&found), "{words}");
    let shares = "[...document.querySelectorAll('[data-test=\"receipts-by-ion\"]')]\
        .map((row) => Number(row.dataset.receipts))";
    let shares = tab.value(shares).await.expect("the page answers");
    let shares: Vec<u64> =
        shares.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    // No ion returns a task twice.
    assert_eq!(shares.iter().sum::<u64>(), (COPIES * TASKS) as u64, "{words}");
    assert!((COPIES..=3).contains(&shares.len()), "{words}");
    assert!(shares.iter().all(|share| *share <= TASKS as u64), "{words}");
    assert!(words.contains(&format!("by {} ions", shares.len())), "{words}");
    pictures(&tab, "receipts-good", "receipts-told").await;

    let mut changed = receipts;
    *changed.last_mut().expect("it is not empty") ^= 1;
    let words = told(&tab, &browser.file("changed.receipts", &changed)).await;
    let last = format!("receipt {0} of {0} is refused", COPIES * TASKS);
    assert!(words.starts_with("Refused") && words.contains(&last), "{words}");
    assert!(words.contains("the ion that it names did not sign it"), "{words}");
    pictures(&tab, "receipts-changed", "receipts-told").await;

    let words = told(&tab, &browser.file("letter.txt", b"Dear ion, I did it all.")).await;
    assert!(words.starts_with("Refused"), "{words}");
    assert!(words.contains("this is not a file of receipts"), "{words}");
}
