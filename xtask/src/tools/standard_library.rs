//! The standard library of a wasm target.
//!
//! rustup is asked first. Where it cannot download (a network with package
//! mirrors only), the library is built once from Debian's source package of
//! the same compiler version and installed into the toolchain, after which
//! plain `cargo build --target` works as everywhere else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::shell::{Outcome, command, fail, on_path, output, step, succeeds};

/// A target that some part of the project is compiled for.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// The site: `wasm32-unknown-unknown`.
    Web,
    /// Guests written in Rust: `wasm32-wasip1`.
    Guest,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Web => "wasm32-unknown-unknown",
            Self::Guest => "wasm32-wasip1",
        }
    }
}

/// Debian suites that may carry the compiler's source, newest first.
const SUITES: [&str; 3] = ["trixie-backports", "sid", "forky"];

/// Makes sure that the target's standard library stands in the toolchain.
pub(crate) fn standard_library(target: Target) -> Outcome {
    let sysroot = PathBuf::from(output(&mut command("rustc", &["--print", "sysroot"]))?.trim());
    let installed = sysroot.join("lib/rustlib").join(target.name()).join("lib");
    if has_std(&installed) {
        return Ok(());
    }
    let name = target.name();
    let by_rustup = on_path("rustup").is_some()
        && step(&format!("rustup target add {name} (some seconds, once)"), || {
            output(&mut command("rustup", &["target", "add", name])).map(drop)
        })
        .is_ok();
    if by_rustup && has_std(&installed) {
        return Ok(());
    }
    step(&format!("build the standard library of {name} from Debian's source (about a minute, once)"), || {
        let work = super::cache()?.join("standard-library");
        fs::create_dir_all(&work)?;
        source(&sysroot, &work)?;
        build(target, &work, &installed)
    })
    .or_else(|why| {
        fail(format!(
            "the Rust target {name} is missing, and neither rustup nor Debian's packages could bring it:\n{why}\n\
             Install it by hand (`rustup target add {name}`) and run this again"
        ))
    })
}

fn has_std(folder: &Path) -> bool {
    let Ok(files) = fs::read_dir(folder) else { return false };
    let libraries: Vec<PathBuf> = files
        .flatten()
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|end| end == "rlib"))
        .collect();
    ["libstd-", "libtest-"].iter().all(|wanted| {
        let names = libraries.iter().filter_map(|path| path.file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with(wanted))
    })
}

/// Puts the standard library's source into the sysroot, where `-Zbuild-std` looks.
fn source(sysroot: &Path, work: &Path) -> Outcome {
    let wanted = sysroot.join("lib/rustlib/src/rust/library");
    if wanted.join("std/Cargo.toml").is_file() {
        return Ok(());
    }
    let version = output(&mut command("rustc", &["--version"]))?;
    let version = version.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let mirror = mirror()?;
    let unpacked = work.join("unpacked");
    for suite in SUITES {
        if download(&mirror, suite, &version, work, &unpacked).is_ok() {
            let library = unpacked.join(format!("usr/src/rustc-{version}/library"));
            copy_folder(&library, &wanted)?;
            return Ok(());
        }
    }
    fail(format!("no Debian suite among {SUITES:?} has the package rust-src in version {version}"))
}

/// The address of this machine's own Debian mirror, and the keyring it is checked with.
fn mirror() -> Outcome<String> {
    let said = output(&mut command(
        "apt-get",
        &["indextargets", "--format", "$(SITE)", "Created-By: Packages"],
    ))?;
    said.lines()
        .find(|site| site.ends_with("/debian"))
        .map(str::to_owned)
        .map_or_else(|| fail("apt knows no Debian mirror"), Ok)
}

/// Fetches and unpacks `rust-src` with an apt configuration that touches nothing of the machine's.
fn download(mirror: &str, suite: &str, version: &str, work: &Path, unpacked: &Path) -> Outcome {
    let apt = work.join("apt");
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(apt.join(folder))?;
    }
    let sources = apt.join("sources.list");
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    fs::write(&sources, format!("deb [signed-by={keyring}] {mirror} {suite} main\n"))?;
    let options = [
        format!("Dir::Etc::sourcelist={}", sources.display()),
        "Dir::Etc::sourceparts=-".to_owned(),
        format!("Dir::State={}", apt.join("state").display()),
        format!("Dir::Cache={}", apt.join("cache").display()),
        "APT::Sandbox::User=root".to_owned(),
    ];
    let apt_get = |words: &[&str]| {
        let mut arguments: Vec<&str> = Vec::new();
        for option in &options {
            arguments.extend(["-o", option.as_str()]);
        }
        arguments.extend(words);
        let mut call = command("apt-get", &arguments);
        call.current_dir(&apt);
        output(&mut call)
    };
    apt_get(&["update"])?;
    let listed = output(
        command(
            "apt-cache",
            &[
                "-o",
                &options[0],
                "-o",
                &options[1],
                "-o",
                &options[2],
                "-o",
                &options[3],
                "madison",
                "rust-src",
            ],
        )
        .current_dir(&apt),
    )?;
    let exact = listed
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|found| found.split(['+', '-']).next() == Some(version));
    let Some(exact) = exact else {
        return fail(format!("{suite} has no rust-src {version}"));
    };
    apt_get(&["download", &format!("rust-src={exact}")])?;
    let package = fs::read_dir(&apt)?
        .flatten()
        .map(|file| file.path())
        .find(|file| file.extension().is_some_and(|end| end == "deb"));
    let Some(package) = package else { return fail("apt downloaded no package") };
    let _ = fs::remove_dir_all(unpacked);
    output(&mut command(
        "dpkg",
        &["-x", &package.display().to_string(), &unpacked.display().to_string()],
    ))?;
    fs::remove_file(package)?;
    Ok(())
}

fn build(target: Target, work: &Path, installed: &Path) -> Outcome {
    let name = target.name();
    if let Target::Guest = target {
        wasi_libc(installed)?;
    }
    let crate_folder = work.join("build");
    fs::create_dir_all(crate_folder.join("src"))?;
    fs::write(
        crate_folder.join("Cargo.toml"),
        "[package]\nname = \"standard-library\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    fs::write(crate_folder.join("src/lib.rs"), "")?;
    let arguments = [
        "build",
        "-Zbuild-std=std,panic_abort,proc_macro,test",
        "--target",
        name,
        "--release",
        "--quiet",
    ];
    // The bitcode lets release profiles with link-time optimisation use it.
    output(
        command("cargo", &arguments)
            .current_dir(&crate_folder)
            .env("RUSTFLAGS", "-C embed-bitcode=yes")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", crate_folder.join("target")),
    )?;
    fs::create_dir_all(installed)?;
    let built = crate_folder.join("target").join(name).join("release/deps");
    for file in fs::read_dir(built)?.flatten() {
        let path = file.path();
        if path.extension().is_some_and(|end| end == "rlib") {
            fs::copy(&path, installed.join(file.file_name()))?;
        }
    }
    if has_std(installed) { Ok(()) } else { fail("the build left no standard library behind") }
}

/// C start-up files for WASI programs, from Debian's `wasi-libc`.
fn wasi_libc(installed: &Path) -> Outcome {
    let from = Path::new("/usr/lib/wasm32-wasi");
    if !from.join("libc.a").is_file()
        && !succeeds(&mut command(
            "apt-get",
            &["install", "-y", "--no-install-recommends", "wasi-libc"],
        ))
    {
        return fail("apt-get could not install wasi-libc");
    }
    let to = installed.join("self-contained");
    fs::create_dir_all(&to)?;
    for file in ["crt1-command.o", "crt1-reactor.o", "libc.a"] {
        fs::copy(from.join(file), to.join(file))?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
