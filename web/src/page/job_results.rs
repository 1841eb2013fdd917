//! A job's results as a list, in the order of the inputs, as they come.

use leptos::prelude::*;
use node_core::node::{IonView, Status};

use super::{
    desk::At,
    sealed::{Seal, live},
};
use crate::model::{format, job::Job, outcome};

/// Rows shown at first, and more by each press.
const ROWS_STEP: usize = 100;

/// The list.
pub(crate) fn view(desk: At, job: RwSignal<Job>) -> AnyView {
    // A picture says more than its rows of bits.
    let is_open = job.with_untracked(|job| job.request.picture.is_none());
    let allowed = RwSignal::new(ROWS_STEP);
    let come = Memo::new(move |_| job.with(|job| job.results().len()));
    let shown = Memo::new(move |_| come.get().min(allowed.get()));
    let rows = view! {
        <For each=move || 0..shown.get() key=|task| *task children=move |task| row(desk, job, task) />
    };
    let foot = live(move || {
        let (come, shown) = (come.get(), shown.get());
        (come > shown).then(|| {
            view! {
                <button
                    type="button"
                    class="button"
                    data-test="results-more"
                    on:click=move |_| allowed.update(|rows| *rows += ROWS_STEP)
                >
                    {format!("Show more ({} hidden)", format::count((come - shown) as u64))}
                </button>
            }
            .seal()
        })
    });
    let note = live(move || {
        (come.get() == 0).then(|| {
            view! {
                <p class="muted">"Results appear here in the order of the inputs, as they come."</p>
            }
            .seal()
        })
    });
    view! {
        <details class="panel fold" open=is_open>
            <summary>
                "Results "
                <span class="count" data-test="results-count" data-count=move || come.get()>
                    {live(move || format::count(come.get() as u64))}
                </span>
            </summary>
            <ol class="results" start="0">
                {rows}
            </ol>
            {note}
            {foot}
        </details>
    }
    .seal()
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

fn row(desk: At, job: RwSignal<Job>, task: usize) -> AnyView {
    job.with_untracked(|job| {
        let Some(result) = job.results().get(task) else { return ().seal() };
        let is_failed = result.report.stop.is_some();
        let class = if is_failed { "result failed" } else { "result" };
        let word = is_failed.then(|| view! { <span class="result-word">"failed"</span> }.seal());
        view! {
            <li class=class data-test="result" data-task=task data-ok=(!is_failed).to_string()>
                <span class="result-task">{task}</span>
                <span class="result-input" title="The input">
                    {job.input_text(task as u64)}
                </span>
                <span class="result-output">{word} {outcome::shown(&result.report)}</span>
                <span class="result-ion">{ion_name(desk, job, &result.ion)}</span>
            </li>
        }
        .seal()
    })
}
