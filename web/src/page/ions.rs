//! Ions: one row each; cards on a phone.

use leptos::prelude::*;
use node_core::node::{IonView, LinkKind, Status};

use super::{
    browser,
    desk::At,
    network::link_cell,
    parts,
    sealed::{Seal, live},
};
use crate::model::{
    format,
    network::{self, Tally},
    words,
};

/// Rows that are shown at most; a search narrows them.
const ROWS_MAX: usize = 200;

/// The page.
pub(crate) fn view(desk: At) -> AnyView {
    let search = RwSignal::new(String::new());
    let rows = live(move || rows(desk, &browser::lowercase(&search.get())));
    let count = live(move || {
        let (others, tally) = desk.ions.with(|ions| (ions.len() as u64, Tally::of(ions)));
        let kinds = if others == 0 { String::new() } else { format!(": {}", tally.words()) };
        format!("{} besides this tab{kinds}", format::counted(others, "ion"))
    });
    view! {
        {parts::head("Ions", "The tabs and machines of this nebula, and how they are reached.", ().seal())}
        <div class="list-bar">
            {search_field("Find an ion by name or id", search)}
            <p class="muted" aria-live="polite">
                {count}
            </p>
        </div>
        <div class="table-wrap panel flush">
            <table class="table cards">
                <thead>
                    <tr>
                        <th scope="col">"Ion"</th>
                        <th scope="col">"Link"</th>
                        <th scope="col" class="number">
                            "Round trip"
                        </th>
                        <th scope="col">"Workers"</th>
                        <th scope="col" class="number">
                            "Tasks for you"
                        </th>
                        <th scope="col" class="number">
                            "Linked"
                        </th>
                    </tr>
                </thead>
                <tbody>{live(move || desk.status.with(this_tab))} {rows}</tbody>
            </table>
        </div>
    }
    .seal()
}

/// A field that `/` leads to.
pub(crate) fn search_field(label: &'static str, search: RwSignal<String>) -> AnyView {
    view! {
        <input
            type="search"
            class="search"
            data-search=""
            data-test="search"
            aria-label=label
            placeholder=label
            maxlength="80"
            on:input=move |event| search.set(event_target_value(&event))
        />
    }
    .seal()
}

fn rows(desk: At, wanted: &str) -> AnyView {
    let matches = |ion: &&IonView| {
        wanted.is_empty()
            || browser::lowercase(&ion.name).contains(wanted)
            || browser::lowercase(&ion.id).contains(wanted)
    };
    let ion_clock_ms = desk.ion_clock_ms();
    desk.ions.with(|ions| {
        let found = ions.iter().filter(matches).take(ROWS_MAX);
        found.map(|ion| row(ion, ions, ion_clock_ms)).collect_view().into_any()
    })
}

fn this_tab(status: &Status) -> AnyView {
    let workers = if status.paused { 0 } else { status.workers };
    view! {
        <tr data-test="ion-row" data-id=status.id.clone() data-self="true">
            <th scope="row">
                <span class="row-name">{status.name.clone()}</span>
                <span class="badge">"this tab"</span>
                <span class="row-id">{format::short_id(&status.id)}</span>
            </th>
            <td data-label="Link" class="muted">
                "–"
            </td>
            <td data-label="Round trip" class="number muted">
                "–"
            </td>
            <td data-label="Workers">{workers_cell(status.workers_busy, workers)}</td>
            <td data-label="Tasks done here" class="number">
                {format::count(status.tasks_done)}
            </td>
            <td data-label="Linked" class="number muted">
                "–"
            </td>
        </tr>
    }
    .into_any()
}

fn row(ion: &IonView, ions: &[IonView], ion_clock_ms: u64) -> AnyView {
    let (_, kind) = words::link(ion.link);
    let linked_ms = ion_clock_ms.saturating_sub(ion.linked_at_ms);
    let way = (ion.link == LinkKind::Via).then(|| network::way(ion, ions));
    view! {
        <tr data-test="ion-row" data-id=ion.id.clone() data-link=kind>
            <th scope="row">
                <span class="row-name">{ion.name.clone()}</span>
                <span class="row-id" title=ion.id.clone()>
                    {format::short_id(&ion.id)}
                </span>
            </th>
            <td data-label="Link" class="link-cell">
                {link_cell(ion, way)}
            </td>
            <td data-label="Round trip" class="number">
                {words::round_trip(ion.round_trip_ms)}
            </td>
            <td data-label="Workers">{workers_cell(ion.workers_busy, ion.workers)}</td>
            <td data-label="Tasks for you" class="number">
                {format::count(ion.tasks_done)}
            </td>
            <td data-label="Linked" class="number" title=format::duration(linked_ms)>
                {format::ago(linked_ms)}
            </td>
        </tr>
    }
    .into_any()
}

fn workers_cell(busy: u16, workers: u16) -> AnyView {
    if workers == 0 {
        return view! { <span class="muted">"paused"</span> }.into_any();
    }
    view! {
        <span class="workers">
            {parts::slots(busy, workers)} <span>{format!("{busy} of {workers} busy")}</span>
        </span>
    }
    .into_any()
}
