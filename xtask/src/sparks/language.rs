//! How each language is compiled to WebAssembly, by its usual compiler.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use super::Spark;
use crate::{
    shell::{Outcome, command, output},
    tools::{self, Target},
};

/// The other compiler of Go, which the system may have; what it makes is not kept.
pub(super) const TINYGO: &str = "tinygo";

/// The stack of what Clang and Zig compile, in bytes: as Rust has it. Theirs would be 16 MiB,
/// which every run would have to clear.
const STACK_BYTES: u32 = 1 << 20;

/// A language that examples are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    C,
    Cpp,
    AssemblyScript,
    Zig,
    Go,
    Java,
}

impl Language {
    pub(super) const ALL: [Self; 7] =
        [Self::Rust, Self::C, Self::Cpp, Self::AssemblyScript, Self::Zig, Self::Go, Self::Java];

    /// The name of its folders.
    pub(super) const fn slug(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::AssemblyScript => "assemblyscript",
            Self::Zig => "zig",
            Self::Go => "go",
            Self::Java => "java",
        }
    }

    /// Where an example's source in this language is.
    pub(super) fn folder(self, example: &Path) -> PathBuf {
        if self == Self::Rust { example.to_owned() } else { example.join(self.slug()) }
    }

    /// The largest module that is kept in the repository, in bytes. Go and Java bring what
    /// runs them along, and one of Rust's an engine for regular expressions.
    pub(super) const fn bytes_max(self) -> usize {
        match self {
            Self::Rust => 128 << 10,
            Self::Go => 4 << 20,
            Self::Java => 192 << 10,
            _ => 64 << 10,
        }
    }

    /// Its compiler, installed where that can be done.
    pub(super) fn compiler(self, spark: &Spark) -> Outcome<Compiler> {
        Ok(match self {
            Self::Rust if spark.is_command => {
                tools::standard_library(Target::Guest)?;
                Compiler::Cargo("wasm32-wasip1")
            }
            Self::Rust => {
                tools::standard_library(Target::Web)?;
                Compiler::Cargo("wasm32-unknown-unknown")
            }
            Self::C => Compiler::Clang(tools::zig()?, "cc", "c"),
            Self::Cpp => Compiler::Clang(tools::zig()?, "c++", "cpp"),
            Self::Zig => Compiler::Zig(tools::zig()?),
            Self::AssemblyScript => Compiler::AssemblyScript(tools::assemblyscript()?),
            Self::Go => Compiler::Go(tools::of_system("go", "Go")?),
            Self::Java => Compiler::Maven(tools::of_system("mvn", "Java")?),
        })
    }
}

/// What compiles, and how it is called.
pub(super) enum Compiler {
    Cargo(&'static str),
    Clang(Command, &'static str, &'static str),
    Zig(Command),
    AssemblyScript(Command),
    Go(PathBuf),
    Maven(PathBuf),
}

impl Compiler {
    /// Compiles; where the module is then.
    pub(super) fn compile(self, spark: &Spark, builds: &Path) -> Outcome<PathBuf> {
        let module = builds.join(format!("{}.wasm", spark.name()));
        let to = module.display().to_string();
        let source = |ending: &str| format!("{}.{ending}", spark.example);
        let is_command = spark.is_command;
        let mut compile = match self {
            Self::Cargo(triple) => return cargo(spark, triple, builds),
            Self::Maven(program) => return maven(spark, &program, builds),
            Self::Clang(mut clang, language, ending) => {
                clang.args([language, "--target=wasm32-wasi", "-Os", "-s", "-Wall", "-Wextra"]);
                clang.arg(format!("-Wl,-z,stack-size={STACK_BYTES}"));
                if language == "c++" {
                    clang.args(["-std=c++20", "-fno-exceptions", "-fno-rtti"]);
                }
                if !is_command {
                    clang.arg("-mexec-model=reactor");
                }
                clang.args(["-o", &to, &source(ending)]);
                clang
            }
            Self::Zig(mut zig) => {
                let target = if is_command { "wasm32-wasi" } else { "wasm32-freestanding" };
                zig.args(["build-exe", "-O", "ReleaseSmall", "-fstrip", "-target", target]);
                zig.args(["--stack", &STACK_BYTES.to_string()]);
                if !is_command {
                    zig.args(["-fno-entry", "-rdynamic"]);
                }
                let cache = builds.join("zig").display().to_string();
                zig.args(["--cache-dir", &cache, &format!("-femit-bin={to}"), &source("zig")]);
                zig
            }
            Self::AssemblyScript(mut asc) => {
                // Nothing is freed: an instance lives as long as its task.
                asc.args([&source("ts"), "-o", &to, "--runtime", "stub", "-Ospeed"]);
                asc.args(["--shrinkLevel", "2", "--use", "abort="]);
                asc
            }
            Self::Go(program) => {
                let arguments = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"];
                let mut go = command(program, &arguments);
                if !is_command {
                    go.arg("-buildmode=c-shared");
                }
                go.args(["-o", &to, "."]).env("GOOS", "wasip1").env("GOARCH", "wasm");
                go
            }
        };
        output(compile.current_dir(&spark.folder))?;
        Ok(module)
    }
}

fn cargo(spark: &Spark, triple: &str, builds: &Path) -> Outcome<PathBuf> {
    let arguments = ["build", "--quiet", "--release", "--target", triple];
    let mut cargo = command("cargo", &arguments);
    // Nothing of this machine may stand in a module that others run.
    let home = env::home_dir().unwrap_or_default().join(".cargo");
    let cargo_home = env::var_os("CARGO_HOME").map_or(home, PathBuf::from);
    let remapped = [&spark.folder, &cargo_home]
        .map(|path| format!("--remap-path-prefix={}=.", path.display()));
    cargo.current_dir(&spark.folder).env("CARGO_TARGET_DIR", builds);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", remapped.join("\u{1f}"));
    output(&mut cargo)?;
    let stem = if spark.is_command { spark.name() } else { spark.name().replace('-', "_") };
    Ok(builds.join(triple).join("release").join(format!("{stem}.wasm")))
}

fn maven(spark: &Spark, program: &Path, builds: &Path) -> Outcome<PathBuf> {
    let folder = builds.join(spark.name());
    let property = format!("-Dbuild.folder={}", folder.display());
    let mut maven = command(program, &["-q", "-B", &property, "package"]);
    output(maven.current_dir(&spark.folder))?;
    Ok(folder.join(format!("{}.wasm", spark.example)))
}

/// Compiles a spark of Go by `TinyGo`, where the system has it.
pub(super) fn tinygo((spark, builds): (&Spark, PathBuf)) -> Outcome {
    let program = tools::of_system(TINYGO, "this way of compiling Go")?;
    let module = builds.join(format!("{}-{TINYGO}.wasm", spark.example));
    let to = module.display().to_string();
    let mut compile = command(program, &["build", "-target=wasip1", "-no-debug", "-o", &to]);
    if !spark.is_command {
        compile.arg("-buildmode=c-shared");
    }
    output(compile.arg(".").current_dir(&spark.folder))?;
    println!("  {to}");
    Ok(())
}
