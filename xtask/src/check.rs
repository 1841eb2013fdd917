//! `cargo xtask check`: what can be said of the code without running it.

use crate::{
    shell::{Outcome, command, root, run, step},
    tidy,
    tools::{Target, standard_library},
};

/// What is compiled for the browser.
const WEB_PACKAGES: [&str; 9] = [
    "ion-codec",
    "ion-map",
    "ion-webrtc",
    "ion-websocket",
    "node-core",
    "spark-runtime",
    "store-peer",
    "web",
    "webrtc-peer",
];

/// Format, clippy for both targets, tidy.
pub(crate) fn check(_: &[String]) -> Outcome {
    step("format", || run(&mut command("cargo", &["fmt", "--all", "--check"])))?;
    step("tidy", || tidy::tidy(&root()))?;
    step("clippy, native", || {
        let arguments =
            ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
        run(&mut command("cargo", &arguments))
    })?;
    standard_library(Target::Web)?;
    step("clippy, wasm32", || {
        let target = "wasm32-unknown-unknown";
        let mut arguments = vec!["clippy", "--quiet", "--lib", "--bins", "--target", target];
        arguments.extend(WEB_PACKAGES.iter().flat_map(|package| ["-p", package]));
        arguments.extend(["--", "-D", "warnings"]);
        // What a tab must not do is another list than what a native ion must not.
        run(command("cargo", &arguments).env("CLIPPY_CONF_DIR", root().join("web")))
    })
}
