//! What a job's results make together, as they come: a picture, or what they add up to.

use leptos::prelude::*;

use super::{
    browser, parts, picture,
    raw::{Part, button, note, tag, text},
};
use crate::model::{
    format,
    job::Job,
    tally::{Row, Tally},
    together::Together,
};

/// Sums that are shown; the file has all.
const ROWS_MAX: usize = 20;

/// The panel; nothing if results only stand one after the other.
pub(crate) fn view(job: RwSignal<Job>) -> Option<Part> {
    let title = match job.with_untracked(|job| job.request.together) {
        Together::Concatenate => return None,
        Together::Picture(_) => return picture::view(job),
        Together::Sum => "Sum",
        Together::Count => "Counts",
        Together::SumByWord => "Sums by word",
    };
    let is_sum = title == "Sum";
    let save = move || {
        let (name, file) = job.with_untracked(|job| (job.tally_name(), job.tally().file()));
        browser::download(&name, file.as_bytes());
    };
    let has_none = move || job.with(|job| job.tally().fit() == 0).then(String::new);
    let save = button("download-together", "button small", "Download", save);
    let head = tag("div", "part-head").put(text("h2", "", title));
    let of = move || job.with(|job| format!("of {}", format::counted(job.tally().fit(), "result")));
    let list =
        tag(if is_sum { "dl" } else { "ul" }, if is_sum { "figures wide" } else { "shares" });
    let panel = tag("section", "panel")
        .set("aria-label", title)
        .put(head.put(save.follow("disabled", has_none)))
        .put(note("").test("together-of").words(of))
        .put(list.rows(move || job.with(|job| rows(job.tally(), is_sum))))
        .rows(move || job.with(notes));
    Some(panel)
}

fn rows(tally: &Tally, is_sum: bool) -> Vec<Part> {
    let all = tally.rows();
    let most = all.first().map_or(0, |row| row.sum.positive());
    let row = |(at, row): (usize, &Row)| {
        let words = format::apart(&row.sum.to_string());
        let part = if is_sum {
            let name = format!("Column {}", at + 1);
            tag("div", "figure").put(text("dt", "", &name)).put(text("dd", "", &words))
        } else {
            let name = if row.name.is_empty() { "nothing" } else { &row.name };
            let name = text("span", "share-name", name);
            parts::share(name, text("span", "share-count", &words), row.sum.positive(), most)
        };
        part.test("together-row").set("data-name", &row.name)
    };
    all.iter().take(ROWS_MAX).enumerate().map(row).collect()
}

/// How many sums are not shown, and what could not be added.
fn notes(job: &Job) -> Vec<Part> {
    let tally = job.tally();
    let hidden = tally.len().saturating_sub(ROWS_MAX) as u64;
    let hidden = format!("{} more in the download", format::count(hidden));
    let hidden = (tally.len() > ROWS_MAX).then(|| note(&hidden));
    let unfit = format!("{} could not be added", format::counted(tally.unfit(), "result"));
    let unfit = (tally.unfit() > 0).then(|| {
        let named = tally.named().iter().map(|(task, why)| {
            let input = job.input_text(*task);
            text("li", "", &format!("Task {task} ({input}): {why}."))
        });
        tag("div", "refused small")
            .test("together-unfit")
            .put(text("p", "", &unfit))
            .put(tag("ul", "names").put_all(named))
    });
    hidden.into_iter().chain(unfit).collect()
}
