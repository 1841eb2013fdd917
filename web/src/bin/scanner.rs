//! The worker that reads QR codes in a camera's pictures.
//!
//! A module of its own, loaded when the camera opens: most people never need it, and
//! looking for codes must not make the page stutter. It says `null` when it waits for a
//! picture; the page then posts `[width in pixels, its RGBA bytes as an ArrayBuffer]`.
//! A string is the text of a code that was found, after which nothing more is said.

#[cfg(not(target_arch = "wasm32"))]
#[path = "scanner/native.rs"]
mod worker;
#[cfg(target_arch = "wasm32")]
#[path = "scanner/web.rs"]
mod worker;

fn main() {
    worker::main();
}
