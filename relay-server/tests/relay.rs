//! The relay as browsers, ions and operators meet it: a whole one in this
//! process, or the program itself.

#[path = "relay/support.rs"]
mod support;

#[path = "relay/http.rs"]
mod http;
#[path = "relay/network.rs"]
mod network;
#[path = "relay/program.rs"]
mod program;
