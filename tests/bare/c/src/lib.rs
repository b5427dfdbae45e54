//! The static library that the kernel in C (main.c beside this) is linked with.
#![no_std]

#[path = "../../../freestanding/src/mem.rs"]
mod mem;

// A pool of one: the second source has to be refused.
pmem2_capi::export_regions!(1);

/// The kernel's own way out.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn panicked() -> !;
    }
    panicked()
}
