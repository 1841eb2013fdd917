//! Where there is no browser there is no such worker.

pub(crate) fn main() {
    eprintln!("this program is part of the site; build it with `cargo xtask up`");
}
