//! The public suite of WASI preview 1, which is not kept here: its modules are of
//! others. `docs/wasi.md` says where it is and how it ends.
//!
//! `WASI_TESTSUITE=<folder> cargo test -p spark-runtime conformance -- --ignored --nocapture`
//! runs all of its modules of `wasm32-wasip1` in both lanes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use spark_runtime::{
    Call, Limits, Stop,
    files::{File, Given},
    wire,
};

use crate::guests::{run_module, runtime, still};

/// Tests that the suite had when this was written; fewer are a wrong folder.
const TESTS_MIN: usize = 72;
/// Tests that fail, each for a reason that `docs/wasi.md` gives.
const FAILING: [&str; 0] = [];

/// What a test says of itself; what is left out is empty, or success.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Specification {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    root: Option<String>,
    exit_code: i32,
    stdout: Option<String>,
    stderr: Option<String>,
}

impl Specification {
    fn of(module: &Path) -> Self {
        let path = module.with_extension("json");
        if !path.is_file() {
            return Self::default();
        }
        serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()
    }

    fn call(&self, module: &Path) -> Call {
        Call::Command {
            arguments: self.args.clone(),
            environment: self.env.clone().into_iter().collect(),
            stdin: Vec::new(),
            files: self.root.as_ref().map_or_else(Vec::new, |root| {
                let root = module.with_file_name(root);
                wire::encode(&Given { files: files(&root, ""), are_wanted_back: false })
            }),
        }
    }
}

fn files(folder: &Path, prefix: &str) -> Vec<File> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut entries: Vec<_> = entries.map(|entry| (entry.path(), entry.file_name())).collect();
    entries.sort();
    let file = |(path, name): (PathBuf, std::ffi::OsString)| {
        let name = format!("{prefix}{}", name.into_string().unwrap());
        if path.is_dir() {
            return files(&path, &format!("{name}/"));
        }
        vec![File { path: name, contents: fs::read(path).unwrap() }]
    };
    entries.into_iter().flat_map(file).collect()
}

/// The modules of the suite's three languages.
fn modules(suite: &Path) -> Vec<PathBuf> {
    let mut modules = Vec::new();
    for language in ["assemblyscript", "c", "rust"] {
        let folder = suite.join("tests").join(language).join("testsuite/wasm32-wasip1");
        let entries = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path());
        modules.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "wasm")));
    }
    modules.sort();
    modules
}

/// Why a test failed; `None` when it passed.
fn fault(path: &Path) -> Option<String> {
    let specification = Specification::of(path);
    let module = match runtime().load(&fs::read(path).unwrap()) {
        Ok(module) => module,
        Err(stop) => return Some(stop.to_string()),
    };
    let limits = Limits { output_bytes_max: 1 << 20, ..Limits::default() };
    let report = run_module(&module, &specification.call(path), &limits, still);
    let code = match report.stop {
        None => 0,
        Some(Stop::Exit { code }) => code,
        Some(stop) => return Some(format!("{stop}; {}", shown(&report.stderr))),
    };
    let same = |wanted: &Option<String>, bytes: &[u8]| {
        wanted.as_ref().is_none_or(|wanted| wanted.as_bytes() == bytes)
    };
    let Specification { exit_code, stdout, stderr, .. } = specification;
    if code == exit_code && same(&stdout, &report.stdout) && same(&stderr, &report.stderr) {
        return None;
    }
    Some(format!("exit code {code}; {}", shown(&report.stderr)))
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
#[ignore = "it needs the folder of the public suite, in WASI_TESTSUITE"]
fn the_public_suite_passes() {
    let suite = std::env::var("WASI_TESTSUITE").expect("WASI_TESTSUITE names the suite's folder");
    let modules = modules(Path::new(&suite));
    assert!(modules.len() >= TESTS_MIN, "only {} tests in {suite}", modules.len());
    let mut failed = Vec::new();
    for path in &modules {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let fault = fault(path);
        println!("| {name} | {} |", fault.as_deref().unwrap_or("passes"));
        failed.extend(fault.map(|_| name));
    }
    println!("{} of {} pass", modules.len() - failed.len(), modules.len());
    assert_eq!(failed, FAILING);
}
