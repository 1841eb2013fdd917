//! A Firefox and a Chromium are members of one nebula.

use ionosphere_tests::{MANDELBROT_SHA256, browser::Browser, mission, relay::Relay, tab::Tab};

use crate::turn;

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
    for page in ["overview", "jobs", "sparks", "ions", "settings"] {
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
