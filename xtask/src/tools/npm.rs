//! npm, and a Node that js-libp2p runs on.

use std::{
    env::consts::{ARCH, OS},
    fs,
    path::{Path, PathBuf},
};

use super::cache;
use crate::shell::{Outcome, command, fail, on_path, output, step};

/// The oldest Node that runs js-libp2p 3 (it needs `Promise.withResolvers`).
const NODE_MAJOR_MIN: u32 = 22;
/// What is installed where the machine's own is older.
const NODE_NPM: &str = "22.23.3";

/// npm, installed by Debian's package manager if need be.
pub(crate) fn npm() -> Outcome<PathBuf> {
    if let Some(found) = on_path("npm") {
        return Ok(found);
    }
    let advice = "the tests with js-libp2p need Node and npm: install both by your system's package \
                  manager (on Debian: nodejs, npm) and run this again";
    super::debian("Node and npm (about a minute, once)", &["nodejs", "npm"])
        .or_else(|why| fail(format!("{advice}\n({why})")))?;
    on_path("npm").map_or_else(|| fail(advice), Ok)
}

/// Runs `npm` in a folder. Install scripts do not run: none of our packages
/// needs one, and some would download from elsewhere.
pub(crate) fn run_npm(folder: &Path, arguments: &[&str]) -> Outcome {
    let mut npm = command(npm()?, arguments);
    npm.args(["--ignore-scripts", "--no-audit", "--no-fund"]);
    output(npm.current_dir(folder)).map(drop)
}

/// A Node new enough: the machine's own, else one from npm.
pub(crate) fn node() -> Outcome<PathBuf> {
    if let Some(own) = on_path("node").filter(|node| major(node) >= Some(NODE_MAJOR_MIN)) {
        return Ok(own);
    }
    let folder = cache()?.join(format!("node-{NODE_NPM}"));
    let package = package();
    // The package's own folder: `.bin` would hold a script where links are not to be had.
    let program = if OS == "windows" { "bin/node.exe" } else { "bin/node" };
    let installed = folder.join("node_modules").join(&package).join(program);
    if major(&installed) >= Some(NODE_MAJOR_MIN) {
        return Ok(installed);
    }
    step(&format!("install Node {NODE_NPM} (from npm, 10 s, once)"), || {
        fs::create_dir_all(&folder)?;
        let prefix = folder.display().to_string();
        run_npm(&folder, &["install", "--prefix", &prefix, &format!("{package}@{NODE_NPM}")])
    })?;
    match major(&installed) {
        Some(_) => Ok(installed),
        None => fail(format!("{} does not run; install Node 22 or later", installed.display())),
    }
}

/// The npm package that holds Node's program for this machine.
fn package() -> String {
    let system = match OS {
        "macos" => "darwin",
        "windows" => "win",
        other => other,
    };
    let processor = match ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("node-{system}-{processor}")
}

/// The first number of a Node's version; none where it does not run.
fn major(node: &Path) -> Option<u32> {
    let said = output(&mut command(node, &["--version"])).ok()?;
    said.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}
