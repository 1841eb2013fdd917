//! Small parts that several pages share.

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;
use node_core::node::{Command, Problem};
use wasm_bindgen::JsCast;
use web_sys::{FileList, HtmlInputElement};

use super::{
    desk::At,
    icons::{self, icon},
    raw::{Part, button, note, tag, text},
};
use crate::model::{format, job::Standing, words::Meaning};

/// The head of a page: its title, the line that says what it is for, and its
/// one primary action.
pub(crate) fn head(title: &str, purpose: &str, action: Option<Part>) -> Part {
    let title = text("h1", "", title).set("tabindex", "-1");
    let about = tag("div", "").put(title).put(text("p", "purpose", purpose));
    tag("header", "head").put(about).put_all(action)
}

/// A word with the shape and colour of its meaning.
pub(crate) fn pill(meaning: Meaning, word: &str) -> Part {
    let mark = tag("span", "mark").set("aria-hidden", "true");
    tag("span", &format!("pill {}", meaning.class())).put(mark).say(word)
}

/// The pill of a job.
pub(crate) fn standing_pill(standing: Standing) -> Part {
    pill(meaning(standing), standing.name())
}

/// What a job's standing means.
pub(crate) fn meaning(standing: Standing) -> Meaning {
    match standing {
        Standing::Finished => Meaning::Good,
        Standing::Running | Standing::Paused | Standing::Cancelled => Meaning::Waiting,
        Standing::FinishedWithFailures | Standing::Interrupted | Standing::Refused => Meaning::Bad,
    }
}

/// A figure under its name.
pub(crate) fn figure(name: &str, test: &str, value: impl FnMut() -> String + 'static) -> Part {
    let value = tag("dd", "").test(test).words(value);
    tag("div", "figure").put(text("dt", "", name)).put(value)
}

/// A bar that fills, from 0 to 100.
pub(crate) fn bar(label: &str, value: impl Fn() -> f64 + 'static) -> Part {
    let value = Rc::new(value);
    let width = Rc::clone(&value);
    let fill = tag("div", "bar-fill").hold("style", move || format!("width: {:.2}%", width()));
    tag("div", "bar")
        .set("role", "progressbar")
        .set("aria-label", label)
        .set("aria-valuemin", "0")
        .set("aria-valuemax", "100")
        .follow("aria-valuenow", move || Some(format!("{:.0}", value())))
        .put(fill)
}

/// An ion's share of something, over a bar that is full where `count` is `most`; the item of
/// a list `shares`.
pub(crate) fn share(name: Part, words: Part, count: u64, most: u64) -> Part {
    let width = format!("width: {:.1}%", format::percent(count, most));
    let bar = tag("span", "share-bar").put(tag("span", "share-fill").style(&width));
    tag("li", "share").put(name).put(words).put(bar)
}

/// The workers an ion lends, as a small meter of slots.
pub(crate) fn slots(busy: u16, workers: u16) -> Part {
    const SLOTS_MAX: u16 = 16;
    let slot = |at| tag("span", if at < busy { "slot busy" } else { "slot" });
    let slots = (0..workers.min(SLOTS_MAX)).map(slot);
    tag("span", "slots").set("aria-hidden", "true").put_all(slots)
}

/// A page, or part of it, that has nothing to show yet: what will be here, and
/// what makes it so.
pub(crate) fn empty(title: &str, words: &str, action: Option<Part>) -> Part {
    let title = text("p", "empty-title", title);
    tag("div", "empty").put(title).put(text("p", "", words)).put_all(action)
}

/// A problem where it came up.
pub(crate) fn told(problem: &Problem, test: &str) -> Part {
    tag("div", "refused")
        .set("role", "alert")
        .test(test)
        .put(text("p", "problem-what", &problem.what))
        .put(text("p", "", &problem.why))
        .put(text("p", "", &problem.remedy))
}

/// A problem that is all there is to show.
pub(crate) fn refused(problem: &Problem, test: &str) -> Part {
    tag("section", "panel bad-edge")
        .set("role", "alert")
        .test(test)
        .put(text("p", "problem-what", &problem.what))
        .put(text("p", "", &problem.why))
        .put(text("p", "problem-remedy", &problem.remedy))
}

/// A link that looks like a button and is the page's primary action.
pub(crate) fn leading(path: &str, words: &str) -> Part {
    text("a", "button primary", words).set("href", path)
}

/// A part of a page in a frame, under its title.
pub(crate) fn panel(title: &str) -> Part {
    tag("section", "panel").set("aria-label", title).put(text("h2", "", title))
}

/// A button that shows a cross.
pub(crate) fn close(label: &str, pressed: impl FnMut() + 'static) -> Part {
    let button = tag("button", "button quiet square").set("type", "button");
    let button = button.set("aria-label", label).put(icon(icons::CLOSE));
    let mut pressed = pressed;
    button.on("click", move |_| pressed())
}

/// What a field for files lets people choose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// One file.
    File,
    /// Any number of them.
    Files,
    /// A folder with all that is in it.
    Folder,
}

/// A button that lets people choose files, and hands them on.
pub(crate) fn chooser(
    choice: Choice,
    word: &str,
    class: &str,
    test: &str,
    mut chosen: impl FnMut(&FileList) + 'static,
) -> Part {
    let input = tag("input", "hidden").set("type", "file").test(test);
    let (input, drawn) = match choice {
        Choice::File => (input, icons::UPLOAD),
        Choice::Files => (input.set("multiple", ""), icons::UPLOAD),
        Choice::Folder => (input.set("multiple", "").set("webkitdirectory", ""), icons::FOLDER),
    };
    let field: HtmlInputElement = input.element().clone().unchecked_into();
    let input = input.on("change", move |_| {
        if let Some(files) = field.files() {
            chosen(&files);
        }
        // So that the same can be chosen again.
        field.set_value("");
    });
    tag("label", class).put(icon(drawn)).say(word).put(input)
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
    name: &str,
    test: &str,
    about: &str,
    value: Signal<u16>,
    bounds: (u16, u16),
    step: Callback<i8>,
) -> Part {
    let label = format!("{test}-label");
    let button = |word, label, way, change, is_end: fn(u16, (u16, u16)) -> bool| {
        button(&format!("{test}-{way}"), "button square", word, move || step.run(change))
            .set("aria-label", label)
            .follow("disabled", move || is_end(value.get(), bounds).then(String::new))
    };
    let shown = tag("output", "").test(test).set("aria-live", "polite");
    let steps = tag("div", "stepper")
        .set("role", "group")
        .set("aria-labelledby", &label)
        .put(button("−", "One fewer", "fewer", -1, |value, (least, _)| value <= least))
        .put(shown.words(move || value.get().to_string()))
        .put(button("+", "One more", "more", 1, |value, (_, most)| value >= most));
    let name = text("p", "field-name", name).set("id", &label);
    tag("div", "row").put(tag("div", "").put(name).put(note(about))).put(steps)
}

/// Pauses, or resumes.
pub(crate) fn toggle_pause(desk: At) {
    let paused = !desk.status.with_untracked(|status| status.paused);
    // Shown at once; the ion's own word follows.
    desk.status.update(|status| status.paused = paused);
    desk.post(Command::Pause { paused });
}

/// The button that pauses this tab.
pub(crate) fn pause_button(desk: At, test: &str) -> Part {
    let paused = Memo::new(move |_| desk.status.with(|status| status.paused));
    let drawn = move || {
        let path = if paused.get() { icons::RESUME } else { icons::PAUSE };
        vec![icon(path)]
    };
    let word = move || if paused.get() { "Resume" } else { "Pause" }.to_owned();
    button(test, "button", "", move || toggle_pause(desk))
        .follow("aria-pressed", move || Some(paused.get().to_string()))
        .set("title", "Stop lending this tab's processor, at once (p)")
        .rows(drawn)
        .put(tag("span", "word").words(word))
}
