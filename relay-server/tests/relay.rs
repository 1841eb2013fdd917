//! The relay as browsers, ions and operators meet it: a whole one in this
//! process, or the program itself.

#![expect(clippy::disallowed_methods, reason = "bounds on how long ending may take")]

#[path = "relay/support.rs"]
mod support;

#[path = "relay/http.rs"]
mod http;
#[path = "relay/network.rs"]
mod network;
#[path = "relay/program.rs"]
#[cfg(unix)]
mod program;
#[path = "relay/webrtc.rs"]
mod webrtc;
