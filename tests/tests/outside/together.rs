//! What people do with a job's results next: they are added up, run through another
//! spark, and what failed is run again.

use ionosphere_tests::{
    mission,
    tab::{Tab, query},
};
use serde_json::{Value, json};

use crate::{
    forms::{column, pictures, refuses, says, set_up},
    turn,
};

/// Two of these count the same.
const LINES: [&str; 4] =
    ["Open a page and the tab is an ion.", "one two", "six ten", "An app for it is a spark."];

/// What `wc` says of a text.
fn counted(text: &str) -> [usize; 3] {
    [text.matches('\n').count(), text.split_ascii_whitespace().count(), text.len()]
}

/// The sums that the page shows, as words and numbers.
async fn sums(tab: &Tab, rows: usize) -> Value {
    let all = "[...document.querySelectorAll('[data-test=\"together-row\"]')]";
    tab.wait_for("the sums", &format!("{all}.length === {rows}")).await;
    let row = "[row.dataset.name, row.querySelector('dd, .share-count').innerText]";
    tab.value(&format!("{all}.map((row) => {row})")).await.expect("rows are there")
}

async fn finished(tab: &Tab) {
    mission::run(tab).await;
    assert_eq!(mission::ended(tab).await, "finished", "{}", tab.describe().await);
}

#[tokio::test]
async fn results_are_added_up_and_used_and_what_failed_is_retried() {
    let _turn = turn().await;
    let (relay, browser, tab) = set_up("word-count", "inputs-lines").await;
    let chosen = tab.value(&format!("{}.value", query("together"))).await;
    assert_eq!(chosen.expect("it is there"), "sum");
    pictures(&tab, "form-together", "together").await;
    tab.fill("lines", &LINES.join("\n")).await;
    finished(&tab).await;
    let columns: Vec<usize> =
        (0..3).map(|at| LINES.iter().map(|line| counted(line)[at]).sum()).collect();
    let texts: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let expected = json!(texts.iter().map(|sum| json!(["", sum])).collect::<Vec<_>>());
    assert_eq!(sums(&tab, 3).await, expected);
    says(&tab, "together-of", "of 4 results").await;
    tab.click("download-together").await;
    let file = tab.downloaded("Word-count.sum.txt").await;
    assert_eq!(String::from_utf8_lossy(&file), texts.join(" ") + "\n");
    pictures(&tab, "job-sum", "together-of").await;

    // Any other ion's page makes the same of it.
    let other = browser.open(&relay.url("/jobs")).await;
    mission::joined(&other).await;
    other.click("record-row").await;
    assert_eq!(sums(&other, 3).await, expected);
    other.close().await;

    another_spark_runs_over_them(&tab).await;
    what_failed_is_retried(&tab).await;
}

async fn another_spark_runs_over_them(tab: &Tab) {
    tab.click("job-next").await;
    pictures(tab, "job-next", "job-next").await;
    tab.click("use-results").await;
    says(tab, "results-wait", "takes 4 results of Word count as its inputs").await;
    pictures(tab, "sparks-results", "results-wait").await;
    tab.click("spark-text-search").await;
    says(tab, "task-count", "4 tasks").await;
    tab.choose("each", "all").await;
    says(tab, "task-count", "1 task").await;
    tab.choose("each", "1").await;
    tab.fill("arguments", ".").await;
    tab.choose("together", "count").await;
    pictures(tab, "form-results", "results-about").await;
    finished(tab).await;
    let inputs = LINES.map(|line| counted(line).map(|count| count.to_string()).join(" "));
    assert_eq!(column(tab, "result-input").await, json!(inputs));
    let twice = format!("1:{}", inputs[1]);
    let once = [3, 0].map(|at| json!([format!("1:{}", inputs[at]), "1"]));
    assert_eq!(sums(tab, 3).await, json!([[twice, "2"], once[0], once[1]]));
    pictures(tab, "job-counts", "together-of").await;
    // They were taken; the next form has none.
    mission::open_spark(tab, "add").await;
    let none = format!("{} === null", query("inputs-results"));
    tab.wait_for("a form without results", &none).await;
}

async fn what_failed_is_retried(tab: &Tab) {
    tab.click("inputs-lines").await;
    tab.fill("lines", "1 2\nx 1\n3 4\n5").await;
    tab.choose("together", "sum").await;
    mission::run(tab).await;
    assert_eq!(mission::ended(tab).await, "finished with failures");
    assert_eq!(sums(tab, 1).await, json!([["", "10"]]));
    let path = tab.value("location.pathname").await.expect("it has an address");
    pictures(tab, "job-retry", "retry").await;
    assert_eq!(tab.text("retry").await, "Retry 2 failed");
    tab.click("retry").await;
    says(tab, "job-retries", "What failed in an earlier job").await;
    assert_eq!(mission::ended(tab).await, "finished with failures");
    mission::results(tab, 2).await;
    assert_eq!(column(tab, "result-input").await, json!(["x 1", "5"]));
    pictures(tab, "job-retried", "job-retries").await;
    let earlier = format!("new URL({}.querySelector('a').href).pathname", query("job-retries"));
    assert_eq!(tab.value(&earlier).await.expect("a link"), path);

    tab.click("add-inputs").await;
    tab.wait_for("the form", &query("run")).await;
    refuses(tab, "There is no line yet").await;
    tab.fill("lines", "20 22\n0 -1").await;
    finished(tab).await;
    assert_eq!(sums(tab, 1).await, json!([["", "41"]]));
    let retries = format!("{} === null", query("job-retries"));
    tab.wait_for("a job that retries none", &retries).await;
}
