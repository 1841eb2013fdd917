//! A Firefox and a Chromium are members of one nebula, and link directly.
//!
//! Both run with the settings that people have: their addresses are hidden
//! behind names that only the machine's own network resolves.

use ionosphere_tests::{
    MANDELBROT_SHA256, browser::Browser, libp2p_peer::Kind, mission, relay::Relay, tab::Tab,
};

use crate::{
    js_libp2p::assert_linked,
    mesh::{linked_directly, without_relay},
    turn,
};

/// A relay, and a tab in each of two browsers, which know each other.
async fn firefox_and_chromium() -> (Relay, [Browser; 2], Tab, Tab) {
    let relay = Relay::start();
    let browsers = [Browser::firefox().await, Browser::start().await];
    let fox = browsers[0].open(&relay.url("/")).await;
    let chrome = browsers[1].open(&relay.url("/")).await;
    for tab in [&fox, &chrome] {
        mission::joined(tab).await;
        mission::counts_ions(tab, 2).await;
    }
    (relay, browsers, fox, chrome)
}

#[tokio::test]
async fn a_firefox_and_a_chromium_draw_one_picture() {
    let _turn = turn().await;
    let (_relay, _browsers, fox, chrome) = firefox_and_chromium().await;
    for tab in [&fox, &chrome] {
        mission::run_shared(tab, "mandelbrot", 2).await;
        assert_eq!(mission::ended(tab).await, "finished", "{}", tab.describe().await);
        assert_eq!(tab.text("result-sha256").await, MANDELBROT_SHA256);
    }
    fox.screenshot("firefox-mandelbrot").await;
}

#[tokio::test]
async fn every_page_is_drawn_in_firefox() {
    let _turn = turn().await;
    let (_relay, _browsers, fox, _chrome) = firefox_and_chromium().await;
    for page in ["overview", "jobs", "sparks", "data", "network", "ions", "settings"] {
        fox.click(&format!("nav-{page}")).await;
        fox.wait_for("a title", "document.querySelector('h1')?.textContent").await;
        let too_wide = "document.documentElement.scrollWidth > innerWidth";
        assert_eq!(fox.value(too_wide).await.expect("the page answers"), false, "{page}");
        fox.screenshot(&format!("firefox-{page}")).await;
    }
    // Firefox's own parts print as well, without a network now and then errors.
    let said = fox.console().await;
    let wrong: Vec<_> =
        said.iter().filter(|line| line.contains("JavaScript error: http")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_firefox_and_a_chromium_link_directly_and_work_without_a_relay() {
    let _turn = turn().await;
    let (mut relay, _browsers, fox, chrome) = firefox_and_chromium().await;
    for tab in [&fox, &chrome] {
        linked_directly(tab).await;
        mission::watch_ions(tab).await;
    }
    fox.screenshot("firefox-direct").await;
    // Nothing but the direct link is left to carry a job.
    relay.kill();
    for tab in [&fox, &chrome] {
        without_relay(tab).await;
    }
    for tab in [&fox, &chrome] {
        mission::run_shared(tab, "mandelbrot", 2).await;
        assert_eq!(mission::ended(tab).await, "finished", "{}", tab.describe().await);
        assert_eq!(mission::ions_shown(tab).await, ["2"], "the link stood all the time");
    }
}

#[tokio::test]
async fn peers_in_firefox_and_chromium_link_in_both_directions_and_exchange_8_mib() {
    let _turn = turn().await;
    let (fox, chrome) = (Browser::firefox().await, Browser::start().await);
    assert_linked((&fox, Kind::Ours), (&chrome, Kind::Ours)).await;
    assert_linked((&chrome, Kind::Ours), (&fox, Kind::Ours)).await;
}

/// Our peer dials. Where js-libp2p dials, or runs in Firefox, it closes the
/// channel `init` as soon as it is open and uses its number again for identify,
/// which Firefox may lose: such links stand, and now and then the peer is never
/// identified.
#[tokio::test]
async fn our_peer_in_firefox_dials_js_libp2p_in_chromium() {
    let _turn = turn().await;
    let (fox, chrome) = (Browser::firefox().await, Browser::start().await);
    assert_linked((&fox, Kind::Ours), (&chrome, Kind::Js)).await;
}
