//! What passes between a page and the worker that its ion runs in, beside
//! [`Command`](super::Command)s, which go to the ion as they are.

use serde::{Deserialize, Serialize};

use super::event::Event;

/// How often an ion shows that it lives, in milliseconds.
pub const PULSE_MS: u64 = 1_000;

/// From the ion's worker to its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromIon {
    /// The worker listens: commands may come. With it comes a `MessagePort`, to
    /// be served with the page's peer connections.
    Ready,
    /// The slot that holds this tab's identity, to be named when its ion is
    /// started again.
    Slot(u32),
    /// News.
    Event(Box<Event>),
    /// It lives.
    Pulse,
    /// It came upon a mistake of its own and is dead now.
    Panicked(String),
}
