//! Can panic: shows ci/measure that it sees where a program can.
#![no_std]
#![no_main]

use core::hint::black_box;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    assert_eq!(black_box(1), black_box(2));
    pmem2_size::end()
}
