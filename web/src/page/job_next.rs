//! What can be done with a job's results next, besides looking at them.

use leptos::prelude::*;

use super::{
    browser,
    desk::{At, Source},
    raw::{Part, button, note, tag, text},
    router,
};
use crate::model::{job::Job, results::Results, route::Route, setup::Form};

/// The fold.
pub(crate) fn view(desk: At, job: RwSignal<Job>) -> Part {
    let reuse = move || match job.with_untracked(Results::of) {
        Ok(results) => {
            desk.form.update(|form| form.results = Some(results.into()));
            router::go(desk, Route::Sparks);
        }
        Err(problem) => desk.tell(problem),
    };
    let add = move || {
        let (form, binary) =
            job.with_untracked(|job| (Form::of_request(&job.request), job.request.binary.to_vec()));
        desk.form.update(|form| form.results = None);
        router::go(desk, Route::Sparks);
        desk.inspect(Source::Again(Box::new(form)), binary);
    };
    let lines = move || {
        let (name, lines) = job.with_untracked(|job| (job.json_lines_name(), job.json_lines()));
        browser::download(&name, lines.as_bytes());
    };
    let receipts = move || {
        let (name, bytes) = job.with_untracked(|job| (job.receipts_name(), job.receipts()));
        browser::download(&name, &bytes);
    };
    let line = |words: Part, button: Part| tag("div", "row").put(words).put(button);
    let off = |button: Part, is_off: fn(&Job) -> bool| {
        button.follow("disabled", move || job.with(is_off).then(String::new))
    };
    let reuse = button("use-results", "button", "Use results as inputs…", reuse);
    let add = button("add-inputs", "button", "Add inputs…", add);
    let lines = button("download-jsonl", "button", "JSON lines", lines);
    let receipts = button("download-receipts", "button", "Receipts", receipts);
    let has_none = |job: &Job| job.results().is_empty();
    let about_receipts = note("").words(move || job.with(Job::receipts_note) + ".");
    tag("details", "panel fold")
        .put(text("summary", "", "More to do with it").test("job-next"))
        .put(line(
            note("Another spark runs over them, once every task has ended."),
            off(reuse, |job| job.is_open() || job.results().is_empty()),
        ))
        .put(line(note("The same spark and settings in a new job, over other inputs."), add))
        .put(line(note("One line of JSON per task."), off(lines, has_none)))
        .put(line(about_receipts, off(receipts, has_none)))
}
