//! Does nothing: what a task costs besides its work.
#![no_std]

/// Returns at once.
#[unsafe(no_mangle)]
pub extern "C" fn empty(_input: i32) {}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
