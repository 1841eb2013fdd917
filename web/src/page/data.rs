//! Data: the small shared memory of the nebula, browsed, written and watched.

mod got;

use leptos::prelude::*;
use node_core::{
    node::{
        Command, Durability,
        data::{EntryView, News, Wish},
    },
    store::kv::{Key, Space},
};

use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::{
    browser,
    desk::{At, Desk},
    ions::search_field,
    parts,
    raw::{Part, button, effect, labelled, tag, text, typed},
    sealed::{Seal, live},
};
use crate::model::{
    data::{self, Data, FIRST_SPACE, Preview, Saved},
    format,
    words::Meaning,
};
use got::{get, get_button, got};

/// How often it is asked how far the last write has spread, in milliseconds.
const SPREAD_MS: u64 = 1_000;
/// Rows that are drawn at most.
const ROWS_MAX: usize = 300;
/// How long a key may last, in milliseconds, and in words.
const LASTS: [(&str, &str); 4] = [
    ("0", "until it is deleted"),
    ("3600000", "an hour"),
    ("86400000", "a day"),
    ("604800000", "a week"),
];
/// The heads of the columns, and their classes.
const COLUMNS: [(&str, &str); 5] =
    [("Key", ""), ("Value", ""), ("Written by", ""), ("When", "number"), ("Actions", "last")];

impl Desk {
    /// Takes what the ion tells of the shared memory.
    pub(super) fn data_told(&self, news: News) {
        if self.data.with_untracked(|data| data.knows(&news)) {
            return;
        }
        let mut wishes = Vec::new();
        self.data.update(|data| wishes = data.take(news));
        self.ask_data(wishes);
    }

    fn ask_data(&self, wishes: Vec<Wish>) {
        for wish in wishes {
            self.post(Command::Data(wish));
        }
    }

    fn show_data(&self, space: Space, prefix: String) {
        let mut wishes = Vec::new();
        self.data.update(|data| wishes = data.show(space, prefix));
        self.ask_data(wishes);
    }

    fn put_data(&self, key: Key, value: Option<Vec<u8>>, lasts_ms: Option<u64>) {
        let mut wish = None;
        self.data.update(|data| wish = Some(data.put(key, value, lasts_ms)));
        self.ask_data(wish.into_iter().collect());
    }
}

/// What the form begins with, while it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Draft {
    is_open: bool,
    name: String,
    value: String,
}

fn bytes(entry: &EntryView) -> Option<Vec<u8>> {
    entry.value.as_ref().map(|value| value.to_vec())
}

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let search = RwSignal::new(desk.data.with_untracked(|data| data.prefix.clone()));
    let draft = RwSignal::new(Draft::default());
    let nebula = Memo::new(move |_| {
        desk.status.with(|status| status.nebula.as_ref().map(|nebula| nebula.id.clone()))
    });
    effect(move || {
        nebula.track();
        desk.ion_started_ms.track();
        let space = desk.data.with_untracked(|data| data.space.clone());
        desk.show_data(space, search.get());
    });
    let ticks = parts::ticking(SPREAD_MS);
    effect(move || {
        ticks.track();
        let now_ms = browser::wall_ms();
        if desk.data.try_update_untracked(|data| data.expire(now_ms)) == Some(true) {
            desk.data.notify();
        }
        let mut wishes = Vec::new();
        desk.data.update_untracked(|data| wishes = data.refresh());
        desk.ask_data(wishes);
    });
    let add = button("data-add", "button primary", "Add a key", move || {
        draft.set(Draft { is_open: true, ..Draft::default() });
    });
    let about = "Small values that every ion of this nebula holds, and that survive any of them.";
    let written =
        live(move || if draft.with(|draft| draft.is_open) { form(desk, draft) } else { ().seal() });
    let field = search_field("Keys that begin with", search).on("keydown", move |event| {
        if event.unchecked_ref::<KeyboardEvent>().key() == "Enter" {
            get(desk, search);
        }
    });
    let bar = tag("div", "list-bar")
        .add(live(move || spaces(desk, search)).seal())
        .put(tag("div", "search-get").put(field).put(get_button(desk, search)));
    tag("div", "contents")
        .put(parts::head("Data", about, Some(add)))
        .add(written.seal())
        .add(live(move || saved(desk)).seal())
        .put(bar)
        .live(move || got(desk))
        .add(live(move || list(desk, draft, ticks)).seal())
        .add(live(move || conflicts(desk)).seal())
        .seal()
}

fn spaces(desk: At, search: RwSignal<String>) -> AnyView {
    let (spaces, shown, own) =
        desk.data.with(|data| (data.spaces.clone(), data.space.clone(), data.own.clone()));
    let first = Space::Members(FIRST_SPACE.to_owned());
    let mut all = vec![first, shown.clone()];
    all.extend(spaces);
    ion_map::sort(&mut all);
    all.dedup();
    let mut field = tag("select", "").test("data-space");
    for (at, space) in all.iter().enumerate() {
        let words = format!("{} – {}", space.name(), data::rule(space, own.as_ref()));
        field = field.put(option(&at.to_string(), &words, *space == shown));
    }
    let chosen = field.element().clone();
    let field = field.on("change", move |_| {
        let at: usize = typed(&chosen).parse().unwrap_or_default();
        if let Some(space) = all.get(at) {
            search.set(String::new());
            desk.show_data(space.clone(), String::new());
        }
    });
    let label = text("span", "sr-only", "Space");
    tag("label", "field data-space").put(label).put(field).seal()
}

fn option(value: &str, words: &str, is_chosen: bool) -> Part {
    let option = text("option", "", words).set("value", value);
    if is_chosen { option.set("selected", "") } else { option }
}

fn list(desk: At, draft: RwSignal<Draft>, ticks: ReadSignal<u64>) -> AnyView {
    let (entries, is_more, is_listed, may_write) = desk.data.with(|data| {
        let shown: Vec<EntryView> = data.entries.values().take(ROWS_MAX).cloned().collect();
        let may_write = data::may_write(&data.space, data.own.as_ref());
        (shown, data.is_more || data.entries.len() > ROWS_MAX, data.is_listed, may_write)
    });
    if entries.is_empty() {
        let (title, text) = if is_listed {
            (
                "Nothing here yet",
                "Add a key: every ion of this nebula sees it at once, and keeps it when this tab closes.",
            )
        } else {
            ("Reading", "What this ion holds is read from its disk.")
        };
        return parts::empty(title, text, None).seal();
    }
    let rows = entries.iter().map(|entry| row(desk, draft, entry, may_write, ticks));
    let heads = COLUMNS.map(|(name, class)| text("th", class, name).set("scope", "col"));
    let head = tag("thead", "").put(tag("tr", "").put_all(heads));
    let table =
        tag("table", "table cards data-table").put(head).put(tag("tbody", "").put_all(rows));
    let shown = tag("div", "contents").put(tag("div", "table-wrap panel flush").put(table));
    if is_more { shown.put(more(desk)) } else { shown }.seal()
}

fn more(desk: At) -> Part {
    button("data-more", "button quiet", "Show more", move || {
        desk.ask_data(vec![desk.data.with_untracked(Data::more)]);
    })
}

fn row(
    desk: At,
    draft: RwSignal<Draft>,
    entry: &EntryView,
    may_write: bool,
    ticks: ReadSignal<u64>,
) -> Part {
    let name = &entry.key.name;
    let value = bytes(entry).unwrap_or_default();
    let (shown, is_text) = match data::preview(&value) {
        Preview::Text(text, true) => (text, true),
        Preview::Text(text, false) => (format!("{text}…"), true),
        Preview::Bytes(count) => {
            (format!("{} that are no text", format::bytes(count as u64)), false)
        }
    };
    let when = format::ago(browser::wall_ms().saturating_sub(entry.at_ms));
    let mut head = tag("th", "").set("scope", "row").put(text("span", "data-key", name));
    if let Some(ends_ms) = entry.ends_ms {
        head = head.say(" ").put(ending(ends_ms, ticks));
    }
    let class = if is_text { "data-value" } else { "data-value muted" };
    let who = text("td", "", &entry.author_name).set("title", &entry.author);
    let exact = browser::date(entry.at_ms);
    let mut last = tag("td", "data-actions");
    if may_write {
        let edited = is_text.then(|| String::from_utf8_lossy(&value).into_owned());
        last = last.put(actions(desk, draft, entry, edited));
    }
    tag("tr", "")
        .test("data-row")
        .set("data-key", name)
        .put(head)
        .put(
            tag("td", "")
                .set("data-label", "Value")
                .put(text("span", class, &shown).test("data-value")),
        )
        .put(who.set("data-label", "Written by"))
        .put(text("td", "number", &when).set("data-label", "When").set("title", &exact))
        .put(last)
}

/// In how long an entry ends by itself.
fn ending(ends_ms: u64, ticks: ReadSignal<u64>) -> Part {
    tag("span", "small muted").test("data-ends").words(move || {
        ticks.track();
        format!("ends in {}", format::duration(ends_ms.saturating_sub(browser::wall_ms())))
    })
}

fn actions(desk: At, draft: RwSignal<Draft>, entry: &EntryView, value: Option<String>) -> Part {
    let (key, name) = (entry.key.clone(), entry.key.name.clone());
    let delete = button("data-delete", "button quiet", "Delete", move || {
        desk.put_data(key.clone(), None, None);
    });
    let delete = delete.set("aria-label", &format!("Delete {name}"));
    let actions = tag("div", "actions");
    let Some(value) = value else { return actions.put(delete) };
    let label = format!("Edit {name}");
    let edit = button("data-edit", "button quiet", "Edit", move || {
        let (name, value) = (name.clone(), value.clone());
        draft.set(Draft { is_open: true, name, value });
    });
    actions.put(edit.set("aria-label", &label)).put(delete)
}

/// What became of the last write, and how to undo a deletion.
fn saved(desk: At) -> AnyView {
    let (saved, deleted) = desk.data.with(|data| (data.saved.clone(), data.deleted.clone()));
    let is_kept = desk.status.with(|status| status.storage == Durability::Kept);
    let kept = if is_kept { "Kept on this device" } else { "Held by this tab while it is open" };
    let words = match saved {
        Saved::Nothing => return ().seal(),
        Saved::Writing => parts::pill(Meaning::Waiting, "Being written"),
        Saved::Kept(_, 0) => {
            parts::pill(Meaning::Waiting, &format!("{kept}; no other ion is known to hold it yet"))
        }
        Saved::Kept(_, ions) => parts::pill(
            Meaning::Good,
            &format!("{kept} and by {}", format::counted(ions.into(), "other ion")),
        ),
        Saved::Refused(problem) => parts::told(&problem, "data-mistake"),
    };
    let row = tag("div", "row data-saved").set("role", "status").test("data-saved").put(words);
    let Some(entry) = deleted else { return row.seal() };
    let words = format!("Bring back {}", entry.key.name);
    row.put(put_back("data-undo", desk, &entry, &words)).seal()
}

/// A button that writes an entry as it was.
fn put_back(test: &str, desk: At, entry: &EntryView, words: &str) -> Part {
    let (key, value) = (entry.key.clone(), bytes(entry));
    button(test, "button", words, move || desk.put_data(key.clone(), value.clone(), None))
}

/// The form that writes a key.
fn form(desk: At, draft: RwSignal<Draft>) -> AnyView {
    let first = draft.get_untracked();
    let (space_name, is_own) = desk.data.with_untracked(|data| {
        (data.space.name().to_owned(), matches!(data.space, Space::Own(..)))
    });
    let name = text_field("data-name", "1024", &first.name);
    let space = text_field("data-space-name", "64", &space_name);
    let rule = tag("select", "")
        .test("data-rule")
        .put(option("all", "Every ion", !is_own))
        .put(option("own", "Only this ion", is_own));
    let mut lasts = tag("select", "").test("data-lasts");
    for (ms, words) in LASTS {
        lasts = lasts.put(option(ms, words, false));
    }
    let value = text("textarea", "", &first.value).set("rows", "3").test("data-value-field");
    let fields = [&name, &space, &rule, &lasts, &value].map(|part| part.element().clone());
    let write = text("button", "button primary", "Write").test("data-write");
    let cancel = move || draft.set(Draft::default());
    tag("form", "panel data-form")
        .test("data-form")
        .put(
            tag("div", "fields")
                .put(labelled("Key", name))
                .put(labelled("Space", space))
                .put(labelled("Who may write there", rule))
                .put(labelled("Lasts", lasts)),
        )
        .put(labelled("Value", value))
        .put(tag("div", "actions").put(write).put(button(
            "data-cancel",
            "button quiet",
            "Cancel",
            cancel,
        )))
        .on("submit", move |event| {
            event.prevent_default();
            let [name, space, rule, lasts, value] = fields.each_ref().map(typed);
            write_entry(desk, name, space.trim(), &rule, &lasts, value);
            draft.set(Draft::default());
        })
        .seal()
}

fn write_entry(desk: At, name: String, space: &str, rule: &str, lasts: &str, value: String) {
    let own = desk.data.with_untracked(|data| data.own.clone());
    let space = match own {
        Some(Space::Own(ion, _)) if rule == "own" => Space::Own(ion, space.to_owned()),
        _ => Space::Members(space.to_owned()),
    };
    if desk.data.with_untracked(|data| data.space != space) {
        desk.show_data(space.clone(), String::new());
    }
    let lasts_ms = lasts.parse().ok().filter(|ms| *ms > 0);
    desk.put_data(Key { space, name }, Some(value.into_bytes()), lasts_ms);
}

fn text_field(test: &str, length_max: &str, value: &str) -> Part {
    tag("input", "")
        .set("type", "text")
        .set("required", "")
        .set("maxlength", length_max)
        .set("autocomplete", "off")
        .set("autocapitalize", "off")
        .set("spellcheck", "false")
        .set("value", value)
        .test(test)
}

/// Writes that were made at once, and how they were decided.
fn conflicts(desk: At) -> AnyView {
    let conflicts = desk.data.with(|data| data.conflicts.clone());
    if conflicts.is_empty() {
        return ().seal();
    }
    let about = "Two ions wrote these keys without knowing of each other. The later write stands, \
                 everywhere the same; the other can be put back.";
    let rows = conflicts.iter().map(|(won, lost)| conflict(desk, won, lost));
    tag("section", "panel")
        .set("aria-label", "Conflicts")
        .test("data-conflicts")
        .put(text("h2", "", "Written at once"))
        .put(text("p", "small muted", about))
        .put(tag("ul", "rows").put_all(rows))
        .seal()
}

fn conflict(desk: At, won: &EntryView, lost: &EntryView) -> Part {
    let said = |entry: &EntryView| match &entry.value {
        None => "deleted it".to_owned(),
        Some(value) => match data::preview(value) {
            Preview::Text(text, _) => format!("wrote “{text}”"),
            Preview::Bytes(count) => format!("wrote {}", format::bytes(count as u64)),
        },
    };
    let words = format!(
        "{} {}, which stands; {} {}.",
        won.author_name,
        said(won),
        lost.author_name,
        said(lost)
    );
    let about = tag("div", "grow")
        .put(text("span", "data-key", &lost.key.name))
        .put(text("p", "small", &words));
    tag("li", "row").put(about).put(put_back("data-put-back", desk, lost, "Put the other back"))
}
