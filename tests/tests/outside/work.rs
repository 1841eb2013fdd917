//! Jobs over two tabs: exact results, whatever happens meanwhile.

use std::fs;

use ionosphere_tests::{
    MANDELBROT_BYTES, MANDELBROT_SHA256, browser::Browser, folder::root, guests, heartbeat::Watch,
    mission, relay::Relay, tab::Tab,
};

use crate::{turn, two_tabs};

/// The ray tracer's picture of 640 by 480, as a PPM file.
const RAY_TRACER_SHA256: &str = "903fa7375255ab7ee7d2409d7f20f03d6a552b7d5aa6727b7d37ce0e7a671cbf";

/// The name of the module's file is the job's.
async fn upload(browser: &Browser, tab: &Tab, name: &str, module: &[u8]) {
    mission::upload(tab, &browser.file(&format!("{name}.wasm"), module)).await;
}

/// No page may have held its thread for so long that it missed too many beats.
async fn assert_pages_live(watch: &Watch, tabs: &[&Tab]) {
    for tab in tabs {
        let longest = watch.longest(tab).await;
        println!("longest: {longest:?}");
        assert!(!longest.is_stall(), "a page stood still: {longest:?}");
    }
}

async fn assert_picture(tab: &Tab, state: &str) {
    assert_eq!(state, "finished", "{}", tab.describe().await);
    mission::shared_by(tab, 2).await;
    assert_eq!(tab.text("result-sha256").await, MANDELBROT_SHA256);
    let length = tab.attribute("result-bytes", "data-bytes").await;
    assert_eq!(length, MANDELBROT_BYTES.to_string());
    // The file is named after the title that the gallery gives the spark.
    let file = mission::downloaded(tab, "Mandelbrot-set.pbm").await;
    assert_eq!((file.len(), mission::sha256(&file)), (MANDELBROT_BYTES, MANDELBROT_SHA256.into()));
}

#[tokio::test]
async fn two_tabs_draw_one_picture() {
    let _turn = turn().await;
    let (_relay, _browser, first, _second) = two_tabs().await;
    mission::run_shared(&first, "mandelbrot", 2).await;
    let state = mission::ended(&first).await;
    assert_picture(&first, &state).await;
    first.screenshot("mandelbrot").await;
}

#[tokio::test]
async fn tiles_are_drawn_in_colour() {
    let _turn = turn().await;
    let (_relay, _browser, tab, _other) = two_tabs().await;
    mission::open_spark(&tab, "ray-tracer").await;
    mission::run(&tab).await;
    assert_eq!(mission::ended(&tab).await, "finished", "{}", tab.describe().await);
    let file = mission::downloaded(&tab, "Ray-tracer.ppm").await;
    assert_eq!(mission::sha256(&file), RAY_TRACER_SHA256);
    // What is seen is what is saved: every pixel of the canvas, without its opacity.
    let hash = "const canvas = document.querySelector('[data-test=picture]');
        const { width, height } = canvas;
        const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
        const colours = data.filter((_, at) => at % 4 < 3);
        const digits = (byte) => byte.toString(16).padStart(2, '0');
        crypto.subtle.digest('SHA-256', colours)
            .then((hash) => done(Array.from(new Uint8Array(hash), digits).join('')));";
    let pixels = &file[b"P6\n640 480\n255\n".len()..];
    assert_eq!(tab.run_async(hash).await, mission::sha256(pixels));
    for (width, height) in [(1440, 900), (390, 844)] {
        tab.look(width, height, "light").await;
        tab.screenshot(&format!("ray-tracer-{width}")).await;
    }
}

#[tokio::test]
async fn a_tab_that_closes_half_way_costs_no_result() {
    const TASKS: u64 = 120;
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    upload(&browser, &first, "count", &guests::count()).await;
    mission::set_up(&first, "{} 20000", 0, 119).await;
    mission::run(&first).await;
    mission::shared_by(&first, 2).await;
    mission::results(&first, TASKS / 4).await;
    second.close().await;
    let before = mission::results_now(&first).await;
    assert!(before < TASKS, "the job was over before the tab closed");
    assert_eq!(mission::ended(&first).await, "finished", "{}", first.describe().await);
    let bytes = mission::downloaded(&first, "count.txt").await;
    let expected: Vec<String> = (0..TASKS).map(|task| task.to_string()).collect();
    assert_eq!(String::from_utf8_lossy(&bytes).lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn five_thousand_small_tasks_end_in_order() {
    const TASKS: u64 = 5_000;
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    let watch = Watch::start(&browser, &[&first, &second]).await;
    upload(&browser, &first, "count", &guests::count()).await;
    mission::set_up(&first, "{} 1", 0, TASKS.cast_signed() - 1).await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished", "{}", first.describe().await);
    mission::results(&first, TASKS).await;
    assert_pages_live(&watch, &[&first, &second]).await;
    let bytes = mission::downloaded(&first, "count.txt").await;
    let expected: Vec<String> = (0..TASKS).map(|task| task.to_string()).collect();
    assert_eq!(String::from_utf8_lossy(&bytes).lines().collect::<Vec<_>>(), expected);
    mission::shared_by(&first, 2).await;
}

/// A job of part of a second is over before a driver closes a tab: the page that began
/// the job opened the other one, and closes it itself.
#[tokio::test]
async fn the_picture_is_exact_though_a_tab_closes_half_way() {
    const ROWS: u64 = 200;
    const RUNS_MAX: usize = 10;
    let _turn = turn().await;
    let relay = Relay::start();
    let browser = Browser::start().await;
    let first = browser.open(&relay.url("/")).await;
    for _ in 0..RUNS_MAX {
        first.run("globalThis.testOther = open('/');").await;
        mission::counts_ions(&first, 2).await;
        mission::close_half_way(&first, "testOther", ROWS).await;
        mission::run_shared(&first, "mandelbrot", 2).await;
        let state = mission::ended(&first).await;
        assert_picture(&first, &state).await;
        let results = mission::results_when_closed(&first).await;
        println!("closed at {results:?} of {ROWS} results");
        if results.is_some_and(|results| results < ROWS) {
            return;
        }
        first.run("testOther.close();").await;
        mission::counts_ions(&first, 1).await;
    }
    panic!("each job was over before the tab had closed");
}

#[tokio::test]
async fn a_guest_that_loops_for_ever_fails_by_name_and_the_page_lives() {
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    let watch = Watch::start(&browser, &[&first, &second]).await;
    upload(&browser, &first, "stuck", &guests::stuck_at()).await;
    mission::set_up(&first, "{} 5", 0, 19).await;
    first.click("limits").await;
    first.fill("limit-fuel", "200").await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished with failures");
    let causes = mission::causes(&first).await;
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert!(causes[0].contains("out of fuel") && causes[0].contains("task 5"), "{causes:?}");
    assert_eq!(first.text("job-succeeded").await, "19");
    assert_pages_live(&watch, &[&first, &second]).await;
}

#[tokio::test]
async fn pages_stay_alive_while_a_picture_is_drawn() {
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    let watch = Watch::start(&browser, &[&first, &second]).await;
    mission::run_shared(&first, "mandelbrot", 2).await;
    let state = mission::ended(&first).await;
    assert_pages_live(&watch, &[&first, &second]).await;
    assert_picture(&first, &state).await;
}

/// What the heartbeat tests rely on: a page that holds its thread is found out.
#[tokio::test]
async fn a_page_that_holds_its_thread_is_noticed() {
    let _turn = turn().await;
    let (_relay, browser, first, _second) = two_tabs().await;
    let watch = Watch::start(&browser, &[&first]).await;
    first.wait_for("a few beats", "testBeat.at.length > 3").await;
    first
        .run(
            "setTimeout(() => {
                const end = performance.now() + 100;
                for (let n = 0; performance.now() < end || n < 6e6; n += 1) { Math.sqrt(n); }
                globalThis.testHeld = true;
             });",
        )
        .await;
    first.wait_for("the end of the work", "globalThis.testHeld").await;
    let longest = watch.longest(&first).await;
    println!("longest: {longest:?}");
    assert!(longest.is_stall() && longest.task_ms > 0.0, "{longest:?}");
}

#[tokio::test]
async fn a_command_finds_the_environment_that_the_form_gave_it() {
    let _turn = turn().await;
    let (_relay, browser, first, _second) = two_tabs().await;
    upload(&browser, &first, "environment", &guests::environment()).await;
    first.fill("environment", "LEVEL").await;
    first.fill("lines", "one\ntwo").await;
    first.click("run").await;
    let said = first.text("mistake").await;
    assert!(said.contains("LEVEL") && said.contains("NAME=value"), "{said}");
    first.fill("environment", "LEVEL=7\nNAME=a = b").await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished");
    let bytes = mission::downloaded(&first, "environment.txt").await;
    let each = "LEVEL=7\0NAME=a = b\0";
    assert_eq!(String::from_utf8_lossy(&bytes), each.repeat(2));
}

#[tokio::test]
async fn a_guest_past_its_deadline_fails_by_name() {
    let _turn = turn().await;
    let (_relay, browser, first, _second) = two_tabs().await;
    let forever = root().join("examples/forever/forever.wasm");
    let forever = fs::read(&forever).expect("the example is in the repository");
    upload(&browser, &first, "forever", &forever).await;
    mission::set_up(&first, "{}", 1, 1).await;
    first.click("limits").await;
    first.fill("limit-fuel", "1000000").await;
    first.fill("limit-time", "1").await;
    let watch = Watch::start(&browser, &[&first]).await;
    mission::run(&first).await;
    assert_eq!(mission::ended(&first).await, "finished with failures");
    let causes = mission::causes(&first).await;
    assert!(causes[0].contains("deadline"), "{causes:?}");
    assert_pages_live(&watch, &[&first]).await;
}

#[tokio::test]
async fn a_job_can_be_cancelled_and_keeps_what_came() {
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    upload(&browser, &first, "count", &guests::count()).await;
    mission::set_up(&first, "{} 2000", 0, 9_999).await;
    mission::run(&first).await;
    mission::results(&first, 4).await;
    first.click("cancel").await;
    assert_eq!(mission::ended(&first).await, "cancelled");
    for tab in [&first, &second] {
        let idle =
            "document.querySelector('[data-test=\"doing\"]')?.textContent === 'Ready for work'";
        tab.wait_for("rest after the job", idle).await;
    }
    let lines = mission::downloaded(&first, "count.txt").await;
    let lines = String::from_utf8_lossy(&lines).lines().count() as u64;
    assert_eq!(lines, mission::results_now(&first).await);
    assert!(lines >= 4);
}

#[tokio::test]
async fn a_reload_in_the_middle_leaves_both_ions_usable() {
    let _turn = turn().await;
    let (_relay, browser, first, second) = two_tabs().await;
    upload(&browser, &first, "count", &guests::count()).await;
    mission::set_up(&first, "{} 2000", 0, 9_999).await;
    mission::run(&first).await;
    mission::shared_by(&first, 2).await;
    first.reload().await;
    mission::joined(&first).await;
    mission::counts_ions(&first, 2).await;
    mission::run_shared(&second, "mandelbrot", 2).await;
    let state = mission::ended(&second).await;
    assert_picture(&second, &state).await;
}
