//! The Mail page: a letter to an ion that is away reaches it, though its sender
//! is gone by then.

use ionosphere_tests::{
    browser::Browser,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::turn;

/// JavaScript: whether this ion holds a letter of others.
const CARRIES: &str = "[...document.querySelectorAll('[data-test=\"data-space\"] option')]\
    .some((one) => one.innerText.includes('2 named ions'))";

async fn at_mail(tab: &Tab, relay: &Relay) {
    tab.go(&relay.url("/mail")).await;
    mission::joined(tab).await;
}

async fn stands(tab: &Tab, state: &str) {
    let state_now = format!("{}?.dataset.state === '{state}'", query("mail-row"));
    tab.wait_for(&format!("a letter that is {state}"), &state_now).await;
}

#[tokio::test]
async fn a_letter_waits_for_its_addressee_though_its_sender_is_gone() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let sender = browser.open(&relay.url("/")).await;
    let carrier = browser.open(&relay.url("/")).await;
    let addressee = browser.open(&relay.url("/")).await;
    for tab in [&sender, &carrier, &addressee] {
        mission::joined(tab).await;
        mission::counts_ions(tab, 3).await;
    }
    let (_, id) = mission::self_name(&addressee).await;
    // A page that comes back in its tab is the same ion.
    addressee.go("about:blank").await;
    mission::counts_ions(&sender, 2).await;

    sender.click("nav-mail").await;
    sender.wait_for("a word about letters", "document.querySelector('.empty-title')").await;
    sender.click("mail-write").await;
    sender.choose("mail-to", "id").await;
    sender.fill("mail-id", &id).await;
    sender.fill("mail-text", "Dear heron,\n<b>no markup</b>").await;
    sender.choose_file("mail-file", &browser.file("large.bin", &vec![7; 50_000])).await;
    sender.wait_for("a refusal", &query("mail-mistake")).await;
    sender.choose_file("mail-file", &browser.file("note.txt", b"enclosed")).await;
    sender.wait_for("the enclosed file", &query("mail-enclosed")).await;
    sender.click("mail-send").await;
    stands(&sender, "waits").await;
    carrier.click("nav-data").await;
    carrier.wait_for("the letter at a third ion", CARRIES).await;
    sender.go("about:blank").await;
    mission::counts_ions(&carrier, 1).await;

    at_mail(&addressee, &relay).await;
    stands(&addressee, "new").await;
    addressee.wait_for("a badge", &query("mail-unread")).await;
    addressee.screenshot("mail-new").await;
    addressee.click("mail-open").await;
    addressee.wait_for("the letter", &query("mail-letter-text")).await;
    let said = addressee.text("mail-letter-text").await;
    assert_eq!(said, "Dear heron,\n<b>no markup</b>");
    stands(&addressee, "read").await;
    addressee.wait_for("no badge", &format!("!{}", query("mail-unread"))).await;
    addressee.click("mail-download").await;
    assert_eq!(addressee.downloaded("note.txt").await, b"enclosed");

    at_mail(&sender, &relay).await;
    stands(&sender, "taken").await;
}

#[tokio::test]
async fn a_letter_can_be_taken_back_and_answered() {
    let _turn = turn().await;
    let (_relay, _browser, first, second) = crate::two_tabs().await;
    let (_, id) = mission::self_name(&second).await;
    first.click("nav-mail").await;
    first.click("mail-write").await;
    first.choose("mail-to", &id).await;
    first.fill("mail-text", "Are you there?").await;
    first.click("mail-send").await;
    stands(&first, "taken").await;
    second.click("nav-mail").await;
    stands(&second, "new").await;
    for (place, width, height) in [("desk", 1440, 900), ("phone", 390, 844)] {
        for scheme in ["light", "dark"] {
            second.look(width, height, scheme).await;
            second.screenshot(&format!("mail-list-{place}-{scheme}")).await;
        }
    }
    second.click("mail-open").await;
    second.click("mail-answer").await;
    second.fill("mail-text", "Yes").await;
    second.screenshot("mail-answer-phone").await;
    second.click("mail-send").await;
    stands(&first, "new").await;

    first.click("mail-open").await;
    first.click("mail-discard").await;
    first.click("mail-discard-sure").await;
    let one_left = "document.querySelectorAll('[data-test=\"mail-row\"]').length === 1";
    first.wait_for("one letter fewer", one_left).await;
}
