//! Two tabs of one browser become two ions and know each other.

use ionosphere_tests::{
    mission,
    tab::{Tab, query},
};

use crate::{turn, two_tabs};

#[tokio::test]
async fn two_tabs_are_two_ions_and_stay_who_they_are() {
    let _turn = turn().await;
    let (_relay, _browser, first, second) = two_tabs().await;
    let one = mission::self_name(&first).await;
    let two = mission::self_name(&second).await;
    assert_ne!(one.1, two.1, "two tabs share a key");
    assert!(one.0.contains('-') && two.0.contains('-'), "readable names: {one:?} {two:?}");

    first.click("nav-ions").await;
    let row = format!("document.querySelector('[data-test=\"ion-row\"][data-id=\"{}\"]')", two.1);
    let row = first.wait_for("the other tab in the list", &format!("{row}?.innerText")).await;
    assert!(row.as_str().is_some_and(|row| row.contains(&two.0)), "{row:?}");

    second.reload().await;
    mission::joined(&second).await;
    mission::counts_ions(&second, 2).await;
    assert_eq!(mission::self_name(&second).await, two, "a reload changed the ion");
    mission::counts_ions(&first, 2).await;
}

#[tokio::test]
async fn a_closed_tab_is_missed_and_its_place_is_taken_over() {
    let _turn = turn().await;
    let (relay, browser, first, second) = two_tabs().await;
    let gone = mission::self_name(&second).await;
    second.close().await;
    mission::counts_ions(&first, 1).await;

    let third = browser.open(&relay.url("/")).await;
    mission::joined(&third).await;
    mission::counts_ions(&first, 2).await;
    assert_eq!(mission::self_name(&third).await, gone, "the free place was not taken");
}

#[tokio::test]
async fn a_tab_has_no_mistakes_on_its_console() {
    let _turn = turn().await;
    let (_relay, _browser, first, _second) = two_tabs().await;
    for page in ["overview", "jobs", "sparks", "data", "network", "ions", "mail", "settings"] {
        first.click(&format!("nav-{page}")).await;
        first.wait_for("a title", "document.querySelector('h1')?.textContent").await;
    }
    let said = first.console().await;
    let wrong: Vec<_> = said.iter().filter(|line| line.starts_with("SEVERE")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn every_page_is_drawn_on_desk_and_phone_in_light_and_dark() {
    let _turn = turn().await;
    let (_relay, _browser, first, _second) = two_tabs().await;
    for (place, width, height) in [("desk", 1280, 800), ("phone", 390, 844)] {
        for scheme in ["light", "dark"] {
            first.look(width, height, scheme).await;
            for page in [
                "overview", "jobs", "sparks", "files", "data", "network", "ions", "mail",
                "settings",
            ] {
                first.click(&format!("nav-{page}")).await;
                is_drawn(&first, page, place, scheme).await;
            }
            mission::open_spark(&first, "mandelbrot").await;
            first.click("limits").await;
            let lane = query("lane");
            first.wait_for("what runs it", &lane).await;
            first.run(&format!("{lane}.scrollIntoView({{ block: 'center' }});")).await;
            is_drawn(&first, "spark-form", place, scheme).await;
        }
    }
}

/// Nothing of the page is beyond the window's side; keeps a picture of it.
async fn is_drawn(tab: &Tab, page: &str, place: &str, scheme: &str) {
    let too_wide = "document.documentElement.scrollWidth > innerWidth";
    let is_too_wide = tab.value(too_wide).await.expect("the page answers");
    assert_eq!(is_too_wide, false, "{page} scrolls sideways on a {place}");
    tab.screenshot(&format!("{page}-{place}-{scheme}")).await;
}

#[tokio::test]
async fn the_phones_bar_is_one_line_and_follows_the_present_page() {
    let _turn = turn().await;
    let (_relay, _browser, first, _second) = two_tabs().await;
    first.look(1280, 800, "light").await;
    first.click("nav-settings").await;
    // The window becomes a phone's while the last page is shown.
    first.look(390, 844, "light").await;
    let in_sight = "((place) => place.left >= 0 && place.right <= innerWidth)\
        (document.querySelector('.rail [aria-current]').getBoundingClientRect())";
    first.wait_for("the last page's entry", in_sight).await;
    let tops = "[...new Set([...document.querySelectorAll('.rail li a')]\
        .map((entry) => Math.round(entry.getBoundingClientRect().top)))].length";
    assert_eq!(first.value(tops).await.expect("the page answers"), 1, "one line");
    let entries = "document.querySelectorAll('.rail li a').length";
    assert_eq!(first.value(entries).await.expect("the page answers"), 9);
    let height = "document.querySelector('.rail').getBoundingClientRect().height < 80";
    assert_eq!(first.value(height).await.expect("the page answers"), true, "a low bar");
    for page in ["overview", "mail", "settings", "data"] {
        first.click(&format!("nav-{page}")).await;
        first.wait_for(page, in_sight).await;
    }
}

#[tokio::test]
async fn the_first_attempts_to_connect_succeed() {
    let _turn = turn().await;
    let (_relay, _browser, first, second) = two_tabs().await;
    let outcomes = "[...document.querySelectorAll('[data-test=\"attempt\"]')]\
        .map((one) => one.dataset.outcome)";
    let mut attempts = 0;
    for tab in [&first, &second] {
        tab.click("nav-network").await;
        let direct = "document.querySelector('[data-test=\"link-row\"][data-link=\"direct\"]')";
        tab.wait_for("a direct link", direct).await;
        let found = tab.value(outcomes).await.expect("a list");
        let found: Vec<&str> =
            found.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
        assert!(found.iter().all(|one| *one == "connected"), "{}", tab.describe().await);
        attempts += found.len();
    }
    assert!(attempts > 0, "nobody is told of any attempt: {}", first.describe().await);
}
