//! The mesh in real tabs: few links, everybody reached, no relay needed.

use std::{collections::BTreeMap, time::Duration};

use ionosphere_tests::{
    browser::Browser,
    mission,
    relay::Relay,
    tab::{Tab, query},
};

use serde_json::Value;

use crate::{turn, two_tabs};

/// Waits until every linked ion of a tab, at least one, is linked directly.
pub(crate) async fn linked_directly(tab: &Tab) {
    tab.click("nav-network").await;
    let kinds = "[...document.querySelectorAll('[data-test=\"link-row\"]')]\
        .map((row) => row.dataset.link)";
    let all = format!("{kinds}.length > 0 && {kinds}.every((kind) => kind === 'direct')");
    tab.wait_for("direct links", &all).await;
}

/// Waits until every number of a tab's links is known and says something, and the map
/// draws a solid line to each ion by its name.
async fn links_are_told(tab: &Tab) {
    let told = "(() => {
        const all = (within, what) => [...within.querySelectorAll(what)];
        const map = document.querySelector('[data-test=\"map\"]');
        const names = all(map, '.ion-name').map((name) => name.innerText);
        const rows = all(document, '[data-test=\"link-row\"]');
        const tells = (row) => {
            const cell = (label) => row.querySelector(`[data-label=\"${label}\"]`)?.innerText ?? '';
            const score = Number(cell('Score'));
            return /^[1-9][0-9]* ms$/.test(cell('Round trip'))
                && ['Receives', 'Sends'].every((flow) => /[1-9].*B\\/s$/.test(cell(flow)))
                && cell('Score') === row.dataset.score && score > 0 && score <= 100
                && names.some((name) => row.innerText.includes(name));
        };
        return rows.length > 0 && rows.every(tells)
            && all(map, 'line').length === rows.length
            && all(map, 'line').every((line) => line.getAttribute('class') === 'link');
    })()";
    tab.wait_for("what its links are like", told).await;
}

/// Waits until a tab knows that no relay answers.
pub(crate) async fn without_relay(tab: &Tab) {
    tab.wait_for("a word that the relay is gone", "document.body.dataset.phase === 'no-relay'")
        .await;
}

/// Sets how many links a tab holds.
async fn limit_links(tab: &Tab, target: usize, max: usize) {
    tab.click("nav-settings").await;
    for (field, wanted) in [("links-target", target), ("links-max", max)] {
        let fewer = format!(
            "(() => {{
                const shown = Number({0}.innerText);
                if (shown > {wanted}) {1}.click();
                if (shown < {wanted}) {2}.click();
                return shown === {wanted};
            }})()",
            query(field),
            query(&format!("{field}-fewer")),
            query(&format!("{field}-more")),
        );
        tab.wait_for(&format!("{field} of {wanted}"), &fewer).await;
    }
    let few = format!("Number({}.dataset.count) <= {max}", query("link-count"));
    tab.wait_for("few links", &few).await;
}

/// Begins to note the most links that a tab ever shows.
async fn watch_links(tab: &Tab) {
    let count = query("link-count");
    tab.run(&format!(
        "globalThis.mostLinks = 0;
         setInterval(() => {{
            const count = Number({count}?.dataset.count ?? 0);
            globalThis.mostLinks = Math.max(globalThis.mostLinks, count);
         }}, 50);"
    ))
    .await;
}

/// JavaScript: the ids of the ions that a tab is linked to.
const LINKED: &str =
    "[...document.querySelectorAll('[data-test=\"link-row\"]')].map((row) => row.dataset.id)";

/// Lets a tab that has two links use one of them now and then, and an ion that it
/// has no link to until it has one; which of the two links are gone then: the used
/// one, the other.
///
/// No ion is cut that has no further link: both linked ones must have one. Links may
/// change for other reasons too, for a while after their number was limited; then it
/// is tried once more.
async fn left_for_the_most_used(tabs: &[Tab]) -> [bool; 2] {
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        let mut links = BTreeMap::new();
        for tab in tabs {
            let (_, id) = mission::self_name(tab).await;
            tab.click("nav-network").await;
            links.insert(id, (tab, ids(&tab.run(&format!("return {LINKED};")).await)));
        }
        let count = |ion: &String| links.get(ion).map_or(0, |(_, links)| links.len());
        let is_between =
            |ions: &[String]| ions.len() == 2 && ions.iter().all(|ion| count(ion) == 2);
        let Some((tab, ions)) = links.values().find(|(_, ions)| is_between(ions)) else { continue };
        let [used, other] = [&ions[0], &ions[1]];
        let far = far_ion(tab).await;
        tab.run(&format!(
            "globalThis.uses = 0;
             globalThis.links = [];
             clearInterval(globalThis.looks);
             globalThis.looks = setInterval(() => {{
                const now = {LINKED};
                const last = globalThis.links.at(-1);
                if (now.sort().join() !== last?.join()) globalThis.links.push(now);
             }}, 10);"
        ))
        .await;
        // A button that waits for its answer takes no click.
        let echo = " [data-test=\"echo\"]";
        let (near, away) = (of_row("link-row", used, echo), of_row("far-row", &far, echo));
        let linked = format!(
            "(() => {{
                if ({LINKED}.includes('{far}')) return globalThis.links;
                const echo = globalThis.uses % 3 === 0 ? {near} : {away};
                if (echo && !echo.disabled) {{ echo.click(); globalThis.uses++; }}
                return {near} === null ? [] : false;
            }})()"
        );
        let sets = tab.wait_for("a link to the ion that is used most", &linked).await;
        let sets: Vec<_> = sets.as_array().into_iter().flatten().map(ids).collect();
        let Some(after) = sets.iter().position(|links| links.contains(&far)) else { continue };
        let mut before = ions.clone();
        before.sort();
        if after.checked_sub(1).map(|at| &sets[at]) == Some(&before) {
            return [used, other].map(|ion| !sets[after].contains(ion));
        }
    }
    panic!("no tab keeps two links");
}

fn ids(value: &Value) -> Vec<String> {
    let ids = value.as_array().into_iter().flatten();
    ids.filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// The id of an ion that a tab is not linked to. Goes to Network for it.
async fn far_ion(tab: &Tab) -> String {
    tab.click("nav-network").await;
    let id = format!("{}?.dataset.id", query("far-row"));
    tab.wait_for("an ion that is not linked", &id).await.as_str().unwrap_or_default().to_owned()
}

/// JavaScript: the element of one ion's row, or a part of it.
pub(crate) fn of_row(row: &str, ion: &str, part: &str) -> String {
    format!("document.querySelector('[data-test=\"{row}\"][data-id=\"{ion}\"]{part}')")
}

#[tokio::test]
async fn tabs_link_directly_and_need_no_relay_any_more() {
    let _turn = turn().await;
    let (mut relay, _browser, first, second) = two_tabs().await;
    linked_directly(&first).await;
    linked_directly(&second).await;
    links_are_told(&first).await;
    first.screenshot("network-direct").await;
    relay.kill();
    without_relay(&first).await;
    without_relay(&second).await;
    mission::run_shared(&first, "mandelbrot", 2).await;
    assert_eq!(mission::ended(&first).await, "finished");
    mission::counts_ions(&second, 2).await;
    first.click("nav-network").await;
    first.screenshot("network-no-relay").await;
    relay.restart();
    mission::joined(&first).await;
    mission::joined(&second).await;
}

#[tokio::test]
async fn five_tabs_with_two_links_each_reach_everybody_without_a_relay() {
    const TABS: usize = 5;
    let _turn = turn().await;
    let mut relay = Relay::start();
    // A sixth, in a nebula and a browser of its own, so that nothing leads to it.
    let elsewhere = Browser::start().await;
    let sixth = elsewhere.open(&relay.url("/")).await;
    mission::joined(&sixth).await;
    mission::invite(&sixth, "apart").await;
    let browser = Browser::start().await;
    let mut tabs = Vec::new();
    // From its first link on, so that none is cut for the limit's sake: those would
    // be left alone for a minute, however much they are used.
    for _ in 0..TABS {
        let tab = browser.open(&relay.url("/")).await;
        limit_links(&tab, 2, 2).await;
        watch_links(&tab).await;
        mission::joined(&tab).await;
        tabs.push(tab);
    }
    for tab in &tabs {
        mission::counts_ions(tab, TABS).await;
    }
    relay.kill();
    for tab in &tabs {
        without_relay(tab).await;
        mission::counts_ions(tab, TABS).await;
    }
    // A word to an ion that is not linked comes back over others.
    let far = far_ion(&tabs[0]).await;
    let echo = of_row("far-row", &far, " [data-test=\"echo\"]");
    let answer = of_row("far-row", &far, " [data-test=\"echo-answer\"]");
    let answered = format!("({echo}?.click(), / ms/.test({answer}?.innerText))");
    tabs[0].wait_for("an echo", &answered).await;
    tabs[0].screenshot("network-far").await;
    // Whoever is used that much is linked in the end, with no relay to help.
    let left = left_for_the_most_used(&tabs).await;
    assert_eq!(left, [false, true], "whether the used link left, and the other");
    // All of them work together.
    mission::run_shared(&tabs[1], "mandelbrot", 2).await;
    assert_eq!(mission::ended(&tabs[1]).await, "finished");
    // A tab that is loaded anew comes from its service worker and finds the others.
    for tab in &tabs {
        let most = tab.run("return globalThis.mostLinks;").await.as_u64();
        assert!(most.is_some_and(|most| most <= 2), "a tab held {most:?} links");
    }
    tabs[2].reload().await;
    without_relay(&tabs[2]).await;
    for tab in &tabs {
        mission::counts_ions(tab, TABS).await;
    }
    // The sixth comes back to the nebula of all, where it finds nobody; then it
    // pairs with one of them, and reaches all.
    sixth.click("nav-settings").await;
    sixth.click("join-default").await;
    mission::counts_ions(&sixth, 1).await;
    pair(&tabs[4], &sixth, Duration::ZERO).await;
    tabs.push(sixth);
    for tab in &tabs {
        mission::counts_ions(tab, TABS + 1).await;
    }
    mission::run_shared(&tabs[TABS], "mandelbrot", 2).await;
    assert_eq!(mission::ended(&tabs[TABS]).await, "finished");
}

/// Lets one tab show a code, the other answer it, and the first take the answer after
/// a while.
async fn pair(shows: &Tab, takes: &Tab, after: Duration) {
    let offer = show_code(shows).await;
    takes.click("nav-network").await;
    takes.click("pair").await;
    takes.click("pair-take").await;
    takes.fill("pair-field", &offer).await;
    takes.click("pair-with").await;
    take_answer(shows, takes, after).await;
}

pub(crate) async fn show_code(tab: &Tab) -> String {
    tab.click("nav-network").await;
    tab.click("pair").await;
    tab.click("pair-show").await;
    let offer = tab.text("pair-code").await;
    assert!(offer.len() <= 1_000, "{} characters: {offer}", offer.len());
    offer
}

pub(crate) async fn take_answer(shows: &Tab, takes: &Tab, after: Duration) {
    let answer = takes.text("pair-code").await;
    assert!(answer.len() <= 1_000, "{} characters: {answer}", answer.len());
    shows.screenshot("pairing-offer").await;
    tokio::time::sleep(after).await;
    shows.fill("pair-field", &answer).await;
    shows.click("pair-with").await;
    for tab in [shows, takes] {
        let done = format!("{}?.dataset.stage === 'done'", query("pairing"));
        tab.wait_for("the pair", &done).await;
        tab.click("pair-close").await;
    }
}

#[tokio::test]
async fn three_tabs_pair_by_codes_without_any_relay() {
    let _turn = turn().await;
    let mut relay = Relay::start();
    // Browsers of their own, so that no channel of the browser helps.
    let browsers = [Browser::start().await, Browser::start().await, Browser::start().await];
    let mut tabs = Vec::new();
    for browser in &browsers {
        let tab = browser.open(&relay.url("/")).await;
        mission::joined(&tab).await;
        tabs.push(tab);
    }
    // In a nebula that the others do not know, until they pair.
    mission::invite(&tabs[0], "apart").await;
    mission::counts_ions(&tabs[0], 1).await;
    relay.kill();
    for tab in &tabs {
        without_relay(tab).await;
    }
    pair(&tabs[0], &tabs[1], Duration::ZERO).await;
    // People take their time to send each other a code.
    pair(&tabs[1], &tabs[2], Duration::from_secs(15)).await;
    for tab in &tabs {
        mission::counts_ions(tab, 3).await;
    }
}
