//! The rows of a folder.

use leptos::prelude::*;
use node_core::node::files::{FileView, LIST_MAX, RowKind, RowView};

use super::{Sheet, bring, button, rows, sheet};
use crate::{
    model::{format, words::Meaning},
    page::{browser, desk::At, parts, sealed::Seal},
};

/// The table, or what stands in its place.
pub(super) fn view(desk: At, search: RwSignal<String>) -> AnyView {
    let wanted = browser::lowercase(&search.get());
    let others = desk.files.store.with(|store| store.as_ref().map_or(0, |store| store.others));
    desk.files.list.with(|files| {
        if let Some(problem) = &files.problem {
            return parts::told(problem.clone(), "files-refused");
        }
        let found: Vec<&RowView> = files
            .rows
            .iter()
            .filter(|row| wanted.is_empty() || browser::lowercase(&row.name).contains(&wanted))
            .collect();
        if found.is_empty() {
            return nothing(desk, files.is_listed, files.deleted, files.rows.is_empty());
        }
        let rows: Vec<AnyView> =
            found.into_iter().map(|row| line(desk, row, others as usize)).collect();
        table(rows, files.is_more)
    })
}

fn nothing(desk: At, is_listed: bool, deleted: bool, is_empty: bool) -> AnyView {
    let (title, text) = match (is_listed, is_empty, deleted) {
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
    parts::empty(title, text, if is_bare { bring::add_button(desk) } else { ().seal() })
}

fn table(rows: Vec<AnyView>, is_more: bool) -> AnyView {
    let more = is_more.then(|| {
        let words =
            format!("The first {LIST_MAX} are shown. Put some into folders to see the rest.");
        view! { <p class="small muted" data-test="files-more">{words}</p> }.into_any()
    });
    view! {
        <div class="table-wrap panel flush">
            <table class="table cards files-table">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="number">"Size"</th>
                        <th scope="col">"Changed"</th>
                        <th scope="col">"Copies"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {more}
    }
    .into_any()
}

fn line(desk: At, row: &RowView, others: usize) -> AnyView {
    let size = row.file.as_ref().map(|file| format::bytes(file.bytes));
    let health = row.file.as_ref().map(|file| rows::health(file, others));
    view! {
        <tr
            data-test="file-row"
            data-path=row.path.clone()
            data-version=row.version.clone()
            data-kind=format!("{:?}", row.kind)
        >
            <th scope="row">
                <span class="file-name">
                    {rows::row_icon(row)} <span>{name(desk, row)} " " {badges(row)}</span>
                </span>
            </th>
            <td data-label="Size" class="number">{size}</td>
            <td data-label="Changed">{when(row)}</td>
            <td data-label="Copies">{health}</td>
            <td class="file-actions">{actions(desk, row)}</td>
        </tr>
    }
    .into_any()
}

fn name(desk: At, row: &RowView) -> AnyView {
    if let Some(place) = rows::place(row) {
        return view! { <a href=place.path() data-test="file-open">{row.name.clone()}</a> }
            .into_any();
    }
    let opened = row.clone();
    // What was deleted is shown with the folders that it was in.
    let is_deleted = row.kind == RowKind::Deleted;
    let words = if is_deleted { &row.path } else { &row.name };
    button("file-open", "link", words.clone(), move || {
        desk.files.sheet.set(Sheet::Open(Box::new(opened.clone())));
    })
}

fn badges(row: &RowView) -> AnyView {
    let is_pinned = row.file.as_ref().is_some_and(|file: &FileView| file.is_pinned);
    let conflict =
        (row.kind == RowKind::Conflict).then(|| parts::pill(Meaning::Waiting, "written at once"));
    let pinned = is_pinned.then(|| view! { <span class="badge">"kept here"</span> }.into_any());
    view! { {conflict} {pinned} }.into_any()
}

/// When a row was written, and by whom.
pub(super) fn when(row: &RowView) -> AnyView {
    if row.at_ms == 0 {
        return ().into_any();
    }
    let ago = format::ago(browser::wall_ms().saturating_sub(row.at_ms));
    view! {
        <span title=browser::date(row.at_ms)>{ago}</span>
        " "
        <span class="small muted file-who" title=row.author.clone()>{row.author_name.clone()}</span>
    }
    .into_any()
}

fn actions(desk: At, row: &RowView) -> AnyView {
    let all = row.clone();
    let pressed = Callback::new(move |()| desk.files.sheet.set(Sheet::Row(Box::new(all.clone()))));
    let quick = (row.kind == RowKind::Deleted).then(|| sheet::restore_button(desk, row));
    view! {
        <div class="actions">
            {quick}
            <button
                type="button"
                class="button quiet square"
                data-test="file-actions"
                aria-label=format!("Actions for {}", row.name)
                on:click=move |_| pressed.run(())
            >
                "⋯"
            </button>
        </div>
    }
    .into_any()
}
