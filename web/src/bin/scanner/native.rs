//! Natively there is no camera, and no worker to be.

/// Does nothing.
pub(crate) fn main() {}
