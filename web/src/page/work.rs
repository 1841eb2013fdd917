//! What ran on this ion, and for whom: asked for as long as it is looked at.

use node_core::node::{Command, WorkView};

use super::{
    desk::At,
    parts,
    raw::{Part, effect, note, tag, text},
};
use crate::model::{format, work};
use leptos::prelude::*;

/// How often the ion is asked, in milliseconds.
const AGAIN_MS: u64 = 2_000;

/// The list, under what it is.
pub(crate) fn view(desk: At) -> Part {
    let now = parts::ticking(AGAIN_MS);
    effect(move || {
        now.track();
        desk.try_post(&Command::ShowWork);
    });
    let rows = move || {
        let clock_ms = desk.ion_clock_ms();
        let rows = desk.work.read();
        if rows.is_empty() {
            return vec![text("li", "muted", "Nothing ran here yet.")];
        }
        rows.iter().map(|one| row(one, clock_ms)).collect()
    };
    let about = "The last 100 jobs that this tab ran tasks of, the latest first. It forgets them \
                 when it is closed.";
    tag("div", "setting-body").put(tag("ul", "rows").rows(rows)).put(note(about))
}

fn row(row: &WorkView, clock_ms: u64) -> Part {
    let name = tag("p", "field-name")
        .say(&row.name)
        .say(" ")
        .put(text("span", "muted", &work::whose(row)).set("title", &row.owner));
    let about = tag("div", "grow").put(name).put(note(&work::figures(row)));
    let length = row.last_at_ms.saturating_sub(row.began_at_ms);
    let when = text("span", "small muted", &work::when(row, clock_ms));
    tag("li", "row")
        .test("work-row")
        .set("data-owner", &row.owner)
        .put(about)
        .put(when.set("title", &format!("within {}", format::duration(length))))
}
