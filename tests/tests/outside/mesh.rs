//! The mesh in real tabs: few links, everybody reached, no relay needed.

use ionosphere_tests::{
    browser::Browser,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::{turn, two_tabs};

/// JavaScript: the links of a tab's Ions page, as pairs of id and kind.
const LINKS: &str = "[...document.querySelectorAll('[data-test=\"ion-row\"]')]\
    .filter((row) => row.dataset.self === undefined && row.dataset.link !== 'through others')\
    .map((row) => row.dataset.id)";

/// Waits until every linked ion of a tab, at least one, is linked directly.
async fn linked_directly(tab: &Tab) {
    tab.click("nav-network").await;
    let kinds = "[...document.querySelectorAll('[data-test=\"link-row\"]')]\
        .map((row) => row.dataset.link)";
    let all = format!("{kinds}.length > 0 && {kinds}.every((kind) => kind === 'direct')");
    tab.wait_for("direct links", &all).await;
}

/// Sets how many links a tab holds.
async fn limit_links(tab: &Tab, target: usize, max: usize) {
    tab.click("nav-settings").await;
    for (field, wanted) in [("links-target", target), ("links-max", max)] {
        for _ in 0..16 {
            let shown = tab.text(field).await;
            let shown: usize = shown.trim().parse().unwrap_or_default();
            if shown == wanted {
                break;
            }
            let step = if shown > wanted { "fewer" } else { "more" };
            tab.click(&format!("{field}-{step}")).await;
        }
    }
}

#[tokio::test]
async fn tabs_link_directly_and_need_no_relay_any_more() {
    let _turn = turn().await;
    let (mut relay, _browser, first, second) = two_tabs().await;
    linked_directly(&first).await;
    linked_directly(&second).await;
    first.screenshot("network-direct").await;
    relay.kill();
    for tab in [&first, &second] {
        tab.wait_for("a word that the relay is gone", "document.body.dataset.phase === 'no-relay'")
            .await;
    }
    mission::open_spark(&first, "mandelbrot").await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished");
    mission::shared_by(&first, 2).await;
    mission::counts_ions(&second, 2).await;
    first.click("nav-network").await;
    first.screenshot("network-no-relay").await;
}
