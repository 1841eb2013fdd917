//! Nebulas of one's own: who is invited is in, nobody else is.

use ionosphere_tests::{browser::Browser, mission, tab::query};

use crate::{turn, two_tabs};

#[tokio::test]
async fn whoever_has_the_link_is_in_and_nobody_else() {
    let _turn = turn().await;
    let (relay, browser, first, outsider) = two_tabs().await;
    let link = mission::invite(&first, "our lab").await;
    assert!(link.starts_with(&relay.url("/#join=")), "{link}");
    assert_eq!(first.text("nebula-name").await, "our lab");
    mission::counts_ions(&first, 1).await;
    mission::counts_ions(&outsider, 1).await;

    // Another browser, as another person has it.
    let friends = Browser::start().await;
    let friend = friends.open(&link).await;
    mission::joined(&friend).await;
    mission::counts_ions(&friend, 2).await;
    mission::counts_ions(&first, 2).await;
    assert_eq!(friend.text("nebula-name").await, "our lab");
    let address = friend.value("location.href").await.expect("the page answers");
    assert_eq!(address, relay.url("/"), "the invitation stayed in the address");

    friend.reload().await;
    mission::joined(&friend).await;
    mission::counts_ions(&friend, 2).await;
    assert_eq!(friend.text("nebula-name").await, "our lab");

    let plain = browser.open(&relay.url("/")).await;
    mission::joined(&plain).await;
    mission::counts_ions(&plain, 2).await;
    mission::counts_ions(&outsider, 2).await;
    // What the two in the nebula see has not changed by that.
    mission::counts_ions(&first, 2).await;
    mission::counts_ions(&friend, 2).await;
    mission::run_shared(&first, "mandelbrot", 2).await;
    assert_eq!(mission::ended(&first).await, "finished");
    let strangers = [mission::self_name(&outsider).await.1, mission::self_name(&plain).await.1];
    let shares = mission::shares(&first).await;
    assert!(shares.iter().all(|(ion, _)| !strangers.contains(ion)), "{shares:?}");
}

#[tokio::test]
async fn a_wrong_invitation_is_refused_with_a_sentence() {
    let _turn = turn().await;
    let (relay, browser, first, _second) = two_tabs().await;
    let link = mission::invite(&first, "our lab").await;
    let (damaged, _) = link.split_at(link.len() - 3);
    let lost = browser.open(&format!("{damaged}AAA")).await;
    let said = mission::problem(&lost, "invitation").await;
    assert!(said.contains("changed") || said.contains("missing"), "{said}");
    // It is nowhere, not among strangers, until its user says so.
    assert_eq!(lost.text("nebula-name").await, "No nebula yet");
    lost.click("nav-settings").await;
    lost.click("join-default").await;
    mission::joined(&lost).await;
    mission::counts_ions(&first, 1).await;

    let other = browser.open(&relay.url("/settings")).await;
    other.fill("join-field", "this is no invitation").await;
    other.click("join").await;
    mission::problem(&other, "invitation").await;
    let phase = "document.body.dataset.phase === 'joined'";
    other.wait_for("the open nebula, still", phase).await;
    other.wait_for("the field", &query("join-field")).await;
}

#[tokio::test]
async fn an_invitation_can_be_pasted_and_left_again() {
    let _turn = turn().await;
    let (_relay, _browser, first, second) = two_tabs().await;
    let link = mission::invite(&first, "our lab").await;
    second.click("nav-settings").await;
    second.fill("join-field", &link).await;
    second.click("join").await;
    second
        .wait_for(
            "the nebula's name",
            "document.querySelector('[data-test=\"nebula-name\"]')?.textContent === 'our lab'",
        )
        .await;
    mission::counts_ions(&second, 2).await;
    mission::counts_ions(&first, 2).await;
    second.click("join-default").await;
    mission::counts_ions(&first, 1).await;
    mission::counts_ions(&second, 1).await;
}
