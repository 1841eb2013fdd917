//! What is laid over the Files page: all about one row, a name to type, a folder
//! to choose, the versions of a path.

use leptos::prelude::*;
use node_core::node::files::{RowKind, RowView, Wish};

use super::{Sheet, button, bytes, close, list, open, rows};
use crate::{
    model::{
        files::{self, Files, joined, name, parent, words},
        format, invitation,
        route::Route,
    },
    page::{browser, desk::At, dialogs::copyable, router, sealed::Seal},
};

/// The content of the dialog.
pub(super) fn view(desk: At) -> AnyView {
    match desk.files.sheet.get() {
        Sheet::None => open::addressed(desk),
        Sheet::Open(row) => open::view(desk, open::Subject::of(&row)),
        Sheet::Row(row) => about(desk, &row),
        Sheet::NewFolder => new_folder(desk),
        Sheet::Rename(path) => rename(desk, path),
        Sheet::Move(path) => move_to(desk, path),
        Sheet::Versions(path) => versions(desk, &path),
    }
}

fn title(text: impl Into<String>) -> AnyView {
    view! { <h2 id="sheet-title" class="sheet-title">{text.into()}</h2> }.into_any()
}

fn show(desk: At, sheet: Sheet) {
    desk.files.sheet.set(sheet);
}

fn about(desk: At, row: &RowView) -> AnyView {
    let others = desk.ions.with_untracked(Vec::len);
    let facts = row.file.as_ref().map(|file| {
        let media = if file.media_type.is_empty() { "unknown" } else { &file.media_type };
        let written = browser::date(row.at_ms);
        view! {
            <dl class="facts">
                <dt>"Size"</dt>
                <dd>{format::bytes(file.bytes)}</dd>
                <dt>"Type"</dt>
                <dd>{media.to_owned()}</dd>
                <dt>"Written"</dt>
                <dd>{format!("{written}, by {}", row.author_name)}</dd>
                <dt>"Changed"</dt>
                <dd>{browser::date(file.modified_ms)}</dd>
                <dt>"Copies"</dt>
                <dd>{rows::health(file, others)} <p class="small muted">{words::health(file, others).2}</p></dd>
                <dt>"Id"</dt>
                <dd class="sum small" data-test="file-id">{file.file.clone()}</dd>
            </dl>
        }
        .into_any()
    });
    let share = rows::place(row).map(|place| {
        let whom = if invitation_code(desk).is_some() {
            "Whoever opens this link joins the nebula and sees it; treat it like a key."
        } else {
            "Whoever opens this link sees it: the nebula is open."
        };
        view! {
            <p class="field-name">"Link"</p>
            {copyable(link(desk, &place), "file-link")}
            <p class="small muted">{whom}</p>
        }
        .into_any()
    });
    view! {
        {title(row.name.clone())}
        {facts}
        {share}
        <div class="actions" data-test="file-sheet">{acts(desk, row)}</div>
    }
    .into_any()
}

/// The code of the nebula's invitation, unless it is open to everybody.
fn invitation_code(desk: At) -> Option<String> {
    desk.status.with_untracked(|status| {
        let nebula = status.nebula.as_ref()?;
        (!nebula.is_open).then(|| nebula.invitation.clone())
    })
}

fn link(desk: At, place: &Route) -> String {
    let address = browser::origin() + &place.path();
    match invitation_code(desk) {
        Some(code) => invitation::link(&address, &code),
        None => address,
    }
}

/// What can be done with a row.
fn acts(desk: At, row: &RowView) -> Vec<AnyView> {
    let (kind, path) = (row.kind, row.path.clone());
    let mut acts = Vec::new();
    let mut sheet = |test, word: &'static str, sheet: Sheet| {
        acts.push(button(test, "button", word, move || show(desk, sheet.clone())));
    };
    if matches!(kind, RowKind::Folder | RowKind::File) {
        sheet("file-rename", "Rename", Sheet::Rename(path.clone()));
        sheet("file-move", "Move", Sheet::Move(path.clone()));
    } else {
        sheet("file-open-version", "Open", Sheet::Open(Box::new(row.clone())));
        acts.push(restore_button(desk, row));
    }
    if kind != RowKind::Folder {
        let shown = path.clone();
        acts.push(button("file-versions", "button", "Versions", move || {
            desk.do_files(|files| files.show_versions(&shown));
            show(desk, Sheet::Versions(shown.clone()));
        }));
    }
    if let Some(place) = rows::place(row) {
        acts.insert(
            0,
            button("file-open-here", "button primary", "Open", move || {
                show(desk, Sheet::None);
                router::go(desk, place.clone());
            }),
        );
    }
    acts.extend(of_content(desk, row));
    if matches!(kind, RowKind::Folder | RowKind::File) {
        let row = row.clone();
        acts.push(button("file-delete", "button danger", "Delete", move || remove(desk, &row)));
    }
    acts
}

/// What can be done with a row's bytes.
fn of_content(desk: At, row: &RowView) -> Vec<AnyView> {
    let Some(file) = &row.file else { return Vec::new() };
    let subject = open::Subject::of(row);
    let is_pinned = file.is_pinned;
    let id = file.file.clone();
    let word = if is_pinned { "No longer keep here" } else { "Keep here" };
    vec![
        button("file-download", "button", "Download", move || bytes::download(desk, &subject)),
        button("file-pin", "button", word, move || {
            desk.wish(Wish::Pin { file: id.clone(), pinned: !is_pinned });
            show(desk, Sheet::None);
        }),
    ]
}

/// Deletes what a row shows; the page says how to undo it.
pub(super) fn remove(desk: At, row: &RowView) {
    show(desk, Sheet::None);
    desk.change_files(|files| (files.remove(row), true));
}

/// The button that makes a version the one that stands.
pub(super) fn restore_button(desk: At, row: &RowView) -> AnyView {
    let word = match row.kind {
        RowKind::Conflict => "Keep this one",
        RowKind::Deleted => "Bring back",
        _ => "Bring this back",
    };
    let (path, version) = (row.path.clone(), row.version.clone());
    button("file-restore", "button", word, move || {
        show(desk, Sheet::None);
        desk.do_files(|files| files.restore(path.clone(), version.clone()));
    })
}

/// A form of one name.
fn naming(
    words: (&'static str, &'static str),
    first: &str,
    named: impl Fn(String) + Send + Sync + 'static,
) -> AnyView {
    let typed = RwSignal::new(first.to_owned());
    let named = Callback::new(named);
    // A dialog that is open already looks for no field by itself.
    request_animation_frame(|| {
        browser::focus("dialog [autofocus]");
    });
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        named.run(typed.get_untracked());
    };
    view! {
        {title(words.0)}
        <form on:submit=submit>
            <label class="field">
                <span>"Name"</span>
                <input
                    type="text"
                    required=true
                    autofocus=true
                    maxlength="255"
                    autocomplete="off"
                    spellcheck="false"
                    data-test="sheet-name"
                    prop:value=first.to_owned()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </label>
            <div class="dialog-actions">
                <button type="submit" class="button primary" data-test="sheet-submit">
                    {words.1}
                </button>
            </div>
        </form>
    }
    .into_any()
}

fn new_folder(desk: At) -> AnyView {
    naming(("New folder", "Make it"), "", move |typed| {
        show(desk, Sheet::None);
        desk.do_files(|files| files.make_folder(&typed));
    })
}

fn rename(desk: At, path: String) -> AnyView {
    let first = name(&path).to_owned();
    naming(("Rename", "Rename"), &first, move |typed| {
        show(desk, Sheet::None);
        let to = joined(parent(&path), typed.trim());
        if to != path {
            desk.do_files(|files| files.rename(path.clone(), to));
        }
    })
}

fn move_to(desk: At, path: String) -> AnyView {
    desk.do_files(|files| files.show_places(parent(&path)));
    let words = format!("Move {}", name(&path));
    view! {
        {title(words)}
        {crate::page::sealed::live(move || {
            let places = desk.files.list.with(|files| files.places.clone());
            choose_folder(desk, &path, places)
        })}
    }
    .into_any()
}

fn choose_folder(desk: At, path: &str, places: files::Beside) -> AnyView {
    let go = move |folder: String, word: String| {
        button("place", "button quiet place", word, move || {
            desk.do_files(|files| files.show_places(&folder));
        })
    };
    let here = places.path;
    let up = (!here.is_empty()).then(|| go(parent(&here).to_owned(), "← Up".to_owned()));
    // A folder has no place in itself.
    let rows = places.rows.unwrap_or_default().into_iter().filter(|row| row.path != path);
    let folders: Vec<AnyView> = rows.map(|row| go(row.path, row.name)).collect();
    let (from, to) = (path.to_owned(), joined(&here, name(path)));
    let words = if here.is_empty() { "All files".to_owned() } else { here };
    view! {
        <p class="muted">{format!("Into {words}")}</p>
        <div class="places">{up} {folders}</div>
        <div class="dialog-actions">
            {button("move-here", "button primary", "Move here", move || {
                show(desk, Sheet::None);
                if from != to {
                    desk.do_files(|files| files.rename(from.clone(), to.clone()));
                }
            })}
        </div>
    }
    .into_any()
}

fn versions(desk: At, path: &str) -> AnyView {
    let words = format!("Versions of {}", name(path));
    let shown = crate::page::sealed::live(move || {
        let rows = desk.files.list.with(|files: &Files| files.versions.rows.clone());
        let Some(rows) = rows else { return view! { <p class="muted">"Reading"</p> }.seal() };
        let rows: Vec<AnyView> =
            rows.iter().enumerate().map(|(at, row)| version(desk, row, at == 0)).collect();
        view! { <ul class="rows" data-test="versions">{rows}</ul> }.into_any()
    });
    view! {
        {title(words)}
        {shown}
        <div class="dialog-actions">
            {button("sheet-done", "button", "Close", move || close(desk))}
        </div>
    }
    .into_any()
}

fn version(desk: At, row: &RowView, is_latest: bool) -> AnyView {
    let said = match (&row.file, row.kind) {
        (None, _) => "deleted".to_owned(),
        (Some(file), RowKind::Conflict) => {
            format!("{}, written at the same time", format::bytes(file.bytes))
        }
        (Some(file), _) => format::bytes(file.bytes),
    };
    let stands = is_latest && row.kind == RowKind::File;
    let acts = row.file.is_some().then(|| {
        let opened = row.clone();
        view! {
            {button("version-open", "button quiet", "Open", move || {
                show(desk, Sheet::Open(Box::new(opened.clone())));
            })}
            {if stands { view! { <span class="badge">"stands"</span> }.into_any() } else { restore_button(desk, row) }}
        }
        .into_any()
    });
    view! {
        <li class="row" data-test="version-row">
            <div class="grow">
                <p>{list::when(row)}</p>
                <p class="small muted">{said}</p>
            </div>
            <div class="actions">{acts}</div>
        </li>
    }
    .into_any()
}
