//! Natively guests run in threads of the ion; there is no worker to be.

/// Does nothing.
pub(crate) fn main() {}
