//! The smallest useful spark: one exported function, two numbers in, one out.
#![no_std]

/// The sum, wrapping around at 32 bits.
#[unsafe(no_mangle)]
pub extern "C" fn add(first: i32, second: i32) -> i32 {
    first.wrapping_add(second)
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
