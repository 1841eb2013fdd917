//! Overview: the nebula at a glance, and what this tab does in it.

use leptos::prelude::*;
use node_core::node::Status;

use super::{
    browser,
    desk::At,
    files, jobs, map, parts,
    raw::{Part, button, tag, text},
};
use crate::model::{format, words};

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let action = parts::leading("/sparks", "Run a spark").test("run-something");
    let about = "The ions of this nebula, and what they are doing.";
    let map = tag("section", "panel map-panel").set("aria-label", "Map");
    let map = map.put(map::view(desk)).put(map::legend());
    let side = tag("div", "overview-side").put(totals(desk)).put(this_tab(desk));
    let is_new = RwSignal::new(!browser::was_welcomed());
    tag("div", "contents")
        .put(parts::head("Overview", about, Some(action)))
        .live(move || is_new.get().then(|| welcome(desk, is_new)))
        .put(tag("div", "overview").put(map).put(side))
        .live(move || jobs::recent(desk))
        .seal()
}

fn welcome(desk: At, is_new: RwSignal<bool>) -> Part {
    let words = move || {
        words::first_visit(match desk.status.with(|status| status.workers) {
            0 => browser::modest_share(),
            workers => workers,
        })
    };
    let line = tag("p", "")
        .words(words)
        .say(" Change that in ")
        .put(text("a", "", "Settings").set("href", "/settings"))
        .say(", or press Pause.");
    let put_away = move || {
        browser::set_welcomed();
        is_new.set(false);
    };
    let close = button("welcome-close", "button", "Understood", put_away);
    tag("section", "welcome").test("welcome").put(line).put(close)
}

fn totals(desk: At) -> Part {
    let ions = move || format::count(desk.ions.with(Vec::len) as u64 + 1);
    let all = move |count: fn(&node_core::node::IonView) -> u16| {
        desk.ions.with(|ions| ions.iter().map(|ion| u64::from(count(ion))).sum::<u64>())
    };
    let own = move || {
        desk.status.with(|status| if status.paused { 0 } else { u64::from(status.workers) })
    };
    let workers = move || format::count(all(|ion| ion.workers) + own());
    let busy = move || {
        let own = desk.status.with(|status| u64::from(status.workers_busy));
        format::count(all(|ion| ion.workers_busy) + own)
    };
    let done = move || format::count(desk.status.with(|status| status.tasks_done));
    let figures = tag("dl", "figures")
        .put(parts::figure("Ions", "total-ions", ions))
        .put(parts::figure("Workers", "total-workers", workers))
        .put(parts::figure("Working now", "total-busy", busy))
        .put(parts::figure("Tasks done here", "tasks-done", done));
    tag("section", "panel").set("aria-label", "Totals").put(figures)
}

fn this_tab(desk: At) -> Part {
    let status = desk.status;
    let name = tag("p", "self-name")
        .test("self-name")
        .follow("data-id", move || Some(status.with(|status| status.id.clone())))
        .words(move || status.with(|status| status.name.clone()));
    parts::panel("This tab")
        .set("class", "panel this-tab")
        .put(name)
        .put(tag("p", "muted").words(move || status.with(words::doing)))
        .put(tag("p", "lending").rows(move || status.with(lending)))
        .put(files::closing(desk, "tab-closing"))
}

fn lending(status: &Status) -> Vec<Part> {
    if status.paused {
        return vec![text("span", "", "Paused: nothing is lent.")];
    }
    let (busy, workers) = (status.workers_busy, status.workers);
    let words = format!("{busy} of {} busy", format::counted(u64::from(workers), "worker"));
    vec![parts::slots(busy, workers), text("span", "", &words)]
}
