//! The self-test, step by step, and the log of attempts to connect.

use leptos::{html, prelude::*, task::spawn_local};
use node_core::node::{
    Command,
    event::{AttemptView, CheckView},
};

use super::{
    browser,
    desk::At,
    network::part,
    parts,
    sealed::{Seal, live},
};
use crate::model::{checks, format};

/// How often relative times are told anew, in milliseconds.
const AGAIN_MS: u64 = 20_000;

/// Where the self-test stands as text.
type Report = NodeRef<html::Pre>;

/// The self-test.
pub(crate) fn view(desk: At) -> AnyView {
    let is_running = Memo::new(move |_| desk.checks.with(|steps| checks::is_running(steps)));
    let is_there = Memo::new(move |_| !desk.checks.with(Vec::is_empty));
    let (shown, field) = (RwSignal::new(None::<String>), Report::new());
    let begin = move |_| {
        shown.set(None);
        desk.checks.set(Vec::new());
        desk.post(Command::Diagnose);
    };
    let beside = view! {
        <div class="actions">
            {live(move || (is_there.get() && !is_running.get()).then(|| copy_button(desk, shown, field)))}
            <button
                type="button"
                class="button"
                data-test="diagnose"
                disabled=is_running
                on:click=begin
            >
                "Test my connection"
            </button>
        </div>
    }.seal();
    let steps = move || desk.checks.get().iter().map(step).collect_view();
    let summary = move || desk.checks.with(|steps| checks::summary(steps));
    let laid_open = move || {
        shown.get().map(|text| {
            view! {
                <pre class="report" node_ref=field tabindex="0" data-test="diagnosis-text">
                    {text}
                </pre>
            }
            .seal()
        })
    };
    let content = live(move || {
        if !is_there.get() {
            return view! {
                <p class="muted">
                    "Says step by step what works from here: the relay, signaling, the addresses \
                     this browser offers, and a direct link."
                </p>
            }
            .seal();
        }
        view! {
            <div class="panel">
                <p class="field-name" role="status" data-test="diagnosis-summary">
                    {live(summary)}
                </p>
                <ol class="rows checks">{live(steps)}</ol>
                {live(laid_open)}
            </div>
        }
        .seal()
    });
    part("Self-test", beside, content.seal())
}

fn step(check: &CheckView) -> AnyView {
    let (meaning, word) = checks::state(check.state);
    view! {
        <li class="row" data-test="check" data-state=word>
            <div class="grow">
                <p class="field-name">{check.what.clone()}</p>
                <p class="small muted">{check.detail.clone()}</p>
            </div>
            {parts::pill(meaning, word)}
        </li>
    }
    .seal()
}

/// Copies the test as text; without a clipboard, it is laid open to be copied
/// by hand.
fn copy_button(desk: At, shown: RwSignal<Option<String>>, field: Report) -> AnyView {
    let word = RwSignal::new("Copy as text");
    let copy = move |_| {
        let text = desk.checks.with_untracked(|steps| checks::text(steps));
        shown.set(Some(text.clone()));
        spawn_local(async move {
            let field = field.get_untracked();
            let done = browser::copy(&text, field.as_deref().map(AsRef::as_ref)).await;
            word.set(if done { "Copied" } else { "Select and copy" });
            if done {
                shown.set(None);
            }
        });
    };
    view! {
        <button type="button" class="button quiet" data-test="diagnosis-copy" on:click=copy>
            <span role="status">{word}</span>
        </button>
    }
    .seal()
}

/// The last attempts to connect.
pub(crate) fn attempts(desk: At) -> AnyView {
    let now = parts::ticking(AGAIN_MS);
    let rows = move || {
        now.track();
        let clock_ms = desk.ion_clock_ms();
        desk.attempts.with(|all| all.iter().map(|one| attempt(one, clock_ms)).collect_view())
    };
    let is_empty = Memo::new(move |_| desk.attempts.with(Vec::is_empty));
    let content = live(move || {
        if is_empty.get() {
            return view! { <p class="muted">"None by this tab yet. Each that it makes will stand here, with why it failed if it did."</p> }
                .seal();
        }
        view! { <ul class="panel rows attempts">{live(rows)}</ul> }.seal()
    });
    part("Last attempts to connect", ().seal(), content.seal())
}

fn attempt(attempt: &AttemptView, clock_ms: u64) -> AnyView {
    let (meaning, word) = checks::outcome(attempt);
    let (relative, exact) = checks::when(attempt, clock_ms);
    let took = format!("{}, {}", attempt.way, format::duration(attempt.took_ms));
    view! {
        <li class="row" data-test="attempt" data-outcome=word>
            <div class="grow">
                <p>
                    <span class="row-name address">{attempt.with.clone()}</span>
                    <span class="muted">{took}</span>
                </p>
                <p class="small">{attempt.problem.clone()}</p>
            </div>
            <div class="attempt-end">
                {parts::pill(meaning, word)} <time class="small muted" title=exact>
                    {relative}
                </time>
            </div>
        </li>
    }
    .seal()
}
