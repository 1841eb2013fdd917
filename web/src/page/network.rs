//! Network: who is linked to whom, how and why, what is reached through
//! others, and the relays; the self-test and the log of attempts below.

use leptos::prelude::*;
use node_core::node::{IonView, RelayView};

use super::{
    desk::{At, Dialog},
    diagnosis,
    icons::{self, icon},
    map, parts,
    sealed::{Seal, live},
};
use crate::model::{
    format,
    network::{self, Echo, ROWS_MAX, Tally},
    pairing, words,
};

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let action = view! {
        <button
            type="button"
            class="button primary"
            data-test="pair"
            on:click=move |_| desk.dialog.set(Dialog::Pair)
        >
            {icon(icons::PAIR)}
            "Pair by a code"
        </button>
    }
    .seal();
    view! {
        {parts::head("Network", "How the ions of this nebula reach each other, and why that way.", action)}
        {under_way(desk)}
        <section class="panel map-panel" aria-label="Map">
            {map::view(desk)}
            {map::legend()}
        </section>
        {links(desk)}
        {through_others(desk)}
        {relays(desk)}
        {diagnosis::view(desk)}
        {diagnosis::attempts(desk)}
    }
    .seal()
}

/// A part of the page: its title, a line beside it, and what it shows.
pub(crate) fn part(title: &'static str, beside: AnyView, content: AnyView) -> AnyView {
    view! {
        <section class="section" aria-label=title>
            <div class="part-head">
                <h2>{title}</h2>
                {beside}
            </div>
            {content}
        </section>
    }
    .seal()
}

/// Pairing goes on while its dialog is closed; this leads back to it.
fn under_way(desk: At) -> AnyView {
    let standing = Memo::new(move |_| desk.pairing.with(|(now, _)| pairing::standing(now)));
    let line = live(move || {
        standing.get().map(|standing| {
            view! {
                <section class="welcome" data-test="pairing-under-way">
                    <p>"Pairing: " {standing}</p>
                    <button
                        type="button"
                        class="button"
                        on:click=move |_| desk.dialog.set(Dialog::Pair)
                    >
                        "Go on"
                    </button>
                </section>
            }
            .seal()
        })
    });
    line.seal()
}

fn links(desk: At) -> AnyView {
    let tally = Memo::new(move |_| desk.ions.with(|ions| Tally::of(ions)));
    let beside = view! {
        <p class="muted" role="status" data-test="links-tally" data-links=move || tally.get().links()>
            {live(move || tally.get().words())}
        </p>
    }.seal();
    let content = live(move || {
        if tally.get().links() == 0 {
            return no_links();
        }
        view! {
            <div class="table-wrap panel flush">
                <table class="table cards">
                    {links_head()} <tbody>{live(move || link_rows(desk))}</tbody>
                </table>
            </div>
        }
        .seal()
    });
    part("Links", beside, content.seal())
}

fn no_links() -> AnyView {
    view! {
        <p class="muted" data-test="no-links">
            "No link yet. Each ion that this tab is linked to will stand here. Open this address \
             in a second tab or on another device, or pair by a code."
        </p>
    }
    .seal()
}

fn links_head() -> AnyView {
    let numbers = [
        ("Round trip", "There and back, smoothed"),
        ("Receives", "Bytes a second that come from it, over the last seconds"),
        ("Sends", "Bytes a second that go to it, over the last seconds"),
        ("Score", "How useful the link is, from 0 to 100; the least useful one makes room first"),
        ("Since", "How long it has been linked"),
    ];
    let numbers = numbers.map(|(name, title)| {
        view! {
            <th scope="col" class="number" title=title>
                {name}
            </th>
        }
        .seal()
    });
    view! {
        <thead>
            <tr>
                <th scope="col">"Ion"</th>
                <th scope="col">"Link"</th>
                {numbers.collect_view()}
                <th scope="col">"Echo"</th>
            </tr>
        </thead>
    }
    .seal()
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
        ids.into_iter().take(ROWS_MAX).map(|id| far_row(desk, id)).collect_view()
    };
    let beyond = move || {
        let hidden = ids.with(Vec::len).saturating_sub(ROWS_MAX);
        (hidden > 0).then(|| view! { <li class="muted">{format!("and {hidden} more")}</li> }.seal())
    };
    let is_empty = Memo::new(move |_| ids.with(Vec::is_empty));
    let content = move || {
        (!is_empty.get()).then(|| {
            let rows = view! { <ul class="panel rows">{live(rows)} {live(beyond)}</ul> };
            let beside = view! {
                <p class="muted">"Not linked; messages reach them all the same."</p>
            };
            part("Through others", beside.seal(), rows.seal())
        })
    };
    live(content).seal()
}

fn far_row(desk: At, id: String) -> AnyView {
    let row_id = id.clone();
    let ion = Memo::new({
        let id = id.clone();
        move |_| desk.ions.with(|ions| ions.iter().find(|ion| ion.id == id).cloned())
    });
    let name = live(move || ion.with(|ion| ion.as_ref().map(|ion| ion.name.clone())));
    let way = live(move || {
        ion.with(|ion| ion.as_ref().map(|ion| desk.ions.with(|ions| network::way(ion, ions))))
    });
    let why = live(move || ion.with(|ion| ion.as_ref().map(|ion| ion.why.clone())));
    view! {
        <li class="row" data-test="far-row" data-id=row_id>
            <div class="grow">
                <p>
                    <span class="row-name">{name}</span>
                    <span class="muted" data-test="far-way">
                        {way}
                    </span>
                </p>
                <p class="small muted">{why}</p>
                {echo_answer(desk, id.clone())}
            </div>
            {echo_button(desk, id)}
        </li>
    }
    .seal()
}

fn echo_button(desk: At, id: String) -> AnyView {
    let asked = id.clone();
    let is_asked = Memo::new(move |_| desk.echoes.with(|all| all.of(&asked) == Some(&Echo::Asked)));
    view! {
        <button
            type="button"
            class="button"
            data-test="echo"
            title="Send a word there, and see how long it takes to come back"
            disabled=move || is_asked.get()
            on:click=move |_| desk.echo(&id)
        >
            {live(move || if is_asked.get() { "Under way …" } else { "Echo" })}
        </button>
    }
    .seal()
}

fn echo_answer(desk: At, id: String) -> AnyView {
    let echo = Memo::new(move |_| desk.echoes.with(|echoes| echoes.of(&id).cloned()));
    view! {
        <p class="small echo" role="status" data-test="echo-answer">
            {live(move || echo.get().map(echo_words))}
        </p>
    }
    .seal()
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
    let beside = view! {
        <p class="muted" role="status">
            {live(move || relays.with(|relays| network::relays(relays)))}
        </p>
    }
    .seal();
    let rows = live(move || relays.get().into_iter().map(relay_row).collect_view());
    let content = view! {
        <div class="panel">
            <ul class="rows">{rows}</ul>
            <p class="small muted">
                "A relay helps ions find each other. It stores nothing and decides nothing; links \
                 that stand need none."
            </p>
        </div>
    }
    .seal();
    part("Relays", beside, content)
}

/// A relay's address and state.
pub(crate) fn relay_row(relay: RelayView) -> AnyView {
    let (meaning, word) = if relay.is_connected {
        (words::Meaning::Good, "connected")
    } else {
        (words::Meaning::Bad, "not connected")
    };
    let why =
        (!relay.problem.is_empty()).then(|| view! { <p class="small">{relay.problem}</p> }.seal());
    view! {
        <li class="row" data-test="relay-row" data-connected=relay.is_connected.to_string()>
            <div class="grow">
                <code class="address">{relay.address}</code>
                {why}
            </div>
            {parts::pill(meaning, word)}
        </li>
    }
    .seal()
}
