//! Rows that are marked, and what can be done with all of them.

use std::time::Duration;

use leptos::prelude::*;
use node_core::node::files::{RowKind, RowView, Wish};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, MouseEvent};

use super::{Sheet, bytes, open, sheet};
use crate::{
    model::files::{
        items,
        marks::{Marks, can},
    },
    page::{
        desk::At,
        parts,
        raw::{Part, button, is_ticked, tag, text},
    },
};

/// Between two downloads: a browser gives up one that has not begun when the
/// next is asked for.
const DOWNLOAD_EVERY_MS: u64 = 1_000;

/// The rows that are marked, as they are now.
pub(super) fn marked(desk: At) -> Vec<RowView> {
    desk.files.marks.now().among(&desk.files.list.now().rows)
}

/// Marks nothing any more; whether anything was marked.
pub(super) fn clear(desk: At) -> bool {
    let is_any = desk.files.marks.quietly().clear();
    if is_any {
        desk.files.marks.tell();
    }
    is_any
}

/// Marks that path, or does so no longer; with `to_there`, also all rows from
/// the one that was touched last.
pub(super) fn mark(desk: At, path: &str, to_there: bool) {
    let rows = &desk.files.list.now().rows;
    desk.files.marks.update(
        |marks| {
            if to_there { marks.extend(rows, path) } else { marks.toggle(path) }
        },
    );
}

/// Marks a row, and one beside it.
pub(super) fn stretch(desk: At, from: Option<String>, to: Option<String>) {
    let (Some(from), Some(to)) = (from, to) else { return };
    if !desk.files.marks.now().has(&from) {
        mark(desk, &from, false);
    }
    mark(desk, &to, true);
}

/// The box of a row; room for it where a row has none.
pub(super) fn tick(desk: At, row: &RowView) -> Part {
    if !can(row) {
        return tag("span", "mark-box");
    }
    let (marked, pressed) = (row.path.clone(), row.path.clone());
    let tick = tag("input", "")
        .set("type", "checkbox")
        .set("aria-label", &format!("Mark {}", row.name))
        .test("file-mark")
        .hold("checked", move || desk.files.marks.read().has(&marked))
        .on("click", move |event| {
            mark(desk, &pressed, event.unchecked_ref::<MouseEvent>().shift_key());
        });
    tag("label", "mark-box").put(tick)
}

/// The box that marks all rows.
pub(super) fn tick_all(desk: At) -> Part {
    let tick = tag("input", "").set("type", "checkbox").set("aria-label", "Mark all");
    let field = tick.element().clone();
    let tick = tick.test("file-mark-all").on("change", move |_| {
        let rows = &desk.files.list.now().rows;
        desk.files.marks.update(|marks| marks.all(rows, is_ticked(&field)));
    });
    let are_all = move || {
        let (marks, files) = (desk.files.marks.read(), desk.files.list.read());
        let mut rows = files.rows.iter().filter(|row| can(row)).peekable();
        rows.peek().is_some() && rows.all(|row| marks.has(&row.path))
    };
    tag("label", "mark-box").put(tick.hold("checked", are_all))
}

/// Presses on rows with Ctrl mark one, with Shift all from the last one on.
pub(super) fn listen(desk: At, table: Part) -> Part {
    let is_ranging = |event: &Event| event.unchecked_ref::<MouseEvent>().shift_key();
    table
        .on("mousedown", move |event| {
            // Else the browser would select the text in between.
            if is_ranging(&event) && row_of(&event).is_some() {
                event.prevent_default();
            }
        })
        .on("click", move |event| {
            let mouse: &MouseEvent = event.unchecked_ref();
            let (adds, ranges) = (mouse.ctrl_key() || mouse.meta_key(), mouse.shift_key());
            if let Some(path) = row_of(&event).filter(|_| adds || ranges) {
                mark(desk, &path, ranges);
            }
        })
}

/// The path of the row that an event is about; none where it is about something
/// in the row that takes presses itself.
fn row_of(event: &Event) -> Option<String> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let taken = target.closest("a, button, label").ok()?;
    let row = target.closest("tr[data-path]").ok()??;
    if taken.is_some() { None } else { row.get_attribute("data-path") }
}

/// What can be done with the rows that are marked.
pub(super) fn bar(desk: At) -> Option<Part> {
    let marks = desk.files.marks.read();
    let rows = marks.among(&desk.files.list.read().rows);
    if rows.is_empty() {
        return None;
    }
    let words = format!("{} marked", items(rows.len()));
    let said = text("b", "grow", &words).set("role", "status").test("files-marked");
    let bar = tag("section", "panel marks-bar").set("aria-label", "Marked").put(said);
    let acts = tag("div", "actions").put_all(file_acts(desk, &rows));
    let acts = acts
        .put(button("marked-move", "button", "Move", move || {
            let paths = marked(desk).into_iter().map(|row| row.path).collect();
            desk.files.sheet.set(Sheet::Move(paths));
        }))
        .put(button("marked-delete", "button danger", "Delete", move || remove(desk)));
    let clear = move || {
        clear(desk);
    };
    Some(bar.put(acts).put(parts::close("Mark nothing", clear).test("marked-clear")))
}

/// What can be done with files, but not with folders.
fn file_acts(desk: At, rows: &[RowView]) -> Vec<Part> {
    if rows.iter().any(|row| row.kind != RowKind::File) {
        return Vec::new();
    }
    let pins = rows.iter().any(|row| row.file.as_ref().is_some_and(|file| !file.is_pinned));
    let word = if pins { "Keep here" } else { "No longer keep here" };
    let download = move || {
        for (at, row) in (0..).zip(marked(desk)) {
            let begin = move || bytes::download(desk, &open::Subject::of(&row));
            set_timeout(begin, Duration::from_millis(at * DOWNLOAD_EVERY_MS));
        }
    };
    let pin = move || {
        for file in marked(desk).into_iter().filter_map(|row| row.file) {
            desk.wish(Wish::Pin { file: file.file, pinned: pins });
        }
        clear(desk);
    };
    vec![
        button("marked-download", "button", "Download", download),
        button("marked-pin", "button", word, pin),
    ]
}

/// Deletes what is marked; the page says how to undo it.
pub(super) fn remove(desk: At) {
    let rows = marked(desk);
    desk.files.marks.set(Marks::default());
    sheet::remove(desk, &rows);
}
