//! A nebula that is cut in two, and a tab that goes in the middle of its file's
//! copying.
//!
//! A cut: each half is in a browser of its own, the relay is killed, and one half
//! closes all its direct connections. Its tabs find each other again by the channel
//! of their browser, and nothing leads to the other half until the relay is back.

use ionosphere_tests::{
    browser::Browser,
    ion_tab::IonTab,
    mission::{self, sha256},
    relay::Relay,
    tab::{Tab, query},
};
use serde_json::{Value, json};

use crate::{
    copies::{bytes, has_copies, saved},
    files::{bring, shows},
    mesh::without_relay,
    turn,
};

/// JavaScript that comes before the page's own: keeps its peer connections at hand.
const KEEP_PEERS: &str = "window.testPeers = [];
    window.RTCPeerConnection = new Proxy(RTCPeerConnection, {
        construct (target, options) {
            const peer = new target(...options);
            window.testPeers.push(peer);
            return peer;
        }
    });";

/// A tab whose connections the test can close.
async fn opened(browser: &Browser, relay: &Relay) -> Tab {
    let tab = browser.open("about:blank").await;
    tab.devtools("Page.enable", json!({})).await;
    let script = json!({ "source": KEEP_PEERS });
    tab.devtools("Page.addScriptToEvaluateOnNewDocument", script).await;
    tab.go(&relay.url("/files/")).await;
    mission::joined(&tab).await;
    tab
}

/// The paths that a tab lists, in order.
async fn paths(tab: &Tab) -> Value {
    let rows = "[...document.querySelectorAll('[data-test=\"file-row\"]')]\
        .map((row) => row.dataset.path)";
    tab.value(rows).await.expect("the page answers")
}

#[tokio::test]
async fn both_halves_of_five_tabs_write_and_show_the_same_list_when_healed() {
    let _turn = turn().await;
    let mut relay = Relay::start();
    let (near, far) = (Browser::start().await, Browser::start().await);
    let mut here = Vec::new();
    for _ in 0..3 {
        here.push(opened(&near, &relay).await);
    }
    let there = [opened(&far, &relay).await, opened(&far, &relay).await];
    for tab in here.iter().chain(&there) {
        mission::counts_ions(tab, 5).await;
    }
    bring(&here[0], &near, "before.txt", b"of all").await;
    for tab in here.iter().chain(&there) {
        shows(tab, "before.txt").await;
    }
    relay.kill();
    for tab in here.iter().chain(&there) {
        without_relay(tab).await;
    }
    for tab in &there {
        let closed = tab.value("testPeers.map((peer) => peer.close()).length").await;
        assert!(closed.is_ok_and(|closed| closed.as_u64() > Some(0)), "it had connections");
    }
    for tab in &here {
        mission::counts_ions(tab, 3).await;
    }
    for tab in &there {
        mission::counts_ions(tab, 2).await;
    }
    bring(&here[1], &near, "here.txt", b"of three").await;
    bring(&there[0], &far, "there.txt", b"of two").await;
    // One name on both sides: neither is lost.
    bring(&here[2], &near, "both.txt", b"by three").await;
    bring(&there[1], &far, "both.txt", b"by two").await;
    for tab in &here {
        shows(tab, "here.txt").await;
        shows(tab, "both.txt").await;
        assert_eq!(paths(tab).await, json!(["before.txt", "both.txt", "here.txt"]));
    }
    for tab in &there {
        shows(tab, "there.txt").await;
        shows(tab, "both.txt").await;
        assert_eq!(paths(tab).await, json!(["before.txt", "both.txt", "there.txt"]));
    }
    relay.restart();
    for tab in here.iter().chain(&there) {
        mission::counts_ions(tab, 5).await;
        shows(tab, "here.txt").await;
        shows(tab, "there.txt").await;
        let both = "document.querySelectorAll(
            '[data-test=\"file-row\"][data-path=\"both.txt\"]').length === 2";
        tab.wait_for("both of one name", both).await;
    }
    let names = "[...document.querySelectorAll('[data-test=\"file-row\"]')]\
        .map((row) => [row.dataset.path, row.dataset.version, row.dataset.kind])";
    let first = here[0].value(names).await.expect("the page answers");
    for tab in here.iter().chain(&there) {
        let same = format!("JSON.stringify({names}) === JSON.stringify({first})");
        tab.wait_for("the same list", &same).await;
    }
    here[0].screenshot("files-healed").await;
}

#[tokio::test]
async fn a_file_is_whole_elsewhere_when_its_tab_goes_in_the_middle_of_copying() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let mut tabs = IonTab::open_linked_capped(&browser, &relay, 3).await;
    tabs[2].give_nothing().await;
    let first = tabs.remove(0);
    let [second, third] = [&tabs[0].tab, &tabs[1].tab];
    for tab in [&first.tab, second, third] {
        tab.click("nav-files").await;
    }
    first.cap(Some(6 << 20)).await;
    let file = bytes(5, 24 << 20);
    bring(&first.tab, &browser, "long.bin", &file).await;
    let keep = format!("{}?.innerText.includes('Keep open')", query("files-closing"));
    first.tab.wait_for("a word not to close", &keep).await;
    // As its user would: the browser asks whether to leave, and then waits.
    first.tab.run("dispatchEvent(new Event('beforeunload', { cancelable: true }));").await;
    let safe = format!("{}?.innerText.includes('Safe to close')", query("files-closing"));
    first.tab.wait_for("leave to close", &safe).await;
    let copies = "[...document.querySelectorAll('[data-test=\"file-health\"]')]\
        .map((health) => Number(health.dataset.copies))[0]";
    let copies = first.tab.value(copies).await.ok().and_then(|copies| copies.as_u64());
    assert!(copies.is_some_and(|copies| copies < 3), "it is copied already: {copies:?}");
    first.tab.close().await;
    shows(third, "long.bin").await;
    assert!(sha256(&saved(third, "long.bin").await) == sha256(&file), "it comes from the other");
    third.click("nav-settings").await;
    third.fill("give-field", "1").await;
    third.click("give").await;
    third.click("nav-files").await;
    has_copies(third, "long.bin", 2).await;
}
