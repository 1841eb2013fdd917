//! The js-libp2p programs of `tests/js`, which the tests set against ours.
//!
//! Packages land in the tool cache, in a folder named after the lock file's
//! contents; what is bundled of them goes to `target/js/`.

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};

use super::{cache, npm};
use crate::shell::{Outcome, command, output, root, step};

const SOURCE: &str = "tests/js";
const BUNDLED: &str = "target/js";
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

/// Installs packages and Node if they are missing, and bundles the programs.
pub(crate) fn counterparts() -> Outcome<Counterparts> {
    let node = npm::node()?;
    let packages = packages()?;
    let bundles = root().join(BUNDLED);
    step("bundle the js-libp2p programs", || bundle(&packages, &bundles))?;
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
