//! Being written.
use crate::shell::Outcome;
pub(crate) fn sim(_: &[String]) -> Outcome { Ok(()) }
