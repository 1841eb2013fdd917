//! Mistakes that a person makes in the page, and what it says to them.

use ionosphere_tests::{
    browser::Browser,
    folder::root,
    guests, mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::turn;

async fn one_tab() -> (Relay, Browser, Tab) {
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = browser.open(&relay.url("/")).await;
    mission::joined(&tab).await;
    (relay, browser, tab)
}

/// Presses Run and reads the sentence under the field that is wrong.
async fn mistake(tab: &Tab) -> String {
    tab.click("run").await;
    let text = tab.text("mistake").await;
    let is_here = format!("{} !== null", query("run"));
    tab.wait_for("the form, still there", &is_here).await;
    text
}

#[tokio::test]
async fn a_file_that_cannot_run_is_refused_with_its_reason() {
    let _turn = turn().await;
    let (_relay, browser, tab) = one_tab().await;
    mission::upload(&tab, &browser.file("letter.wasm", b"Dear sir or madam")).await;
    let said = tab.text("bench-refused").await;
    assert!(said.contains("not a WebAssembly module"), "{said}");
    tab.click("bench-back").await;

    mission::upload(&tab, &browser.file("empty.wasm", b"")).await;
    tab.text("bench-refused").await;
    tab.click("bench-back").await;

    let cut = &guests::count()[..20];
    mission::upload(&tab, &browser.file("cut.wasm", cut)).await;
    tab.text("bench-refused").await;
    tab.click("bench-back").await;

    mission::upload(&tab, &browser.file("strange.wasm", &guests::strange_import())).await;
    let said = tab.text("imports-refused").await;
    assert!(said.contains("host.format_disk"), "{said}");
    let is_off = format!("{}.disabled", query("run"));
    tab.wait_for("a Run that cannot be pressed", &is_off).await;
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_told_at_their_field() {
    let _turn = turn().await;
    let (_relay, browser, tab) = one_tab().await;
    let module = std::fs::read(root().join("examples/add/add.wasm")).expect("it is there");
    mission::upload(&tab, &browser.file("add.wasm", &module)).await;
    mission::set_up(&tab, "1 2 3", 0, 9).await;
    let said = mistake(&tab).await;
    assert!(said.contains('2') && said.contains('3'), "{said}");
    tab.fill("arguments", "{} 1").await;
    tab.fill("range-last", "a lot").await;
    mistake(&tab).await;
    tab.fill("range-last", "5000000").await;
    let said = mistake(&tab).await;
    assert!(said.contains("1000000") || said.contains("1,000,000"), "{said}");
    tab.fill("range-last", "9").await;
    tab.click("limits").await;
    tab.fill("limit-time", "a while").await;
    mistake(&tab).await;
    tab.fill("limit-time", "10").await;
    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished");
}

#[tokio::test]
async fn an_argument_of_the_wrong_type_is_named() {
    let _turn = turn().await;
    let (_relay, browser, tab) = one_tab().await;
    let module = std::fs::read(root().join("examples/add/add.wasm")).expect("it is there");
    mission::upload(&tab, &browser.file("add.wasm", &module)).await;
    mission::set_up(&tab, "{} many", 0, 9).await;
    let said = mistake(&tab).await;
    assert!(said.contains("many") && said.contains("i32") && said.contains("Give a"), "{said}");
    // One that only some inputs have is the affair of their tasks.
    tab.fill("arguments", "{} 1").await;
    tab.click("inputs-lines").await;
    tab.fill("lines", "1\nfew\n3\nfew").await;
    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished with failures");
    let causes = mission::causes(&tab).await;
    assert!(causes.len() == 1 && causes[0].contains("2 tasks"), "{causes:?}");
    assert!(causes[0].contains("few") && causes[0].contains("i32"), "{causes:?}");
}

#[tokio::test]
async fn an_input_over_the_limit_is_named() {
    let _turn = turn().await;
    let (_relay, browser, tab) = one_tab().await;
    mission::open_spark(&tab, "word-count").await;
    let long = vec![b'x'; (256 << 10) + 1];
    tab.click("inputs-file").await;
    tab.choose_file("inputs-file-field", &browser.file("long.txt", &long)).await;
    tab.wait_for("the file's name", "document.body.innerText.includes('long.txt,')").await;
    let said = mistake(&tab).await;
    assert!(said.contains("256") || said.contains("262144") || said.contains("262,144"), "{said}");
}

#[tokio::test]
async fn a_guest_that_eats_memory_fails_by_name() {
    let _turn = turn().await;
    let (_relay, browser, tab) = one_tab().await;
    mission::upload(&tab, &browser.file("hungry.wasm", &guests::hungry())).await;
    mission::set_up(&tab, "{}", 1, 2).await;
    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished with failures");
    let causes = mission::causes(&tab).await;
    assert!(causes[0].contains("memory limit"), "{causes:?}");
}
