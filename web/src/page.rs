//! Mission control as it is drawn: the frame, its pages, and the doors to the
//! browser. Views read the [`desk`](Desk)'s signals and call its actions; what
//! they show is worked out in [`model`](crate::model).

mod anatomy;
mod browser;
mod camera;
mod data;
mod desk;
mod diagnosis;
mod dialogs;
mod files;
mod frame;
mod icons;
mod ions;
mod job;
mod job_grid;
mod job_next;
mod job_results;
mod jobs;
mod keys;
mod mail;
mod map;
mod module;
mod network;
mod overview;
mod pairing;
mod parts;
mod picture;
mod raw;
mod router;
mod sealed;
mod servers;
mod settings;
mod setup;
mod sparks;
mod together;
mod work;

use leptos::prelude::*;
use node_core::node::Start;

use crate::bridge::{Bridge, Launch};
use desk::{At, Desk};

/// Said once where the browser gives less.
const INSECURE: &str = "This address is plain http, so the browser gives this page less. Joining \
                        and running work; Settings says what is missing, and the remedy.";

/// Starts mission control in this document: takes over the ion that the page
/// started, and draws.
pub fn start() {
    std::panic::set_hook(Box::new(|panic| browser::show_crash(&panic.to_string())));
    let invitation = browser::take_invitation();
    let desk = Desk::new(router::here());
    connect(desk, invitation);
    if !browser::is_secure() {
        desk.notice.set(INSECURE.to_owned());
    }
    mount_to_body(move || {
        router::listen(desk);
        keys::listen(desk);
        files::listen(desk);
        files::serve(desk);
        frame::view(desk)
    });
    if let Some(waiting) = document().get_element_by_id("waiting") {
        waiting.remove();
    }
}

fn connect(desk: At, invitation: Option<String>) {
    let (address, handed) = browser::handed();
    let first = std::cell::RefCell::new(invitation);
    let start = move || Start {
        invitation: first.take().or_else(browser::kept_invitation),
        workers: browser::modest_share(),
    };
    let bridge = Bridge::open(Launch {
        address,
        handed,
        start: Box::new(start),
        hear: Box::new(move |heard| desk.hear(heard)),
    });
    desk.connect(bridge);
}
