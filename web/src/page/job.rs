//! One job: how far it is, who works on it, what failed, and what came out.

use leptos::prelude::*;
use node_core::node::{Cause, Command, IonShare, JobId, RecordView};

use super::{
    browser,
    desk::{At, JobHandle},
    job_grid, job_next, job_results, parts,
    raw::{Part, button, drawn, effect, tag, text},
    router,
    sealed::{Seal, live},
    together,
};
use crate::model::{
    format,
    job::{Job, Standing},
    route::Route,
    why,
};

/// The page.
pub(crate) fn view(desk: At, id: JobId) -> AnyView {
    let is_of = move |record: &&RecordView| record.id == id;
    let owner = move |records: &Vec<RecordView>| {
        records.iter().find(is_of).map(|record| (record.owner.clone(), record.job))
    };
    let is_known = Memo::new(move |_| desk.jobs.with(|jobs| jobs.iter().any(|job| job.id == id)));
    let kept_by = Memo::new(move |_| desk.records.with(owner));
    effect(move || {
        if let Some((owner, job)) = kept_by.get().filter(|_| !is_known.get()) {
            desk.post(Command::OpenJob { owner, job });
        }
    });
    let shown = move || match (is_known.get(), desk.job(id)) {
        (true, Some(handle)) => known(desk, handle),
        _ if kept_by.get().is_some() => opening(),
        _ => unknown(),
    };
    live(shown).seal()
}

fn opening() -> AnyView {
    let words = "What it runs and all its results come from the ions that hold them.";
    vec![
        parts::head("Job", "The nebula keeps this job.", None).seal(),
        parts::empty("It is being read", words, None).seal(),
    ]
    .seal()
}

fn unknown() -> AnyView {
    let words = "The nebula keeps jobs until the ion that started them has more than 32 newer ones that ended, or \
                 somebody deletes them.";
    let action = parts::leading("/jobs", "See all jobs");
    vec![
        parts::head("Job", "Neither this tab nor its nebula knows a job of this address.", None)
            .seal(),
        parts::empty("It is not here", words, Some(action)).seal(),
    ]
    .seal()
}

fn known(desk: At, handle: JobHandle) -> AnyView {
    let job = handle.job;
    let name = job.with_untracked(|job| job.view.name.clone());
    let crumb = tag("p", "crumb").put(text("a", "", "Jobs").set("href", "/jobs"));
    let title = text("h1", "", &name).set("tabindex", "-1");
    let about = tag("div", "").put(crumb).put(title).put(standing(job)).put_all(retries(job));
    let main = tag("div", "job-main")
        .put_all(together::view(job))
        .rows(move || causes(job))
        .put(job_results::view(desk, job));
    let side = tag("div", "job-side")
        .put(job_grid::view(desk, job))
        .put(shares(job))
        .put(whole(job))
        .put(job_next::view(desk, job));
    let refused = tag("div", "contents").live(move || refusal(job));
    vec![
        tag("header", "head").put(about).put(actions(desk, handle)).seal(),
        refused.seal(),
        progress(job).seal(),
        tag("div", "job-columns").put(main).put(side).seal(),
    ]
    .seal()
}

fn standing(job: RwSignal<Job>) -> Part {
    let now = move || job.with(Job::standing);
    let waiting = move || {
        job.with(|job| {
            let why = why::waiting(&job.view.waiting, job.view.state);
            match job.standing() {
                Standing::Running if !why.is_empty() => format!("Waiting: {why}"),
                Standing::Paused => why,
                _ => String::new(),
            }
        })
    };
    let state = tag("span", "")
        .test("job-state")
        .follow("data-state", move || Some(now().name().to_owned()))
        .rows(move || vec![parts::standing_pill(now())]);
    let waiting = tag("span", "muted").test("job-waiting").words(waiting);
    tag("p", "job-state").set("role", "status").put(state).put(waiting)
}

/// Which job's failed tasks these are. Another ion's has other addresses.
fn retries(job: RwSignal<Job>) -> Option<Part> {
    let (retries, is_others) = job.with_untracked(|job| (job.request.retries, job.is_others()));
    let words = "an earlier job";
    let earlier = match retries? {
        _ if is_others => text("span", "", words),
        earlier => text("a", "", words).set("href", &Route::Job(earlier).path()),
    };
    Some(text("p", "small muted", "What failed in ").test("job-retries").put(earlier))
}

fn refusal(job: RwSignal<Job>) -> Option<Part> {
    job.with(|job| job.refusal().map(|problem| parts::refused(problem, "job-refused")))
}

fn actions(desk: At, handle: JobHandle) -> Part {
    let JobHandle { id, job } = handle;
    let is_open = Memo::new(move |_| job.with(Job::is_open));
    let is_paused = Memo::new(move |_| job.with(Job::standing) == Standing::Paused);
    let again = move || {
        let request = job.with_untracked(|job| job.request.clone());
        router::go(desk, desk.run(request));
    };
    let save = move || {
        let (name, bytes) = job.with_untracked(|job| (job.file_name(), job.file()));
        browser::download(&name, &bytes);
    };
    let first = move || {
        let is_others = job.with_untracked(Job::is_others);
        Some(if is_open.get() && is_others {
            text("span", "muted", "Only its owner can pause or cancel it")
        } else if is_open.get() {
            let cancel = move || desk.post(Command::CancelJob { job: id });
            button("cancel", "button danger", "Cancel", cancel)
        } else {
            button("run-again", "button primary", "Run again", again)
        })
    };
    let pause = move || {
        let is_paused = is_paused.get();
        let is_own = is_open.get() && !job.with_untracked(Job::is_others);
        let hold = move || desk.post(Command::HoldJob { job: id, is_held: !is_paused });
        let (class, word) =
            if is_paused { ("button primary", "Resume") } else { ("button", "Pause") };
        is_own.then(|| button("hold", class, word, hold))
    };
    let failed = Memo::new(move |_| job.with(Job::retries));
    let retry = move || {
        let words = format!("Retry {} failed", format::count(failed.get() as u64));
        let retry = move || router::go(desk, desk.run(job.with_untracked(Job::retry)));
        (failed.get() > 0).then(|| button("retry", "button", &words, retry))
    };
    let has_none = move || job.with(|job| job.results().is_empty()).then(String::new);
    let whole = button("download", "button", "Download", save).follow("disabled", has_none);
    tag("div", "actions")
        .put(whole.set("title", "All outputs, one after the other"))
        .live(pause)
        .live(retry)
        .live(first)
}

fn progress(job: RwSignal<Job>) -> Part {
    let ended = move || job.with(|job| job.view.succeeded + job.view.failed);
    let tasks = job.with_untracked(|job| job.view.tasks);
    let done = tag("b", "").words(move || format::count(ended()));
    let done = tag("span", "progress-count").put(done);
    let done = done.say(&format!(" of {}", format::counted(tasks, "task")));
    let left = tag("span", "muted").test("job-left").words(move || job.with(time_left));
    let figure =
        |name, test, read: fn(&Job) -> String| parts::figure(name, test, move || job.with(read));
    let figures = tag("dl", "figures wide")
        .put(figure("Succeeded", "job-succeeded", |job| format::count(job.view.succeeded)))
        .put(figure("Failed", "job-failed", |job| format::count(job.view.failed)))
        .put(figure("Running", "job-running", |job| format::count(job.view.running)))
        .put(figure("Retried", "job-retried", |job| format::count(job.view.retried)))
        .put(figure("Rate", "job-rate", |job| format::rate(job.rate())))
        .put(figure("Time", "job-elapsed", |job| format::duration(job.view.elapsed_ms)));
    let checked = move || job.with(Job::checked);
    tag("section", "panel")
        .set("aria-label", "Progress")
        .put(tag("div", "progress-line").put(done).put(left))
        .put(parts::bar("Progress", move || format::percent(ended(), tasks)))
        .put(figures)
        .put(tag("p", "muted small").test("job-checked").words(checked))
        .put(throughput(job))
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

fn throughput(job: RwSignal<Job>) -> Part {
    let points = move || {
        let curve = job.with(|job| job.pace().curve());
        let step = 100.0 / curve.len().saturating_sub(1).max(1) as f64;
        let point = |(at, rate): (usize, &f64)| {
            format!("{:.1},{:.1} ", at as f64 * step, 31.0 - rate * 30.0)
        };
        Some(curve.iter().enumerate().map(point).collect::<String>())
    };
    drawn("svg", "throughput")
        .set("viewBox", "0 0 100 32")
        .set("preserveAspectRatio", "none")
        .set("role", "img")
        .set("aria-label", "Throughput over time")
        .put(drawn("polyline", "").follow("points", points))
}

fn shares(job: RwSignal<Job>) -> Part {
    let rows = move || {
        job.with(|job| {
            let shares = &job.view.by_ion;
            let most = shares.iter().map(|one| one.finished).max().unwrap_or(0);
            shares.iter().map(|one| share(one, most)).collect()
        })
    };
    let nothing = move || {
        let is_empty = job.with(|job| job.view.by_ion.is_empty());
        let words = "No ion has finished a task yet.";
        is_empty.then(|| text("p", "muted small", words)).into_iter().collect()
    };
    parts::panel("By ion").put(tag("ul", "shares").rows(rows)).rows(nothing)
}

fn share(share: &IonShare, most: u64) -> Part {
    let now = if share.running > 0 { format!(" · {} now", share.running) } else { String::new() };
    let outvoted = match share.outvoted {
        0 => String::new(),
        results => format!(" · {results} outvoted"),
    };
    let name = text("span", "share-name", &share.name).say(" ");
    let name = if share.is_self { name.put(text("span", "badge", "this tab")) } else { name };
    let count = text("span", "share-count", &format::count(share.finished))
        .say(" ")
        .say(&now)
        .say(&outvoted);
    parts::share(name, count, share.finished, most)
        .test("job-by-ion")
        .set("data-ion", &share.id)
        .set("data-finished", &share.finished.to_string())
        .set("data-outvoted", &share.outvoted.to_string())
        .set("data-self", &share.is_self.to_string())
}

fn causes(job: RwSignal<Job>) -> Vec<Part> {
    let rows: Vec<Part> =
        job.with(|job| job.view.causes.iter().map(|one| cause(job, one)).collect());
    if rows.is_empty() {
        return rows;
    }
    let panel = tag("section", "panel bad-edge").set("aria-label", "Failures");
    vec![panel.put(text("h2", "", "Why tasks failed")).put(tag("ul", "causes").put_all(rows))]
}

fn cause(job: &Job, cause: &Cause) -> Part {
    let name = job.request.input_name(cause.first_task).map(|name| format!(", {name}"));
    let first = format!(" (first: task {}{})", cause.first_task, name.unwrap_or_default());
    tag("li", "")
        .test("job-cause")
        .set("data-count", &cause.count.to_string())
        .put(text("b", "", &format::counted(cause.count, "task")))
        .say(": ")
        .say(&cause.reason)
        .put(text("span", "muted", &first))
}

fn whole(job: RwSignal<Job>) -> Part {
    let sum = move || {
        vec![match job.with(Job::sha256) {
            None => text("span", "muted", "once every task has ended"),
            Some(sum) => text("code", "", &sum).test("result-sha256"),
        }]
    };
    let note = move || {
        let words = "This job made more output than the page keeps; a download lacks the rest. The \
                     length and the hash count all of it.";
        job.with(Job::is_shortened).then(|| text("p", "small", words)).into_iter().collect()
    };
    let length = tag("dd", "")
        .test("result-bytes")
        .follow("data-bytes", move || Some(job.with(Job::bytes).to_string()))
        .words(move || format::bytes(job.with(Job::bytes)));
    let facts = tag("dl", "facts")
        .put(text("dt", "", "Length"))
        .put(length)
        .put(text("dt", "", "SHA-256"))
        .put(tag("dd", "sum").rows(sum));
    parts::panel("The whole result").put(facts).rows(note)
}
