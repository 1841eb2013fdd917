//! `cargo xtask sparks`: compiles the examples and keeps the modules beside
//! their source.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    shell::{Outcome, command, fail, output, root, step},
    tools::{Target, standard_library},
};

/// The largest module that is kept in the repository, in bytes.
const MODULE_BYTES_MAX: usize = 64 << 10;

/// One example: a folder with a `Cargo.toml`.
struct Spark {
    name: String,
    folder: PathBuf,
}

/// Rebuilds the named examples, or all of them.
pub(crate) fn sparks(arguments: &[String]) -> Outcome {
    let all = find()?;
    for name in arguments {
        if !all.iter().any(|spark| spark.name == *name) {
            let names: Vec<&str> = all.iter().map(|spark| spark.name.as_str()).collect();
            return fail(format!("there is no example `{name}`; there are: {}", names.join(", ")));
        }
    }
    let is_wanted = |spark: &&Spark| arguments.is_empty() || arguments.contains(&spark.name);
    all.iter().filter(is_wanted).try_for_each(build)
}

fn find() -> Outcome<Vec<Spark>> {
    let mut sparks = Vec::new();
    for entry in fs::read_dir(root().join("examples"))? {
        let entry = entry?;
        let folder = entry.path();
        if folder.join("Cargo.toml").is_file() {
            sparks.push(Spark { name: entry.file_name().to_string_lossy().into_owned(), folder });
        }
    }
    sparks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sparks)
}

fn build(spark: &Spark) -> Outcome {
    // A program is a WASI command; a library needs nothing but its exports.
    let (target, triple, file) = if spark.folder.join("src/main.rs").is_file() {
        (Target::Guest, "wasm32-wasip1", format!("{}.wasm", spark.name))
    } else {
        (Target::Web, "wasm32-unknown-unknown", format!("{}.wasm", spark.name.replace('-', "_")))
    };
    standard_library(target)?;
    step(&format!("compile {} (some seconds)", spark.name), || {
        let builds = root().join("target/sparks");
        compile(spark, triple, &builds)?;
        keep(spark, &builds.join(triple).join("release").join(file))
    })
}

fn compile(spark: &Spark, triple: &str, builds: &Path) -> Outcome {
    let arguments = ["build", "--quiet", "--release", "--target", triple];
    let mut cargo = command("cargo", &arguments);
    // Nothing of this machine may stand in a module that others run.
    let remapped = format!("--remap-path-prefix={}=.", spark.folder.display());
    cargo.current_dir(&spark.folder).env("CARGO_TARGET_DIR", builds).env("RUSTFLAGS", remapped);
    output(&mut cargo).map(drop)
}

fn keep(spark: &Spark, built: &Path) -> Outcome {
    let module = fs::read(built)?;
    if module.len() > MODULE_BYTES_MAX {
        return fail(format!(
            "{} is {} bytes; at most {MODULE_BYTES_MAX} are kept in the repository. Formatting and \
             panics with messages are what usually makes a module large",
            spark.name,
            module.len()
        ));
    }
    let kept = spark.folder.join(format!("{}.wasm", spark.name));
    let is_same = fs::read(&kept).is_ok_and(|before| before == module);
    if !is_same {
        fs::write(&kept, &module)?;
    }
    println!("  {} bytes, {}", module.len(), if is_same { "as before" } else { "changed" });
    Ok(())
}
