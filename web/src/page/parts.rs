//! Small parts that several pages share.

use std::time::Duration;

use leptos::prelude::*;
use node_core::node::{Command, Problem};

use super::{
    desk::At,
    icons::{self, icon},
    sealed::{Live, Seal, live},
};
use crate::model::{job::Standing, words::Meaning};

/// The head of a page: its title, the line that says what it is for, and its
/// one primary action.
pub(crate) fn head(title: &'static str, purpose: &'static str, action: AnyView) -> AnyView {
    view! {
        <header class="head">
            <div>
                <h1 tabindex="-1">{title}</h1>
                <p class="purpose">{purpose}</p>
            </div>
            {action}
        </header>
    }
    .seal()
}

/// A word with the shape and colour of its meaning.
pub(crate) fn pill(meaning: Meaning, word: impl Into<String>) -> AnyView {
    let class = format!("pill {}", meaning.class());
    view! {
        <span class=class>
            <span class="mark" aria-hidden="true"></span>
            {word.into()}
        </span>
    }
    .into_any()
}

/// The pill of a job.
pub(crate) fn standing_pill(standing: Standing) -> AnyView {
    pill(meaning(standing), standing.name())
}

/// What a job's standing means.
pub(crate) fn meaning(standing: Standing) -> Meaning {
    match standing {
        Standing::Finished => Meaning::Good,
        Standing::Running | Standing::Cancelled => Meaning::Waiting,
        Standing::FinishedWithFailures | Standing::Interrupted | Standing::Refused => Meaning::Bad,
    }
}

/// A figure under its name.
pub(crate) fn figure(name: &'static str, test: &'static str, value: Live<String>) -> AnyView {
    view! {
        <div class="figure">
            <dt>{name}</dt>
            <dd data-test=test>{value}</dd>
        </div>
    }
    .seal()
}

/// A bar that fills, from 0 to 100.
pub(crate) fn bar(label: &'static str, value: Signal<f64>) -> AnyView {
    view! {
        <div
            class="bar"
            role="progressbar"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || format!("{:.0}", value.get())
        >
            <div class="bar-fill" style:width=move || format!("{:.2}%", value.get())></div>
        </div>
    }
    .seal()
}

/// The workers an ion lends, as a small meter of slots.
pub(crate) fn slots(busy: u16, workers: u16) -> AnyView {
    const SLOTS_MAX: u16 = 16;
    let class = |at: u16| if at < busy { "slot busy" } else { "slot" };
    let drawn: Vec<AnyView> = (0..workers.min(SLOTS_MAX))
        .map(|at| view! { <span class=class(at)></span> }.into_any())
        .collect();
    view! {
        <span class="slots" aria-hidden="true">
            {drawn}
        </span>
    }
    .into_any()
}

/// A page, or part of it, that has nothing to show yet: what will be here, and
/// what makes it so.
pub(crate) fn empty(title: &'static str, text: &'static str, action: AnyView) -> AnyView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {action}
        </div>
    }
    .seal()
}

/// A problem where it came up.
pub(crate) fn told(problem: Problem, test: &'static str) -> AnyView {
    view! {
        <div class="refused" role="alert" data-test=test>
            <p class="problem-what">{problem.what}</p>
            <p>{problem.why}</p>
            <p>{problem.remedy}</p>
        </div>
    }
    .into_any()
}

/// A count that goes up every so many milliseconds, as long as the view that
/// asked for it stands: what shows times follows it.
pub(crate) fn ticking(every_ms: u64) -> ReadSignal<u64> {
    let (count, set_count) = signal(0);
    let tick = move || set_count.update(|count| *count += 1);
    // Without a timer, times stand still until something else changes.
    if let Ok(timer) = set_interval_with_handle(tick, Duration::from_millis(every_ms)) {
        on_cleanup(move || timer.clear());
    }
    count
}

/// A number that is set step by step, with its name and what it means.
pub(crate) fn stepper(
    name: &'static str,
    test: &'static str,
    about: &'static str,
    value: Signal<u16>,
    bounds: (u16, u16),
    step: Callback<i8>,
) -> AnyView {
    let label = format!("{test}-label");
    let is_least = move || value.get() <= bounds.0;
    let is_most = move || value.get() >= bounds.1;
    view! {
        <div class="row">
            <div>
                <p class="field-name" id=label.clone()>
                    {name}
                </p>
                <p class="small muted">{about}</p>
            </div>
            <div class="stepper" role="group" aria-labelledby=label>
                <button
                    type="button"
                    class="button square"
                    aria-label="One fewer"
                    data-test=format!("{test}-fewer")
                    disabled=is_least
                    on:click=move |_| step.run(-1)
                >
                    "−"
                </button>
                <output data-test=test aria-live="polite">
                    {value}
                </output>
                <button
                    type="button"
                    class="button square"
                    aria-label="One more"
                    data-test=format!("{test}-more")
                    disabled=is_most
                    on:click=move |_| step.run(1)
                >
                    "+"
                </button>
            </div>
        </div>
    }
    .seal()
}

/// Pauses, or resumes.
pub(crate) fn toggle_pause(desk: At) {
    let paused = !desk.status.with_untracked(|status| status.paused);
    // Shown at once; the ion's own word follows.
    desk.status.update(|status| status.paused = paused);
    desk.post(Command::Pause { paused });
}

/// The button that pauses this tab.
pub(crate) fn pause_button(desk: At, test: &'static str) -> AnyView {
    let paused = Memo::new(move |_| desk.status.with(|status| status.paused));
    let shown = live(move || {
        let (path, word) =
            if paused.get() { (icons::RESUME, "Resume") } else { (icons::PAUSE, "Pause") };
        view! { {icon(path)} <span class="word">{word}</span> }.seal()
    });
    view! {
        <button
            type="button"
            class="button"
            data-test=test
            aria-pressed=move || paused.get().to_string()
            title="Stop lending this tab's processor, at once (p)"
            on:click=move |_| toggle_pause(desk)
        >
            {shown}
        </button>
    }
    .seal()
}
