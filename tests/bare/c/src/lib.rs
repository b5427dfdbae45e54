//! The static library for the kernel in C, main.c.
#![no_std]

#[path = "../../../freestanding/src/mem.rs"]
mod mem;

// A pool of one: the second source is refused.
pmem2_capi::export_regions!(1);

/// Ends the kernel.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn panicked() -> !;
    }
    panicked()
}
