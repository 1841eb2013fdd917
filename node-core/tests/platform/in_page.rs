//! Where these tests run.

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
