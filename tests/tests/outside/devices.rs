//! Tabs as they are on phones and in the background: an address without
//! encryption, and a tab that nobody looks at.

use ionosphere_tests::{
    browser::{Browser, Hidden},
    mission,
    relay::Relay,
    tab::query,
};

use crate::turn;

/// Jobs in which a hidden tab has to show that it works.
const JOBS_MAX: u32 = 12;
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
    // The browser holds its timers back: several beats a second have become one.
    hidden
        .run(
            "globalThis.testBeats = []; setInterval(() => testBeats.push(performance.now()), 100);",
        )
        .await;
    let late = "testBeats.some((at, nth) => nth > 0 && at - testBeats[nth - 1] > 900)";
    hidden.wait_for("throttled timers", late).await;

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
