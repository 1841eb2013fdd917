//! The Files page: what one tab brings in stands in all, with its bytes; what is
//! deleted comes back; nothing of a file runs as part of the site.

use ionosphere_tests::{
    browser::Browser,
    mission::{self, sha256},
    relay::Relay,
    tab::Tab,
};
use serde_json::{Value, json};

use crate::turn;

pub(crate) async fn opened(browser: &Browser, relay: &Relay) -> Tab {
    let tab = browser.open(&relay.url("/")).await;
    mission::joined(&tab).await;
    tab.click("nav-files").await;
    tab
}

/// JavaScript: the row of a path, or null.
pub(crate) fn row(path: &str) -> String {
    let path = Value::from(path);
    format!(
        "([...document.querySelectorAll('[data-test=\"file-row\"]')]
            .find((row) => row.dataset.path === {path}) ?? null)"
    )
}

pub(crate) async fn shows(tab: &Tab, path: &str) {
    tab.wait_for(path, &row(path)).await;
}

async fn shows_no(tab: &Tab, path: &str) {
    let gone = format!("{} === null && {}", row(path), mission::FILES_LISTED);
    tab.wait_for(&format!("no {path}"), &gone).await;
}

pub(crate) async fn bring(tab: &Tab, browser: &Browser, name: &str, bytes: &[u8]) {
    tab.choose_file("files-add", &browser.file(name, bytes)).await;
}

/// Opens the sheet of a row and presses one of its buttons.
pub(crate) async fn act(tab: &Tab, path: &str, button: &str) {
    shows(tab, path).await;
    tab.run(&format!("{}.querySelector('[data-test=\"file-actions\"]').click();", row(path))).await;
    tab.click(button).await;
}

pub(crate) async fn open(tab: &Tab, path: &str) {
    shows(tab, path).await;
    tab.run(&format!("{}.querySelector('[data-test=\"file-open\"]').click();", row(path))).await;
}

/// Waits until the service worker takes care of the page.
async fn is_streamed(tab: &Tab) {
    tab.wait_for("a service worker", "navigator.serviceWorker.controller").await;
}

/// A text that is longer than one read, none of whose parts are alike.
fn text() -> Vec<u8> {
    let line = |at: u32| format!("{at}: what the tide brought in\n");
    (0..80_000).flat_map(|at| line(at).into_bytes()).collect()
}

#[tokio::test]
async fn what_one_tab_brings_in_is_opened_and_saved_in_another() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let one = opened(&browser, &relay).await;
    let other = opened(&browser, &relay).await;
    mission::counts_ions(&one, 2).await;
    let text = text();

    bring(&one, &browser, "tide.txt", &text).await;
    shows(&one, "tide.txt").await;
    shows(&other, "tide.txt").await;
    one.screenshot("files").await;

    open(&other, "tide.txt").await;
    let shown = "document.querySelector('[data-test=\"viewer-text\"]')?.textContent";
    let starts = format!("{shown}?.startsWith('0: what the tide brought in')");
    other.wait_for("the text", &starts).await;
    is_streamed(&other).await;
    other.click("viewer-download").await;
    assert_eq!(sha256(&other.downloaded("tide.txt").await), sha256(&text));
    other.reload().await;
    other.wait_for("the same place", &starts).await;
    other.click("sheet-close").await;
    shows(&other, "tide.txt").await;
}

#[tokio::test]
async fn files_get_names_folders_and_a_way_back() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let one = opened(&browser, &relay).await;
    let other = opened(&browser, &relay).await;
    mission::counts_ions(&one, 2).await;
    bring(&one, &browser, "a.txt", b"first").await;
    act(&other, "a.txt", "file-rename").await;
    other.fill("sheet-name", "b.txt").await;
    other.click("sheet-submit").await;
    shows(&one, "b.txt").await;
    shows_no(&one, "a.txt").await;

    one.click("files-new-folder").await;
    one.fill("sheet-name", "kept").await;
    one.click("sheet-submit").await;
    shows(&other, "kept").await;
    act(&one, "b.txt", "file-move").await;
    one.click("place").await;
    one.wait_for("the folder", "document.querySelector('.places')?.innerText.includes('Up')").await;
    one.click("move-here").await;
    shows_no(&other, "b.txt").await;
    open(&other, "kept").await;
    shows(&other, "kept/b.txt").await;
    assert_eq!(other.value("location.pathname").await.unwrap(), json!("/files/kept/"));

    act(&other, "kept/b.txt", "file-delete").await;
    shows_no(&other, "kept/b.txt").await;
    other.click("files-undo").await;
    shows(&other, "kept/b.txt").await;
    // The folder goes with all that is in it, and comes back so.
    act(&one, "kept", "file-delete").await;
    shows_no(&one, "kept").await;
    shows_no(&other, "kept/b.txt").await;
    one.click("files-undo").await;
    shows(&one, "kept").await;
    shows(&other, "kept/b.txt").await;
}

/// JavaScript: presses the box of a row.
fn tick(path: &str) -> String {
    format!("{}.querySelector('[data-test=\"file-mark\"]').click();", row(path))
}

#[tokio::test]
async fn many_files_are_marked_moved_deleted_and_brought_back_at_once() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = opened(&browser, &relay).await;
    for name in ["a.txt", "b.txt", "c.txt", "d.txt"] {
        bring(&tab, &browser, name, name.as_bytes()).await;
        shows(&tab, name).await;
    }
    tab.click("files-new-folder").await;
    tab.fill("sheet-name", "kept").await;
    tab.click("sheet-submit").await;
    shows(&tab, "kept").await;

    tab.run(&tick("a.txt")).await;
    let last = format!("{}.querySelector('[data-test=\"file-mark\"]')", row("c.txt"));
    let with_shift = "new MouseEvent('click', { bubbles: true, shiftKey: true })";
    tab.run(&format!("{last}.dispatchEvent({with_shift});")).await;
    assert_eq!(tab.text("files-marked").await, "3 items marked");
    for (place, width, height) in [("desk", 1440, 900), ("phone", 390, 844)] {
        for scheme in ["light", "dark"] {
            tab.look(width, height, scheme).await;
            tab.screenshot(&format!("files-marked-{place}-{scheme}")).await;
        }
    }
    tab.click("marked-move").await;
    tab.click("place").await;
    tab.wait_for("the folder", "document.querySelector('.places')?.innerText.includes('Up')").await;
    tab.click("move-here").await;
    for name in ["a.txt", "b.txt", "c.txt"] {
        shows_no(&tab, name).await;
    }
    shows(&tab, "d.txt").await;

    let name = format!("{}.querySelector('a').focus();", row("d.txt"));
    tab.run(&name).await;
    let press = |key: &str| {
        format!(
            "document.activeElement.dispatchEvent(
                new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}));"
        )
    };
    tab.run(&press("x")).await;
    assert_eq!(tab.text("files-marked").await, "1 item marked");
    tab.click("file-mark-all").await;
    assert_eq!(tab.text("files-marked").await, "2 items marked");
    tab.run(&press("Delete")).await;
    shows_no(&tab, "kept").await;
    shows_no(&tab, "d.txt").await;
    tab.wait_for("Bring back 2 items", "document.querySelector('[data-test=\"files-undo\"]')")
        .await;
    assert_eq!(tab.text("files-undo").await, "Bring back 2 items");
    tab.click("files-undo").await;
    shows(&tab, "d.txt").await;
    open(&tab, "kept").await;
    shows(&tab, "kept/c.txt").await;
}

#[tokio::test]
async fn what_is_deleted_for_good_is_gone_in_both_tabs() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let (one, other) = (opened(&browser, &relay).await, opened(&browser, &relay).await);
    bring(&one, &browser, "a.txt", b"secret").await;
    bring(&one, &browser, "b.txt", b"another").await;
    for name in ["a.txt", "b.txt"] {
        shows(&one, name).await;
        shows(&other, name).await;
        one.run(&tick(name)).await;
    }
    one.click("marked-delete").await;
    shows_no(&other, "a.txt").await;
    for tab in [&one, &other] {
        tab.click("files-deleted").await;
        shows(tab, "a.txt").await;
        shows(tab, "b.txt").await;
    }
    let more =
        |path| format!("{}.querySelector('[data-test=\"file-actions\"]').click();", row(path));
    one.run(&more("a.txt")).await;
    one.click("file-erase").await;
    for (place, width, height) in [("desk", 1440, 900), ("phone", 390, 844)] {
        for scheme in ["light", "dark"] {
            one.look(width, height, scheme).await;
            one.screenshot(&format!("files-erase-{place}-{scheme}")).await;
        }
    }
    one.click("sheet-cancel").await;
    shows(&one, "a.txt").await;
    one.run(&more("a.txt")).await;
    one.click("file-erase").await;
    one.click("erase-confirm").await;
    for tab in [&one, &other] {
        shows_no(tab, "a.txt").await;
        shows(tab, "b.txt").await;
    }
    let undo = one.value("document.querySelector('[data-test=\"files-undo\"]') === null").await;
    assert_eq!(undo.ok(), Some(true.into()), "it cannot be brought back");
}

#[tokio::test]
async fn a_further_version_replaces_and_can_be_taken_back() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = opened(&browser, &relay).await;
    let shown = "document.querySelector('[data-test=\"viewer-text\"]')?.textContent";
    bring(&tab, &browser, "plan.txt", b"one").await;
    shows(&tab, "plan.txt").await;
    bring(&tab, &browser, "plan.txt", b"two, and longer").await;
    let longer = format!("{}?.innerText.includes('15 B')", row("plan.txt"));
    tab.wait_for("the new version", &longer).await;
    act(&tab, "plan.txt", "file-versions").await;
    let versions = "document.querySelectorAll('[data-test=\"version-row\"]').length === 2";
    tab.wait_for("two versions", versions).await;
    tab.click("file-restore").await;
    tab.wait_for("the old one", &format!("{}?.innerText.includes('3 B')", row("plan.txt"))).await;
    open(&tab, "plan.txt").await;
    tab.wait_for("its text", &format!("{shown} === 'one'")).await;
}

#[tokio::test]
async fn parts_are_streamed_and_nothing_of_a_file_runs_here() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = opened(&browser, &relay).await;
    let page = b"<script>parent.wasRun = true</script>".as_slice();
    let picture = b"P-no-picture".repeat(200_000);
    bring(&tab, &browser, "page.html", page).await;
    bring(&tab, &browser, "photo.png", &picture).await;
    is_streamed(&tab).await;
    open(&tab, "page.html").await;
    let shown = "document.querySelector('[data-test=\"viewer-text\"]')?.textContent";
    tab.wait_for("its source", &format!("{shown}?.includes('wasRun')")).await;
    tab.click("sheet-close").await;
    open(&tab, "photo.png").await;
    let address = tab.attribute("viewer-picture", "src").await;
    let part = format!(
        "fetch({}, {{ headers: {{ range: 'bytes=1048570-1048589' }} }}).then(async (answer) => [
            answer.status, answer.headers.get('content-range'),
            answer.headers.get('content-security-policy'), answer.headers.get('content-type'),
            await answer.text()])",
        Value::from(address.as_str())
    );
    let whole = format!("bytes 1048570-1048589/{}", picture.len());
    let bytes = String::from_utf8_lossy(&picture[1_048_570..1_048_590]).into_owned();
    let policy = "sandbox; default-src 'none'";
    let said = tab.promise(&part).await.expect("the service worker answers");
    assert_eq!(said, json!([206, whole, policy, "application/octet-stream", bytes]));
    assert_eq!(tab.value("window.wasRun ?? null").await.unwrap(), Value::Null);
}

#[tokio::test]
async fn a_link_brings_whoever_opens_it_to_the_file() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let one = opened(&browser, &relay).await;
    mission::invite(&one, "shared").await;
    bring(&one, &browser, "for you.txt", b"hello there").await;
    act(&one, "for you.txt", "file-link").await;
    let link = one.text("file-link").await;
    assert!(link.contains("/files/for%20you%2Etxt#join="), "{link}");
    let guest = Browser::start().await;
    let tab = guest.open(&link).await;
    mission::joined(&tab).await;
    let shown = "document.querySelector('[data-test=\"viewer-text\"]')?.textContent";
    tab.wait_for("the file", &format!("{shown} === 'hello there'")).await;
}
