//! How many copies are wanted, and what Settings says of what is stored.

use ionosphere_tests::{browser::Browser, mission, relay::Relay, tab::query};

use crate::{
    files::{act, bring, open, opened, row, shows},
    interrupted::pictures,
    turn,
};

fn wants(path: &str, goal: u32) -> String {
    let health = format!("{}?.querySelector('[data-test=\"file-health\"]')", row(path));
    format!("{health}?.dataset.goal === '{goal}'")
}

#[tokio::test]
async fn copies_are_wanted_by_file_and_by_folder() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let (one, other) = (opened(&browser, &relay).await, opened(&browser, &relay).await);
    mission::counts_ions(&one, 2).await;
    one.click("files-new-folder").await;
    one.fill("sheet-name", "kept").await;
    one.click("sheet-submit").await;
    open(&one, "kept").await;
    for name in ["a.txt", "b.txt"] {
        bring(&one, &browser, name, name.as_bytes()).await;
        one.wait_for("two copies wanted", &wants(&format!("kept/{name}"), 2)).await;
    }
    // One copy of the folder is enough, but for one of its files.
    one.click("nav-files").await;
    act(&one, "kept", "file-goal").await;
    one.choose("goal-field", "1").await;
    pictures(&one, "files-goal").await;
    one.click("goal-set").await;
    open(&one, "kept").await;
    one.wait_for("one copy wanted", &wants("kept/b.txt", 1)).await;
    let said = |words: &str| format!("{}?.innerText === '{words}'", query("folder-goal"));
    one.wait_for("the folder's goal", &said("1 copy")).await;
    act(&one, "kept/a.txt", "file-goal").await;
    one.choose("goal-field", "5").await;
    one.click("goal-set").await;
    one.wait_for("as many as there are", &wants("kept/a.txt", 2)).await;
    open(&other, "kept").await;
    other.wait_for("the same elsewhere", &wants("kept/a.txt", 2)).await;
    other.wait_for("the same elsewhere", &wants("kept/b.txt", 1)).await;
    let more =
        format!("{}.querySelector('[data-test=\"file-actions\"]').click();", row("kept/a.txt"));
    other.run(&more).await;
    assert_eq!(other.text("file-wanted").await, "5 copies, set here");
    pictures(&other, "files-wanted").await;
    other.click("sheet-close").await;
    other.click("folder-goal").await;
    other.choose("goal-field", "").await;
    other.click("goal-set").await;
    one.wait_for("as usual again", &wants("kept/b.txt", 2)).await;
    one.wait_for("the folder's goal", &said("3 copies")).await;
    pictures(&one, "files-goals").await;
}

#[tokio::test]
async fn settings_say_what_is_stored_and_why_and_let_go_of_pins() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let (one, other) = (opened(&browser, &relay).await, opened(&browser, &relay).await);
    mission::counts_ions(&one, 2).await;
    bring(&one, &browser, "own.bin", &crate::copies::bytes(7, 3 << 20)).await;
    shows(&other, "own.bin").await;
    act(&other, "own.bin", "file-pin").await;
    let kind = |name: &str| {
        format!(
            "([...document.querySelectorAll('[data-test=\"store-kinds\"] dt')]
                .find((kind) => kind.innerText === '{name}')?.nextSibling?.innerText ?? '')"
        )
    };
    let is_there = |name: &str| format!("/^3(\\.[0-9]+)? MiB$/.test({})", kind(name));
    one.click("nav-settings").await;
    one.wait_for("what was brought in", &is_there("Brought in here")).await;
    assert_eq!(one.value(&kind("Copies for the nebula")).await.ok(), Some("0 B".into()));
    let memory = format!("/B$/.test({0}) && {0} !== '0 B'", kind("Shared memory"));
    one.wait_for("what the shared memory takes", &memory).await;
    other.click("nav-settings").await;
    other.wait_for("what is kept on request", &is_there("Kept here on request")).await;
    let pinned = format!("{}?.dataset.path === 'own.bin'", query("pinned-row"));
    other.wait_for("what is pinned", &pinned).await;
    pictures(&other, "settings-storage").await;
    other.run(&format!("{}.scrollIntoView({{ block: 'center' }});", query("pinned-row"))).await;
    pictures(&other, "settings-pinned").await;
    other
        .run(&format!("{}.querySelector('[data-test=\"file-pin\"]').click();", query("pinned-row")))
        .await;
    other.wait_for("no pin", &format!("{} === null", query("pinned-row"))).await;
    other.wait_for("a copy for the nebula", &is_there("Copies for the nebula")).await;
}
