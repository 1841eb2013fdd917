//! The rows of a folder.

use leptos::prelude::*;
use node_core::node::files::{LIST_MAX, RowKind, RowView};

use super::{Sheet, bring, marks, rows, sheet};
use crate::{
    model::{format, words::Meaning},
    page::{
        browser,
        desk::At,
        icons::icon,
        parts,
        raw::{Part, button, tag, text},
    },
};

/// The heads of the columns, and their classes.
const COLUMNS: [(&str, &str); 5] =
    [("Name", ""), ("Size", "number"), ("Changed", ""), ("Copies", ""), ("Actions", "last")];

/// The table, or what stands in its place.
pub(super) fn view(desk: At, search: RwSignal<String>) -> AnyView {
    let wanted = browser::lowercase(&search.get());
    let others = desk.files.store.read().as_ref().map_or(0, |store| store.others);
    let files = desk.files.list.read();
    if let Some(problem) = &files.problem {
        return parts::told(problem, "files-refused").seal();
    }
    let is_found =
        |row: &&RowView| wanted.is_empty() || browser::lowercase(&row.name).contains(&wanted);
    let lines = files.rows.iter().filter(is_found).map(|row| line(desk, row, others as usize));
    let body = tag("tbody", "").put_all(lines);
    if body.element().child_element_count() == 0 {
        return nothing(desk, files.is_listed, files.deleted, files.rows.is_empty());
    }
    keep_focus();
    let body = marks::listen(desk, body);
    let mut all = tag("div", "files-list").put(table(desk, body));
    if files.is_more {
        let words =
            format!("The first {LIST_MAX} are shown. Put some into folders to see the rest.");
        all = all.put(text("p", "small muted", &words).test("files-more"));
    }
    all.seal()
}

/// The rows are made anew when they change: the keyboard stays where it was.
fn keep_focus() {
    let Some(row) = browser::focused_in("tr[data-path]", "data-path") else { return };
    request_animation_frame(move || {
        let path = row.replace('\\', "\\\\").replace('"', "\\\"");
        browser::focus(&format!("tr[data-path=\"{path}\"] :is(a, button)"));
    });
}

fn nothing(desk: At, is_listed: bool, deleted: bool, is_empty: bool) -> AnyView {
    let (title, about) = match (is_listed, is_empty, deleted) {
        (false, ..) => ("Reading", "What this ion knows of the folder is read from its disk."),
        (_, false, _) => ("No such name here", "No name in this folder has these letters."),
        (_, _, true) => (
            "Nothing was deleted here",
            "What is deleted below this folder can be brought back here.",
        ),
        _ => (
            "No files here yet",
            "Drop files or folders anywhere on this page: every ion of this nebula sees them at once.",
        ),
    };
    let is_bare = is_listed && is_empty && !deleted;
    parts::empty(title, about, is_bare.then(|| bring::add_button(desk))).seal()
}

fn table(desk: At, body: Part) -> Part {
    let heads = COLUMNS.map(|(name, class)| {
        let head = tag("th", class).set("scope", "col");
        let head = if name == "Name" { head.put(marks::tick_all(desk)) } else { head };
        head.say(name)
    });
    let head = tag("thead", "").put(tag("tr", "").put_all(heads));
    let table = tag("table", "table cards files-table").put(head).put(body);
    tag("div", "table-wrap panel flush").put(table)
}

fn line(desk: At, row: &RowView, others: usize) -> Part {
    let mut size = tag("td", "number").set("data-label", "Size");
    let mut copies = tag("td", "").set("data-label", "Copies");
    if let Some(file) = &row.file {
        size = size.say(&format::bytes(file.bytes));
        copies = copies.put(rows::health(file, others));
    }
    let name = tag("span", "file-name")
        .put(marks::tick(desk, row))
        .put(icon(rows::row_icon(row)))
        .put(badges(tag("span", "").put(name(desk, row)).say(" "), row));
    tag("tr", "")
        .test("file-row")
        .set("data-path", &row.path)
        .set("data-version", &row.version)
        .set("data-kind", kind(row.kind))
        .put(tag("th", "").set("scope", "row").put(name))
        .put(size)
        .put(when(tag("td", "").set("data-label", "Changed"), row))
        .put(copies)
        .put(tag("td", "file-actions").put(actions(desk, row)))
}

/// What tests read of a row's kind.
fn kind(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Folder => "Folder",
        RowKind::File => "File",
        RowKind::Conflict => "Conflict",
        RowKind::Deleted => "Deleted",
    }
}

fn name(desk: At, row: &RowView) -> Part {
    if let Some(place) = rows::place(row) {
        return text("a", "", &row.name).set("href", &place.path()).test("file-open");
    }
    let opened = row.clone();
    // What was deleted is shown with the folders that it was in.
    let is_deleted = row.kind == RowKind::Deleted;
    let words = if is_deleted { &row.path } else { &row.name };
    button("file-open", "link", words, move || {
        desk.files.sheet.set(Sheet::Open(Box::new(opened.clone())));
    })
}

fn badges(mut name: Part, row: &RowView) -> Part {
    if row.kind == RowKind::Conflict {
        name = name.put(parts::pill(Meaning::Waiting, "written at once"));
    }
    if row.file.as_ref().is_some_and(|file| file.is_pinned) {
        name = name.put(text("span", "badge", "kept here"));
    }
    name
}

/// Says when a row was written, and by whom.
pub(super) fn when(cell: Part, row: &RowView) -> Part {
    if row.at_ms == 0 {
        return cell;
    }
    let ago = format::ago(browser::wall_ms().saturating_sub(row.at_ms));
    let who = text("span", "small muted file-who", &row.author_name).set("title", &row.author);
    cell.put(text("span", "", &ago).set("title", &browser::date(row.at_ms))).say(" ").put(who)
}

fn actions(desk: At, row: &RowView) -> Part {
    let all = row.clone();
    let more = button("file-actions", "button quiet square", "⋯", move || {
        desk.files.sheet.set(Sheet::Row(Box::new(all.clone())));
    });
    let more = more.set("aria-label", &format!("Actions for {}", row.name));
    let mut actions = tag("div", "actions");
    if row.kind == RowKind::Deleted {
        actions = actions.put(sheet::restore_button(desk, row));
    }
    actions.put(more)
}
