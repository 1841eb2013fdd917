//! Jobs from a table and from files: what the form shows of them, and what comes out.

use ionosphere_tests::{
    browser::Browser,
    mission,
    relay::Relay,
    tab::{Tab, query},
};
use serde_json::{Value, json};

use crate::turn;

const PEOPLE: &str = "name;first;second\n\"Ada; L.\";1;2\nBob;40;2\nEve;-5;8\nZoe;x;1\n";

pub(crate) async fn set_up(spark: &str, inputs: &str) -> (Relay, Browser, Tab) {
    let relay = Relay::start();
    let browser = Browser::start().await;
    let tab = browser.open(&relay.url("/")).await;
    mission::joined(&tab).await;
    mission::open_spark(&tab, spark).await;
    tab.click(inputs).await;
    (relay, browser, tab)
}

/// Waits until an element says that.
pub(crate) async fn says(tab: &Tab, test: &str, words: &str) {
    let said = format!("{}?.innerText.includes({})", query(test), Value::from(words));
    tab.wait_for(&format!("{test} with {words}"), &said).await;
}

/// Presses Run and waits for a mistake that says that.
pub(crate) async fn refuses(tab: &Tab, words: &str) {
    tab.click("run").await;
    says(tab, "mistake", words).await;
}

/// Keeps pictures of an element on desk and phone, light and dark. Nothing may be beyond
/// the window's side.
pub(crate) async fn pictures(tab: &Tab, name: &str, at: &str) {
    for (place, width, height) in [("desk", 1440, 900), ("phone", 390, 844)] {
        for scheme in ["light", "dark"] {
            tab.look(width, height, scheme).await;
            tab.run(&format!("{}.scrollIntoView({{ block: 'center' }});", query(at))).await;
            let page = "document.documentElement.scrollWidth <= window.innerWidth";
            tab.wait_for("a page that is not wider than the window", page).await;
            tab.screenshot(&format!("{name}-{place}-{scheme}")).await;
        }
    }
}

/// What stands in each result's row under that class.
pub(crate) async fn column(tab: &Tab, class: &str) -> Value {
    let rows = "[...document.querySelectorAll('[data-test=\"result\"]')]";
    let cells = format!("{rows}.map((row) => row.querySelector('.{class}').innerText.trim())");
    tab.value(&cells).await.expect("there are results")
}

#[tokio::test]
async fn a_table_runs_a_task_for_each_row() {
    let _turn = turn().await;
    let (_relay, browser, tab) = set_up("add", "inputs-table").await;
    refuses(&tab, "no table yet").await;
    tab.choose_file("table-file", &browser.file("short.csv", b"a,b\n1,2\n3\n")).await;
    says(&tab, "mistake", "short.csv: Line 3 has 1 field, and line 1 names 2 columns.").await;

    tab.choose_file("table-file", &browser.file("people.csv", PEOPLE.as_bytes())).await;
    let read = "people.csv: 4 rows of 3 columns, separated by semicolons.";
    says(&tab, "table-about", read).await;
    tab.fill("arguments", "{frist} {second}").await;
    says(&tab, "preview-mistake", "no column {frist}").await;
    refuses(&tab, "there is {name}, {first}, {second}.").await;

    tab.fill("table", PEOPLE).await;
    tab.fill("arguments", "{first} {second}").await;
    for words in ["Ada; L.", "40 2", "-5 8", "Arguments"] {
        says(&tab, "table-preview", words).await;
    }
    says(&tab, "task-count", "4 tasks").await;
    pictures(&tab, "form-table", "table-preview").await;

    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished with failures");
    mission::results(&tab, 4).await;
    assert_eq!(column(&tab, "result-input").await[0], "Ada; L.,1,2");
    let causes = mission::causes(&tab).await.join(", ");
    assert!(causes.contains("\"x\" is not"), "{causes}");
    let sums = mission::downloaded(&tab, "Add.txt").await;
    assert_eq!(String::from_utf8_lossy(&sums), "3\n42\n3\n");
}

#[tokio::test]
async fn the_files_of_a_folder_are_a_task_each() {
    let _turn = turn().await;
    let (_relay, browser, tab) = set_up("word-count", "inputs-files").await;
    refuses(&tab, "Choose files or a folder first.").await;
    let large = browser.file("large.bin", &vec![b'x'; (256 << 10) + 1]);
    tab.choose_file("inputs-files-field", &large).await;
    says(&tab, "mistake", "large.bin has 262,145 bytes; a task may get 262,144.").await;

    let first = browser.file("notes/b.txt", b"two words\n");
    browser.file("notes/a/deep.txt", b"one\ntwo\nthree\n");
    browser.file("notes/.hidden", b"secret");
    let folder = first.parent().expect("it is in a folder");
    // While a file does not come, the reading of it can be cancelled.
    tab.run(
        "window.testRead = Blob.prototype.arrayBuffer;
         Blob.prototype.arrayBuffer = () => new Promise(() => {});",
    )
    .await;
    tab.choose_file("inputs-folder-field", folder).await;
    says(&tab, "reading", "0 of 2 files read").await;
    pictures(&tab, "form-files-reading", "reading").await;
    tab.click("reading-cancel").await;
    tab.wait_for("no reading", &format!("{} === null", query("reading"))).await;
    tab.run("Blob.prototype.arrayBuffer = window.testRead;").await;
    refuses(&tab, "Choose files or a folder first.").await;

    tab.choose_file("inputs-folder-field", folder).await;
    says(&tab, "files-about", "2 files, 24 B; 1 hidden file left out").await;
    says(&tab, "task-count", "2 tasks").await;
    pictures(&tab, "form-files", "files-about").await;

    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished");
    mission::results(&tab, 2).await;
    let names = json!(["notes/a/deep.txt", "notes/b.txt"]);
    assert_eq!(column(&tab, "result-input").await, names);
    assert_eq!(column(&tab, "result-output").await, json!(["3 3 14", "1 2 10"]));
    pictures(&tab, "job-files", "results-count").await;
}
