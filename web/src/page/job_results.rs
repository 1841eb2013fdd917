//! A job's results as a list, in the order of the inputs, as they come.

use leptos::prelude::*;
use node_core::node::{IonView, Status};

use super::{
    desk::At,
    raw::{Part, button, tag, text},
};
use crate::model::{format, job::Job, outcome};

/// Rows shown at first, and more by each press.
const ROWS_STEP: usize = 100;

/// The list.
pub(crate) fn view(desk: At, job: RwSignal<Job>) -> Part {
    let allowed = RwSignal::new(ROWS_STEP);
    let come = Memo::new(move |_| job.with(|job| job.results().len()));
    let shown = Memo::new(move |_| come.get().min(allowed.get()));
    let more = move || {
        let hidden = (come.get() - shown.get()) as u64;
        let words = format!("Show more ({} hidden)", format::count(hidden));
        let add = move || allowed.update(|rows| *rows += ROWS_STEP);
        (hidden > 0).then(|| button("results-more", "button", &words, add))
    };
    let note = move || {
        let words = "Results appear here in the order of the inputs, as they come.";
        (come.get() == 0).then(|| text("p", "muted", words)).into_iter().collect()
    };
    let count = tag("span", "count")
        .test("results-count")
        .follow("data-count", move || Some(come.get().to_string()))
        .words(move || format::count(come.get() as u64));
    let list = tag("ol", "results").set("start", "0");
    let list = list.grow(move || shown.get(), move |task| row(desk, job, task));
    let fold = tag("details", "panel fold");
    // A picture says more than its rows of bits.
    let is_open = job.with_untracked(|job| job.request.together.picture().is_none());
    let fold = if is_open { fold.set("open", "") } else { fold };
    fold.put(text("summary", "", "Results ").put(count)).put(list).rows(note).live(more)
}

/// The readable name of an ion that worked for a job; its short id if nobody
/// here knows it.
pub(crate) fn ion_name(desk: At, job: &Job, id: &str) -> String {
    let worked = job.view.by_ion.iter().find(|share| share.id == id);
    if let Some(share) = worked {
        return share.name.clone();
    }
    let here = |status: &Status| (status.id == id).then(|| status.name.clone());
    let there = |ions: &Vec<IonView>| Some(ions.iter().find(|ion| ion.id == id)?.name.clone());
    let known = desk.status.with_untracked(here).or_else(|| desk.ions.with_untracked(there));
    known.unwrap_or_else(|| format::short_id(id))
}

fn row(desk: At, job: RwSignal<Job>, task: usize) -> Option<Part> {
    job.with_untracked(|job| {
        let result = job.results().get(task)?;
        let is_failed = result.report.stop.is_some();
        let output = tag("span", "result-output");
        let output =
            if is_failed { output.put(text("span", "result-word", "failed")) } else { output };
        let input = text("span", "result-input", &job.input_text(task as u64));
        let row = tag("li", if is_failed { "result failed" } else { "result" })
            .test("result")
            .set("data-task", &task.to_string())
            .set("data-ok", &(!is_failed).to_string())
            .put(text("span", "result-task", &task.to_string()))
            .put(input.set("title", "The input"))
            .put(output.say(" ").say(&outcome::shown(&result.report)))
            .put(text("span", "result-ion", &ion_name(desk, job, &result.ion)));
        Some(row)
    })
}
