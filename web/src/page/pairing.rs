//! Pairing: two ions link by codes that people carry, without any relay. Two
//! roles in plain words, three steps, and at each what to do next.

use leptos::prelude::*;
use node_core::node::{Command, NebulaView, Problem, event::Pairing};

use super::{
    camera,
    desk::At,
    dialogs::copyable,
    parts,
    sealed::{Seal, live},
};
use crate::model::{
    pairing::{self, CODE_CHARS_MAX, Role, Stage},
    qr,
};

/// How often the clock of an offer moves, in milliseconds.
const TICK_MS: u64 = 1_000;
/// The least width of a drawn code, in CSS pixels.
const DRAWN_PX_MIN: i32 = 256;

/// What the dialog shows.
pub(crate) fn view(desk: At) -> AnyView {
    let tick = parts::ticking(TICK_MS);
    let stage = Memo::new(move |_| {
        tick.track();
        let for_ms = for_ms(desk);
        desk.pairing.with(|(now, _)| pairing::stage(now, desk.role.get(), for_ms))
    });
    let content = live(move || match stage.get() {
        Stage::Choose => choose(desk),
        Stage::Enter => enter(desk),
        Stage::Working => {
            working(desk, "The ion is making a code: it asks the browser for addresses.")
        }
        Stage::Offer(code) => offer(desk, code, tick),
        Stage::Expired => failed(desk, &expired()),
        Stage::Answer(code, name) => answer(desk, code, &name),
        Stage::Connecting(name) => working(desk, &format!("Connecting to {name}.")),
        Stage::Done(name) => done(desk, &name),
        Stage::Failed(problem) => failed(desk, &problem),
    });
    view! {
        <h2 id="dialog-title">"Pair by a code"</h2>
        {live(move || steps(&stage.get()))}
        <div class="pairing" aria-live="polite" data-test="pairing" data-stage=move || key(&stage.get())>
            {content}
        </div>
    }
    .seal()
}

/// The stage's name, as tests read it.
fn key(stage: &Stage) -> &'static str {
    match stage {
        Stage::Choose => "choose",
        Stage::Enter => "enter",
        Stage::Working => "working",
        Stage::Offer(_) => "offer",
        Stage::Expired => "expired",
        Stage::Answer(..) => "answer",
        Stage::Connecting(_) => "connecting",
        Stage::Done(_) => "done",
        Stage::Failed(_) => "failed",
    }
}

/// For how long the ion has said what it says now, in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to be positive; casts from floats saturate"
)]
fn for_ms(desk: At) -> u64 {
    let since = desk.pairing.with(|(_, since)| *since);
    (super::browser::now_ms() - since).max(0.0) as u64
}

fn expired() -> Problem {
    crate::model::news::problem(
        "This code is too old",
        "Nobody answered it in time, and the addresses in it no longer hold.",
        "Make a new one.",
    )
}

fn steps(stage: &Stage) -> AnyView {
    let done = pairing::steps_done(stage);
    let steps = ["Code", "Answer", "Link"].into_iter().enumerate().map(|(at, word)| {
        let class = if at < done { "step done" } else { "step" };
        let current = (at == done).then_some("step");
        let said = if at < done { "done: " } else { "" };
        view! {
            <li class=class aria-current=current>
                <span class="step-mark" aria-hidden="true"></span>
                <span>
                    <span class="hidden">{said}</span>
                    {word}
                </span>
            </li>
        }
        .seal()
    });
    view! { <ol class="steps" aria-label="Steps">{steps.collect_view()}</ol> }.seal()
}

fn choose(desk: At) -> AnyView {
    let show = move |_| {
        desk.role.set(Role::Shows);
        desk.show_pairing(Pairing::Working);
        desk.post(Command::Pair);
    };
    let nebula = desk.status.with_untracked(|status| status.nebula.clone());
    view! {
        <p>
            "Two ions link directly, without any relay: one shows a code, the other takes it and \
             shows one back. Copy them over any messenger, or scan them from screen to screen."
        </p>
        {nebula.map(same_nebula)}
        <div class="roles">
            <button type="button" class="role" data-test="pair-show" on:click=show>
                <span class="role-title">"Show a code"</span>
                <span class="muted">"The other one takes it. Begin here on one of the two."</span>
            </button>
            <button
                type="button"
                class="role"
                data-test="pair-take"
                on:click=move |_| desk.role.set(Role::Takes)
            >
                <span class="role-title">"I have a code"</span>
                <span class="muted">"It was sent to you, or stands on the other's screen."</span>
            </button>
        </div>
    }
    .seal()
}

fn same_nebula(nebula: NebulaView) -> AnyView {
    view! {
        <p class="small muted">"Both must be in the same nebula; this tab is in " <b>{nebula.name}</b> "."</p>
    }
    .seal()
}

fn enter(desk: At) -> AnyView {
    let take = move |code: String| {
        desk.show_pairing(Pairing::Working);
        desk.post(Command::PairWith { code });
    };
    view! {
        {code_field("The other ion's code", "Take the code", Callback::new(take))}
        <div class="dialog-actions">
            <button
                type="button"
                class="button quiet"
                data-test="pair-back"
                on:click=move |_| desk.role.set(Role::Open)
            >
                "Back"
            </button>
        </div>
    }
    .seal()
}

fn working(desk: At, what: &str) -> AnyView {
    let what = what.to_owned();
    view! {
        <p>{what}</p>
        <div class="bar going" role="progressbar" aria-label="Under way">
            <div class="bar-fill"></div>
        </div>
        {cancel(desk)}
    }
    .seal()
}

fn offer(desk: At, code: String, tick: ReadSignal<u64>) -> AnyView {
    let left = live(move || {
        tick.track();
        let for_ms = for_ms(desk);
        desk.pairing.with(|(now, _)| match now {
            Pairing::Offer { good_for_ms, .. } => pairing::countdown(*good_for_ms, for_ms),
            _ => String::new(),
        })
    });
    let take = move |code: String| desk.post(Command::PairWith { code });
    view! {
        <p>
            <b>"1. "</b>
            "Give this code to the other ion, under “I have a code”."
        </p>
        {code_view(code, "pair-code")}
        // No live region: readers need not hear every second.
        <p class="small muted" aria-live="off">
            "Good for " <span data-test="pair-left">{left}</span> " more."
        </p>
        <p>
            <b>"2. "</b>
            "It shows a code in return. Bring that here."
        </p>
        {code_field("The answer", "Link", Callback::new(take))}
        {cancel(desk)}
    }
    .seal()
}

fn answer(desk: At, code: String, name: &str) -> AnyView {
    view! {
        <p>"Carry this answer back to " <b>{name.to_owned()}</b> ". The two link as soon as it is taken there."</p>
        {code_view(code, "pair-code")}
        <p class="small muted">"Keep this tab open meanwhile."</p>
        {cancel(desk)}
    }
    .seal()
}

fn done(desk: At, name: &str) -> AnyView {
    view! {
        <p>
            {parts::pill(crate::model::words::Meaning::Good, format!("Linked with {name}"))}
        </p>
        <p class="muted">
            "Through each other, the two also reach all ions that either of them is linked to."
        </p>
        <div class="dialog-actions">
            <button
                type="button"
                class="button"
                data-test="pair-again"
                on:click=move |_| desk.cancel_pairing()
            >
                "Pair another"
            </button>
            <button
                type="button"
                class="button primary"
                data-test="pair-close"
                on:click=move |_| {
                    desk.cancel_pairing();
                    desk.dialog.set(super::desk::Dialog::None);
                }
            >
                "Close"
            </button>
        </div>
    }
    .seal()
}

fn failed(desk: At, problem: &Problem) -> AnyView {
    let Problem { what, why, remedy } = problem.clone();
    view! {
        <div class="refused" role="alert" data-test="pair-failed">
            <p class="problem-what">{what}</p>
            <p>{why}</p>
            <p>{remedy}</p>
        </div>
        <div class="dialog-actions">
            <button
                type="button"
                class="button primary"
                data-test="pair-retry"
                on:click=move |_| desk.cancel_pairing()
            >
                "Try again"
            </button>
        </div>
    }
    .seal()
}

fn cancel(desk: At) -> AnyView {
    view! {
        <div class="dialog-actions">
            <button
                type="button"
                class="button quiet"
                data-test="pair-cancel"
                on:click=move |_| desk.cancel_pairing()
            >
                "Cancel pairing"
            </button>
        </div>
    }
    .seal()
}

/// A code, to be scanned or copied.
fn code_view(code: String, test: &'static str) -> AnyView {
    let drawing = qr::draw(&code).map(|drawing| {
        let field = format!("0 0 {0} {0}", drawing.size);
        let width = format!("{}px", drawing.side_px(DRAWN_PX_MIN));
        view! {
            <svg
                class="qr code"
                viewBox=field
                style:width=width
                role="img"
                aria-label="The code, to be scanned"
            >
                <rect width="100%" height="100%" fill="#fff"></rect>
                <path d=drawing.path fill="#000"></path>
            </svg>
        }
        .seal()
    });
    view! {
        {drawing}
        {copyable(code, test)}
    }
    .seal()
}

/// A field for the other ion's code, with the camera where there is one.
fn code_field(label: &'static str, word: &'static str, take: Callback<String>) -> AnyView {
    let typed = RwSignal::new(String::new());
    let mistake = RwSignal::new(String::new());
    let is_taken = RwSignal::new(false);
    let read = move |text: &str| match pairing::from_paste(text) {
        Ok(code) => {
            mistake.set(String::new());
            is_taken.set(true);
            take.run(code);
        }
        Err(why) => mistake.set(why),
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        read(&typed.get_untracked());
    };
    let type_in = move |text: String| {
        typed.set(text);
        mistake.set(String::new());
        is_taken.set(false);
    };
    view! {
        <form on:submit=submit>
            <label class="field">
                <span>{label}</span>
                <textarea
                    rows="3"
                    spellcheck="false"
                    autocomplete="off"
                    autocapitalize="off"
                    placeholder="Paste it here"
                    maxlength=2 * CODE_CHARS_MAX
                    data-test="pair-field"
                    prop:value=typed
                    on:input=move |event| type_in(event_target_value(&event))
                ></textarea>
            </label>
            {live(move || {
                let why = mistake.get();
                (!why.is_empty()).then(|| view! { <p class="mistake" role="alert" data-test="pair-mistake">{why}</p> }.seal())
            })}
            <div class="actions">
                <button type="submit" class="button primary" data-test="pair-with" disabled=is_taken>
                    {live(move || if is_taken.get() { "Taken; a moment …" } else { word })}
                </button>
            </div>
        </form>
        {camera::view(Callback::new(move |code: String| {
            type_in(code.clone());
            read(&code);
        }))}
    }
    .seal()
}
