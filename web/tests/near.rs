//! Words between ions of one browser: real channels, two and more in one page.
#![cfg(target_arch = "wasm32")]

#[path = "../src/bin/ion/near.rs"]
mod near;

use std::{cell::RefCell, rc::Rc};

use near::{BYTES_MAX, ID_CHARS_MAX, Near, Nearby, Refused};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

type Log = Rc<RefCell<Vec<Near>>>;

fn open(own: &str) -> (Nearby, Log) {
    let log = Log::default();
    let heard = Rc::clone(&log);
    let nearby = Nearby::open(own, move |near| heard.borrow_mut().push(near));
    (nearby.expect("this browser has channels"), log)
}

fn word(from: &str, to: Option<&str>, bytes: &[u8]) -> Near {
    Near { to: to.map(str::to_owned), from: from.to_owned(), bytes: bytes.to_vec() }
}

async fn pause() {
    let wake = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window().expect("a page");
        let set = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 10);
        set.expect("a timer");
    });
    JsFuture::from(wake).await.expect("timers end");
}

/// Waits until so many words came; fails after ten seconds.
async fn until(log: &Log, words: usize) {
    for _ in 0..1_000 {
        if log.borrow().len() >= words {
            return;
        }
        pause().await;
    }
    panic!("not {words} words within ten seconds: {:?}", log.borrow());
}

#[wasm_bindgen_test]
async fn a_word_reaches_all_or_the_one_that_it_is_for() {
    let (ann, to_ann) = open("ann");
    let (bob, to_bob) = open("bob");
    let (_eve, to_eve) = open("eve");
    ann.send(Some("bob"), b"for bob").expect("sent");
    ann.send(None, b"for all").expect("sent");
    bob.send(Some("ann"), &[0, 255]).expect("sent");
    until(&to_bob, 2).await;
    until(&to_eve, 1).await;
    until(&to_ann, 1).await;
    let all = word("ann", None, b"for all");
    assert_eq!(*to_bob.borrow(), [word("ann", Some("bob"), b"for bob"), all.clone()]);
    assert_eq!(*to_eve.borrow(), [all]);
    assert_eq!(*to_ann.borrow(), [word("bob", Some("ann"), &[0, 255])]);
}

#[wasm_bindgen_test]
async fn what_is_too_long_is_not_sent_and_what_is_just_short_enough_is() {
    let (ann, _) = open("ann-2");
    let (_bob, to_bob) = open("bob-2");
    let long = vec![7; BYTES_MAX];
    assert_eq!(ann.send(None, &[long.as_slice(), &[7]].concat()), Err(Refused::TooLong));
    let id = "x".repeat(ID_CHARS_MAX + 1);
    assert_eq!(ann.send(Some(&id), b""), Err(Refused::TooLong));
    assert!(Nearby::open(&id, |_| ()).is_none() && Nearby::open("", |_| ()).is_none());
    ann.send(None, &long).expect("sent");
    until(&to_bob, 1).await;
    assert_eq!(*to_bob.borrow(), [word("ann-2", None, &long)]);
}

#[wasm_bindgen_test]
async fn words_of_another_form_are_passed_over() {
    let (_bob, to_bob) = open("bob-3");
    let stranger = web_sys::BroadcastChannel::new("ionosphere-near-1").expect("a channel");
    let forms = [
        "null",
        "1",
        "'word'",
        "({})",
        "({ to: null, from: 'a', bytes: [1] })",
        "({ to: 7, from: 'a', bytes: new Uint8Array(1) })",
        "({ to: null, from: '', bytes: new Uint8Array(1) })",
        "({ to: null, from: 'bob-3', bytes: new Uint8Array(1) })",
        "({ to: 'eve', from: 'a', bytes: new Uint8Array(1) })",
        "({ to: null, from: 'a', bytes: new Uint8Array(70000) })",
        "({ to: null, from: 'a', bytes: new Uint8Array([1]) })",
    ];
    for form in forms {
        let form = js_sys::eval(form).expect("it is JavaScript");
        stranger.post_message(&form).expect("sent");
    }
    // The last is the only good one, and words come in order.
    until(&to_bob, 1).await;
    assert_eq!(*to_bob.borrow(), [word("a", None, &[1])]);
    stranger.close();
}

#[wasm_bindgen_test]
async fn who_has_gone_hears_nothing() {
    let (ann, _) = open("ann-4");
    let (bob, to_bob) = open("bob-4");
    let (_eve, to_eve) = open("eve-4");
    drop(bob);
    ann.send(None, b"late").expect("sent");
    until(&to_eve, 1).await;
    assert!(to_bob.borrow().is_empty());
}
