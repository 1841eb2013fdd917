//! The libp2p peers that the tests set against each other in tabs: js-libp2p's
//! (`tests/js`) and that of `ion-webrtc` (`tests/webrtc-peer`); and the store's
//! parts by themselves (`tests/store-peer`).
//!
//! npm's packages land in the tool cache, in a folder named after the lock
//! file's contents; the finished pages and programs go to `target/js/`.

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};

use super::{Target, cache, npm, path, standard_library, wasm_bindgen};
use crate::shell::{Outcome, command, output, root, run, step};

const SOURCE: &str = "tests/js";
const BUNDLED: &str = "target/js";
/// Our own programs for tabs: package, module, and what is copied as it is from
/// its folder.
const OURS: [(&str, &str, &[&str]); 2] = [
    ("webrtc-peer", "webrtc_peer", &["webrtc.html", "webrtc-page.js", "webrtc-worker.js"]),
    ("store-peer", "store_peer", &["store.html", "store-page.js"]),
];
/// What npm reads.
const MANIFESTS: [&str; 3] = [".npmrc", "package.json", "package-lock.json"];
/// Source, bundle, and what esbuild is told.
const BUNDLES: [(&str, &str, [&str; 4]); 2] = [
    ("page.js", "page.js", ["--format=iife", "--platform=browser", "--target=es2022", "--minify"]),
    ("node.js", "node.cjs", ["--format=cjs", "--platform=node", "--target=node22", "--minify"]),
];

/// What the tests need of the JavaScript world.
pub(crate) struct Counterparts {
    /// A Node that runs js-libp2p.
    pub(crate) node: PathBuf,
    /// The folder of bundles and their page.
    pub(crate) bundles: PathBuf,
}

/// How our own programs are built.
#[derive(Clone, Copy)]
pub(crate) enum Peer {
    /// Quickly, with every check.
    Tested,
    /// As browsers download the site.
    Measured,
}

impl Peer {
    /// The profile and the folder that cargo gives it.
    fn profile(self) -> (&'static str, &'static str) {
        match self {
            Self::Tested => ("dev", "debug"),
            Self::Measured => ("site", "site"),
        }
    }
}

/// Installs packages and Node if they are missing, and bundles the programs.
pub(crate) fn counterparts(peer: Peer) -> Outcome<Counterparts> {
    let node = npm::node()?;
    let packages = packages()?;
    let bundles = root().join(BUNDLED);
    step("bundle the js-libp2p programs", || bundle(&packages, &bundles))?;
    standard_library(Target::Web)?;
    wasm_bindgen()?;
    step("build our programs for tabs (minutes at first, then seconds)", || ours(peer, &bundles))?;
    Ok(Counterparts { node, bundles })
}

/// The installed `node_modules`.
fn packages() -> Outcome<PathBuf> {
    let source = root().join(SOURCE);
    let mut hasher = DefaultHasher::new();
    for name in MANIFESTS {
        hasher.write(&fs::read(source.join(name))?);
    }
    let folder = cache()?.join(format!("js-{:016x}", hasher.finish()));
    let modules = folder.join("node_modules");
    // npm writes this file last.
    if modules.join(".package-lock.json").is_file() {
        return Ok(modules);
    }
    step("install js-libp2p and esbuild (130 packages from npm, 20 s, once)", || {
        fs::create_dir_all(&folder)?;
        for name in MANIFESTS {
            fs::copy(source.join(name), folder.join(name))?;
        }
        npm::run_npm(&folder, &["ci"])
    })?;
    Ok(modules)
}

fn bundle(packages: &Path, into: &Path) -> Outcome {
    let source = root().join(SOURCE);
    fs::create_dir_all(into)?;
    fs::copy(source.join("page.html"), into.join("page.html"))?;
    let esbuild = packages.join(".bin/esbuild");
    for (from, to, options) in BUNDLES {
        let from = source.join("src").join(from).display().to_string();
        let to = format!("--outfile={}", into.join(to).display());
        let mut esbuild = command(&esbuild, &[&from, "--bundle", "--log-level=warning", &to]);
        output(esbuild.args(options).env("NODE_PATH", packages))?;
    }
    Ok(())
}

/// Modules, and their pages and workers.
fn ours(peer: Peer, into: &Path) -> Outcome {
    let (profile, folder) = peer.profile();
    let target = "wasm32-unknown-unknown";
    let mut build = command("cargo", &["build", "--quiet"]);
    build.args(OURS.iter().flat_map(|(package, ..)| ["--package", package]));
    run(build.args(["--target", target, "--profile", profile]))?;
    let modules = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), PathBuf::from)
        .join(target)
        .join(folder);
    let options = ["--target", "no-modules", "--no-typescript", "--out-dir"];
    for (package, module, plain) in OURS {
        let module = modules.join(format!("{module}.wasm"));
        output(command("wasm-bindgen", &options).arg(into).arg(module).env("PATH", path()?))?;
        for name in plain {
            fs::copy(root().join("tests").join(package).join(name), into.join(name))?;
        }
    }
    Ok(())
}
