//! Ions: one row each; cards on a phone.

use leptos::prelude::*;
use node_core::node::{IonView, LinkKind, Status};

use super::{
    browser,
    desk::At,
    network::link_cell,
    parts,
    raw::{Part, tag, text},
    sealed::Seal,
};
use crate::model::{
    format,
    network::{self, Tally},
    words,
};

/// Rows that are shown at most; a search narrows them.
const ROWS_MAX: usize = 200;

/// The heads of the columns, and their classes.
const COLUMNS: [(&str, &str); 6] = [
    ("Ion", ""),
    ("Link", ""),
    ("Round trip", "number"),
    ("Workers", ""),
    ("Tasks for you", "number"),
    ("Linked", "number"),
];

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let search = RwSignal::new(String::new());
    let count = move || {
        let (others, tally) = desk.ions.with(|ions| (ions.len() as u64, Tally::of(ions)));
        let kinds = if others == 0 { String::new() } else { format!(": {}", tally.words()) };
        format!("{} besides this tab{kinds}", format::counted(others, "ion"))
    };
    let heads = COLUMNS.map(|(name, class)| text("th", class, name).set("scope", "col"));
    let body = tag("tbody", "")
        .rows(move || vec![desk.status.with(this_tab)])
        .rows(move || rows(desk, &browser::lowercase(&search.get())));
    let table = tag("table", "table cards")
        .put(tag("thead", "").put(tag("tr", "").put_all(heads)))
        .put(body);
    let bar = tag("div", "list-bar")
        .put(search_field("Find an ion by name or id", search))
        .put(tag("p", "muted").set("aria-live", "polite").words(count));
    let about = "The tabs and machines of this nebula, and how they are reached.";
    vec![
        parts::head("Ions", about, None).seal(),
        bar.seal(),
        tag("div", "table-wrap panel flush").put(table).seal(),
    ]
    .seal()
}

/// A field that `/` leads to.
pub(crate) fn search_field(label: &str, search: RwSignal<String>) -> Part {
    tag("input", "search")
        .set("type", "search")
        .set("data-search", "")
        .test("search")
        .set("aria-label", label)
        .set("placeholder", label)
        .set("maxlength", "80")
        .read("input", move |words| search.set(words))
}

fn rows(desk: At, wanted: &str) -> Vec<Part> {
    let matches = |ion: &&IonView| {
        wanted.is_empty()
            || browser::lowercase(&ion.name).contains(wanted)
            || browser::lowercase(&ion.id).contains(wanted)
    };
    let ion_clock_ms = desk.ion_clock_ms();
    desk.ions.with(|ions| {
        let found = ions.iter().filter(matches).take(ROWS_MAX);
        found.map(|ion| row(ion, ions, ion_clock_ms)).collect()
    })
}

/// A cell of a table that becomes cards on a phone.
pub(crate) fn cell(label: &str, class: &str) -> Part {
    tag("td", class).set("data-label", label)
}

/// The head of an ion's row: its name and id.
pub(crate) fn head(name: &str, id: &str) -> Part {
    let id = text("span", "row-id", &format::short_id(id)).set("title", id);
    tag("th", "").set("scope", "row").put(text("span", "row-name", name)).put(id)
}

fn this_tab(status: &Status) -> Part {
    let workers = if status.paused { 0 } else { status.workers };
    let nothing = |label, class| cell(label, class).say("–");
    let head = tag("th", "")
        .set("scope", "row")
        .put(text("span", "row-name", &status.name))
        .put(text("span", "badge", "this tab"))
        .put(text("span", "row-id", &format::short_id(&status.id)));
    tag("tr", "")
        .test("ion-row")
        .set("data-id", &status.id)
        .set("data-self", "true")
        .put(head)
        .put(nothing("Link", "muted"))
        .put(nothing("Round trip", "number muted"))
        .put(cell("Workers", "").put(workers_cell(status.workers_busy, workers)))
        .put(cell("Tasks done here", "number").say(&format::count(status.tasks_done)))
        .put(nothing("Linked", "number muted"))
}

fn row(ion: &IonView, ions: &[IonView], ion_clock_ms: u64) -> Part {
    let (_, kind) = words::link(ion.link);
    let linked_ms = ion_clock_ms.saturating_sub(ion.linked_at_ms);
    let way = (ion.link == LinkKind::Via).then(|| network::way(ion, ions));
    let linked = cell("Linked", "number").set("title", &format::duration(linked_ms));
    tag("tr", "")
        .test("ion-row")
        .set("data-id", &ion.id)
        .set("data-link", kind)
        .put(head(&ion.name, &ion.id))
        .put(cell("Link", "link-cell").put_all(link_cell(ion, way.as_deref())))
        .put(cell("Round trip", "number").say(&words::round_trip(ion.round_trip_ms)))
        .put(cell("Workers", "").put(workers_cell(ion.workers_busy, ion.workers)))
        .put(cell("Tasks for you", "number").say(&format::count(ion.tasks_done)))
        .put(linked.say(&format::ago(linked_ms)))
}

fn workers_cell(busy: u16, workers: u16) -> Part {
    if workers == 0 {
        return text("span", "muted", "paused");
    }
    let words = format!("{busy} of {workers} busy");
    tag("span", "workers").put(parts::slots(busy, workers)).put(text("span", "", &words))
}
