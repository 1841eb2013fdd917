//! One key, asked for by its whole name: here first, then among the neighbours.

use leptos::prelude::*;
use node_core::node::data::EntryView;

use crate::{
    model::{
        data::{self, Got},
        format,
        words::Meaning,
    },
    page::{
        browser,
        desk::At,
        parts,
        raw::{Part, button, tag, text},
    },
};

/// The button that asks for the key that is typed.
pub(super) fn get_button(desk: At, search: RwSignal<String>) -> Part {
    button("data-get", "button", "Get", move || get(desk, search))
        .set("title", "Show the whole value of this very key, wherever it is held")
        .follow("disabled", move || search.with(String::is_empty).then(String::new))
}

/// Asks for the key that is typed.
pub(super) fn get(desk: At, search: RwSignal<String>) {
    let name = search.get_untracked();
    if name.is_empty() {
        return;
    }
    let mut wish = None;
    desk.data.update(|data| wish = Some(data.get(&name)));
    desk.ask_data(wish.into_iter().collect());
}

/// What came of it.
pub(super) fn got(desk: At) -> Option<Part> {
    let shown = desk.data.with(|data| match &data.got {
        Got::Nothing => None,
        Got::Asked(name) => Some(parts::pill(Meaning::Waiting, &format!("{name} is looked for"))),
        Got::Absent(name) => Some(text(
            "p",
            "",
            &format!("Nothing stands at {name}, as far as this ion and its neighbours know."),
        )),
        Got::Here(entry) => Some(value(entry)),
    })?;
    let close = parts::close("Put it away", move || desk.data.update(data::Data::put_away));
    let panel = tag("section", "panel data-got").set("aria-label", "One key").test("data-got");
    let content = tag("div", "grow").set("role", "status").put(shown);
    Some(panel.put(tag("div", "row").put(content).put(close)))
}

fn value(entry: &EntryView) -> Part {
    let value = entry.value.as_ref().map(|value| value.to_vec()).unwrap_or_default();
    let shown = match data::text(&value) {
        Some(words) => words.to_owned(),
        None => format!("{} that are no text", format::bytes(value.len() as u64)),
    };
    let ends = match entry.ends_ms {
        Some(ends_ms) => format!("; ends {}", browser::date(ends_ms)),
        None => String::new(),
    };
    let about = format!("Written by {}, {}{ends}", entry.author_name, browser::date(entry.at_ms));
    let shown = text("pre", "report", &shown).set("tabindex", "0").test("data-got-value");
    tag("div", "got").put(text("p", "data-key", &entry.key.name)).put(shown).put(text(
        "p",
        "small muted",
        &about,
    ))
}
