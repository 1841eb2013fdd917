//! The page without its relay: it opens from what the browser kept, and takes
//! a newer version at the next load.

use ionosphere_tests::{
    browser::Browser,
    changed_site::ChangedSite,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::turn;

/// Waits until the browser has kept the site's present version whole, which
/// the page's being kept shows, and until its worker answers for this tab.
pub(crate) async fn is_kept(tab: &Tab) {
    let kept = "caches.match('/index.html', {
            cacheName: 'ionosphere-site-' + document.documentElement.dataset.version,
        }).then((page) => page !== undefined && navigator.serviceWorker.controller !== null)";
    tab.wait_for("the site to be kept", kept).await;
}

#[tokio::test]
async fn a_page_opens_without_its_relay_and_joins_when_that_is_back() {
    let _turn = turn().await;
    let mut relay = Relay::start();
    let browser = Browser::start().await;
    let tab = browser.open(&relay.url("/")).await;
    mission::joined(&tab).await;
    is_kept(&tab).await;
    let name = mission::self_name(&tab).await;

    relay.kill();
    tab.reload().await;
    tab.wait_for("a word that no relay answers", "document.body.dataset.phase === 'no-relay'")
        .await;
    let line = tab.text("no-relay").await;
    assert!(line.starts_with("No relay:"), "{line}");
    tab.click("nav-network").await;
    let row = format!("{}?.dataset.connected === 'false'", query("relay-row"));
    tab.wait_for("the relay that was there, not connected", &row).await;
    tab.screenshot("offline-network").await;
    // A place of the page that was never loaded comes as well.
    let other = browser.open(&relay.url("/sparks")).await;
    other.wait_for("the gallery", &query("spark-mandelbrot")).await;
    other.close().await;

    relay.restart();
    mission::joined(&tab).await;
    assert_eq!(mission::self_name(&tab).await, name, "it came back as another ion");
    let line = format!("{} === null", query("no-relay"));
    tab.wait_for("the line to go", &line).await;
}

#[tokio::test]
async fn a_changed_site_is_taken_by_the_next_load() {
    let _turn = turn().await;
    let relay = Relay::start();
    let site = ChangedSite::open(relay.http()).await;
    let browser = Browser::start().await;
    let tab = browser.open(&site.url("/settings")).await;
    is_kept(&tab).await;
    let first = tab.value("document.documentElement.dataset.version").await.expect("it answers");

    for build in 1..=2 {
        site.change();
        tab.reload().await;
        let version = "document.documentElement.dataset.version";
        let version = tab.value(version).await.expect("it answers");
        assert_eq!(version, site.version(), "build {build}: an old page was shown");
        is_kept(&tab).await;
        let styled = "getComputedStyle(document.documentElement).getPropertyValue('--accent')";
        tab.wait_for("the new build's style sheet", styled).await;
    }
    // The version before the present one may still be shown by a tab; the first is gone.
    let gone = format!("caches.has('ionosphere-site-' + {first}).then((has) => !has)");
    tab.wait_for("the oldest version to go", &gone).await;
}
