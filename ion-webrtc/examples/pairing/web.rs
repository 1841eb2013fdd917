//! There is nothing to see in a browser: the tests run there.

pub(crate) fn run() {}
