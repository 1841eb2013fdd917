//! A person who wonders why nothing connects is told which step does not work.

use ionosphere_tests::tab::{Tab, query};

use crate::{
    mesh::{linked_directly, without_relay},
    turn, two_tabs,
};

const STEPS: usize = 6;

/// Runs the self-test; how each of its steps ended.
async fn tested(tab: &Tab) -> Vec<String> {
    tab.click("diagnose").await;
    let states = "[...document.querySelectorAll('[data-test=\"check\"]')]\
        .map((step) => step.dataset.state)";
    let over = format!(
        "{states}.length === {STEPS} && !{states}.includes('testing') && {}?.innerText && {states}",
        query("diagnosis-summary")
    );
    let states = tab.wait_for("the end of the self-test", &over).await;
    let state = |one: &serde_json::Value| one.as_str().unwrap_or_default().to_owned();
    states.as_array().into_iter().flatten().map(state).collect()
}

#[tokio::test]
async fn the_self_test_says_which_step_works() {
    let _turn = turn().await;
    let (mut relay, _browser, first, _second) = two_tabs().await;
    linked_directly(&first).await;
    assert_eq!(tested(&first).await, ["works"; STEPS], "{}", first.describe().await);
    for (place, width, height) in [("desk", 1440, 900), ("phone", 390, 844)] {
        for scheme in ["light", "dark"] {
            first.look(width, height, scheme).await;
            first.screenshot(&format!("self-test-{place}-{scheme}")).await;
        }
    }
    relay.kill();
    without_relay(&first).await;
    let (bad, good) = ("does not work", "works");
    let found = tested(&first).await;
    assert_eq!(found, [bad, bad, good, good, good, good], "{}", first.describe().await);
}
