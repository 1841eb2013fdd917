//! `cargo xtask up`: from a checkout to a running relay with the site in it.

use std::path::PathBuf;

use crate::{
    shell::{Outcome, command, root, run, step},
    site::site,
    tools,
};

/// Builds what is not built yet and runs the relay until it is interrupted.
pub(crate) fn up(arguments: &[String]) -> Outcome {
    let relay = build()?;
    let options: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| *word != "--").collect();
    println!("• start the relay (Ctrl-C stops it)");
    run(&mut command(relay, &options))
}

/// Builds the site and the relay that embeds it; where the relay is.
pub(crate) fn build() -> Outcome<PathBuf> {
    tools::site()?;
    site()?;
    step("build the relay (minutes at first, then seconds)", || {
        run(&mut command("cargo", &["build", "--quiet", "--package", "relay-server"]))
    })?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("debug").join(format!("relay-server{}", std::env::consts::EXE_SUFFIX)))
}
