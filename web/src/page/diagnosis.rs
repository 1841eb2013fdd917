//! The self-test, step by step, and the log of attempts to connect.

use leptos::{prelude::*, task::spawn_local};
use node_core::node::{
    Command,
    event::{AttemptView, CheckView},
};
use web_sys::Element;

use super::{
    browser,
    desk::At,
    network::part,
    parts,
    raw::{Part, button, note, tag, text},
    sealed::Seal,
};
use crate::model::{checks, format};

/// How often relative times are told anew, in milliseconds.
const AGAIN_MS: u64 = 20_000;

/// The self-test.
pub(crate) fn view(desk: At) -> AnyView {
    let is_running = move || desk.checks.with(|steps| checks::is_running(steps));
    let is_there = Memo::new(move |_| !desk.checks.with(Vec::is_empty));
    let may_copy = Memo::new(move |_| is_there.get() && !is_running());
    let shown = RwSignal::new(String::new());
    let begin = button("diagnose", "button", "Test my connection", move || {
        shown.set(String::new());
        desk.checks.set(Vec::new());
        desk.post(Command::Diagnose);
    });
    let begin = begin.follow("disabled", move || is_running().then(String::new));
    let report = text("pre", "report", "").set("tabindex", "0").test("diagnosis-text");
    let report = report.words(move || shown.get());
    let report = report.follow("hidden", move || shown.with(String::is_empty).then(String::new));
    let field = report.element().clone();
    let beside = tag("div", "actions")
        .live(move || may_copy.get().then(|| copy_button(desk, shown, field.clone())))
        .put(begin);
    let about = "Says step by step what works from here: the relay, signaling, the addresses this \
                 browser offers, and a direct link.";
    let summary = tag("p", "field-name")
        .set("role", "status")
        .test("diagnosis-summary")
        .words(move || desk.checks.with(|steps| checks::summary(steps)));
    let steps = move || desk.checks.with(|steps| steps.iter().map(step).collect());
    let steps = tag("ol", "rows checks").rows(steps);
    let unless = move |is_hidden: bool| move || (is_there.get() == is_hidden).then(String::new);
    let panel = tag("div", "panel").follow("hidden", unless(false));
    let content = tag("div", "contents")
        .put(text("p", "muted", about).follow("hidden", unless(true)))
        .put(panel.put(summary).put(steps).put(report));
    part("Self-test", beside.seal(), content.seal())
}

fn step(check: &CheckView) -> Part {
    let (meaning, word) = checks::state(check.state);
    let about = tag("div", "grow").put(text("p", "field-name", &check.what));
    tag("li", "row")
        .test("check")
        .set("data-state", word)
        .put(about.put(note(&check.detail)))
        .put(parts::pill(meaning, word))
}

/// Copies the test as text; without a clipboard, it is laid open to be copied
/// by hand.
fn copy_button(desk: At, shown: RwSignal<String>, field: Element) -> Part {
    let word = RwSignal::new("Copy as text");
    let copy = button("diagnosis-copy", "button quiet", "", move || {
        let text = desk.checks.with_untracked(|steps| checks::text(steps));
        shown.set(text.clone());
        let field = field.clone();
        spawn_local(async move {
            let done = browser::copy(&text, Some(&field)).await;
            word.set(if done { "Copied" } else { "Select and copy" });
            if done {
                shown.set(String::new());
            }
        });
    });
    copy.put(tag("span", "").set("role", "status").words(move || word.get().to_owned()))
}

/// The last attempts to connect.
pub(crate) fn attempts(desk: At) -> AnyView {
    let now = parts::ticking(AGAIN_MS);
    let is_empty = Memo::new(move |_| desk.attempts.with(Vec::is_empty));
    let none = "None by this tab yet. Each that it makes will stand here, with why it failed if it \
                did.";
    let rows = move || {
        now.track();
        let clock_ms = desk.ion_clock_ms();
        desk.attempts.with(|all| all.iter().map(|one| attempt(one, clock_ms)).collect())
    };
    let content = tag("div", "contents").live(move || {
        Some(if is_empty.get() {
            text("p", "muted", none)
        } else {
            tag("ul", "panel rows attempts").rows(rows)
        })
    });
    part("Last attempts to connect", ().seal(), content.seal())
}

fn attempt(attempt: &AttemptView, clock_ms: u64) -> Part {
    let (meaning, word) = checks::outcome(attempt);
    let (relative, exact) = checks::when(attempt, clock_ms);
    let took = format!("{}, {}", attempt.way, format::duration(attempt.took_ms));
    let with = tag("p", "")
        .put(text("span", "row-name address", &attempt.with))
        .put(text("span", "muted", &took));
    let about = tag("div", "grow").put(with).put(text("p", "small", &attempt.problem));
    let when = text("time", "small muted", &relative).set("title", &exact);
    tag("li", "row")
        .test("attempt")
        .set("data-outcome", word)
        .put(about)
        .put(tag("div", "attempt-end").put(parts::pill(meaning, word)).put(when))
}
