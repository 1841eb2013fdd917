//! The worker that an ion runs in: the node, its drivers, and the words that
//! pass between it and its page ([`node_core::node::port`]).
//!
//! It is started with the address of the guest workers' script, and the slot
//! that this tab had before, in its own address: `?guest=<script>&slot=<n>`.

#[cfg(not(target_arch = "wasm32"))]
#[path = "ion/native.rs"]
mod worker;
#[cfg(target_arch = "wasm32")]
#[path = "ion/web.rs"]
mod worker;

fn main() {
    worker::main();
}
