//! Small parts of rows: where one is, what something is, how it is held.

use leptos::prelude::*;
use node_core::node::files::{FileView, RowKind, RowView};

use crate::{
    model::{
        files::{
            self,
            kinds::{Kind, kind},
            words::{self, SEGMENTS_MAX},
        },
        route::Route,
    },
    page::{
        icons::{self, icon},
        parts,
    },
};

/// The way to a folder, each name a link.
pub(super) fn crumbs(folder: &str) -> AnyView {
    let crumb = |(name, path): (&str, &str)| {
        let current = (path == folder).then_some("page");
        view! {
            <li>
                <a href=Route::Files(path.to_owned()).path() aria-current=current>
                    {name.to_owned()}
                </a>
            </li>
        }
        .into_any()
    };
    let all: Vec<AnyView> =
        std::iter::once(("All files", "")).chain(files::crumbs(folder)).map(crumb).collect();
    view! {
        <nav class="crumbs" aria-label="Folder">
            <ol data-test="crumbs">{all}</ol>
        </nav>
    }
    .into_any()
}

/// The icon of what a row is.
pub(super) fn row_icon(row: &RowView) -> AnyView {
    let Some(file) = &row.file else { return icon(icons::FOLDER) };
    icon(match kind(&file.media_type, &row.path).0 {
        Kind::Picture => icons::PHOTO,
        Kind::Video => icons::RESUME,
        Kind::Audio => icons::SOUND,
        Kind::Text => icons::TEXT,
        Kind::Other => icons::FILE,
    })
}

/// Copies as filled segments, and a word beside them.
pub(super) fn health(file: &FileView, others: usize) -> AnyView {
    let (meaning, word, said) = words::health(file, others);
    let segment = |at| {
        let class = if at < file.copies {
            "segment full"
        } else if at == file.copies && file.is_fetching {
            "segment coming"
        } else {
            "segment"
        };
        view! { <span class=class></span> }.into_any()
    };
    let segments: Vec<AnyView> = (0..file.goal.min(SEGMENTS_MAX)).map(segment).collect();
    view! {
        <span class="health" title=said data-test="file-health" data-copies=file.copies data-goal=file.goal>
            <span class=format!("segments {}", meaning.class()) aria-hidden="true">{segments}</span>
            {parts::pill(meaning, word)}
        </span>
    }
    .into_any()
}

/// Where a row leads; `None` where it is no place of its own.
pub(super) fn place(row: &RowView) -> Option<Route> {
    match row.kind {
        RowKind::Folder => Some(Route::Files(row.path.clone())),
        RowKind::File => Some(Route::File(row.path.clone())),
        RowKind::Conflict | RowKind::Deleted => None,
    }
}
