//! `libpmem2.a` for machines without an operating system: [`pmem2_capi`] over regions of physical
//! memory, for programs in C. No heap; sources in the library's memory are 16 at most, and those in
//! the caller's as many as it likes. One message for all.
#![no_std]

use core::panic::PanicInfo;

pmem2_capi::export_regions!(16);

/// Nothing in here panics. If it did, there is nobody to tell.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
