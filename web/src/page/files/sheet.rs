//! What is laid over the Files page: all about one row, a name to type, a folder
//! to choose, the versions of a path.

use std::rc::Rc;

use leptos::prelude::*;
use node_core::node::files::{FileView, GOAL_MAX, GoalView, RowKind, RowView, Wish};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::{Sheet, bytes, close, list, marks, open, rows};
use crate::{
    model::{
        files::{items, joined, name, parent, words},
        format, invitation,
        route::Route,
    },
    page::{
        browser,
        desk::At,
        dialogs::copyable,
        raw::{Part, button, labelled, note, tag, text, typed},
        router,
        sealed::{Seal, live},
    },
};

/// The content of the dialog.
pub(super) fn view(desk: At) -> AnyView {
    let sheet = desk.files.sheet.read().clone();
    match sheet {
        Sheet::None => open::addressed(desk),
        Sheet::Open(row) => open::view(desk, open::Subject::of(&row)),
        Sheet::Row(row) => about(desk, &row),
        Sheet::NewFolder => new_folder(desk),
        Sheet::Rename(path) => rename(desk, path),
        Sheet::Move(paths) => move_to(desk, paths),
        Sheet::Versions(path) => versions(desk, &path),
        Sheet::Erase(path) => erase(desk, path),
        Sheet::Goal(path, goal) => set_goal(desk, path, goal),
    }
}

/// A sheet with its title.
pub(super) fn titled(title: &str) -> Part {
    let title = text("h2", "sheet-title", title).set("id", "sheet-title");
    tag("div", "sheet").put(title)
}

fn show(desk: At, sheet: Sheet) {
    desk.files.sheet.set(sheet);
}

fn about(desk: At, row: &RowView) -> AnyView {
    let mut sheet = titled(&row.name);
    if let Some(file) = &row.file {
        sheet = sheet.put(facts(desk, row, file));
    }
    if let Some(place) = rows::place(row) {
        let whom = if invitation_code(desk).is_some() {
            "Whoever opens this link joins the nebula and sees it; treat it like a key."
        } else {
            "Whoever opens this link sees it: the nebula is open."
        };
        sheet = sheet
            .put(text("p", "field-name", "Link"))
            .put(copyable(link(desk, &place), "file-link"))
            .put(text("p", "small muted", whom));
    }
    sheet.put(tag("div", "actions").test("file-sheet").put_all(acts(desk, row))).seal()
}

fn facts(desk: At, row: &RowView, file: &FileView) -> Part {
    let others = desk.ions.with_untracked(Vec::len);
    let media = if file.media_type.is_empty() { "unknown" } else { &file.media_type };
    let written = format!("{}, by {}", browser::date(row.at_ms), row.author_name);
    let changed = browser::date(file.modified_ms);
    let held = text("p", "small muted", &words::health(file, others).2);
    let said = [
        ("Size", text("dd", "", &format::bytes(file.bytes))),
        ("Type", text("dd", "", media)),
        ("Written", text("dd", "", &written)),
        ("Changed", text("dd", "", &changed)),
        ("Copies", tag("dd", "").put(rows::health(file, others)).put(held)),
        ("Wanted", text("dd", "", &words::goal(row.goal)).test("file-wanted")),
        ("Id", text("dd", "sum small", &file.file).test("file-id")),
    ];
    said.into_iter()
        .fold(tag("dl", "facts"), |list, (name, fact)| list.put(text("dt", "", name)).put(fact))
}

/// The code of the nebula's invitation, unless it is open to everybody.
fn invitation_code(desk: At) -> Option<String> {
    desk.status.with_untracked(|status| {
        let nebula = status.nebula.as_ref()?;
        (!nebula.is_open).then(|| nebula.invitation.clone())
    })
}

/// The address of a place, with the invitation to its nebula.
fn link(desk: At, place: &Route) -> String {
    let (address, path) = (browser::origin(), place.path());
    match invitation_code(desk) {
        Some(code) => invitation::link_to(&address, &path, &code),
        None => address + &path,
    }
}

/// A button that shows another sheet.
fn shows(desk: At, test: &str, word: &str, sheet: Sheet) -> Part {
    button(test, "button", word, move || show(desk, sheet.clone()))
}

/// What can be done with a row.
fn acts(desk: At, row: &RowView) -> Vec<Part> {
    let path = row.path.clone();
    let stands = matches!(row.kind, RowKind::Folder | RowKind::File);
    let mut acts = Vec::new();
    if let Some(place) = rows::place(row) {
        acts.push(button("file-open-here", "button primary", "Open", move || {
            show(desk, Sheet::None);
            router::go(desk, place.clone());
        }));
    } else {
        acts.push(shows(desk, "file-open-version", "Open", Sheet::Open(Box::new(row.clone()))));
        acts.push(restore_button(desk, row));
    }
    if stands {
        acts.push(shows(desk, "file-rename", "Rename", Sheet::Rename(path.clone())));
        acts.push(shows(desk, "file-move", "Move", Sheet::Move(vec![path.clone()])));
        acts.push(shows(desk, "file-goal", "Copies", Sheet::Goal(path.clone(), row.goal)));
    }
    if let Some(file) = &row.file {
        acts.push(button("file-versions", "button", "Versions", move || {
            desk.do_files(|files| files.show_versions(&path));
            show(desk, Sheet::Versions(path.clone()));
        }));
        acts.push(bytes::download_button(desk, "file-download", open::Subject::of(row)));
        acts.push(pin_button(desk, file));
    }
    if row.kind == RowKind::Deleted {
        let erase = Sheet::Erase(row.path.clone());
        let act = shows(desk, "file-erase", "Delete for good", erase);
        acts.push(act.set("class", "button danger"));
    }
    if stands {
        let row = row.clone();
        acts.push(button("file-delete", "button danger", "Delete", move || {
            remove(desk, std::slice::from_ref(&row));
        }));
    }
    acts
}

pub(super) fn pin_button(desk: At, file: &FileView) -> Part {
    let (file, pinned) = (file.file.clone(), !file.is_pinned);
    let word = if pinned { "Keep here" } else { "No longer keep here" };
    button("file-pin", "button", word, move || {
        desk.wish(Wish::Pin { file: file.clone(), pinned });
        show(desk, Sheet::None);
    })
}

/// Deletes what a row shows; the page says how to undo it.
pub(super) fn remove(desk: At, rows: &[RowView]) {
    show(desk, Sheet::None);
    desk.alter_files(|files| files.remove(rows));
}

/// Asks whether what was deleted at a path shall go for good.
fn erase(desk: At, path: String) -> AnyView {
    let about = "All its versions go, on every ion of the nebula, and nothing brings them back.";
    let no = button("sheet-cancel", "button", "Cancel", move || show(desk, Sheet::None));
    let title = format!("Delete {} for good?", name(&path));
    let yes = button("erase-confirm", "button danger", "Delete for good", move || {
        show(desk, Sheet::None);
        desk.alter_files(|files| files.erase(path.clone()));
    });
    let acts = tag("div", "dialog-actions").put(no).put(yes);
    titled(&title).put(text("p", "", about)).put(acts).seal()
}

/// The button that makes a version the one that stands.
pub(super) fn restore_button(desk: At, row: &RowView) -> Part {
    let word = match row.kind {
        RowKind::Conflict => "Keep this one",
        RowKind::Deleted => "Bring back",
        _ => "Bring this back",
    };
    let (path, version) = (row.path.clone(), row.version.clone());
    button("file-restore", "button", word, move || {
        show(desk, Sheet::None);
        desk.alter_files(|files| files.restore(path.clone(), version.clone()));
    })
}

/// A form of one name.
fn naming(title: &str, word: &str, first: &str, named: Rc<dyn Fn(String)>) -> AnyView {
    let field = tag("input", "")
        .set("type", "text")
        .set("required", "")
        .set("autofocus", "")
        .set("maxlength", "255")
        .set("autocomplete", "off")
        .set("spellcheck", "false")
        .set("value", first)
        .test("sheet-name");
    let typed: HtmlInputElement = field.element().clone().unchecked_into();
    let label = tag("label", "field").put(text("span", "", "Name")).put(field);
    let submit = text("button", "button primary", word).test("sheet-submit");
    // A dialog that is open already looks for no field by itself.
    request_animation_frame(|| {
        browser::focus("dialog [autofocus]");
    });
    let form = tag("form", "").put(label).put(tag("div", "dialog-actions").put(submit));
    let form = form.on("submit", move |event| {
        event.prevent_default();
        named(typed.value().trim().to_owned());
    });
    titled(title).put(form).seal()
}

fn new_folder(desk: At) -> AnyView {
    let made = move |typed: String| {
        show(desk, Sheet::None);
        desk.alter_files(|files| files.make_folder(&typed));
    };
    naming("New folder", "Make it", "", Rc::new(made))
}

fn rename(desk: At, path: String) -> AnyView {
    let first = name(&path).to_owned();
    let named = move |typed: String| rename_to(desk, &path, joined(parent(&path), &typed));
    naming("Rename", "Rename", &first, Rc::new(named))
}

fn rename_to(desk: At, from: &str, to: String) {
    show(desk, Sheet::None);
    if to != from {
        desk.alter_files(|files| files.rename(from.to_owned(), to));
    }
}

fn move_to(desk: At, paths: Vec<String>) -> AnyView {
    let title = match &paths[..] {
        [path] => format!("Move {}", name(path)),
        paths => format!("Move {}", items(paths.len())),
    };
    let from = paths.first().map(|path| parent(path).to_owned()).unwrap_or_default();
    desk.do_files(|files| files.show_places(&from));
    titled(&title).live(move || Some(choose_folder(desk, &paths))).seal()
}

fn choose_folder(desk: At, paths: &[String]) -> Part {
    let go = |folder: &str, word: &str| {
        let folder = folder.to_owned();
        button("place", "button quiet place", word, move || {
            desk.do_files(|files| files.show_places(&folder));
        })
    };
    let files = desk.files.list.read();
    let here = &files.places.path;
    let mut places = tag("div", "places");
    if !here.is_empty() {
        places = places.put(go(parent(here), "← Up").test("place-up"));
    }
    // A folder has no place in itself.
    for row in files.places.rows.iter().flatten().filter(|row| !paths.contains(&row.path)) {
        places = places.put(go(&row.path, &row.name));
    }
    let (from, to) = (paths.to_vec(), here.clone());
    let words = if here.is_empty() { "All files" } else { here };
    let done = button("move-here", "button primary", "Move here", move || {
        show(desk, Sheet::None);
        marks::clear(desk);
        if from.iter().any(|path| parent(path) != to) {
            desk.alter_files(|files| files.move_into(&from, &to));
        }
    });
    tag("div", "sheet")
        .put(text("p", "muted", &format!("Into {words}")))
        .put(places)
        .put(tag("div", "dialog-actions").put(done))
}

/// Asks how many copies there shall be of what stands at a path and below it.
fn set_goal(desk: At, path: String, goal: GoalView) -> AnyView {
    let (title, inherits) = match path.as_str() {
        "" => ("Copies of all files".to_owned(), "As usual: 3 copies"),
        path => (format!("Copies of {}", name(path)), "As many as of its folder"),
    };
    let option = |value: &str, word: &str, is_chosen: bool| {
        let option = text("option", "", word).set("value", value);
        if is_chosen { option.set("selected", "") } else { option }
    };
    let many = u8::try_from(GOAL_MAX).unwrap_or(u8::MAX);
    let numbers = (1..=many).map(|count| {
        let is_chosen = goal.is_own && goal.copies == count;
        option(&count.to_string(), &words::copies(count), is_chosen)
    });
    let field = tag("select", "").test("goal-field").put(option("", inherits, !goal.is_own));
    let field = field.put_all(numbers);
    let chosen = field.element().clone();
    let about = "Each copy is on another ion. Where there are fewer ions, each has one. Copies \
                 that are too many go after some minutes.";
    let set = text("button", "button primary", "Set").test("goal-set");
    let form = tag("form", "")
        .put(labelled("Copies to keep", field))
        .put(note(about))
        .put(tag("div", "dialog-actions").put(set));
    let form = form.on("submit", move |event| {
        event.prevent_default();
        show(desk, Sheet::None);
        let (path, copies) = (path.clone(), typed(&chosen).parse().ok());
        desk.alter_files(|files| files.set_goal(path, copies));
    });
    titled(&title).put(form).seal()
}

fn versions(desk: At, path: &str) -> AnyView {
    let title = format!("Versions of {}", name(path));
    let shown = live(move || {
        let files = desk.files.list.read();
        let Some(rows) = &files.versions.rows else { return text("p", "muted", "Reading").seal() };
        let rows = rows.iter().enumerate().map(|(at, row)| version(desk, row, at == 0));
        tag("ul", "rows").test("versions").put_all(rows).seal()
    });
    let done = button("sheet-done", "button", "Close", move || close(desk));
    titled(&title).add(shown.seal()).put(tag("div", "dialog-actions").put(done)).seal()
}

fn version(desk: At, row: &RowView, is_latest: bool) -> Part {
    let mut said = match &row.file {
        None => "deleted".to_owned(),
        Some(file) => format::bytes(file.bytes),
    };
    if row.kind == RowKind::Conflict {
        said += ", written at the same time";
    }
    let words =
        tag("div", "grow").put(list::when(tag("p", ""), row)).put(text("p", "small muted", &said));
    let mut acts = tag("div", "actions");
    if row.file.is_some() {
        acts = acts.put(shows(desk, "version-open", "Open", Sheet::Open(Box::new(row.clone()))));
        let stands = is_latest && row.kind == RowKind::File;
        acts = acts.put(if stands {
            text("span", "badge", "stands")
        } else {
            restore_button(desk, row)
        });
    }
    tag("li", "row").test("version-row").put(words).put(acts)
}
