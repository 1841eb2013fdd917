//! Network: who is linked to whom, how and why, what is reached through
//! others, and the relays; the self-test and the log of attempts below.

use leptos::prelude::*;
use node_core::node::{IonView, RelayView};

use super::{
    desk::{At, Dialog},
    diagnosis,
    icons::{self, icon},
    map, parts,
    raw::{Part, button, note, tag, text},
    sealed::{Seal, live},
};
use crate::model::{
    format,
    network::{self, Echo, ROWS_MAX, Tally},
    pairing, words,
};

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let pair = button("pair", "button primary", "", move || desk.dialog.set(Dialog::Pair));
    let pair = pair.add(icon(icons::PAIR)).say("Pair by a code");
    let about = "How the ions of this nebula reach each other, and why that way.";
    let drawn = tag("section", "panel map-panel").set("aria-label", "Map");
    vec![
        parts::head("Network", about, pair.seal()),
        under_way(desk),
        drawn.add(map::view(desk)).add(map::legend()).seal(),
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
        let body = tag("tbody", "").add(live(move || link_rows(desk)).seal());
        let table = tag("table", "table cards").put(links_head()).put(body);
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

fn link_rows(desk: At) -> AnyView {
    let linked = desk.ions.with(|ions| network::linked(ions));
    let clock_ms = desk.ion_clock_ms();
    linked.iter().take(ROWS_MAX).map(|ion| link_row(desk, ion, clock_ms)).collect_view().into_any()
}

fn link_row(desk: At, ion: &IonView, clock_ms: u64) -> AnyView {
    let (_, kind) = words::link(ion.link);
    let since_ms = clock_ms.saturating_sub(ion.linked_at_ms);
    view! {
        <tr data-test="link-row" data-id=ion.id.clone() data-link=kind data-score=ion.score>
            {ion_cell(ion)}
            <td data-label="Link" class="link-cell">
                {link_cell(ion, None)}
            </td>
            <td data-label="Round trip" class="number">
                <span data-test="link-round-trip">{words::round_trip(ion.round_trip_ms)}</span>
            </td>
            <td data-label="Receives" class="number">
                {network::throughput(ion.received_per_s)}
            </td>
            <td data-label="Sends" class="number">
                {network::throughput(ion.sent_per_s)}
            </td>
            <td data-label="Score" class="number">
                {ion.score}
            </td>
            <td data-label="Since" class="number" title=format::duration(since_ms)>
                {format::ago(since_ms)}
            </td>
            <td data-label="Echo">
                {echo_button(desk, ion.id.clone())}
                {echo_answer(desk, ion.id.clone())}
            </td>
        </tr>
    }
    .into_any()
}

fn ion_cell(ion: &IonView) -> AnyView {
    view! {
        <th scope="row">
            <span class="row-name">{ion.name.clone()}</span>
            <span class="row-id" title=ion.id.clone()>
                {format::short_id(&ion.id)}
            </span>
        </th>
    }
    .into_any()
}

/// The kind of a link, the way that messages take where there is none, and why
/// it is no better one.
pub(crate) fn link_cell(ion: &IonView, way: Option<String>) -> AnyView {
    let (meaning, kind) = words::link(ion.link);
    let why = (!ion.why.is_empty()).then(|| {
        view! {
            <span class="why small muted" data-test="link-why">
                {ion.why.clone()}
            </span>
        }
        .into_any()
    });
    view! {
        {parts::pill(meaning, kind)}
        {way.map(|way| view! { <span class="why small">{way}</span> }.into_any())}
        {why}
    }
    .into_any()
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
        .add(echo_answer(desk, id.clone()));
    let row = tag("li", "row").test("far-row").set("data-id", &id);
    row.put(about).add(echo_button(desk, id)).seal()
}

fn echo_button(desk: At, id: String) -> AnyView {
    let asked = id.clone();
    let is_asked = Memo::new(move |_| desk.echoes.with(|all| all.of(&asked) == Some(&Echo::Asked)));
    button("echo", "button", "", move || desk.echo(&id))
        .set("title", "Send a word there, and see how long it takes to come back")
        .follow("disabled", move || is_asked.get().then(String::new))
        .words(move || if is_asked.get() { "Under way …" } else { "Echo" }.to_owned())
        .seal()
}

fn echo_answer(desk: At, id: String) -> AnyView {
    let echo = Memo::new(move |_| desk.echoes.with(|echoes| echoes.of(&id).cloned()));
    let words = live(move || echo.get().map_or_else(|| ().seal(), echo_words));
    let answer = tag("p", "small echo").set("role", "status").test("echo-answer");
    answer.add(words.seal()).seal()
}

fn echo_words(echo: Echo) -> AnyView {
    match echo {
        Echo::Asked => ().seal(),
        Echo::Back(words) => parts::pill(words::Meaning::Good, words),
        Echo::Lost(why) => parts::pill(words::Meaning::Bad, format!("no answer: {why}")),
    }
}

fn relays(desk: At) -> AnyView {
    let relays = Memo::new(move |_| desk.status.with(|status| status.relays.clone()));
    let beside = tag("p", "muted").set("role", "status");
    let beside = beside.words(move || relays.with(|relays| network::relays(relays)));
    let rows = live(move || relays.get().iter().map(relay_row).collect::<Vec<AnyView>>().seal());
    let about = "A relay helps ions find each other. It stores nothing and decides nothing; links \
                 that stand need none.";
    let rows = tag("ul", "rows").add(rows.seal());
    part("Relays", beside.seal(), tag("div", "panel").put(rows).put(note(about)).seal())
}

/// A relay's address and state.
pub(crate) fn relay_row(relay: &RelayView) -> AnyView {
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
        .add(parts::pill(meaning, word))
        .seal()
}
