//! Tests that run inside a browser: a crate's integration tests, compiled for
//! wasm32 and run by wasm-bindgen's runner in headless Chromium.
//!
//! The browser's arguments stand in `webdriver.json` beside each crate's
//! Cargo.toml. Unit tests stay native: what needs a browser is in `tests/`.

use crate::{
    shell::{Outcome, command, fail, root, run, step},
    tools,
};

/// Longest time that one test program may take in the browser, in seconds.
const SECONDS_MAX: &str = "180";

/// Runs the tests of these packages in the browser, and installs what that
/// needs. Fails when one of them fails.
pub(crate) fn wasm_tests(packages: &[&str]) -> Outcome {
    tools::site()?;
    let browser = tools::chromium()?;
    let path = tools::path()?;
    for package in packages {
        if !root().join(package).join("tests").is_dir() {
            return fail(format!(
                "{package} has no folder tests/, so no test would run in a browser"
            ));
        }
        step(&format!("browser tests of {package}"), || {
            let target = "wasm32-unknown-unknown";
            // `*` names all files in tests/ and nothing else.
            let arguments = ["test", "--target", target, "--package", package, "--test", "*"];
            run(command("cargo", &arguments)
                .env("PATH", &path)
                .env("CHROMEDRIVER", &browser.driver)
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
                .env("WASM_BINDGEN_TEST_TIMEOUT", SECONDS_MAX))
        })?;
    }
    Ok(())
}
