//! `libpmem2.a` for machines without an operating system: [`pmem2_capi`] over regions of physical
//! memory, for programs in C, without a heap. The library's memory has room for 16 sources. There
//! is one message for all threads.
#![no_std]

use core::panic::PanicInfo;

pmem2_capi::export_regions!(16);

/// Stops. Nothing in here panics; if it did, there would be nobody to tell.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
