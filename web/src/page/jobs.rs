//! Jobs: what this tab asked the nebula to run, and what the nebula keeps.

use leptos::{prelude::*, task::spawn_local};
use node_core::{
    compute::receipt::FILE_BYTES_MAX,
    node::{Command, JobId, JobState, RecordView},
};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::{
    browser,
    desk::{At, JobHandle},
    ions::search_field,
    parts,
    raw::{Part, button, labelled, note, tag, text},
    sealed::{Seal, live},
};
use crate::model::{
    format,
    job::Job,
    receipts::{self, Shown},
    route::Route,
    words::Meaning,
};

/// Jobs that the overview shows.
const RECENT_MAX: usize = 4;

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let search = RwSignal::new(String::new());
    let is_empty = Memo::new(move |_| desk.jobs.with(Vec::is_empty));
    let content = live(move || if is_empty.get() { nothing().seal() } else { list(desk, search) });
    let about = "What this tab asked the nebula to run, newest first.";
    let head = parts::head("Jobs", about, Some(new_job())).seal();
    vec![head, content.seal(), kept(desk), receipts()].seal()
}

/// What the nebula keeps and this tab does not show yet.
fn kept(desk: At) -> AnyView {
    let others = Memo::new(move |_| {
        let is_shown =
            |record: &RecordView| desk.jobs.with(|jobs| jobs.iter().any(|job| job.id == record.id));
        let mut records = desk.records.get();
        records.retain(|record| !is_shown(record));
        records
    });
    let shown = move || {
        let rows =
            others.with(|records| records.iter().map(|one| record(desk, one)).collect::<Vec<_>>());
        if rows.is_empty() {
            return tag("div", "").seal();
        }
        let about = "Jobs of this nebula, whoever started them. They go on while any ion is there, \
                     and their results are kept.";
        tag("section", "section")
            .set("aria-label", "Kept by the nebula")
            .put(text("h2", "", "Kept by the nebula"))
            .put(note(about))
            .put(tag("ul", "panel flush job-list").put_all(rows))
            .seal()
    };
    live(shown).seal()
}

fn record(desk: At, record: &RecordView) -> Part {
    let RecordView { job, id, tasks, done, .. } = *record;
    let name = if record.name.is_empty() { "being read" } else { &record.name };
    let whose =
        if record.is_own { "yours".to_owned() } else { format!("of {}", record.owner_name) };
    let state = match record.state {
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Finished => "finished",
        JobState::Cancelled => "cancelled",
    };
    let by = match record.coordinator_name.as_str() {
        "" => String::new(),
        name => format!("{name} coordinates it"),
    };
    let progress = format!("{} of {}", format::count(done), format::counted(tasks, "task"));
    let link = tag("a", "job-row")
        .set("href", &Route::Job(id).path())
        .test("record-row")
        .put(text("span", "job-name", name))
        .put(text("span", "job-standing", &whose).set("title", &by))
        .put(
            tag("span", "job-bar")
                .put(parts::bar("Progress", move || format::percent(done, tasks))),
        )
        .put(text("span", "job-count", &progress))
        .put(text("span", "job-time", state));
    let row = tag("li", "record").put(link);
    let can_delete =
        record.is_own && matches!(record.state, JobState::Finished | JobState::Cancelled);
    if can_delete { row.put(delete(desk, record.owner.clone(), job)) } else { row }
}

/// Asks once more: what is deleted cannot be had back.
fn delete(desk: At, owner: String, job: JobId) -> Part {
    let is_sure = RwSignal::new(false);
    let press = move || {
        if is_sure.get_untracked() {
            desk.post(Command::ForgetJob { owner: owner.clone(), job });
        }
        is_sure.set(true);
    };
    let words = move || if is_sure.get() { "Delete for good" } else { "Delete" }.to_owned();
    button("record-delete", "button small danger", "", press).words(words)
}

/// Takes a file of receipts, from here or from elsewhere, and says what it shows.
fn receipts() -> AnyView {
    let answer = RwSignal::new(None);
    let field = tag("input", "").set("type", "file").test("receipts-file");
    let input: HtmlInputElement = field.element().clone().unchecked_into();
    let chosen = move |_| {
        let Some(file) = input.files().and_then(|files| files.get(0)) else { return };
        spawn_local(async move {
            let read = browser::read(&file, FILE_BYTES_MAX).await;
            let shown = match read {
                Ok(bytes) => receipts::checked(&bytes),
                Err(why) => Err(format!("it was not read: {why}")),
            };
            answer.set(Some((file.name(), shown)));
        });
    };
    let about = "A file of receipts, chosen or dropped here, is checked by this page alone: whether \
                 each ion that it names signed what it returned. That shows who answers for a \
                 result, not that it is right.";
    let told = move || {
        answer.with(|answer| match answer {
            None => Vec::new(),
            Some((file, Ok(shown))) => good(file, shown),
            Some((file, Err(why))) => bad(file, why),
        })
    };
    tag("details", "panel fold")
        .put(text("summary", "", "Check receipts").test("receipts"))
        .put(labelled("A file of receipts", field.on("change", chosen)))
        .put(note(about))
        .put(tag("div", "told").set("role", "status").test("receipts-told").rows(told))
        .seal()
}

fn good(file: &str, shown: &Shown) -> Vec<Part> {
    let most = shown.by_ion.first().map_or(0, |signer| signer.receipts);
    let signers = shown.by_ion.iter().map(|signer| {
        // Another ion may have the same name, but not the same id.
        let name = text("span", "share-name", &signer.name).say(" ");
        let name = name.put(text("span", "muted small", &signer.id_end));
        let count = text("span", "share-count", &format::count(signer.receipts));
        parts::share(name, count, signer.receipts, most)
            .test("receipts-by-ion")
            .set("data-receipts", &signer.receipts.to_string())
    });
    vec![
        tag("p", "").put(parts::pill(Meaning::Good, "Signed")),
        text("p", "", &format!("{file}: {}.", shown.about)),
        tag("ul", "shares").put_all(signers),
    ]
}

fn bad(file: &str, why: &str) -> Vec<Part> {
    let remedy = "Ask for the file as the job's Receipts button saved it.";
    vec![
        tag("p", "").put(parts::pill(Meaning::Bad, "Refused")),
        text("p", "", &format!("{file} shows nothing: {why}. {remedy}")),
    ]
}

/// The newest few, for the overview; nothing while there is none.
pub(crate) fn recent(desk: At) -> Option<Part> {
    let newest: Vec<JobHandle> =
        desk.jobs.with(|jobs| jobs.iter().take(RECENT_MAX).copied().collect());
    let list = tag("ul", "panel flush job-list");
    let section = tag("section", "section").set("aria-label", "Recent jobs");
    let section = section.put(text("h2", "", "Recent jobs"));
    (!newest.is_empty()).then(|| section.put(list.put_all(newest.into_iter().map(row))))
}

fn list(desk: At, search: RwSignal<String>) -> AnyView {
    let found = move || {
        let wanted = browser::lowercase(&search.get());
        let matches = |handle: &JobHandle| {
            handle.job.with_untracked(|job| browser::lowercase(&job.view.name).contains(&wanted))
        };
        desk.jobs.with(|jobs| jobs.iter().copied().filter(matches).map(row).collect())
    };
    let bar = tag("div", "list-bar").put(search_field("Find a job by name", search));
    vec![bar.seal(), tag("ul", "panel flush job-list").rows(found).seal()].seal()
}

fn row(handle: JobHandle) -> Part {
    let JobHandle { id, job } = handle;
    let ended = move || job.with(|job| job.view.succeeded + job.view.failed);
    let (name, tasks) = job.with_untracked(|job| (job.view.name.clone(), job.view.tasks));
    let progress =
        move || format!("{} of {}", format::count(ended()), format::counted(tasks, "task"));
    let took = move || job.with(|job| format::duration(job.view.elapsed_ms));
    let standing = move || vec![parts::standing_pill(job.with(Job::standing))];
    let bar = parts::bar("Progress", move || format::percent(ended(), tasks));
    let link = tag("a", "job-row")
        .set("href", &Route::Job(id).path())
        .test("job-row")
        .put(text("span", "job-name", &name))
        .put(tag("span", "job-standing").rows(standing))
        .put(tag("span", "job-bar").put(bar))
        .put(tag("span", "job-count").words(progress))
        .put(tag("span", "job-time").words(took));
    tag("li", "").put(link)
}

fn nothing() -> Part {
    parts::empty(
        "Nothing has run yet",
        "Choose a spark and say what to run it over; its tasks spread over every ion here, and \
         the results come back in order.",
        Some(new_job()),
    )
}

fn new_job() -> Part {
    parts::leading("/sparks", "Run a spark").test("new-job")
}
