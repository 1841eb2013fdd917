//! What a build needs beside Rust itself, installed when it is missing.
//!
//! Everything lands in one cache outside the checkout, so that a clean clone
//! finds it again; only the standard library of a new target goes where the
//! compiler looks for it. Each step tries the ordinary way first.

mod browser;
mod counterparts;
mod languages;
mod npm;
mod standard_library;

use std::{env, fs, path::PathBuf};

pub(crate) use browser::chromium;
pub(crate) use counterparts::Peer;
pub(crate) use languages::{assemblyscript, of_system, zig};
pub(crate) use standard_library::{Target, standard_library};

use crate::shell::{Outcome, command, fail, on_path, output, step, succeeds};

/// The version that libp2p-swarm's pinned wasm-bindgen asks for, exactly.
pub(crate) const WASM_BINDGEN: &str = "0.2.108";
const TRUNK: &str = "0.21.14";
/// Versions of the optimiser: by npm, and as a crate where there is no npm.
const BINARYEN_NPM: &str = "132.0.0";
const BINARYEN_CRATE: &str = "0.116.1";

/// Everything `up` needs to build the site.
pub(crate) fn site() -> Outcome {
    standard_library(Target::Web)?;
    wasm_bindgen()?;
    cargo_tool("trunk", "trunk", TRUNK, "about 5 minutes")?;
    wasm_opt()
}

fn wasm_bindgen() -> Outcome {
    cargo_tool("wasm-bindgen", "wasm-bindgen-cli", WASM_BINDGEN, "about 2 minutes")
}

/// Where the browsers and js-libp2p are, as environment variables for the
/// programs that drive them; installs what is missing.
pub(crate) fn outside(peer: Peer) -> Outcome<[(&'static str, PathBuf); 6]> {
    let (chromium, firefox) = (browser::chromium()?, browser::firefox()?);
    let counterparts = counterparts::counterparts(peer)?;
    Ok([
        ("CHROMIUM", chromium.browser),
        ("CHROMEDRIVER", chromium.driver),
        ("FIREFOX", firefox.browser),
        ("GECKODRIVER", firefox.driver),
        ("IONOSPHERE_NODE", counterparts.node),
        ("IONOSPHERE_JS", counterparts.bundles),
    ])
}

/// The same, printed for a shell.
pub(crate) fn print_outside(_: &[String]) -> Outcome {
    for (name, file) in outside(Peer::Tested)? {
        println!("export {name}='{}'", file.display());
    }
    Ok(())
}

/// Where tools are kept: `IONOSPHERE_TOOLS`, else the user's cache folder.
pub(crate) fn cache() -> Outcome<PathBuf> {
    if let Some(folder) = env::var_os("IONOSPHERE_TOOLS") {
        return Ok(PathBuf::from(folder));
    }
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .or_else(|| env::var_os("LOCALAPPDATA").map(PathBuf::from));
    match base {
        Some(base) => Ok(base.join("ionosphere-tools")),
        None => fail("no home folder is known; set IONOSPHERE_TOOLS to a folder for the tools"),
    }
}

/// `PATH` with the cache's tools first, for the programs that xtask starts.
pub(crate) fn path() -> Outcome<std::ffi::OsString> {
    let cache = cache()?;
    let mut folders = vec![cache.join("bin"), cache.join("npm/node_modules/.bin")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(folders).map_err(|error| crate::shell::Failure(error.to_string()))
}

fn cargo_tool(program: &str, package: &str, version: &str, takes: &str) -> Outcome {
    let cache = cache()?;
    let installed = cache.join("bin").join(program);
    let is_right = |file: &PathBuf| {
        output(command(file, &["--version"]).env("CARGO_NET_OFFLINE", "true"))
            .is_ok_and(|said| said.split_whitespace().any(|word| word == version))
    };
    if is_right(&installed) {
        return Ok(());
    }
    step(&format!("install {package} {version} ({takes}, once)"), || {
        fs::create_dir_all(&cache)?;
        let root = cache.display().to_string();
        let arguments =
            ["install", package, "--version", version, "--locked", "--quiet", "--root", &root];
        // A build folder of its own: the checkout's settings are not for other people's tools.
        let mut install = command("cargo", &arguments);
        install.current_dir(&cache).env("CARGO_TARGET_DIR", cache.join("build"));
        output(&mut install)?;
        Ok(())
    })
}

/// Installs packages where the system has Debian's package manager.
fn debian(what: &str, packages: &[&str]) -> Outcome {
    if on_path("apt-get").is_none() {
        return fail("this system has no apt-get");
    }
    step(&format!("install {what} with apt-get"), || {
        output(&mut command("apt-get", &["update", "-q"]))?;
        let mut install = command("apt-get", &["install", "-y", "-q", "--no-install-recommends"]);
        output(install.args(packages).env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
    })
}

fn wasm_opt() -> Outcome {
    let cache = cache()?;
    let by_npm = cache.join("npm/node_modules/.bin/wasm-opt");
    let by_cargo = cache.join("bin/wasm-opt");
    if [by_npm, by_cargo].iter().any(|file| succeeds(&mut command(file, &["--version"]))) {
        return Ok(());
    }
    if on_path("npm").is_some() {
        let npm = step(
            &format!("install wasm-opt (binaryen {BINARYEN_NPM} from npm, some seconds, once)"),
            || {
                let folder = cache.join("npm");
                fs::create_dir_all(&folder)?;
                let package = format!("binaryen@{BINARYEN_NPM}");
                let prefix = folder.display().to_string();
                let arguments =
                    ["install", "--no-audit", "--no-fund", "--prefix", &prefix, &package];
                output(command("npm", &arguments).current_dir(&folder)).map(drop)
            },
        );
        if npm.is_ok() {
            return Ok(());
        }
    }
    cargo_tool("wasm-opt", "wasm-opt", BINARYEN_CRATE, "about 5 minutes, with a C++ compiler")
}
