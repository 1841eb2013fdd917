//! `cargo xtask`
mod shell;
mod tools;
fn main() {
    let r = match std::env::args().nth(1).as_deref() {
        Some("tools") => tools::site(),
        Some("browser") => tools::browser().map(|_| ()),
        Some("guest") => tools::standard_library(tools::Target::Guest),
        _ => Ok(()),
    };
    if let Err(e) = r { eprintln!("{e}"); std::process::exit(1) }
}
