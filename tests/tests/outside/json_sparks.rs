//! A JSON spark of one's own: it is recognised, runs over lines, and says what is wrong;
//! and what a module is made of.

use std::fs;

use ionosphere_tests::{
    browser::Browser,
    folder::root,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::turn;

const MODULE: &str = "examples/nebulark/c/nebulark-c.wasm";

fn kept() -> Vec<u8> {
    fs::read(root().join(MODULE)).expect("it is kept with its source")
}

/// A tab of a nebula, in which a file of that name was dropped on Sparks.
async fn dropped(name: &str, module: &[u8]) -> (Relay, Browser, Tab) {
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = browser.open(&relay.url("/")).await;
    mission::joined(&tab).await;
    mission::upload(&tab, &browser.file(name, module)).await;
    (relay, browser, tab)
}

#[tokio::test]
async fn a_json_spark_that_is_dropped_runs_over_lines() {
    let _turn = turn().await;
    let (_relay, _browser, tab) = dropped("sum.wasm", &kept()).await;
    let chosen = format!("{}.selectedOptions[0].textContent", query("entry"));
    let chosen = tab.value(&chosen).await.expect("there is a choice");
    assert_eq!(chosen, "JSON spark (nine functions)");

    tab.fill("lines", "1 + 2").await;
    tab.click("run").await;
    let mistake = tab.text("mistake").await;
    assert!(mistake.contains("not JSON"), "{mistake}");

    tab.fill("lines", "{\"firstAddend\": 1, \"secondAddend\": 2}\n{\"firstAddend\": 1}").await;
    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished with failures");
    let sum = mission::downloaded(&tab, "sum.txt").await;
    assert_eq!(String::from_utf8_lossy(&sum), "{\"sum\": 3}\n");
    let causes = mission::causes(&tab).await.join(", ");
    assert!(causes.contains("`nebulark_ion_spark_ignite` returned 1"), "{causes}");
    tab.screenshot("json-spark-results").await;
}

#[tokio::test]
async fn a_module_with_some_of_the_nine_says_what_it_lacks() {
    let _turn = turn().await;
    let text = "(module (func (export \"nebulark_ion_spark_open\") (result i32) (i32.const 0)))";
    let module = wat::parse_str(text).expect("it is well-formed");
    let (_relay, _browser, tab) = dropped("half.wasm", &module).await;
    let lacks = tab.text("json-spark-lacks").await;
    assert!(lacks.contains("nebulark_ion_spark_input_set(i32, i32) → i32"), "{lacks}");
    assert!(!lacks.contains("nebulark_ion_spark_open"), "{lacks}");
}

#[tokio::test]
async fn what_a_module_is_made_of_is_read_on_desk_and_phone() {
    let _turn = turn().await;
    let (_relay, _browser, tab) = dropped("sum.wasm", &kept()).await;
    let anatomy = query("anatomy");
    let is_open = tab.value(&format!("{anatomy}.open")).await.expect("it is there");
    assert_eq!(is_open, false, "it is folded at first");
    tab.click("anatomy-open").await;
    let said = tab.text("anatomy").await;
    for words in ["code", "pages of 64 KiB", "nebulark_ion_spark_input_set", "(i32, i32) → i32"] {
        assert!(said.contains(words), "{words} is not in: {said}");
    }
    for (place, width, height) in [("desk", 1440, 900), ("phone", 390, 844)] {
        for scheme in ["light", "dark"] {
            tab.look(width, height, scheme).await;
            tab.run(&format!("{anatomy}.scrollIntoView();")).await;
            let page = "document.documentElement.scrollWidth <= window.innerWidth";
            tab.wait_for("a page that is not wider than the window", page).await;
            tab.screenshot(&format!("anatomy-{place}-{scheme}")).await;
        }
    }
}
