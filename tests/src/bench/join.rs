//! From opening the page to belonging to its nebula.

use super::Found;
use crate::{browser::Browser, mission, relay::Relay, tab::Tab};

/// Browsers that open the page for the first time.
const RUNS: usize = 5;

/// `join`: a browser that has never seen the site. `join-again`: the same tab
/// after a reload, with what the browser kept. Both count from the beginning
/// of the navigation, in milliseconds.
pub(super) async fn measure() -> Found {
    let relay = Relay::start();
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let browser = Browser::start().await;
        let tab = browser.open(&relay.url("/")).await;
        first.push(joined_at(&tab).await);
        tab.reload().await;
        again.push(joined_at(&tab).await);
    }
    vec![("join", first), ("join-again", again)]
}

async fn joined_at(tab: &Tab) -> f64 {
    mission::joined(tab).await;
    let at = tab.wait_for("the time of joining", "Number(document.body.dataset.joinedAt)").await;
    at.as_f64().expect("it is a number")
}
