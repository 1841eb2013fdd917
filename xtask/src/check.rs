//! `cargo xtask check`: what can be said of the code without running it.

use crate::{
    shell::{Outcome, command, root, run, step},
    tidy,
    tools::{Target, standard_library},
};

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
        let packages = ["-p", "ion-webrtc", "-p", "node-core", "-p", "spark-runtime", "-p", "web"];
        let mut arguments = vec!["clippy", "--quiet", "--lib", "--bins", "--target", target];
        arguments.extend(packages);
        arguments.extend(["--", "-D", "warnings"]);
        // What a tab must not do is another list than what a native ion must not.
        run(command("cargo", &arguments).env("CLIPPY_CONF_DIR", root().join("web")))
    })
}
