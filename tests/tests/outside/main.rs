//! Ionosphere from outside. One program, so that it is linked once; its tests
//! take turns, since each wants the machine for itself.
//!
//! `cargo xtask test` builds site and relay first and runs these.

mod camera;
mod cluster;
mod copies;
mod data;
mod departures;
mod devices;
mod direct;
mod files;
mod firefox;
mod forms;
mod goals;
mod halves;
mod harness;
mod hostile;
mod interrupted;
mod invitations;
mod js_libp2p;
mod json_sparks;
mod kept;
mod languages;
mod mail;
mod mesh;
mod mistakes;
mod offline;
mod over_webrtc;
mod receipts;
mod recovery;
mod relay_down;
mod self_test;
mod servers;
mod tabs;
mod together;
mod why;
mod work;

use ionosphere_tests::{browser::Browser, mission, relay::Relay, tab::Tab};
use tokio::sync::{Mutex, MutexGuard};

/// Waits until no other test runs.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// The same for tests without an event loop.
fn blocking_turn() -> MutexGuard<'static, ()> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("the system gives an event loop")
        .block_on(turn())
}

/// A relay, a browser, and two of its tabs that know each other.
async fn two_tabs() -> (Relay, Browser, Tab, Tab) {
    let relay = Relay::start();
    let browser = Browser::start().await;
    let first = browser.open(&relay.url("/")).await;
    let second = browser.open(&relay.url("/")).await;
    mission::joined(&first).await;
    mission::joined(&second).await;
    mission::counts_ions(&first, 2).await;
    mission::counts_ions(&second, 2).await;
    (relay, browser, first, second)
}
