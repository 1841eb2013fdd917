//! Tabs that go, with a word or without, and how soon all others show it.
//!
//! What is measured is what a person sees: the number of ions on the pages that
//! stay, noted by the pages themselves on the clock that they share. The bounds
//! are those of the product and the same on every machine; on one that is busy
//! with other things these tests are strict.

use ionosphere_tests::{
    browser::Browser,
    mission::{self, NOW},
    relay::Relay,
    tab::Tab,
};

use crate::turn;

/// Tabs, the one that goes included.
const TABS: usize = 5;
/// How long a closed tab may be shown, in milliseconds.
const CLOSED_MS_MAX: f64 = 1_000.0;
/// How long a killed one may be shown, in milliseconds.
const KILLED_MS_MAX: f64 = 10_000.0;

/// Five tabs that know each other and note who comes and goes; one is apart.
async fn five_tabs() -> (Relay, Browser, Tab, Vec<Tab>) {
    let relay = Relay::start();
    let browser = Browser::start().await;
    let mut tabs = Vec::new();
    for _ in 0..TABS {
        tabs.push(browser.open(&relay.url("/")).await);
    }
    for tab in &tabs {
        mission::joined(tab).await;
        mission::counts_ions(tab, TABS).await;
    }
    for tab in &tabs {
        crate::mesh::linked_directly(tab).await;
        mission::watch_ions(tab).await;
    }
    let goes = tabs.remove(2);
    (relay, browser, goes, tabs)
}

/// How long after that moment the last of these tabs showed one ion less.
async fn shown_for(tabs: &[Tab], gone_at: f64) -> f64 {
    let mut last: f64 = 0.0;
    for tab in tabs {
        let shown_at = mission::showed_ions_at(tab, TABS - 1).await;
        assert_eq!(mission::ions_shown(tab).await, ["5", "4"], "nobody else goes");
        last = last.max(shown_at - gone_at);
    }
    last
}

#[tokio::test]
async fn a_closed_tab_is_gone_for_all_others_within_a_second() {
    let _turn = turn().await;
    let (_relay, _browser, goes, stay) = five_tabs().await;
    // The tab itself says when, in what the browser's tabs share.
    let note = format!("addEventListener('pagehide', () => {{ localStorage.testLeft = {NOW}; }});");
    goes.run(&note).await;
    goes.close().await;
    let left = stay[0].wait_for("the moment of its end", "Number(localStorage.testLeft)").await;
    let took = shown_for(&stay, left.as_f64().expect("a time is a number")).await;
    println!("a closed tab was shown for {took:.0} ms");
    assert!(took <= CLOSED_MS_MAX, "it was shown for {took:.0} ms");
}

#[tokio::test]
async fn a_killed_tab_is_gone_for_all_others_within_ten_seconds() {
    let _turn = turn().await;
    let (_relay, _browser, goes, stay) = five_tabs().await;
    let killed_at = stay[0].value(NOW).await.ok().and_then(|now| now.as_f64());
    goes.kill().await;
    let took = shown_for(&stay, killed_at.expect("a page knows the time")).await;
    println!("a killed tab was shown for {took:.0} ms");
    assert!(took <= KILLED_MS_MAX, "it was shown for {took:.0} ms");
}
