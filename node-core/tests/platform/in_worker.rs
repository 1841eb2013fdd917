//! Where these tests run, and how the simulator's become some of them.

/// Makes a function a test of this machine.
macro_rules! as_test {
    (fn $name:ident() $body:block) => {
        #[wasm_bindgen_test::wasm_bindgen_test]
        fn $name() $body
    };
}

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
