//! The Data page: what one tab writes stands in all, and outlives them.

use ionosphere_tests::{browser::Browser, mission, relay::Relay, tab::Tab};

use crate::turn;

async fn opened(browser: &Browser, relay: &Relay) -> Tab {
    let tab = browser.open(&relay.url("/")).await;
    mission::joined(&tab).await;
    tab.click("nav-data").await;
    tab
}

async fn write(tab: &Tab, key: &str, value: &str) {
    tab.click("data-add").await;
    tab.fill("data-name", key).await;
    tab.fill("data-value-field", value).await;
    tab.click("data-write").await;
}

/// Waits until a key has that value; an empty one means that it is not there.
async fn shows(tab: &Tab, key: &str, value: &str) {
    let row = format!("document.querySelector('[data-test=\"data-row\"][data-key=\"{key}\"]')");
    let text = format!("({row}?.querySelector('[data-test=\"data-value\"]')?.innerText ?? '')");
    tab.wait_for(&format!("{key} to be {value:?}"), &format!("{text} === '{value}'")).await;
}

async fn says(tab: &Tab, words: &str) {
    let saved = "document.querySelector('[data-test=\"data-saved\"]')?.innerText ?? ''";
    tab.wait_for(words, &format!("({saved}).includes('{words}')")).await;
}

#[tokio::test]
async fn what_one_tab_writes_stands_in_all_and_outlives_them() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let one = opened(&browser, &relay).await;
    let other = opened(&browser, &relay).await;
    mission::counts_ions(&one, 2).await;

    write(&one, "colour", "blue").await;
    shows(&one, "colour", "blue").await;
    shows(&other, "colour", "blue").await;
    says(&one, "by 1 other ion").await;

    other.click("data-edit").await;
    other.fill("data-value-field", "green").await;
    other.click("data-write").await;
    shows(&one, "colour", "green").await;
    one.screenshot("data").await;

    one.click("data-delete").await;
    shows(&other, "colour", "").await;
    one.click("data-undo").await;
    shows(&other, "colour", "green").await;

    // One key by its whole name; another that is nowhere.
    one.fill("search", "colour").await;
    one.click("data-get").await;
    let got = "document.querySelector('[data-test=\"data-got-value\"]')?.textContent === 'green'";
    one.wait_for("the value", got).await;
    one.screenshot("data-got").await;
    one.fill("search", "nowhere").await;
    one.click("data-get").await;
    let absent = "document.querySelector('[data-test=\"data-got\"]')?.innerText\
        .includes('Nothing stands at nowhere')";
    one.wait_for("that there is none", absent).await;

    // Nobody is left who could tell; what was written is on disk.
    one.close().await;
    other.go("about:blank").await;
    let later = opened(&browser, &relay).await;
    mission::counts_ions(&later, 1).await;
    shows(&later, "colour", "green").await;
}

#[tokio::test]
async fn a_tab_of_another_nebula_sees_nothing_of_it() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let one = opened(&browser, &relay).await;
    write(&one, "secret", "of all").await;
    shows(&one, "secret", "of all").await;
    let other = opened(&browser, &relay).await;
    shows(&other, "secret", "of all").await;
    mission::invite(&other, "elsewhere").await;
    other.go(&relay.url("/data")).await;
    mission::joined(&other).await;
    write(&other, "own", "here").await;
    shows(&other, "own", "here").await;
    shows(&other, "secret", "").await;
    shows(&one, "own", "").await;
}
