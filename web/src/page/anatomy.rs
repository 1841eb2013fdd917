//! What a module is made of, for whoever opens it: sections, imports and exports, limits
//! and features.

use spark_runtime::{
    anatomy::{Anatomy, Named},
    inspect::Inspection,
    wire,
};

use super::raw::{Part, note, tag, text};
use crate::model::format;

/// What the inspection tells of it, folded.
pub(crate) fn view(inspection: &Inspection) -> Option<Part> {
    let Anatomy { sections, imports, exports, memories, tables, features, left_out } =
        wire::decode(&inspection.anatomy)?;
    let sections = sections.into_iter().map(|section| {
        let size = format::bytes(section.bytes);
        let about = match section.items {
            Some(items) => [&format::count(items.into()), " in ", &size].concat(),
            None => size,
        };
        row(&section.name, &about)
    });
    let typed = |list: &[Named]| -> Vec<Part> {
        list.iter().map(|one| row(&one.name, &one.kind)).collect()
    };
    let limits = memories.iter().chain(&tables).map(|limits| row(limits, ""));
    let features = features.iter().map(|feature| row(feature, ""));
    let lists = [
        ("Sections", sections.collect()),
        ("Imports", typed(&imports)),
        ("Exports", typed(&exports)),
        ("Memory and tables", limits.collect()),
        ("Features beyond WebAssembly 1.0", features.collect()),
    ];
    let more = format!("{} more are not listed.", format::count(left_out));
    let fold = tag("details", "fold anatomy").test("anatomy");
    let fold = fold.put(text("summary", "", "What it is made of").test("anatomy-open"));
    let fold = lists.into_iter().fold(fold, |fold, (title, rows)| fold.put(list(title, rows)));
    Some(fold.put_all((left_out > 0).then(|| note(&more))))
}

fn list(title: &str, rows: Vec<Part>) -> Part {
    let list = tag("div", "").put(text("h3", "field-name", title));
    if rows.is_empty() {
        list.put(note("None."))
    } else {
        list.put(tag("ul", "names").put_all(rows))
    }
}

fn row(name: &str, about: &str) -> Part {
    tag("li", "").put(text("code", "", name)).put(text("span", "small muted", about))
}
