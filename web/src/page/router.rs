//! The page's address: read at the start, changed without loading, and
//! followed back and forth.

use leptos::{ev, prelude::*};
use node_core::node::Command;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement, MouseEvent};

use super::{browser, desk::At};
use crate::model::route::Route;

/// The place that the address names.
pub(crate) fn here() -> Route {
    Route::parse(&window().location().pathname().unwrap_or_default())
}

/// Goes to a place.
pub(crate) fn go(desk: At, route: Route) {
    if let Ok(history) = window().history() {
        // A browser that keeps no history still shows the place.
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&route.path()));
    }
    arrive(desk, route);
}

/// Follows links of this site, the browser's back and forward, and invitations
/// that are opened in this very tab.
pub(crate) fn listen(desk: At) {
    window_event_listener(ev::popstate, move |_| arrive(desk, here()));
    window_event_listener(ev::hashchange, move |_| {
        if let Some(invitation) = browser::take_fragment() {
            desk.post(Command::Join { invitation });
        }
    });
    window_event_listener(ev::click, move |event| {
        if let Some(route) = followed(&event) {
            event.prevent_default();
            go(desk, route);
        }
    });
    show_title(&desk.route.get_untracked());
}

fn arrive(desk: At, route: Route) {
    show_title(&route);
    let is_file = |route: &Route| matches!(route, Route::File(_));
    let is_over = is_file(&route) || desk.route.with_untracked(is_file);
    desk.route.set(route);
    if is_over {
        // It lies over the page, which stays as it is.
        return;
    }
    window().scroll_to_with_x_and_y(0.0, 0.0);
    // Once the page stands, the keyboard and the screen reader begin at its title.
    request_animation_frame(|| {
        browser::focus("h1");
    });
}

fn show_title(route: &Route) {
    document().set_title(&format!("{} · Ionosphere", route.title()));
}

fn followed(event: &MouseEvent) -> Option<Route> {
    let is_plain = event.button() == 0
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let link = target.closest("a[href]").ok()??.dyn_into::<HtmlAnchorElement>().ok()?;
    let is_ours = link.origin() == browser::origin() && link.hash().is_empty();
    let is_here = link.target().is_empty() && !link.has_attribute("download");
    (is_plain && is_ours && is_here).then(|| Route::parse(&link.pathname()))
}
