//! The relay dies and comes back.

use ionosphere_tests::{mission, tab::query};

use crate::{turn, two_tabs};

#[tokio::test]
async fn a_dead_relay_is_told_and_a_living_one_is_joined_again() {
    let _turn = turn().await;
    let (mut relay, _browser, first, second) = two_tabs().await;
    let names = (mission::self_name(&first).await, mission::self_name(&second).await);
    relay.kill();
    for tab in [&first, &second] {
        tab.wait_for("a word that the relay is gone", "document.body.dataset.phase === 'no-relay'")
            .await;
    }
    first.click("nav-settings").await;
    let row = format!("{}?.dataset.connected === 'false' && {0}.innerText", query("relay-row"));
    first.wait_for("the relay and why it is not connected", &row).await;
    first.screenshot("no-relay").await;

    relay.restart();
    for tab in [&first, &second] {
        mission::joined(tab).await;
        mission::counts_ions(tab, 2).await;
    }
    let again = (mission::self_name(&first).await, mission::self_name(&second).await);
    assert_eq!(names, again, "the ions are others now");
    mission::open_spark(&first, "mandelbrot").await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished");
}
