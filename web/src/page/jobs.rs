//! Jobs: what this tab asked the nebula to run.

use leptos::prelude::*;

use super::{
    browser,
    desk::{At, JobHandle},
    ions::search_field,
    parts,
    sealed::{Seal, live},
};
use crate::model::{format, job::Job, route::Route};

/// Jobs that the overview shows.
const RECENT_MAX: usize = 4;

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let search = RwSignal::new(String::new());
    let is_empty = Memo::new(move |_| desk.jobs.with(Vec::is_empty));
    let content = live(move || if is_empty.get() { nothing() } else { list(desk, search) });
    view! {
        {parts::head("Jobs", "What this tab asked the nebula to run, newest first.", new_job())}
        {content}
    }
    .seal()
}

/// The newest few, for the overview; nothing while there is none.
pub(crate) fn recent(desk: At) -> AnyView {
    let rows = live(move || {
        let newest: Vec<JobHandle> =
            desk.jobs.with(|jobs| jobs.iter().take(RECENT_MAX).copied().collect());
        (!newest.is_empty()).then(|| {
            view! {
                <section class="section" aria-label="Recent jobs">
                    <h2>"Recent jobs"</h2>
                    <ul class="panel flush job-list">
                        {newest.into_iter().map(row).collect_view()}
                    </ul>
                </section>
            }
            .seal()
        })
    });
    rows.seal()
}

fn list(desk: At, search: RwSignal<String>) -> AnyView {
    let found = live(move || {
        let wanted = browser::lowercase(&search.get());
        let matches = |handle: &JobHandle| {
            handle.job.with_untracked(|job| browser::lowercase(&job.view.name).contains(&wanted))
        };
        desk.jobs.with(|jobs| jobs.iter().copied().filter(matches).map(row).collect_view())
    });
    view! {
        <div class="list-bar">{search_field("Find a job by name", search)}</div>
        <ul class="panel flush job-list">{found}</ul>
    }
    .seal()
}

fn row(handle: JobHandle) -> AnyView {
    let JobHandle { id, job } = handle;
    let standing = Memo::new(move |_| job.with(Job::standing));
    let ended = Memo::new(move |_| job.with(|job| job.view.succeeded + job.view.failed));
    let tasks = job.with_untracked(|job| job.view.tasks);
    let name = job.with_untracked(|job| job.view.name.clone());
    let share = Signal::derive(move || format::percent(ended.get(), tasks));
    let progress = live(move || {
        format!("{} of {}", format::count(ended.get()), format::counted(tasks, "task"))
    });
    let took = live(move || job.with(|job| format::duration(job.view.elapsed_ms)));
    view! {
        <li>
            <a class="job-row" href=Route::Job(id).path() data-test="job-row">
                <span class="job-name">{name}</span>
                <span class="job-standing">{live(move || parts::standing_pill(standing.get()))}</span>
                <span class="job-bar">{parts::bar("Progress", share)}</span>
                <span class="job-count">{progress}</span>
                <span class="job-time">{took}</span>
            </a>
        </li>
    }
    .into_any()
}

fn nothing() -> AnyView {
    parts::empty(
        "Nothing has run yet",
        "Choose a spark and say what to run it over; its tasks spread over every ion here, and \
         the results come back in order.",
        new_job(),
    )
}

fn new_job() -> AnyView {
    view! {
        <a class="button primary" href="/sparks" data-test="new-job">
            "Run a spark"
        </a>
    }
    .seal()
}
