//! Has a handle and calls nothing of pmem2: every other program is compared with this one.
#![no_std]
#![no_main]

use core::hint::black_box;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    black_box(pmem2_size::handle());
    pmem2_size::end()
}
