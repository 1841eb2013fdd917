//! The live map: ions as circles sized by what they lend, this tab marked,
//! links solid (direct), dashed (relayed) or dotted (through others). The page's list of ions says the
//! same in words; readers are led there.

use leptos::prelude::*;
use node_core::node::{IonView, LinkKind, Status};

use super::{
    desk::At,
    raw::{Part, drawn, tag, text},
};
use crate::model::{
    format,
    map::{IONS_MAX, MIDDLE, NAMES_MAX, Place},
    words,
};

/// The map.
pub(crate) fn view(desk: At) -> Part {
    let links =
        move || desk.ions.with(|ions| ions.iter().filter_map(|ion| link(desk, ion)).collect());
    let nodes = move || {
        desk.ions.with(|ions| {
            let is_named = ions.len() <= NAMES_MAX;
            ions.iter().filter_map(|ion| node(desk, ion, is_named)).collect()
        })
    };
    let label = move || {
        let others = desk.ions.with(Vec::len) as u64;
        Some(format!("Map of the nebula: this tab and {}", format::counted(others, "other ion")))
    };
    let drawing = drawn("svg", "")
        .set("viewBox", "0 0 100 100")
        .set("preserveAspectRatio", "none")
        .set("aria-hidden", "true")
        .rows(links);
    tag("div", "map")
        .set("role", "img")
        .follow("aria-label", label)
        .test("map")
        .put(drawing)
        .rows(nodes)
        .rows(move || vec![desk.status.with(this_tab)])
        .rows(move || desk.ions.with(|ions| beyond(ions.len())).into_iter().collect())
}

/// What the shapes mean.
pub(crate) fn legend() -> Part {
    let shapes = [
        ("legend-self", "this tab"),
        ("legend-line", "linked directly"),
        ("legend-line dashed", "through a relay"),
        ("legend-line dotted", "through other ions"),
        ("legend-busy", "working"),
    ];
    let shape = |(class, words)| tag("li", "").put(tag("span", class)).say(words);
    tag("ul", "legend").set("aria-label", "Legend").put_all(shapes.map(shape))
}

/// What is said of ions that are not drawn, or of none at all.
fn beyond(ions: usize) -> Option<Part> {
    let alone = "No other ion yet. Open this address in a second tab, or on another device.";
    if ions == 0 {
        return Some(text("p", "map-alone", alone));
    }
    let hidden = ions.saturating_sub(IONS_MAX);
    let more = text("a", "map-more", &format!("and {hidden} more")).set("href", "/ions");
    (hidden > 0).then_some(more)
}

fn this_tab(status: &Status) -> Part {
    let class = if status.workers_busy > 0 { "ion this busy" } else { "ion this" };
    dot(class, MIDDLE, status.workers).put(text("span", "ion-name", &status.name))
}

fn dot(class: &str, place: Place, workers: u16) -> Part {
    let size = diameter(workers);
    let dot = tag("span", "ion-dot").style(&format!("width: {size}; height: {size}"));
    let (left, top) = (share(place.x), share(place.y));
    tag("div", class).style(&format!("left: {left}; top: {top}")).put(dot)
}

fn link(desk: At, ion: &IonView) -> Option<Part> {
    let to = desk.map.with_untracked(|map| map.place(&ion.id))?;
    let class = match ion.link {
        LinkKind::Relayed => "link relayed",
        LinkKind::Direct => "link",
        LinkKind::Via => "link via",
    };
    let at = |share: f64| format!("{:.2}", share * 100.0);
    // The way to an ion that is not linked begins at the neighbour on it.
    let from = desk.map.with_untracked(|map| map.place(&ion.via)).unwrap_or(MIDDLE);
    let line = drawn("line", class).set("x1", &at(from.x)).set("y1", &at(from.y));
    Some(line.set("x2", &at(to.x)).set("y2", &at(to.y)))
}

fn node(desk: At, ion: &IonView, is_named: bool) -> Option<Part> {
    let place = desk.map.with_untracked(|map| map.place(&ion.id))?;
    let class = if ion.workers_busy > 0 { "ion busy" } else { "ion" };
    let (_, kind) = words::link(ion.link);
    let title = format!(
        "{}: {kind}, round trip {}, {} of {} workers busy",
        ion.name,
        words::round_trip(ion.round_trip_ms),
        ion.workers_busy,
        ion.workers
    );
    let name = is_named.then(|| text("span", "ion-name", &ion.name));
    Some(dot(class, place, ion.workers).set("title", &title).put_all(name))
}

/// Its area, not its width, follows the number of workers.
fn diameter(workers: u16) -> String {
    format!("{:.0}px", 14.0 + 9.0 * f64::from(workers.min(16)).sqrt())
}

fn share(part: f64) -> String {
    format!("{:.2}%", part * 100.0)
}
