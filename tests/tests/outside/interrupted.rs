//! Files whose tab is halted or loaded anew while they are on their way.

use ionosphere_tests::{
    browser::Browser,
    ion_tab::IonTab,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::{
    copies::bytes,
    files::{bring, opened, row, shows},
    turn,
};

const MIB: usize = 1 << 20;

/// JavaScript: how far the only import is, in percent, or null.
const DONE: &str = "(document.querySelector('[data-test=\"import-row\"] progress')?.value ?? null)";

/// Takes pictures of what is seen, wide and narrow, light and dark.
pub(crate) async fn pictures(tab: &Tab, name: &str) {
    for (place, width, height) in [("desk", 1440, 900), ("phone", 390, 844)] {
        for scheme in ["light", "dark"] {
            tab.look(width, height, scheme).await;
            tab.screenshot(&format!("{name}-{place}-{scheme}")).await;
        }
    }
}

/// Presses Pause as soon as something of an import is here.
async fn pause_early(tab: &Tab) {
    tab.run(&format!(
        "window.pausing = setInterval(() => {{
            if ({DONE} > 0) {{
                clearInterval(window.pausing);
                {}.click();
            }}
         }}, 5);",
        query("import-pause")
    ))
    .await;
}

fn says(words: &str) -> String {
    format!("{}?.innerText.includes('{words}')", query("import-row"))
}

async fn done(tab: &Tab) -> f64 {
    tab.value(DONE).await.ok().and_then(|done| done.as_f64()).expect("there is an import")
}

#[tokio::test]
async fn an_import_is_halted_and_goes_on_after_the_page_was_loaded_again() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = opened(&browser, &relay).await;
    let file = bytes(3, 192 * MIB);
    pause_early(&tab).await;
    bring(&tab, &browser, "long.bin", &file).await;
    tab.wait_for("a halted import", &says("paused")).await;
    pictures(&tab, "files-paused").await;
    tab.click("import-pause").await;
    tab.wait_for("an import that goes on", &says("/s, ")).await;
    tab.click("import-pause").await;
    tab.wait_for("a halted import", &says("paused")).await;
    // What is being written ends.
    let still = format!("(window.last === {DONE}) || (window.last = {DONE}, false)");
    tab.wait_for("an import that stands still", &still).await;
    let before = done(&tab).await;
    assert!(before > 0.0 && before < 100.0, "{before} percent are here");

    tab.reload().await;
    mission::joined(&tab).await;
    tab.wait_for("the way to go on", &says("drop the same file again")).await;
    let left = done(&tab).await;
    assert!(left >= before, "{left} percent of {before} are left");
    pictures(&tab, "files-left").await;
    // A file of another size is another file, and has its own way.
    bring(&tab, &browser, "other.bin", &file[..MIB]).await;
    shows(&tab, "other.bin").await;
    tab.wait_for("the way to go on", &says("drop the same file again")).await;

    tab.run(&format!(
        "window.seen = [];
         window.looking = setInterval(() => {{
            const done = {DONE};
            if (done !== null) window.seen.push(done);
         }}, 5);"
    ))
    .await;
    tab.choose_file("import-again", &browser.file("long.bin", &file)).await;
    let whole = format!("{}?.innerText.includes('192 MiB')", row("long.bin"));
    tab.wait_for("the file", &whole).await;
    let least = tab.value("Math.min(...window.seen)").await.ok().and_then(|least| least.as_f64());
    assert!(least.is_some_and(|least| least >= left), "{least:?} of {left} percent were shown");
    tab.wait_for("no import", &format!("{} === null", query("import-row"))).await;
}

#[tokio::test]
async fn an_import_that_was_left_is_given_up() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = opened(&browser, &relay).await;
    pause_early(&tab).await;
    bring(&tab, &browser, "long.bin", &bytes(4, 192 * MIB)).await;
    tab.wait_for("a halted import", &says("paused")).await;
    tab.reload().await;
    tab.wait_for("the way to go on", &says("drop the same file again")).await;
    tab.click("import-cancel").await;
    tab.wait_for("no import", &format!("{} === null", query("import-row"))).await;
    tab.click("nav-settings").await;
    let nothing = format!("{}?.dataset.bytes === '0'", query("store-held"));
    tab.wait_for("a store that holds nothing", &nothing).await;
    tab.reload().await;
    tab.wait_for("a store that holds nothing", &nothing).await;
    tab.click("nav-files").await;
    tab.wait_for("the list", mission::FILES_LISTED).await;
    assert_eq!(tab.value(&query("import-row")).await.ok(), Some(serde_json::Value::Null));
}

#[tokio::test]
async fn a_copy_that_comes_goes_on_after_the_page_was_loaded_again() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tabs = IonTab::open_linked_capped(&browser, &relay, 2).await;
    let (from, to) = (&tabs[0], &tabs[1].tab);
    from.cap(Some(3 << 20)).await;
    from.bring(1, 48 * MIB).await;
    to.click("nav-settings").await;
    let held = format!("Number({}?.dataset.bytes ?? 0)", query("store-held"));
    to.wait_for("a part of the file", &format!("{held} >= {}", 8 * MIB)).await;
    let before = to.value(&held).await.ok().and_then(|held| held.as_u64()).unwrap_or_default();
    assert!(before < 48 << 20, "{before} bytes came too fast to be seen");
    to.reload().await;
    let first = to.wait_for("what is here", &held).await.as_u64().unwrap_or_default();
    assert!(first >= before, "{first} bytes of {before} are left");
    from.cap(None).await;
    to.wait_for("all of it", &format!("{held} >= {}", 48 * MIB)).await;
}
