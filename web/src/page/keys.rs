//! Keys that work everywhere: `/` searches, `?` lists the keys, Escape closes,
//! and `g` with a letter goes to a page.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use super::{
    browser,
    desk::{At, Dialog},
    files, router,
};
use crate::model::route::Route;

/// The keys and what they do, as the list of keys shows them.
pub(crate) const KEYS: [(&str, &str); 17] = [
    ("/", "Search, where there is a list"),
    ("?", "This list"),
    ("Esc", "Close what is open, or dismiss a problem"),
    ("p", "Pause or resume this tab"),
    ("g o", "Go to Overview"),
    ("g j", "Go to Jobs"),
    ("g s", "Go to Sparks"),
    ("g f", "Go to Files"),
    ("g n", "Go to Network"),
    ("g i", "Go to Ions"),
    ("g m", "Go to Mail"),
    ("g e", "Go to Settings"),
    ("x", "Mark the file that has the focus; Shift with ↑ ↓ marks more"),
    ("Del", "Delete what is marked, else the file that has the focus"),
    ("F2", "Rename it"),
    ("Backspace", "Go to the folder above"),
    ("← →", "The file before, and the next, in an open one"),
];

/// Listens for them.
pub(crate) fn listen(desk: At) {
    let is_going = StoredValue::new(false);
    window_event_listener(ev::keydown, move |event| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let was_going = is_going.get_value();
        is_going.set_value(false);
        if event.key() == "Escape" {
            close(desk);
        } else if !is_typing(&event)
            && (files::pressed(desk, &event) || pressed(desk, &event.key(), was_going))
        {
            event.prevent_default();
        } else if !is_typing(&event) {
            is_going.set_value(event.key() == "g");
        }
    });
}

fn pressed(desk: At, key: &str, was_going: bool) -> bool {
    if was_going {
        return going(desk, key);
    }
    match key {
        "/" => browser::focus("[data-search]"),
        "?" => {
            desk.dialog.set(Dialog::Keys);
            true
        }
        "p" => {
            super::parts::toggle_pause(desk);
            true
        }
        _ => false,
    }
}

fn going(desk: At, key: &str) -> bool {
    let route = match key {
        "o" => Route::Overview,
        "j" => Route::Jobs,
        "s" => Route::Sparks,
        "f" => Route::Files(String::new()),
        "n" => Route::Network,
        "i" => Route::Ions,
        "m" => Route::Mail,
        "e" => Route::Settings,
        _ => return false,
    };
    router::go(desk, route);
    true
}

fn close(desk: At) {
    if desk.dialog.get_untracked() != Dialog::None {
        desk.dialog.set(Dialog::None);
        return;
    }
    if untrack(|| files::is_over(desk)) {
        // The browser closes it.
        return;
    }
    if files::unmark(desk) {
        return;
    }
    desk.news.update(|news| {
        news.dismiss_newest();
    });
}

fn is_typing(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let fields = "input:not([type=checkbox]), textarea, select";
    target.is_some_and(|element| element.matches(fields).unwrap_or(false))
}
