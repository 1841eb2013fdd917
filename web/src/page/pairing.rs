//! Pairing: two ions link by codes that people carry, without any relay. Two
//! roles in plain words, three steps, and at each what to do next.

use leptos::prelude::*;
use node_core::node::{Command, NebulaView, Problem, event::Pairing};

use super::{
    camera,
    desk::At,
    dialogs::{self, copyable},
    parts,
    raw::{Part, button, labelled, note, tag, text},
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
    let title = text("h2", "", "Pair by a code").set("id", "dialog-title");
    let body = tag("div", "pairing").set("aria-live", "polite").test("pairing");
    let body = body.follow("data-stage", move || Some(key(&stage.get()).to_owned()));
    let steps = live(move || steps(&stage.get()));
    vec![title.seal(), steps.seal(), body.add(content.seal()).seal()].seal()
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
        let step = tag("li", if at < done { "step done" } else { "step" });
        let step = if at == done { step.set("aria-current", "step") } else { step };
        let said = if at < done { "done: " } else { "" };
        step.put(tag("span", "step-mark").set("aria-hidden", "true"))
            .put(tag("span", "").put(text("span", "hidden", said)).say(word))
    });
    tag("ol", "steps").set("aria-label", "Steps").put_all(steps).seal()
}

fn choose(desk: At) -> AnyView {
    let show = move || {
        desk.role.set(Role::Shows);
        desk.show_pairing(Pairing::Working);
        desk.post(Command::Pair);
    };
    let nebula = desk.status.with_untracked(|status| status.nebula.clone());
    let about = "Two ions link directly, without any relay: one shows a code, the other takes it \
                 and shows one back. Copy them over any messenger, or scan them from screen to \
                 screen.";
    let about_show = "The other one takes it. Begin here on one of the two.";
    let about_take = "It was sent to you, or stands on the other's screen.";
    let roles = tag("div", "roles")
        .put(role(button("pair-show", "role", "", show), "Show a code", about_show))
        .put(role(
            button("pair-take", "role", "", move || desk.role.set(Role::Takes)),
            "I have a code",
            about_take,
        ));
    let about = text("p", "", about);
    vec![about.seal(), nebula.as_ref().map_or_else(|| ().seal(), same_nebula), roles.seal()].seal()
}

fn role(button: Part, title: &str, about: &str) -> Part {
    button.put(text("span", "role-title", title)).put(text("span", "muted", about))
}

fn same_nebula(nebula: &NebulaView) -> AnyView {
    note("Both must be in the same nebula; this tab is in ")
        .put(text("b", "", &nebula.name))
        .say(".")
        .seal()
}

fn enter(desk: At) -> AnyView {
    let take = move |code: String| {
        desk.show_pairing(Pairing::Working);
        desk.post(Command::PairWith { code });
    };
    let back = button("pair-back", "button quiet", "Back", move || desk.role.set(Role::Open));
    let field = code_field("The other ion's code", "Take the code", Callback::new(take));
    vec![field, actions([back])].seal()
}

fn actions(buttons: impl IntoIterator<Item = Part>) -> AnyView {
    tag("div", "dialog-actions").put_all(buttons).seal()
}

fn working(desk: At, what: &str) -> AnyView {
    let bar = tag("div", "bar going").set("role", "progressbar").set("aria-label", "Under way");
    let bar = bar.put(tag("div", "bar-fill"));
    vec![text("p", "", what).seal(), bar.seal(), cancel(desk)].seal()
}

fn step(number: &str, words: &str) -> AnyView {
    tag("p", "").put(text("b", "", number)).say(words).seal()
}

fn offer(desk: At, code: String, tick: ReadSignal<u64>) -> AnyView {
    let left = tag("span", "").test("pair-left").words(move || {
        tick.track();
        let for_ms = for_ms(desk);
        desk.pairing.with(|(now, _)| match now {
            Pairing::Offer { good_for_ms, .. } => pairing::countdown(*good_for_ms, for_ms),
            _ => String::new(),
        })
    });
    let take = move |code: String| desk.post(Command::PairWith { code });
    // No live region: readers need not hear every second.
    let left = note("Good for ").set("aria-live", "off").put(left).say(" more.");
    vec![
        step("1. ", "Give this code to the other ion, under “I have a code”."),
        code_view(code, "pair-code"),
        left.seal(),
        step("2. ", "It shows a code in return. Bring that here."),
        code_field("The answer", "Link", Callback::new(take)),
        cancel(desk),
    ]
    .seal()
}

fn answer(desk: At, code: String, name: &str) -> AnyView {
    let about = text("p", "", "Carry this answer back to ")
        .put(text("b", "", name))
        .say(". The two link as soon as it is taken there.");
    let kept = note("Keep this tab open meanwhile.");
    vec![about.seal(), code_view(code, "pair-code"), kept.seal(), cancel(desk)].seal()
}

fn done(desk: At, name: &str) -> AnyView {
    let linked = format!("Linked with {name}");
    let linked = tag("p", "").put(parts::pill(crate::model::words::Meaning::Good, &linked));
    let about = "Through each other, the two also reach all ions that either of them is linked to.";
    let again = button("pair-again", "button", "Pair another", move || desk.cancel_pairing());
    let close = button("pair-close", "button primary", "Close", move || {
        desk.cancel_pairing();
        desk.dialog.set(super::desk::Dialog::None);
    });
    vec![linked.seal(), text("p", "muted", about).seal(), actions([again, close])].seal()
}

fn failed(desk: At, problem: &Problem) -> AnyView {
    let retry = button("pair-retry", "button primary", "Try again", move || desk.cancel_pairing());
    vec![parts::told(problem, "pair-failed").seal(), actions([retry])].seal()
}

fn cancel(desk: At) -> AnyView {
    let cancel = move || desk.cancel_pairing();
    actions([button("pair-cancel", "button quiet", "Cancel pairing", cancel)])
}

/// A code, to be scanned or copied.
fn code_view(code: String, test: &'static str) -> AnyView {
    let drawing = qr::draw(&code).map(|drawing| {
        let width = format!("width: {}px", drawing.side_px(DRAWN_PX_MIN));
        dialogs::code("qr code", &drawing, "The code, to be scanned").style(&width)
    });
    tag("div", "contents").put_all(drawing).put(copyable(code, test)).seal()
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
    let type_in = move |text: String| {
        typed.set(text);
        mistake.set(String::new());
        is_taken.set(false);
    };
    let field = tag("textarea", "")
        .set("rows", "3")
        .set("spellcheck", "false")
        .set("autocomplete", "off")
        .set("autocapitalize", "off")
        .set("placeholder", "Paste it here")
        .set("maxlength", &(2 * CODE_CHARS_MAX).to_string())
        .test("pair-field")
        .hold("value", move || typed.get())
        .read("input", type_in);
    let why = live(move || {
        let why = mistake.get();
        if why.is_empty() {
            return ().seal();
        }
        text("p", "mistake", &why).set("role", "alert").test("pair-mistake").seal()
    });
    let submit = tag("button", "button primary")
        .set("type", "submit")
        .test("pair-with")
        .follow("disabled", move || is_taken.get().then(String::new))
        .words(move || if is_taken.get() { "Taken; a moment …" } else { word }.to_owned());
    let form = tag("form", "")
        .put(labelled(label, field))
        .add(why.seal())
        .put(tag("div", "actions").put(submit))
        .on("submit", move |event| {
            event.prevent_default();
            read(&typed.get_untracked());
        });
    let scan = camera::view(Callback::new(move |code: String| {
        type_in(code.clone());
        read(&code);
    }));
    vec![form.seal(), scan].seal()
}
