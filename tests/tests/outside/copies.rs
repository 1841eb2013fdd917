//! What becomes of files when tabs are closed and killed.
//!
//! `IONOSPHERE_KILLS` says how many tabs are killed in the middle of an import;
//! 20 without it.

use std::{env, time::Duration};

use ionosphere_tests::{
    browser::Browser,
    ion_tab::IonTab,
    mission::{self, sha256},
    relay::Relay,
    tab::{Tab, query},
};

use crate::{
    files::{act, bring, open, opened, row, shows},
    turn,
};

const KILLS: u64 = 20;

/// Bytes that no two numbers share a block of.
pub(crate) fn bytes(number: u64, length: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}

/// Waits until a file has at least so many copies, as a tab knows it.
pub(crate) async fn has_copies(tab: &Tab, path: &str, copies: u32) {
    let health = format!("{}?.querySelector('[data-test=\"file-health\"]')", row(path));
    tab.wait_for("copies", &format!("Number({health}?.dataset.copies) >= {copies}")).await;
}

/// Saves a file through the page and gives its bytes.
pub(crate) async fn saved(tab: &Tab, path: &str) -> Vec<u8> {
    tab.wait_for("a service worker", "navigator.serviceWorker.controller").await;
    open(tab, path).await;
    tab.click("viewer-download").await;
    let bytes = tab.downloaded(path).await;
    tab.click("sheet-close").await;
    bytes
}

/// A file that is listed is there, all of it.
fn is_same(saved: &[u8], file: &[u8]) {
    let differs = saved.iter().zip(file).position(|(saved, file)| saved != file);
    let lengths = (saved.len(), file.len());
    assert!(
        saved == file,
        "of other bytes from {differs:?} on, or length (is, should be) {lengths:?}"
    );
}

/// The places of tabs that hold nothing.
async fn without_files(tabs: &[Tab]) -> Vec<usize> {
    let mut without = Vec::new();
    for (place, tab) in tabs.iter().enumerate() {
        tab.click("nav-settings").await;
        if tab.attribute("store-held", "data-bytes").await == "0" {
            without.push(place);
        }
        tab.click("nav-files").await;
    }
    without
}

#[tokio::test]
async fn a_file_is_copied_to_three_of_five_and_outlives_the_tab_that_brought_it() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let mut tabs = Vec::new();
    for _ in 0..5 {
        tabs.push(opened(&browser, &relay).await);
    }
    for tab in &tabs {
        mission::counts_ions(tab, 5).await;
    }
    let large = bytes(1, 64 << 20);
    let hash = sha256(&large);
    bring(&tabs[0], &browser, "large.bin", &large).await;
    has_copies(&tabs[0], "large.bin", 3).await;
    tabs[0].screenshot("files-copied").await;
    let mut without = without_files(&tabs).await;
    assert_eq!(without.len(), 2, "three of five hold it");
    let last = tabs.remove(without.pop().expect("there are two"));
    let next = tabs.remove(without.pop().expect("there was another"));
    shows(&last, "large.bin").await;
    assert!(sha256(&saved(&last, "large.bin").await) == hash, "it comes from those that hold it");
    // Whoever brought it may go.
    tabs[0].wait_for("leave to close", "document.body.innerText.includes('Safe to close')").await;
    tabs.remove(0).close().await;
    shows(&next, "large.bin").await;
    act(&next, "large.bin", "file-pin").await;
    next.click("nav-settings").await;
    let held = format!("Number({}?.dataset.bytes) > 0", query("store-held"));
    next.wait_for("a copy where it was asked for", &held).await;
}

#[tokio::test]
async fn a_file_comes_from_three_tabs_at_once() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tabs = IonTab::open_linked_capped(&browser, &relay, 4).await;
    for tab in &tabs[1..] {
        tab.give_nothing().await;
    }
    tabs[0].bring(1, 64 << 20).await;
    for tab in &tabs[1..3] {
        tab.fetch(1).await;
    }
    tabs[3].file(1, "file.copies === 3").await;
    // As long as none alone brings it too fast to be seen.
    for tab in &tabs[..3] {
        tab.cap(Some(4 << 20)).await;
    }
    tabs[3].watch_ions().await;
    tabs[3].fetch(1).await;
    tabs[3].heard_much(3, 1 << 20).await;
}

#[tokio::test]
async fn a_tab_that_is_killed_in_an_import_leaves_a_store_that_opens() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    // What the browser is asked goes by a page that lives.
    let keeper = browser.open(&relay.url("/healthz")).await;
    let kills = env::var("IONOSPHERE_KILLS").ok().and_then(|kills| kills.parse().ok());
    let mut finished = 0;
    for kill in 0..kills.unwrap_or(KILLS) {
        let tab = opened(&browser, &relay).await;
        let (name, file) = (format!("{kill}.bin"), bytes(kill, 24 << 20));
        bring(&tab, &browser, &name, &file).await;
        // At every stage of it, one after the other.
        tokio::time::sleep(Duration::from_millis(kill % 20 * 60)).await;
        tab.kill().await;
        keeper.wait_for("another page", "document.body").await;
        let tab = opened(&browser, &relay).await;
        tab.wait_for("the list", mission::FILES_LISTED).await;
        let is_there = tab.value(&format!("{} !== null", row(&name))).await;
        if is_there.expect("the page answers").as_bool() == Some(true) {
            finished += 1;
            is_same(&saved(&tab, &name).await, &file);
        }
        tab.close().await;
    }
    println!("{finished} files were brought in before their tab was killed");
}
