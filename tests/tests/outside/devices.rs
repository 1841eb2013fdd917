//! Tabs as they are on phones and in the background: an address without
//! encryption, and a tab that nobody looks at.

use std::time::Duration;

use ionosphere_tests::{
    browser::{Browser, Hidden},
    mission,
    relay::Relay,
    tab::{Tab, query},
};

use crate::{
    mesh::{linked_directly, of_row},
    turn,
};

/// Jobs in which a hidden tab has to show that it works.
const JOBS_MAX: u32 = 12;
/// Echoes while a tab is hidden: with what is between them, two minutes of them.
const ECHOES: u32 = 40;
/// Between two echoes.
const ECHO_EVERY: Duration = Duration::from_secs(3);
/// How long a hidden tab may take to answer, in milliseconds, beyond what a tab
/// that is seen takes at the same moment.
const ANSWER_MS_MAX: u64 = 200;
/// A host that the browser finds on this machine and does not trust for it.
const HOST: &str = "ion.test";

/// JavaScript: whether whoever presses the middle of Run presses Run.
const RUN_IS_ON_TOP: &str = "const run = document.querySelector('[data-test=\"run\"]');
    run.scrollIntoView({ block: arguments[0] });
    const { left, top, width, height } = run.getBoundingClientRect();
    const found = document.elementFromPoint(left + width / 2, top + height / 2);
    return run.contains(found) ? '' : (found?.outerHTML ?? 'nothing').slice(0, 200);";

#[tokio::test]
async fn a_phone_on_plain_http_joins_and_runs_and_its_notice_covers_nothing() {
    let _turn = turn().await;
    let relay = Relay::start_with(&["--allow-host", HOST]);
    let rule = format!("--host-resolver-rules=MAP {HOST} 127.0.0.1");
    let browser = Browser::start_with_flags(Hidden::AtFullSpeed, &[&rule]).await;
    let tab = browser.open("about:blank").await;
    tab.look(390, 844, "light").await;
    let address = format!("http://{HOST}:{}/sparks/add", relay.http().port());
    tab.go(&address).await;
    assert_eq!(tab.value("isSecureContext").await.expect("the page answers"), false);
    mission::joined(&tab).await;
    tab.wait_for("the spark's form", &query("run")).await;
    let notice = format!(
        "{}?.checkVisibility({{ visibilityProperty: true }}) && {}.innerText",
        query("notice"),
        query("notice"),
    );
    let said = tab.wait_for("a notice", &notice).await;
    for block in ["start", "center", "end", "nearest"] {
        let script = RUN_IS_ON_TOP.replace("arguments[0]", &format!("'{block}'"));
        let above = tab.run(&script).await;
        assert_eq!(above, "", "with Run at {block}, above it lies");
        let now = tab.value(&notice).await.expect("the page answers");
        assert_eq!(now, said, "the notice went before Run was looked for");
    }
    tab.screenshot("insecure-phone").await;
    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished");
}

/// Waits until the browser holds this tab's timers back: several beats a second
/// have become one.
async fn throttled(tab: &Tab) {
    tab.run(
        "globalThis.testBeats = []; setInterval(() => testBeats.push(performance.now()), 100);",
    )
    .await;
    let late = "testBeats.some((at, nth) => nth > 0 && at - testBeats[nth - 1] > 900)";
    tab.wait_for("throttled timers", late).await;
}

/// Begins to note when the row of one of these ions is no direct link's. The
/// tab has to stay on Network.
async fn watch_links(tab: &Tab, ions: &[&str]) {
    let rows: Vec<_> = ions.iter().map(|ion| of_row("link-row", ion, "")).collect();
    tab.run(&format!(
        "globalThis.testUnlinked = [];
         setInterval(() => {{
            const links = [{}].map((row) => row?.dataset.link ?? 'none');
            if (links.some((link) => link !== 'direct')) {{ testUnlinked.push(links); }}
         }}, 50);",
        rows.join(", ")
    ))
    .await;
}

/// Sends a word to each of these ions at once; how long each took to come back,
/// in milliseconds.
async fn echoes(tab: &Tab, ions: [&str; 2]) -> [u64; 2] {
    let press = ions.map(|ion| {
        let echo = of_row("link-row", ion, " [data-test=\"echo\"]");
        format!("{echo}.click();")
    });
    tab.run(&press.concat()).await;
    let mut took = [0; 2];
    for (took, ion) in took.iter_mut().zip(ions) {
        let (row, part) = ("link-row", |part: &str| format!(" [data-test=\"{part}\"]"));
        let answer = of_row(row, ion, &part("echo-answer"));
        let asked = of_row(row, ion, &part("echo"));
        // While it is under way the answer before it is gone.
        let ms = format!("!{asked}?.disabled && {answer}?.innerText.match(/ in (\\d+) ms/)?.[1]");
        let ms = tab.wait_for("an echo", &ms).await;
        *took = ms.as_str().and_then(|ms| ms.parse().ok()).expect("digits");
    }
    took
}

fn median_and_worst(mut all: Vec<u64>) -> (u64, u64) {
    all.sort_unstable();
    (all[all.len() / 2], all[all.len() - 1])
}

#[tokio::test]
async fn a_hidden_tab_keeps_its_links_for_two_minutes_and_answers_at_once() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start_with(Hidden::Throttled).await;
    let asks = browser.open(&relay.url("/")).await;
    // Two that are asked: one that nobody sees, and one that is seen, which
    // shows what the machine makes of anybody's answers at that moment.
    let (hidden, seen) =
        (browser.open_window(&relay.url("/")).await, browser.open_window(&relay.url("/")).await);
    let mut ids = Vec::new();
    for tab in [&asks, &hidden, &seen] {
        mission::joined(tab).await;
        mission::counts_ions(tab, 3).await;
        ids.push(mission::self_name(tab).await.1);
        linked_directly(tab).await;
    }
    hidden.hide().await;
    throttled(&hidden).await;
    for tab in [&asks, &seen] {
        tab.wait_for("a page that is seen", "document.visibilityState === 'visible'").await;
    }
    let asked = [ids[1].as_str(), ids[2].as_str()];
    for ion in asked {
        let direct = format!("{}?.dataset.link === 'direct'", of_row("link-row", ion, ""));
        asks.wait_for("a direct link", &direct).await;
    }
    watch_links(&asks, &asked).await;
    let mut took = Vec::new();
    for _ in 0..ECHOES {
        took.push(echoes(&asks, asked).await);
        tokio::time::sleep(ECHO_EVERY).await;
    }
    hidden.wait_for("a page that is still hidden", "document.visibilityState === 'hidden'").await;
    assert_eq!(asks.run("return testUnlinked;").await, serde_json::json!([]), "links were lost");
    let (of_hidden, of_seen): (Vec<u64>, Vec<u64>) =
        took.iter().map(|[one, two]| (*one, *two)).unzip();
    println!(
        "{} answers; median and worst in ms: {:?} hidden, {:?} seen",
        took.len(),
        median_and_worst(of_hidden),
        median_and_worst(of_seen)
    );
    let late = took.iter().find(|[hidden, seen]| *hidden > ANSWER_MS_MAX + seen);
    assert_eq!(late, None, "[hidden, seen] in ms, of {took:?}");
}

#[tokio::test]
async fn a_hidden_tab_stays_and_works_though_the_browser_slows_it_down() {
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start_with(Hidden::Throttled).await;
    let seen = browser.open(&relay.url("/")).await;
    mission::joined(&seen).await;
    let hidden = browser.open_window(&relay.url("/")).await;
    mission::joined(&hidden).await;
    hidden.hide().await;
    for tab in [&hidden, &seen] {
        mission::counts_ions(tab, 2).await;
        mission::watch_ions(tab).await;
    }
    throttled(&hidden).await;
    let (_, id) = mission::self_name(&hidden).await;
    // On a busy machine the visible tab may do a small job before the other has
    // begun; three in which both work are enough.
    let mut both = 0;
    for _ in 0..JOBS_MAX {
        mission::open_spark(&seen, "mandelbrot").await;
        mission::run(&seen).await;
        assert_eq!(mission::ended(&seen).await, "finished");
        let shares = mission::shares(&seen).await;
        let its = shares.iter().find(|(ion, _)| *ion == id);
        both += u32::from(its.is_some_and(|(_, tasks)| *tasks > 0));
        if both == 3 {
            break;
        }
    }
    assert_eq!(both, 3, "the hidden tab works too rarely");
    hidden.wait_for("a page that is still hidden", "document.visibilityState === 'hidden'").await;
    hidden.wait_for("still joined", "document.body.dataset.phase === 'joined'").await;
    for tab in [&hidden, &seen] {
        assert_eq!(mission::ions_shown(tab).await, ["2"]);
    }
}
