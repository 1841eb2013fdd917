//! Files that the page hands over: real `File`s, read piece by piece.
#![cfg(target_arch = "wasm32")]

#[path = "../src/bin/ion/sources.rs"]
mod sources;

use js_sys::{Array, Uint8Array};
use node_core::{node::files::IMPORTS_MAX, store::source::Sources};
use sources::Files;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::File;

wasm_bindgen_test_configure!(run_in_browser);

fn handed(number: f64, bytes: &[u8]) -> JsValue {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let file = File::new_with_u8_array_sequence(&parts, "a").expect("a browser makes files");
    Array::of2(&JsValue::from_f64(number), &file).into()
}

#[wasm_bindgen_test]
async fn a_file_is_read_from_any_place_to_its_end() {
    let files = Files::default();
    assert!(files.take(&handed(7.0, b"what the tide brought in")));
    assert_eq!(files.read(7, 5, 8).await, Ok(b"the tide".to_vec()));
    assert_eq!(files.read(7, 22, 100).await, Ok(b"in".to_vec()));
    assert_eq!(files.read(7, u64::MAX, 100).await, Ok(Vec::new()));
}

#[wasm_bindgen_test]
async fn what_is_unknown_or_forgotten_is_said() {
    let files = Files::default();
    files.take(&handed(1.0, b"x"));
    files.forget(1);
    for number in [1, 2] {
        let why = files.read(number, 0, 1).await.unwrap_err();
        assert!(why.contains("choose it again"), "{why}");
    }
}

#[wasm_bindgen_test]
async fn what_is_no_file_is_not_kept_and_commands_pass() {
    let files = Files::default();
    assert!(!files.take(&JsValue::from_str("Pair")));
    assert!(!files.take(&js_sys::Object::new()));
    assert!(files.take(&Array::of2(&JsValue::from_f64(3.0), &JsValue::from_str("x"))));
    assert!(files.take(&Array::new()));
    assert!(files.read(3, 0, 1).await.is_err());
    assert!(files.read(0, 0, 1).await.is_err());
}

#[wasm_bindgen_test]
async fn no_more_are_kept_than_there_is_room_for() {
    let files = Files::default();
    let one = handed(1.0, b"x");
    for _ in 0..IMPORTS_MAX {
        files.take(&one);
    }
    files.take(&handed(2.0, b"y"));
    assert!(files.read(2, 0, 1).await.is_err());
}
