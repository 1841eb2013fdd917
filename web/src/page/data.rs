//! Data: the small shared memory of the nebula, browsed, written and watched.

use leptos::prelude::*;
use node_core::{
    node::{
        Command, Durability,
        data::{EntryView, News, Wish},
    },
    store::kv::{Key, Space},
};

use super::{
    browser,
    desk::{At, Desk},
    ions::search_field,
    parts,
    raw::{Part, button, tag, text},
    sealed::{Seal, live},
};
use crate::model::{
    data::{self, Data, FIRST_SPACE, Preview, Saved},
    format,
    words::Meaning,
};

/// How often it is asked how far the last write has spread, in milliseconds.
const SPREAD_MS: u64 = 1_000;
/// Rows that are drawn at most.
const ROWS_MAX: usize = 300;
/// The heads of the columns, and their classes.
const COLUMNS: [(&str, &str); 5] =
    [("Key", ""), ("Value", ""), ("Written by", ""), ("When", "number"), ("Actions", "last")];

impl Desk {
    /// Takes what the ion tells of the shared memory.
    pub(super) fn data_told(&self, news: News) {
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

/// What is being written, until it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Draft {
    is_open: bool,
    name: String,
    value: String,
    lasts_ms: Option<u64>,
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
    Effect::new(move |_| {
        nebula.track();
        desk.ion_started_ms.track();
        let space = desk.data.with_untracked(|data| data.space.clone());
        desk.show_data(space, search.get());
    });
    let ticks = parts::ticking(SPREAD_MS);
    Effect::new(move |_| {
        ticks.track();
        let mut wish = None;
        desk.data.update_untracked(|data| wish = data.holders());
        desk.ask_data(wish.into_iter().collect());
    });
    let add = view! {
        <button
            type="button"
            class="button primary"
            data-test="data-add"
            on:click=move |_| draft.set(Draft { is_open: true, ..Draft::default() })
        >
            "Add a key"
        </button>
    }
    .seal();
    view! {
        {parts::head("Data", "Small values that every ion of this nebula holds, and that survive any of them.", add)}
        {live(move || draft.with(|draft| draft.is_open).then(|| form(desk, draft)))}
        {live(move || saved(desk))}
        <div class="list-bar">
            {live(move || spaces(desk, search))}
            {search_field("Keys that begin with", search)}
        </div>
        {live(move || list(desk, draft))}
        {live(move || conflicts(desk))}
    }
    .seal()
}

fn spaces(desk: At, search: RwSignal<String>) -> AnyView {
    let (spaces, shown, own) =
        desk.data.with(|data| (data.spaces.clone(), data.space.clone(), data.own.clone()));
    let first = Space::Members(FIRST_SPACE.to_owned());
    let mut all = vec![first, shown.clone()];
    all.extend(spaces);
    all.sort();
    all.dedup();
    let options: Vec<AnyView> = all
        .iter()
        .enumerate()
        .map(|(at, space)| {
            let words = format!("{} – {}", space.name(), data::rule(space, own.as_ref()));
            view! { <option value=at.to_string() selected=*space == shown>{words}</option> }
                .into_any()
        })
        .collect();
    let choose = move |event| {
        let at: usize = event_target_value(&event).parse().unwrap_or_default();
        if let Some(space) = all.get(at) {
            search.set(String::new());
            desk.show_data(space.clone(), String::new());
        }
    };
    view! {
        <label class="field data-space">
            <span class="sr-only">"Space"</span>
            <select data-test="data-space" on:change=choose>
                {options}
            </select>
        </label>
    }
    .seal()
}

fn list(desk: At, draft: RwSignal<Draft>) -> AnyView {
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
        return parts::empty(title, text, ().seal());
    }
    let rows = entries.iter().map(|entry| row(desk, draft, entry, may_write));
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

fn row(desk: At, draft: RwSignal<Draft>, entry: &EntryView, may_write: bool) -> Part {
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
        let left = format::duration(ends_ms.saturating_sub(browser::wall_ms()));
        head = head.say(" ").put(text("span", "small muted", &format!("ends in {left}")));
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
        draft.set(Draft { is_open: true, name, value, lasts_ms: None });
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
            parts::pill(Meaning::Waiting, format!("{kept}; no other ion is known to hold it yet"))
        }
        Saved::Kept(_, ions) => parts::pill(
            Meaning::Good,
            format!("{kept} and by {}", format::counted(ions.into(), "other ion")),
        ),
        Saved::Refused(problem) => parts::told(problem, "data-mistake"),
    };
    let row = tag("div", "row data-saved").set("role", "status").test("data-saved").add(words);
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
    let space_name = RwSignal::new(desk.data.with_untracked(|data| data.space.name().to_owned()));
    let is_own =
        RwSignal::new(desk.data.with_untracked(|data| matches!(data.space, Space::Own(..))));
    let write = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let Draft { name, value, lasts_ms, .. } = draft.get_untracked();
        let name_of_space = space_name.get_untracked().trim().to_owned();
        let own = desk.data.with_untracked(|data| data.own.clone());
        let space = match own {
            Some(Space::Own(ion, _)) if is_own.get_untracked() => Space::Own(ion, name_of_space),
            _ => Space::Members(name_of_space),
        };
        if desk.data.with_untracked(|data| data.space != space) {
            desk.show_data(space.clone(), String::new());
        }
        desk.put_data(Key { space, name }, Some(value.into_bytes()), lasts_ms);
        draft.set(Draft::default());
    };
    let name = Callback::new(move |name| draft.update_untracked(|draft| draft.name = name));
    let space = Callback::new(move |name| space_name.set(name));
    let lasts = move |event| {
        let ms = event_target_value(&event).parse().ok().filter(|ms| *ms > 0);
        draft.update_untracked(|draft| draft.lasts_ms = ms);
    };
    view! {
        <form class="panel data-form" on:submit=write data-test="data-form">
            <div class="fields">
                {text_field("Key", "data-name", 1_024, draft.with_untracked(|draft| draft.name.clone()), name)}
                {text_field("Space", "data-space-name", 64, space_name.get_untracked(), space)}
                <label class="field">
                    <span>"Who may write there"</span>
                    <select
                        data-test="data-rule"
                        on:change=move |event| is_own.set(event_target_value(&event) == "own")
                    >
                        <option value="all" selected=!is_own.get_untracked()>"Every ion"</option>
                        <option value="own" selected=is_own.get_untracked()>"Only this ion"</option>
                    </select>
                </label>
                <label class="field">
                    <span>"Lasts"</span>
                    <select data-test="data-lasts" on:change=lasts>
                        <option value="0">"until it is deleted"</option>
                        <option value="3600000">"an hour"</option>
                        <option value="86400000">"a day"</option>
                        <option value="604800000">"a week"</option>
                    </select>
                </label>
            </div>
            <label class="field">
                <span>"Value"</span>
                <textarea
                    rows="3"
                    data-test="data-value-field"
                    prop:value=draft.with_untracked(|draft| draft.value.clone())
                    on:input=move |event| {
                        let value = event_target_value(&event);
                        draft.update_untracked(|draft| draft.value = value);
                    }
                ></textarea>
            </label>
            <div class="actions">
                <button type="submit" class="button primary" data-test="data-write">
                    "Write"
                </button>
                <button
                    type="button"
                    class="button quiet"
                    on:click=move |_| draft.set(Draft::default())
                >
                    "Cancel"
                </button>
            </div>
        </form>
    }
    .seal()
}

fn text_field(
    label: &'static str,
    test: &'static str,
    length_max: u32,
    value: String,
    typed: Callback<String>,
) -> AnyView {
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                type="text"
                required=true
                maxlength=length_max
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                data-test=test
                prop:value=value
                on:input=move |event| typed.run(event_target_value(&event))
            />
        </label>
    }
    .seal()
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
