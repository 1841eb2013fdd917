//! Small parts of rows: where one is, what something is, how it is held.

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
        icons, parts,
        raw::{Part, tag, text},
    },
};

/// The way to a folder, each name a link.
pub(super) fn crumbs(folder: &str) -> Part {
    let mut list = tag("ol", "").test("crumbs");
    let all = [("All files", "")].into_iter().chain(files::crumbs(folder));
    for (name, path) in all {
        let mut link = text("a", "", name).set("href", &Route::Files(path.to_owned()).path());
        if path == folder {
            link = link.set("aria-current", "page");
        }
        list = list.put(tag("li", "").put(link));
    }
    tag("nav", "crumbs").set("aria-label", "Folder").put(list)
}

/// The icon of what a row is.
pub(super) fn row_icon(row: &RowView) -> &'static str {
    let Some(file) = &row.file else { return icons::FOLDER };
    match kind(&file.media_type, &row.path).0 {
        Kind::Picture => icons::PHOTO,
        Kind::Video => icons::RESUME,
        Kind::Audio => icons::SOUND,
        Kind::Text => icons::TEXT,
        Kind::Other => icons::FILE,
    }
}

/// Copies as filled segments, and a word beside them.
pub(super) fn health(file: &FileView, others: usize) -> Part {
    let (meaning, word, said) = words::health(file, others);
    let mut segments =
        tag("span", &format!("segments {}", meaning.class())).set("aria-hidden", "true");
    for at in 0..file.goal.min(SEGMENTS_MAX) {
        let class = if at < file.copies {
            "segment full"
        } else if at == file.copies && file.is_fetching {
            "segment coming"
        } else {
            "segment"
        };
        segments = segments.put(tag("span", class));
    }
    tag("span", "health")
        .set("title", &said)
        .test("file-health")
        .set("data-copies", &file.copies.to_string())
        .set("data-goal", &file.goal.to_string())
        .put(segments)
        .put(parts::pill(meaning, &word))
}

/// Where a row leads; `None` where it is no place of its own.
pub(super) fn place(row: &RowView) -> Option<Route> {
    match row.kind {
        RowKind::Folder => Some(Route::Files(row.path.clone())),
        RowKind::File => Some(Route::File(row.path.clone())),
        RowKind::Conflict | RowKind::Deleted => None,
    }
}
