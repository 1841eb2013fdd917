//! The examples: each compiled module does what its `expected.json` says.

mod answers;

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use spark_runtime::{Call, Limits, Module};

use crate::guests::{command, run_module, runtime, still};

/// The benchmarks game's picture of 200 by 200 points with 50 iterations.
const PICTURE_SHA256: &str = "97610473750700638fc63d13cfa49d339b67c18e7f26b3f9c9acb61e746472d5";
const MODULE_BYTES_MAX: u64 = 64 << 10;
/// Of those in Rust, one brings an engine for regular expressions along.
const RUST_MODULE_BYTES_MAX: u64 = 128 << 10;
/// The languages that examples are written in beside Rust, by their folders' names, and how
/// large their modules may be: Go and Java bring what runs them along.
const LANGUAGES: [(&str, u64); 6] = [
    ("assemblyscript", MODULE_BYTES_MAX),
    ("c", MODULE_BYTES_MAX),
    ("cpp", MODULE_BYTES_MAX),
    ("go", 4 << 20),
    ("java", 192 << 10),
    ("zig", MODULE_BYTES_MAX),
];

/// One line of an `expected.json`; what is left out is empty, or success.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    call: CaseCall,
    stop: Option<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    stdout: String,
    #[serde(default)]
    stderr: String,
    /// What standard output holds as JSON, instead.
    json: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseCall {
    export: Option<String>,
    json: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    stdin: String,
}

impl CaseCall {
    fn call(self) -> Call {
        match (self.json, self.export) {
            (Some(json), _) => Call::Json { input: json.into_bytes() },
            (None, Some(name)) => Call::Export { name, arguments: self.arguments },
            (None, None) => Call::Command {
                arguments: self.arguments,
                environment: Vec::new(),
                stdin: self.stdin.into_bytes(),
                files: Vec::new(),
            },
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn file(path: &str) -> Vec<u8> {
    fs::read(folder().join(path)).unwrap_or_else(|error| panic!("examples/{path}: {error}"))
}

fn load(name: &str) -> Module {
    load_file(&format!("{name}/{name}.wasm"))
}

fn load_file(path: &str) -> Module {
    runtime().load(&file(path)).unwrap_or_else(|why| panic!("examples/{path}: {why:?}"))
}

/// An example's modules in other languages, and how large each may be.
fn translations(name: &str) -> impl Iterator<Item = (String, u64)> {
    LANGUAGES.into_iter().filter_map(move |(language, bytes_max)| {
        let path = format!("{name}/{language}/{name}-{language}.wasm");
        folder().join(name).join(language).is_dir().then_some((path, bytes_max))
    })
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn check(name: &str, path: &str, bytes_max: u64) {
    let module = load_file(path);
    assert!(module.inspect().bytes <= bytes_max, "{path} is too large to be kept");
    let cases: Vec<Case> = serde_json::from_slice(&file(&format!("{name}/expected.json"))).unwrap();
    assert!(!cases.is_empty());
    for (index, case) in cases.into_iter().enumerate() {
        let limits = Limits { fuel_max: 50_000_000, ..Limits::default() };
        let report = run_module(&module, &case.call.call(), &limits, still);
        let context = format!("{path}, case {index}: {:?}", report.stop);
        assert_eq!(report.stop.map(|stop| stop.name().to_owned()), case.stop, "{context}");
        let values: Vec<String> = report.values.iter().map(ToString::to_string).collect();
        assert_eq!(values, case.values, "{context}");
        if let Some(json) = case.json {
            let said: serde_json::Value = serde_json::from_slice(&report.stdout).expect(&context);
            assert_eq!(said, json, "{context}");
        } else {
            assert_eq!(String::from_utf8_lossy(&report.stdout), case.stdout, "{context}");
        }
        assert_eq!(String::from_utf8_lossy(&report.stderr), case.stderr, "{context}");
    }
}

#[test]
fn every_example_does_what_it_says() {
    assert!(names().len() >= 12);
    for name in names() {
        assert!(folder().join(&name).join("README.md").is_file(), "{name} explains itself");
        check(&name, &format!("{name}/{name}.wasm"), RUST_MODULE_BYTES_MAX);
    }
}

#[test]
fn the_calculators_do_the_same_in_every_language() {
    for name in ["add", "json-calculator"] {
        assert_eq!(translations(name).count(), LANGUAGES.len());
        translations(name).for_each(|(path, bytes_max)| check(name, &path, bytes_max));
    }
    assert_eq!(translations("nebulark").count(), 3);
    translations("nebulark").for_each(|(path, bytes_max)| check("nebulark", &path, bytes_max));
}

#[test]
fn the_rows_are_the_benchmarks_games_picture() {
    let module = load("mandelbrot");
    let mut picture = b"P4\n200 200\n".to_vec();
    for row in 0..200 {
        let call = command(&[&row.to_string(), "200", "50"], "");
        let report = run_module(&module, &call, &Limits::default(), still);
        assert_eq!(report.stop, None, "row {row}");
        assert_eq!(report.stdout.len(), 25, "row {row}");
        picture.extend(report.stdout);
    }
    let digest = format!("{:x}", Sha256::digest(&picture));
    assert_eq!((picture.len(), digest.as_str()), (5011, PICTURE_SHA256));
    assert_eq!(picture, file("mandelbrot/expected.pbm"));
}

#[test]
fn every_spark_of_the_gallery_is_there() {
    let gallery: serde_json::Value = serde_json::from_slice(&file("gallery.json")).unwrap();
    let sparks = gallery["sparks"].as_array().unwrap();
    assert!(sparks.len() >= 10);
    for spark in sparks {
        let name = spark["name"].as_str().unwrap();
        assert_eq!(spark["file"], format!("{name}/{name}.wasm"));
        let inspection = load(name).inspect();
        let sources = spark["sources"].as_array().unwrap();
        assert!(!sources.is_empty(), "{name} shows its source");
        for source in sources {
            assert!(!file(source.as_str().unwrap()).is_empty());
        }
        let others = spark["translations"].as_array().into_iter().flatten();
        let others: BTreeSet<&str> = others.map(|other| other["file"].as_str().unwrap()).collect();
        let expected: Vec<String> = translations(name).map(|(path, _)| path).collect();
        assert_eq!(others, expected.iter().map(String::as_str).collect(), "{name}");
        match spark["entry"]["export"].as_str() {
            Some(export) => {
                assert!(inspection.exports.iter().any(|one| one.name == export), "{name}");
            }
            None if spark["entry"] == "json" => assert!(inspection.is_json_spark(), "{name}"),
            None => assert!(spark["entry"] == "command" && inspection.is_command, "{name}"),
        }
    }
}
