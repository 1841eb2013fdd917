//! The gallery's calculators, in every language and both lanes.

use ionosphere_tests::{
    browser::Browser,
    mission::{self, sha256},
    relay::Relay,
    tab::{Tab, query},
};

use crate::turn;

const LANGUAGES: [&str; 7] = ["", "-c", "-cpp", "-assemblyscript", "-zig", "-go", "-java"];
/// Each calculator, its languages, its results over the gallery's own inputs, and a word
/// of its source.
const CALCULATORS: [(&str, &[&str], &str, &str); 3] = [
    ("add", &LANGUAGES, "3\n42\n3\n-2147483648\n", "add"),
    ("json-calculator", &LANGUAGES, SUMS, "add"),
    ("nebulark", &["", "-c", "-assemblyscript", "-zig"], SUMS, "nebulark_ion_spark_"),
];
const SUMS: &str = "{\"sum\": 3}\n{\"sum\": 42}\n{\"sum\": 0}\n";

/// Opens a calculator in a language, as a person does: its card, then the language.
async fn open(tab: &Tab, calculator: &str, language: &str) {
    mission::open_spark(tab, calculator).await;
    if !language.is_empty() {
        let name = format!("{calculator}{language}");
        tab.click(&format!("language-{name}")).await;
        let there = format!("location.pathname === '/sparks/{name}' && {}", query("run"));
        tab.wait_for("the form of that language", &there).await;
    }
}

#[tokio::test]
async fn every_calculator_says_the_same_in_both_lanes_and_shows_its_source() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = browser.open(&relay.url("/")).await;
    mission::joined(&tab).await;
    for (calculator, languages, expected, word) in CALCULATORS {
        for language in languages {
            for lane in ["fast", "interpreter"] {
                open(&tab, calculator, language).await;
                tab.click("limits").await;
                tab.choose("lane", lane).await;
                mission::run(&tab).await;
                let context = format!("{calculator}{language}, {lane}");
                assert_eq!(mission::ended(&tab).await, "finished", "{context}");
                assert_eq!(
                    tab.text("result-sha256").await,
                    sha256(expected.as_bytes()),
                    "{context}"
                );
            }
            open(&tab, calculator, language).await;
            let source = query("source");
            tab.run(&format!("{source}.open = true; {source}.scrollIntoView();")).await;
            let shown = format!("{source}.querySelector('code').innerText.includes('{word}')");
            tab.wait_for("the source", &shown).await;
            tab.screenshot(&format!("source-{calculator}{language}")).await;
        }
    }
}
