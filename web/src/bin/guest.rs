//! The worker that runs guests in a tab.
//!
//! A dedicated worker with a WebAssembly instance of its own: it has no page,
//! no network and no storage in reach, only messages from the ion that started
//! it ([`spark_runtime::wire`]). One guest at a time; requests wait in the
//! worker's inbox. Guests stop themselves at fuel and deadline; ending this
//! worker from outside is the second fence.

#[cfg(not(target_arch = "wasm32"))]
#[path = "guest/native.rs"]
mod worker;
#[cfg(target_arch = "wasm32")]
#[path = "guest/web.rs"]
mod worker;

fn main() {
    worker::main();
}
