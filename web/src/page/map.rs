//! The live map: ions as circles sized by what they lend, this tab marked,
//! links solid (direct), dashed (relayed) or dotted (through others). The page's list of ions says the
//! same in words; readers are led there.

use leptos::prelude::*;
use node_core::node::{IonView, LinkKind};

use super::{
    desk::At,
    sealed::{Seal, live},
};
use crate::model::{
    format,
    map::{IONS_MAX, MIDDLE, NAMES_MAX},
    words,
};

/// The map.
pub(crate) fn view(desk: At) -> AnyView {
    let links = live(move || {
        desk.ions.with(|ions| ions.iter().filter_map(|ion| link(desk, ion)).collect_view())
    });
    let nodes = live(move || {
        desk.ions.with(|ions| {
            let is_named = ions.len() <= NAMES_MAX;
            ions.iter().filter_map(|ion| node(desk, ion, is_named)).collect_view()
        })
    });
    let label = move || {
        let others = desk.ions.with(Vec::len) as u64;
        format!("Map of the nebula: this tab and {}", format::counted(others, "other ion"))
    };
    let beyond = live(move || {
        let hidden = desk.ions.with(Vec::len).saturating_sub(IONS_MAX);
        (hidden > 0).then(|| {
            view! {
                <a class="map-more" href="/ions">
                    {format!("and {hidden} more")}
                </a>
            }
            .seal()
        })
    });
    view! {
        <div class="map" role="img" aria-label=label data-test="map">
            <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
                {links}
            </svg>
            {nodes}
            {this_tab(desk)}
            {beyond}
            {alone(desk)}
        </div>
    }
    .seal()
}

/// What the shapes mean.
pub(crate) fn legend() -> AnyView {
    view! {
        <ul class="legend" aria-label="Legend">
            <li>
                <span class="legend-self"></span>
                "this tab"
            </li>
            <li>
                <span class="legend-line"></span>
                "linked directly"
            </li>
            <li>
                <span class="legend-line dashed"></span>
                "through a relay"
            </li>
            <li>
                <span class="legend-line dotted"></span>
                "through other ions"
            </li>
            <li>
                <span class="legend-busy"></span>
                "working"
            </li>
        </ul>
    }
    .seal()
}

fn alone(desk: At) -> AnyView {
    let is_alone = Memo::new(move |_| desk.ions.with(Vec::is_empty));
    let text = live(move || {
        is_alone.get().then(|| {
            view! {
                <p class="map-alone">
                    "No other ion yet. Open this address in a second tab, or on another device."
                </p>
            }
            .seal()
        })
    });
    text.seal()
}

fn this_tab(desk: At) -> AnyView {
    let state = Memo::new(move |_| {
        desk.status.with(|status| (status.name.clone(), status.workers, status.workers_busy > 0))
    });
    let name = live(move || state.with(|(name, _, _)| name.clone()));
    let size = Memo::new(move |_| diameter(state.with(|(_, workers, _)| *workers)));
    view! {
        <div
            class="ion this"
            class:busy=move || state.with(|(_, _, is_busy)| *is_busy)
            style:left=share(MIDDLE.x)
            style:top=share(MIDDLE.y)
        >
            <span class="ion-dot" style:width=size style:height=size></span>
            <span class="ion-name">{name}</span>
        </div>
    }
    .seal()
}

fn link(desk: At, ion: &IonView) -> Option<AnyView> {
    let place = desk.map.with_untracked(|map| map.place(&ion.id))?;
    let class = match ion.link {
        LinkKind::Relayed => "link relayed",
        LinkKind::Direct => "link",
        LinkKind::Via => "link via",
    };
    let at = |share: f64| format!("{:.2}", share * 100.0);
    // The way to an ion that is not linked begins at the neighbour on it.
    let via = desk.map.with_untracked(|map| map.place(&ion.via));
    let (from, to) = (via.unwrap_or(MIDDLE), place);
    let line = view! {
        <line class=class x1=at(from.x) y1=at(from.y) x2=at(to.x) y2=at(to.y)></line>
    }
    .into_any();
    Some(line)
}

fn node(desk: At, ion: &IonView, is_named: bool) -> Option<AnyView> {
    let place = desk.map.with_untracked(|map| map.place(&ion.id))?;
    let size = diameter(ion.workers);
    let class = if ion.workers_busy > 0 { "ion busy" } else { "ion" };
    let (_, kind) = words::link(ion.link);
    let title = format!(
        "{}: {kind}, round trip {}, {} of {} workers busy",
        ion.name,
        words::round_trip(ion.round_trip_ms),
        ion.workers_busy,
        ion.workers
    );
    let name =
        is_named.then(|| view! { <span class="ion-name">{ion.name.clone()}</span> }.into_any());
    Some(
        view! {
            <div class=class style:left=share(place.x) style:top=share(place.y) title=title>
                <span class="ion-dot" style:width=size.clone() style:height=size></span>
                {name}
            </div>
        }
        .into_any(),
    )
}

/// Its area, not its width, follows the number of workers.
fn diameter(workers: u16) -> String {
    format!("{:.0}px", 14.0 + 9.0 * f64::from(workers.min(16)).sqrt())
}

fn share(part: f64) -> String {
    format!("{:.2}%", part * 100.0)
}
