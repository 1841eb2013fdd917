//! Stands where the page is when this crate is built natively, for its tests.

/// Says that there is nothing to see here.
pub fn start() {
    eprintln!("mission control runs in a browser; `cargo xtask up` builds and serves it");
}
