//! Network: who is linked to whom, how and why, what is reached through
//! others, and the relays; the self-test and the log of attempts below.

use leptos::prelude::*;
use node_core::node::{IonView, RelayView};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

use super::{
    desk::{At, Dialog},
    diagnosis,
    icons::{self, icon},
    ions::{self, cell},
    map, parts,
    raw::{Part, button, note, tag, text},
    sealed::{Seal, live},
};
use crate::model::{
    format,
    network::{self, Echo, Echoes, ROWS_MAX, Tally},
    pairing, words,
};

const ECHO: &str = "Echo";
const ASKED: &str = "Under way …";
const ECHO_ABOUT: &str = "Send a word there, and see how long it takes to come back";

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let pair = button("pair", "button primary", "", move || desk.dialog.set(Dialog::Pair));
    let pair = pair.put(icon(icons::PAIR)).say("Pair by a code");
    let about = "How the ions of this nebula reach each other, and why that way.";
    let drawn = tag("section", "panel map-panel").set("aria-label", "Map");
    vec![
        parts::head("Network", about, Some(pair)).seal(),
        under_way(desk),
        drawn.put(map::view(desk)).put(map::legend()).seal(),
        links(desk),
        through_others(desk),
        relays(desk),
        diagnosis::view(desk),
        diagnosis::attempts(desk),
    ]
    .seal()
}

/// A part of the page: its title, a line beside it, and what it shows.
pub(crate) fn part(title: &'static str, beside: AnyView, content: AnyView) -> AnyView {
    let head = tag("div", "part-head").put(text("h2", "", title)).add(beside);
    tag("section", "section").set("aria-label", title).put(head).add(content).seal()
}

/// Pairing goes on while its dialog is closed; this leads back to it.
fn under_way(desk: At) -> AnyView {
    let standing = Memo::new(move |_| desk.pairing.with(|(now, _)| pairing::standing(now)));
    let line = live(move || {
        let Some(standing) = standing.get() else { return ().seal() };
        let go_on = text("button", "button", "Go on").set("type", "button");
        let go_on = go_on.on("click", move |_| desk.dialog.set(Dialog::Pair));
        let words = text("p", "", "Pairing: ").say(&standing);
        tag("section", "welcome").test("pairing-under-way").put(words).put(go_on).seal()
    });
    line.seal()
}

fn links(desk: At) -> AnyView {
    let tally = Memo::new(move |_| desk.ions.with(|ions| Tally::of(ions)));
    let beside = tag("p", "muted")
        .set("role", "status")
        .test("links-tally")
        .follow("data-links", move || Some(tally.get().links().to_string()))
        .words(move || tally.get().words());
    let content = live(move || {
        if tally.get().links() == 0 {
            return no_links();
        }
        let body = tag("tbody", "").rows(move || link_rows(desk));
        let table = tag("table", "table cards").put(links_head()).put(body);
        let table = table.on("click", move |event| pressed(desk, &event));
        tag("div", "table-wrap panel flush").put(table).seal()
    });
    part("Links", beside.seal(), content.seal())
}

fn no_links() -> AnyView {
    let words = "No link yet. Each ion that this tab is linked to will stand here. Open this \
                 address in a second tab or on another device, or pair by a code.";
    text("p", "muted", words).test("no-links").seal()
}

fn links_head() -> Part {
    let numbers = [
        ("Round trip", "There and back, smoothed"),
        ("Receives", "Bytes a second that come from it, over the last seconds"),
        ("Sends", "Bytes a second that go to it, over the last seconds"),
        ("Score", "How useful the link is, from 0 to 100; the least useful one makes room first"),
        ("Since", "How long it has been linked"),
    ];
    let head = |name, class| text("th", class, name).set("scope", "col");
    let numbers = numbers.map(|(name, title)| head(name, "number").set("title", title));
    let row = tag("tr", "").put(head("Ion", "")).put(head("Link", "")).put_all(numbers);
    tag("thead", "").put(row.put(head("Echo", "")))
}

fn link_rows(desk: At) -> Vec<Part> {
    let linked = desk.ions.with(|ions| network::linked(ions));
    let clock_ms = desk.ion_clock_ms();
    linked.iter().take(ROWS_MAX).map(|ion| link_row(desk, ion, clock_ms)).collect()
}

fn link_row(desk: At, ion: &IonView, clock_ms: u64) -> Part {
    let (_, kind) = words::link(ion.link);
    let since_ms = clock_ms.saturating_sub(ion.linked_at_ms);
    let number = |label| cell(label, "number");
    let round_trip = text("span", "", &words::round_trip(ion.round_trip_ms));
    let since = number("Since").set("title", &format::duration(since_ms));
    tag("tr", "")
        .test("link-row")
        .set("data-id", &ion.id)
        .set("data-link", kind)
        .set("data-score", &ion.score.to_string())
        .put(ions::head(&ion.name, &ion.id))
        .put(cell("Link", "link-cell").put_all(link_cell(ion, None)))
        .put(number("Round trip").put(round_trip.test("link-round-trip")))
        .put(number("Receives").say(&network::throughput(ion.received_per_s)))
        .put(number("Sends").say(&network::throughput(ion.sent_per_s)))
        .put(number("Score").say(&ion.score.to_string()))
        .put(since.say(&format::ago(since_ms)))
        .put(desk.echoes.with(|echoes| echo_cell(&ion.id, echoes)))
}

/// The button and the answer; the table hears the presses, because its rows are
/// told anew while they are looked at.
fn echo_cell(id: &str, echoes: &Echoes) -> Part {
    let echo = echoes.of(id);
    let is_asked = echo == Some(&Echo::Asked);
    let button = text("button", "button", if is_asked { ASKED } else { ECHO });
    let button = button.set("type", "button").test("echo").set("title", ECHO_ABOUT);
    let button = if is_asked { button.set("disabled", "") } else { button };
    let answer = tag("p", "small echo").set("role", "status").test("echo-answer");
    cell("Echo", "").put(button).put(answer.put_all(echo.and_then(echo_words)))
}

/// Sends an echo from the row whose button was pressed.
fn pressed(desk: At, event: &Event) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let find = |target: &Element, what: &str| target.closest(what).ok().flatten();
    if let Some(button) = target.and_then(|target| find(&target, "[data-test=echo]"))
        && let Some(id) = find(&button, "tr").and_then(|row| row.get_attribute("data-id"))
    {
        desk.echo(&id);
    }
}

/// The kind of a link, the way that messages take where there is none, and why
/// it is no better one.
pub(crate) fn link_cell(ion: &IonView, way: Option<&str>) -> impl Iterator<Item = Part> {
    let (meaning, kind) = words::link(ion.link);
    let way = way.map(|way| text("span", "why small", way));
    let why = text("span", "why small muted", &ion.why).test("link-why");
    let why = (!ion.why.is_empty()).then_some(why);
    [Some(parts::pill(meaning, kind)), way, why].into_iter().flatten()
}

fn through_others(desk: At) -> AnyView {
    let ids = Memo::new(move |_| {
        desk.ions.with(|ions| network::unlinked(ions).into_iter().map(|ion| ion.id).collect())
    });
    let rows = move || {
        let ids: Vec<String> = ids.get();
        ids.into_iter().take(ROWS_MAX).map(|id| far_row(desk, id)).collect::<Vec<_>>().seal()
    };
    let beyond = move || {
        let hidden = ids.with(Vec::len).saturating_sub(ROWS_MAX);
        let more = format!("and {hidden} more");
        if hidden > 0 { text("li", "muted", &more).seal() } else { ().seal() }
    };
    let is_empty = Memo::new(move |_| ids.with(Vec::is_empty));
    let content = live(move || {
        if is_empty.get() {
            return ().seal();
        }
        let rows = tag("ul", "panel rows").add(live(rows).seal()).add(live(beyond).seal());
        let beside = text("p", "muted", "Not linked; messages reach them all the same.");
        part("Through others", beside.seal(), rows.seal())
    });
    content.seal()
}

fn far_row(desk: At, id: String) -> AnyView {
    let ion = Memo::new({
        let id = id.clone();
        move |_| desk.ions.with(|ions| ions.iter().find(|ion| ion.id == id).cloned())
    });
    let said = move |what: fn(&IonView, &[IonView]) -> String| {
        ion.with(|ion| ion.as_ref().map(|ion| desk.ions.with(|ions| what(ion, ions))))
            .unwrap_or_default()
    };
    let name = tag("span", "row-name").words(move || said(|ion, _| ion.name.clone()));
    let way = tag("span", "muted").test("far-way").words(move || said(network::way));
    let about = tag("div", "grow")
        .put(tag("p", "").put(name).put(way))
        .put(note("").words(move || said(|ion, _| ion.why.clone())))
        .put(echo_answer(desk, id.clone()));
    let row = tag("li", "row").test("far-row").set("data-id", &id);
    row.put(about).put(echo_button(desk, id)).seal()
}

fn echo_button(desk: At, id: String) -> Part {
    let asked = id.clone();
    let is_asked = move || desk.echoes.with(|all| all.of(&asked) == Some(&Echo::Asked));
    let is_asked = Memo::new(move |_| is_asked());
    button("echo", "button", "", move || desk.echo(&id))
        .set("title", ECHO_ABOUT)
        .follow("disabled", move || is_asked.get().then(String::new))
        .words(move || if is_asked.get() { ASKED } else { ECHO }.to_owned())
}

fn echo_answer(desk: At, id: String) -> Part {
    let said = move || desk.echoes.with(|all| all.of(&id).and_then(echo_words));
    let answer = tag("p", "small echo").set("role", "status").test("echo-answer");
    answer.rows(move || said().into_iter().collect())
}

fn echo_words(echo: &Echo) -> Option<Part> {
    match echo {
        Echo::Asked => None,
        Echo::Back(words) => Some(parts::pill(words::Meaning::Good, words)),
        Echo::Lost(why) => Some(parts::pill(words::Meaning::Bad, &format!("no answer: {why}"))),
    }
}

fn relays(desk: At) -> AnyView {
    let beside = tag("p", "muted").set("role", "status");
    let beside = beside.words(move || desk.status.with(|status| network::relays(&status.relays)));
    let rows = move || desk.status.with(|status| status.relays.iter().map(relay_row).collect());
    let about = "A relay helps ions find each other. It stores nothing and decides nothing; links \
                 that stand need none.";
    let rows = tag("ul", "rows").rows(rows);
    part("Relays", beside.seal(), tag("div", "panel").put(rows).put(note(about)).seal())
}

/// A relay's address and state.
pub(crate) fn relay_row(relay: &RelayView) -> Part {
    let (meaning, word) = if relay.is_connected {
        (words::Meaning::Good, "connected")
    } else {
        (words::Meaning::Bad, "not connected")
    };
    let about = tag("div", "grow").put(text("code", "address", &relay.address));
    let about = match relay.problem.as_str() {
        "" => about,
        why => about.put(text("p", "small", why)),
    };
    tag("li", "row")
        .test("relay-row")
        .set("data-connected", &relay.is_connected.to_string())
        .put(about)
        .put(parts::pill(meaning, word))
}
