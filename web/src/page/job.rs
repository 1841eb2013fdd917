//! One job: how far it is, who works on it, what failed, and what came out.

use leptos::prelude::*;
use node_core::node::{Command, JobId};

use super::{
    browser,
    desk::{At, JobHandle},
    job_grid, job_results, parts, picture, router,
    sealed::{Seal, live},
};
use crate::model::{
    format,
    job::{Job, Standing},
};

/// The page.
pub(crate) fn view(desk: At, id: JobId) -> AnyView {
    match desk.job(id) {
        Some(handle) => known(desk, handle),
        None => unknown(),
    }
}

fn unknown() -> AnyView {
    let action = view! {
        <a class="button primary" href="/jobs">
            "See all jobs"
        </a>
    }
    .seal();
    view! {
        {parts::head("Job", "This tab does not know a job of this address.", ().seal())}
        {parts::empty(
            "It is gone from here",
            "A job and its results live in the tab that started it, until that tab is closed or \
             reloaded.",
            action,
        )}
    }
    .seal()
}

fn known(desk: At, handle: JobHandle) -> AnyView {
    let job = handle.job;
    let name = job.with_untracked(|job| job.view.name.clone());
    let has_picture = job.with_untracked(|job| job.request.picture.is_some());
    view! {
        <header class="head">
            <div>
                <p class="crumb">
                    <a href="/jobs">"Jobs"</a>
                </p>
                <h1 tabindex="-1">{name}</h1>
                {standing(job)}
            </div>
            {actions(desk, handle)}
        </header>
        {refusal(job)} {progress(job)}
        <div class="job-columns">
            <div class="job-main">
                {has_picture.then(|| picture::view(job))} {causes(job)} {job_results::view(desk, job)}
            </div>
            <div class="job-side">{job_grid::view(desk, job)} {shares(job)} {whole(job)}</div>
        </div>
    }
    .seal()
}

fn standing(job: RwSignal<Job>) -> AnyView {
    let standing = Memo::new(move |_| job.with(Job::standing));
    let waiting = Memo::new(move |_| {
        let is_running = standing.get() == Standing::Running;
        let why = job.with(|job| job.view.waiting.clone());
        if is_running && !why.is_empty() { format!("Waiting: {why}") } else { String::new() }
    });
    view! {
        <p class="job-state" role="status">
            <span data-test="job-state" data-state=move || standing.get().name()>
                {live(move || parts::standing_pill(standing.get()))}
            </span>
            <span class="muted" data-test="job-waiting">
                {waiting}
            </span>
        </p>
    }
    .seal()
}

fn refusal(job: RwSignal<Job>) -> AnyView {
    let refused = Memo::new(move |_| job.with(|job| job.refusal().cloned()));
    let shown = live(move || {
        refused.get().map(|problem| {
            view! {
                <section class="panel bad-edge" role="alert" data-test="job-refused">
                    <p class="problem-what">{problem.what}</p>
                    <p>{problem.why}</p>
                    <p class="problem-remedy">{problem.remedy}</p>
                </section>
            }
            .seal()
        })
    });
    shown.seal()
}

fn actions(desk: At, handle: JobHandle) -> AnyView {
    let JobHandle { id, job } = handle;
    let standing = Memo::new(move |_| job.with(Job::standing));
    let has_results = Memo::new(move |_| job.with(|job| !job.results().is_empty()));
    let again = move |_| {
        let request = job.with_untracked(|job| job.request.clone());
        router::go(desk, desk.run(request));
    };
    let save = move |_| {
        let (name, bytes) = job.with_untracked(|job| (job.file_name(), job.file()));
        browser::download(&name, &bytes);
    };
    let save_lines = move |_| {
        let (name, lines) = job.with_untracked(|job| (job.json_lines_name(), job.json_lines()));
        browser::download(&name, lines.as_bytes());
    };
    let first = live(move || {
        if standing.get() == Standing::Running {
            return view! {
                <button
                    type="button"
                    class="button danger"
                    data-test="cancel"
                    on:click=move |_| desk.post(Command::CancelJob { job: id })
                >
                    "Cancel"
                </button>
            }
            .seal();
        }
        view! {
            <button type="button" class="button primary" data-test="run-again" on:click=again>
                "Run again"
            </button>
        }
        .seal()
    });
    view! {
        <div class="actions">
            <button
                type="button"
                class="button"
                data-test="download-jsonl"
                disabled=move || !has_results.get()
                title="One line of JSON per task"
                on:click=save_lines
            >
                "JSON lines"
            </button>
            <button
                type="button"
                class="button"
                data-test="download"
                disabled=move || !has_results.get()
                title="All outputs, one after the other"
                on:click=save
            >
                "Download"
            </button>
            {first}
        </div>
    }
    .seal()
}

fn progress(job: RwSignal<Job>) -> AnyView {
    let ended = move || job.with(|job| job.view.succeeded + job.view.failed);
    let tasks = job.with_untracked(|job| job.view.tasks);
    let share = Memo::new(move |_| format::percent(ended(), tasks));
    let left = live(move || job.with(time_left));
    let rate = live(move || job.with(|job| format::rate(job.rate())));
    let count = |read: fn(&Job) -> u64| live(move || job.with(|job| format::count(read(job))));
    view! {
        <section class="panel" aria-label="Progress">
            <div class="progress-line">
                <span class="progress-count">
                    <b>{live(move || format::count(ended()))}</b>
                    {format!(" of {}", format::counted(tasks, "task"))}
                </span>
                <span class="muted" data-test="job-left">
                    {left}
                </span>
            </div>
            {parts::bar("Progress", share.into())}
            <dl class="figures wide">
                {parts::figure("Succeeded", "job-succeeded", count(|job| job.view.succeeded))}
                {parts::figure("Failed", "job-failed", count(|job| job.view.failed))}
                {parts::figure("Running", "job-running", count(|job| job.view.running))}
                {parts::figure("Retried", "job-retried", count(|job| job.view.retried))}
                {parts::figure("Rate", "job-rate", rate)}
                {parts::figure(
                    "Time",
                    "job-elapsed",
                    live(move || job.with(|job| format::duration(job.view.elapsed_ms))),
                )}
            </dl>
            {throughput(job)}
        </section>
    }
    .seal()
}

fn time_left(job: &Job) -> String {
    let ended = job.view.succeeded + job.view.failed;
    match job.standing() {
        Standing::Running => {
            let left = job.pace().left_ms(job.view.tasks.saturating_sub(ended));
            left.map_or_else(String::new, |left| format!("about {} left", format::duration(left)))
        }
        Standing::Refused => String::new(),
        Standing::Interrupted => {
            "The ion of this tab stopped; what came before is kept.".to_owned()
        }
        _ => format!("{} fuel used", format::fuel(job.view.fuel)),
    }
}

fn throughput(job: RwSignal<Job>) -> AnyView {
    let points = Memo::new(move |_| {
        let curve = job.with(|job| job.pace().curve());
        let step = 100.0 / curve.len().saturating_sub(1).max(1) as f64;
        let point = |(at, rate): (usize, &f64)| {
            format!("{:.1},{:.1} ", at as f64 * step, 31.0 - rate * 30.0)
        };
        curve.iter().enumerate().map(point).collect::<String>()
    });
    view! {
        <svg
            class="throughput"
            viewBox="0 0 100 32"
            preserveAspectRatio="none"
            role="img"
            aria-label="Throughput over time"
        >
            <polyline points=points></polyline>
        </svg>
    }
    .seal()
}

fn shares(job: RwSignal<Job>) -> AnyView {
    let shares = Memo::new(move |_| job.with(|job| job.view.by_ion.clone()));
    let most =
        move || shares.with(|shares| shares.iter().map(|one| one.finished).max().unwrap_or(0));
    let rows = live(move || {
        let most = most();
        let row = move |share: node_core::node::IonShare| {
            let width = format!("{:.1}%", format::percent(share.finished, most));
            let now = (share.running > 0).then(|| format!(" · {} now", share.running));
            view! {
                <li
                    class="share"
                    data-test="job-by-ion"
                    data-ion=share.id.clone()
                    data-finished=share.finished
                    data-self=share.is_self.to_string()
                >
                    <span class="share-name">
                        {share.name} {share.is_self.then(|| view! { <span class="badge">"this tab"</span> }.into_any())}
                    </span>
                    <span class="share-count">{format::count(share.finished)} {now}</span>
                    <span class="share-bar">
                        <span class="share-fill" style:width=width></span>
                    </span>
                </li>
            }.into_any()
        };
        shares.get().into_iter().map(row).collect_view()
    });
    let note = live(move || {
        shares
            .with(Vec::is_empty)
            .then(|| view! { <p class="muted small">"No ion has finished a task yet."</p> }.seal())
    });
    view! {
        <section class="panel" aria-label="By ion">
            <h2>"By ion"</h2>
            <ul class="shares">{rows}</ul>
            {note}
        </section>
    }
    .seal()
}

fn causes(job: RwSignal<Job>) -> AnyView {
    let causes = Memo::new(move |_| job.with(|job| job.view.causes.clone()));
    let shown = live(move || {
        let causes = causes.get();
        (!causes.is_empty()).then(|| {
            let row = |cause: node_core::node::Cause| {
                view! {
                    <li data-test="job-cause" data-count=cause.count>
                        <b>{format::counted(cause.count, "task")}</b>
                        ": "
                        {cause.reason}
                        <span class="muted">{format!(" (first: task {})", cause.first_task)}</span>
                    </li>
                }
                .seal()
            };
            view! {
                <section class="panel bad-edge" aria-label="Failures">
                    <h2>"Why tasks failed"</h2>
                    <ul class="causes">{causes.into_iter().map(row).collect_view()}</ul>
                </section>
            }
            .seal()
        })
    });
    shown.seal()
}

fn whole(job: RwSignal<Job>) -> AnyView {
    let sum = Memo::new(move |_| job.with(Job::sha256));
    let bytes = Memo::new(move |_| job.with(Job::bytes));
    let is_shortened = Memo::new(move |_| job.with(Job::is_shortened));
    let sha = live(move || {
        sum.get().map_or_else(
            || view! { <span class="muted">"once every task has ended"</span> }.seal(),
            |sum| view! { <code data-test="result-sha256">{sum}</code> }.seal(),
        )
    });
    let note = live(move || {
        is_shortened.get().then(|| {
            view! {
                <p class="small">
                    "This job made more output than the page keeps; a download lacks the rest. The \
                     length and the hash count all of it."
                </p>
            }
            .seal()
        })
    });
    view! {
        <section class="panel" aria-label="The whole result">
            <h2>"The whole result"</h2>
            <dl class="facts">
                <dt>"Length"</dt>
                <dd data-test="result-bytes" data-bytes=move || bytes.get()>
                    {live(move || format::bytes(bytes.get()))}
                </dd>
                <dt>"SHA-256"</dt>
                <dd class="sum">{sha}</dd>
            </dl>
            {note}
        </section>
    }
    .seal()
}
