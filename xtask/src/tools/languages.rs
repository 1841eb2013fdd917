//! The compilers of the languages that the examples are written in, beside Rust's own.
//!
//! Clang with a C library for WASI, and Zig, come in one package of Python's; the compiler
//! of `AssemblyScript` is one of npm's. Go and Maven are the system's: they are found or named
//! as missing.

use std::{fs, path::PathBuf, process::Command};

use super::{cache, npm};
use crate::shell::{Outcome, command, fail, on_path, output, step};

const ZIG: &str = "0.17.0";
const ASSEMBLYSCRIPT: &str = "0.28.20";

/// `zig`, installed when it is missing.
pub(crate) fn zig() -> Outcome<Command> {
    let folder = cache()?.join("python");
    let run = |arguments: &[&str]| {
        let mut python = command("python3", &["-m", "ziglang"]);
        python.args(arguments).env("PYTHONPATH", &folder);
        python
    };
    let is_right = output(&mut run(&["version"])).is_ok_and(|said| said.trim() == ZIG);
    if !is_right {
        step(&format!("install Zig {ZIG} with pip (a minute, once)"), || {
            let (package, target) = (format!("ziglang=={ZIG}"), folder.display().to_string());
            let arguments =
                ["-m", "pip", "install", "--quiet", "--upgrade", "--target", &target, &package];
            output(&mut command("python3", &arguments)).map(drop)
        })?;
    }
    Ok(run(&[]))
}

/// `asc`, the compiler of `AssemblyScript`, installed when it is missing.
pub(crate) fn assemblyscript() -> Outcome<Command> {
    let folder = cache()?.join("assemblyscript");
    let program = folder.join("node_modules/.bin/asc");
    let is_right = output(&mut command(&program, &["--version"]))
        .is_ok_and(|said| said.split_whitespace().any(|word| word == ASSEMBLYSCRIPT));
    if !is_right {
        step(&format!("install AssemblyScript {ASSEMBLYSCRIPT} with npm (once)"), || {
            fs::create_dir_all(&folder)?;
            let (package, prefix) =
                (format!("assemblyscript@{ASSEMBLYSCRIPT}"), folder.display().to_string());
            npm::run_npm(&folder, &["install", "--prefix", &prefix, &package])
        })?;
    }
    Ok(command(&program, &[]))
}

/// A program of the system; what it is for is said where it is missing.
pub(crate) fn of_system(program: &str, what: &str) -> Outcome<PathBuf> {
    let found = on_path(program);
    found.map_or_else(|| fail(format!("{what} needs `{program}`, which is not on PATH")), Ok)
}
