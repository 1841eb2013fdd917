//! The fast lane against plain WebAssembly and against the interpreter, and how
//! long a small spark takes in it.

use std::fs;

use serde_json::{Value, json};
use spark_runtime::{
    Call, Lane, Limits, Report, Value as Number,
    wire::{FromGuest, ModuleHash, ToGuest, decode, encode},
};

use super::{Found, sizes};
use crate::{browser::Browser, folder::root, relay::Relay, tab::Tab};

const RUNS: usize = 3;
/// What the pages are given.
const SCRIPT: &str = include_str!("../../js/lanes.js");
/// Runs before the first that is timed: engines compile better what is used.
const WARM_UP: usize = 2;
/// By how much less the interpreter is given to do.
const SLOWER: u32 = 10;
/// Small runs, one after another.
const STARTS: u32 = 200;

/// Small programs: what they are about, their text, and how often they do it.
const KERNELS: [(&str, &str, u32); 7] = [
    ("sort", include_str!("kernels/sort.wat"), 1_500),
    ("matrix", include_str!("kernels/matrix.wat"), 1_000),
    ("crc", include_str!("kernels/crc.wat"), 5_000),
    ("bytecode", include_str!("kernels/bytecode.wat"), 40_000),
    ("recursion", include_str!("kernels/recursion.wat"), 6_000),
    ("machine", include_str!("kernels/machine.wat"), 6_000),
    ("floats", include_str!("kernels/floats.wat"), 4_000),
];

/// `fast-lane`: the time of the unmetered module in a worker in plain JavaScript
/// by that of the same in a guest worker, the geometric mean of all kernels.
/// `fast-over-interpreter`: the interpreter's time by the fast lane's, likewise.
pub(super) async fn measure() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let ours = open_ours(&browser, &relay).await;
    let plain = open(&browser, "about:blank").await;
    call(&plain, "openPlain()").await;
    let (mut to_plain, mut to_interpreter) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (mut plains, mut interpreted) = (Vec::new(), Vec::new());
        for (index, kernel) in KERNELS.iter().enumerate() {
            let (by_plain, by_interpreter) = compare(&ours, &plain, kernel, index).await;
            eprintln!(
                "  {}: {by_plain:.3} of plain, {by_interpreter:.1} times the interpreter",
                kernel.0
            );
            plains.push(by_plain);
            interpreted.push(by_interpreter);
        }
        to_plain.push(geometric_mean(&plains));
        to_interpreter.push(geometric_mean(&interpreted));
    }
    vec![("fast-lane", to_plain), ("fast-over-interpreter", to_interpreter)]
}

/// `spark-start`: from the request to run a small spark that is compiled until its
/// answer, in a worker that is warm.
pub(super) async fn starts() -> Found {
    let (relay, browser) = (Relay::start(), Browser::start().await);
    let ours = open_ours(&browser, &relay).await;
    let binary = fs::read(root().join("examples/empty/empty.wasm")).expect("it is kept there");
    let module = [255; 32];
    load(&ours, module, binary).await;
    let mut starts = Vec::new();
    for _ in 0..=RUNS {
        let (took, _) = run(&ours, module, Lane::Fast, "7", STARTS).await;
        starts.push(took / f64::from(STARTS));
    }
    let (interpreted, _) = run(&ours, module, Lane::Interpreter, "7", STARTS).await;
    eprintln!("  the interpreter: {:.3} ms", interpreted / f64::from(STARTS));
    // The first warms the worker up.
    vec![("spark-start", starts.split_off(1))]
}

/// A tab of the site's origin, but without its page, with a guest worker.
async fn open_ours(browser: &Browser, relay: &Relay) -> Tab {
    let script = sizes::guest_script(relay.http()).await;
    let tab = open(browser, &relay.url("/sparks/gallery.json")).await;
    call(&tab, &format!("openOurs({})", json!(script))).await;
    tab
}

async fn open(browser: &Browser, address: &str) -> Tab {
    let tab = browser.open(address).await;
    tab.run(SCRIPT).await;
    tab
}

/// Plain time by the fast lane's, and the interpreter's by the fast lane's.
async fn compare(ours: &Tab, plain: &Tab, kernel: &(&str, &str, u32), index: usize) -> (f64, f64) {
    let (name, text, rounds) = *kernel;
    let binary = wat::parse_str(text).unwrap_or_else(|why| panic!("{name}: {why}"));
    call(plain, &format!("loadPlain('{}')", hex::encode(&binary))).await;
    let module = [u8::try_from(index).expect("there are few"); 32];
    load(ours, module, binary).await;
    let (mut plains, mut fasts) = (Vec::new(), Vec::new());
    for _ in 0..=WARM_UP {
        let ran = call(plain, &format!("runPlain({rounds})")).await;
        plains.push(took(&ran));
        let (fast, report) = run(ours, module, Lane::Fast, &rounds.to_string(), 1).await;
        fasts.push(fast);
        let same = ran["answer"].as_i64().and_then(|answer| i32::try_from(answer).ok());
        assert_eq!(report.values, same.map(Number::I32).as_slice(), "{name}: {:?}", report.stop);
    }
    let fewer = (rounds / SLOWER).to_string();
    let (slow, _) = run(ours, module, Lane::Interpreter, &fewer, 1).await;
    let (plain, fast) = (plains[WARM_UP], fasts[WARM_UP]);
    (plain / fast, slow * f64::from(SLOWER) / fast)
}

async fn load(ours: &Tab, module: ModuleHash, binary: Vec<u8>) {
    let message = encode(&ToGuest::Load { module, binary });
    call(ours, &format!("tell('{}')", hex::encode(message))).await;
}

/// Runs a module's one function, again and again; milliseconds, and the last report.
async fn run(
    ours: &Tab,
    module: ModuleHash,
    lane: Lane,
    argument: &str,
    times: u32,
) -> (f64, Report) {
    let name = if times > 1 { "empty" } else { "run" };
    let call = Call::Export { name: name.to_owned(), arguments: vec![argument.to_owned()] };
    let limits = Limits { fuel_max: u64::MAX, wall_ms_max: 600_000, ..Limits::default() };
    let message = encode(&ToGuest::Run { run: 1, module, lane, calls: vec![call], limits });
    let ran = self::call(ours, &format!("ask('{}', {times})", hex::encode(message))).await;
    let answer = ran["answer"].as_str().and_then(|answer| hex::decode(answer).ok());
    match answer.and_then(|answer| decode(&answer)) {
        Some(FromGuest::Done { mut reports, .. })
            if reports.len() == 1 && reports[0].stop.is_none() =>
        {
            (took(&ran), reports.remove(0))
        }
        other => panic!("{lane:?} answered {other:?}"),
    }
}

fn took(ran: &Value) -> f64 {
    ran["took"].as_f64().expect("a time is a number")
}

async fn call(tab: &Tab, what: &str) -> Value {
    match tab.promise(&format!("lanes.{what}")).await {
        Ok(answer) => answer,
        Err(why) => panic!("lanes.{}: {why}", what.chars().take(40).collect::<String>()),
    }
}

fn geometric_mean(figures: &[f64]) -> f64 {
    let sum: f64 = figures.iter().map(|figure| figure.ln()).sum();
    (sum / figures.len() as f64).exp()
}
