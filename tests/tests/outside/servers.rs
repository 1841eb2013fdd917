//! STUN and TURN servers of one's own, in Settings.

use ionosphere_tests::{
    browser::Browser,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::turn;

/// JavaScript: the addresses of the servers that this tab was given.
const ROWS: &str = "[...document.querySelectorAll('[data-test=\"ice-row\"]')]\
    .map((row) => row.dataset.url).join()";

async fn settings(tab: &Tab) {
    mission::joined(tab).await;
    tab.click("nav-settings").await;
}

async fn shows(tab: &Tab, servers: &str) {
    tab.wait_for(&format!("the servers {servers:?}"), &format!("{ROWS} === '{servers}'")).await;
}

#[tokio::test]
async fn a_server_is_tried_kept_over_a_reload_and_taken_away() {
    let _turn = turn().await;
    let relay = Relay::start();
    let stun = relay.document().await.stun.first().cloned().expect("the relay answers STUN");
    let browser = Browser::start().await;
    let tab = browser.open(&relay.url("/")).await;
    settings(&tab).await;
    let named = format!("{}?.innerText.includes('{stun}')", query("ice-named"));
    tab.wait_for("what the relay names", &named).await;

    tab.fill("ice-url", "https://stun.example.org").await;
    tab.click("ice-add").await;
    assert!(tab.text("ice-mistake").await.contains("stun:"), "{}", tab.describe().await);
    tab.fill("ice-url", "turn:turn.example.org").await;
    tab.click("ice-add").await;
    let credential = format!("{}?.innerText.includes('credential')", query("ice-mistake"));
    tab.wait_for("a word about the credential", &credential).await;

    tab.fill("ice-url", &stun).await;
    tab.click("ice-add").await;
    shows(&tab, &stun).await;
    tab.click("ice-try").await;
    let words = "[...document.querySelectorAll('[data-test=\"ice-row\"] [data-test=\"ice-tried\"]')]\
        .map((one) => one.innerText).find((words) => words.includes('It works'))";
    tab.wait_for("what the trial found", words).await;
    tab.screenshot("servers").await;

    tab.reload().await;
    settings(&tab).await;
    shows(&tab, &stun).await;
    tab.click("ice-remove").await;
    shows(&tab, "").await;
    tab.reload().await;
    settings(&tab).await;
    tab.wait_for("what the relay names", &named).await;
    shows(&tab, "").await;
}
