//! `cargo xtask sparks`: compiles the examples and keeps the modules beside
//! their source.
//!
//! An example is a folder with a `Cargo.toml`; in other languages it stands in folders of
//! its own below, each named after its language.

mod language;

use std::{
    fs,
    path::{Path, PathBuf},
};

use language::Language;

use crate::shell::{Outcome, fail, root, step};

/// Where compilers leave what they make.
const BUILDS: &str = "target/sparks";

/// An example in one language.
struct Spark {
    example: String,
    language: Language,
    folder: PathBuf,
    /// A WASI command; else a library, which needs nothing but its exports.
    is_command: bool,
}

impl Spark {
    /// Its name among all, and that of its module.
    fn name(&self) -> String {
        match self.language {
            Language::Rust => self.example.clone(),
            other => format!("{}-{}", self.example, other.slug()),
        }
    }
}

/// Rebuilds the named examples, those of the named languages, or all of them.
pub(crate) fn sparks(arguments: &[String]) -> Outcome {
    let all = find()?;
    let is_named = |spark: &Spark, name: &String| {
        *name == spark.name() || *name == spark.example || name == spark.language.slug()
    };
    for name in arguments.iter().filter(|name| *name != language::TINYGO) {
        if !all.iter().any(|spark| is_named(spark, name)) {
            let mut names: Vec<&str> = all.iter().map(|spark| spark.example.as_str()).collect();
            names.dedup();
            let languages = Language::ALL.map(Language::slug).join(", ");
            return fail(format!(
                "there is no example or language `{name}`; there are: {}; and {languages}, {}",
                names.join(", "),
                language::TINYGO
            ));
        }
    }
    let is_wanted =
        |spark: &&Spark| arguments.is_empty() || arguments.iter().any(|name| is_named(spark, name));
    all.iter().filter(is_wanted).try_for_each(build)?;
    if arguments.iter().any(|name| name == language::TINYGO) {
        let go = all.iter().filter(|spark| spark.language == Language::Go);
        go.map(|spark| (spark, root().join(BUILDS))).try_for_each(language::tinygo)?;
    }
    Ok(())
}

fn find() -> Outcome<Vec<Spark>> {
    let mut sparks = Vec::new();
    for entry in fs::read_dir(root().join("examples"))? {
        let entry = entry?;
        let example = entry.file_name().to_string_lossy().into_owned();
        if !entry.path().join("Cargo.toml").is_file() {
            continue;
        }
        let is_command = entry.path().join("src/main.rs").is_file();
        for language in Language::ALL {
            let folder = language.folder(&entry.path());
            if folder.is_dir() {
                sparks.push(Spark { example: example.clone(), language, folder, is_command });
            }
        }
    }
    sparks.sort_by_key(Spark::name);
    Ok(sparks)
}

fn build(spark: &Spark) -> Outcome {
    let builds = root().join(BUILDS);
    fs::create_dir_all(&builds)?;
    let compiler = spark.language.compiler(spark)?;
    step(&format!("compile {} (some seconds)", spark.name()), || {
        keep(spark, &compiler.compile(spark, &builds)?)
    })
}

fn keep(spark: &Spark, built: &Path) -> Outcome {
    let module = fs::read(built)?;
    let bytes_max = spark.language.bytes_max();
    if module.len() > bytes_max {
        return fail(format!(
            "{} is {} bytes; at most {bytes_max} are kept in the repository. Formatting and \
             panics with messages are what usually makes a module large",
            spark.name(),
            module.len()
        ));
    }
    let kept = spark.folder.join(format!("{}.wasm", spark.name()));
    let is_same = fs::read(&kept).is_ok_and(|before| before == module);
    if !is_same {
        fs::write(&kept, &module)?;
    }
    println!("  {} bytes, {}", module.len(), if is_same { "as before" } else { "changed" });
    Ok(())
}
