//! Never ends by itself: shows that fuel and deadline end it.
#![no_std]

/// Loops for ever.
#[unsafe(no_mangle)]
pub extern "C" fn forever(_input: i32) {
    let mut turns: u32 = 0;
    loop {
        turns = core::hint::black_box(turns.wrapping_add(1));
    }
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
