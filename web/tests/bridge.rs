//! The bridge against real workers, made from scripts a few lines long: a
//! worker that dies is replaced, and whoever listens is told.
#![cfg(target_arch = "wasm32")]

use std::{cell::RefCell, rc::Rc};

use node_core::node::{Command, Event, Start};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web::{
    bridge::{Bridge, Handed, Heard, Launch},
    model::watch::STARTS_MAX,
};
use web_sys::{Blob, MessageEvent, Worker};

wasm_bindgen_test_configure!(run_in_browser);

/// Answers each command with a notice that names it, and dies when asked to.
const ECHO: &str = r#"
    const bytes = (text) => [...new TextEncoder().encode(text)];
    const write = (value) => {
        if (typeof value === "string") return [0x60 + value.length, ...bytes(value)];
        if (typeof value === "number") return [value];
        return Object.entries(value).flatMap(([key, held]) => [0xa1, ...write(key), ...write(held)]);
    };
    const read = (bytes) => {
        let at = 0;
        const next = () => {
            const first = bytes[at++];
            const [kind, number] = [first >> 5, first & 31];
            if (kind === 0) return number;
            if (kind === 3) return new TextDecoder().decode(bytes.subarray(at, (at += number)));
            return Object.fromEntries(Array.from({ length: number }, () => [next(), next()]));
        };
        return next();
    };
    const post = (message) => postMessage(Uint8Array.from(write(message)));
    const notice = (word) => post({ Event: { Notice: word } });
    onmessage = (event) => {
        const data = read(event.data);
        if (data.Start) notice("start " + data.Start.workers + " " + data.Start.invitation);
        else if (data.Rename?.name === "throw") setTimeout(() => { throw new Error("thrown"); });
        else if (data.Rename?.name === "panic") post({ Panicked: "a mistake" });
        else if (data.Rename?.name === "babble") post({ Unheard: 1 });
        else if (data.Rename) notice("rename " + data.Rename.name);
    };
    setTimeout(() => { post("Ready"); post("Pulse"); }, 20);
"#;

type Log = Rc<RefCell<Vec<Heard>>>;

fn script(source: &str) -> String {
    let parts = js_sys::Array::of1(&source.into());
    let blob = Blob::new_with_str_sequence(&parts).expect("a blob");
    web_sys::Url::create_object_url_with_blob(&blob).expect("an address")
}

fn open(address: String, handed: Option<Handed>) -> (Rc<Bridge>, Log) {
    let log = Log::default();
    let heard = Rc::clone(&log);
    let bridge = Bridge::open(Launch {
        address,
        handed,
        start: Box::new(|| Start { invitation: Some("abc".to_owned()), workers: 3 }),
        hear: Box::new(move |news| heard.borrow_mut().push(news)),
    });
    (bridge, log)
}

fn rename(name: &str) -> Command {
    Command::Rename { name: name.to_owned() }
}

fn notices(log: &Log) -> Vec<String> {
    let words = |heard: &Heard| match heard {
        Heard::Event(event) => match &**event {
            Event::Notice(word) => Some(word.clone()),
            _ => None,
        },
        _ => None,
    };
    log.borrow().iter().filter_map(words).collect()
}

fn restarts(log: &Log) -> Vec<String> {
    let why = |heard: &Heard| match heard {
        Heard::Restarted(why) => Some(why.clone()),
        _ => None,
    };
    log.borrow().iter().filter_map(why).collect()
}

async fn pause() {
    let wake = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window().expect("a page");
        window
            .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 10)
            .expect("a timer");
    });
    JsFuture::from(wake).await.expect("timers end");
}

/// Waits until it is so; fails after ten seconds, with what was heard.
async fn until(log: &Log, what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        pause().await;
    }
    panic!("not within ten seconds: {what}; heard {:?}", log.borrow());
}

#[wasm_bindgen_test]
async fn commands_wait_until_the_worker_listens_and_start_comes_first() {
    let (bridge, log) = open(script(ECHO), None);
    assert!(bridge.post(rename("one")));
    assert!(bridge.post(rename("two")));
    until(&log, "three notices", || notices(&log).len() == 3).await;
    assert_eq!(notices(&log), ["start 3 abc", "rename one", "rename two"]);
}

#[wasm_bindgen_test]
async fn a_worker_that_dies_is_replaced_and_told_to_start() {
    let (bridge, log) = open(script(ECHO), None);
    for (deaths, death) in ["throw", "panic", "babble"].into_iter().enumerate() {
        let starts = || notices(&log).iter().filter(|word| *word == "start 3 abc").count();
        until(&log, "a start", || starts() == deaths + 1).await;
        bridge.post(rename(death));
        until(&log, "a restart", || restarts(&log).len() == deaths + 1).await;
        bridge.post(rename(&format!("after {death}")));
        let answer = format!("rename after {death}");
        until(&log, "the new worker's answer", || notices(&log).contains(&answer)).await;
    }
    let why = restarts(&log);
    assert!(why[0].contains("thrown"), "{why:?}");
    assert_eq!(why[1], "a mistake");
    assert!(why[2].contains("cannot be read"), "{why:?}");
}

#[wasm_bindgen_test]
async fn a_worker_that_never_starts_is_given_up() {
    let (bridge, log) = open(script("throw new Error('broken');"), None);
    until(&log, "giving up", || matches!(log.borrow().last(), Some(Heard::GaveUp(_)))).await;
    assert_eq!(restarts(&log).len() + 1, STARTS_MAX as usize);
    drop(bridge);
}

#[wasm_bindgen_test]
async fn what_a_handed_worker_said_early_is_not_lost() {
    let address = script(ECHO);
    let worker = Worker::new(&address).expect("a worker");
    let early = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&early);
    let keep = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        sink.borrow_mut().push(event.data());
    });
    worker.set_onmessage(Some(keep.as_ref().unchecked_ref()));
    until(&Log::default(), "two early messages", || early.borrow().len() == 2).await;
    let handed = Handed { worker, early: early.take(), port: None };
    let (bridge, log) = open(address, Some(handed));
    bridge.post(rename("now"));
    until(&log, "both answers", || notices(&log).len() == 2).await;
    assert_eq!(notices(&log), ["start 3 abc", "rename now"]);
    assert!(restarts(&log).is_empty());
}
