//! Makes bytes durable: flushes a range of memory, waits, and calls the system.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2_size::program;

program!(|source| {
    let cpu = black_box(pmem2_size::cpu());
    let bytes = black_box([0_u8; 64]);
    // SAFETY: the bytes are mapped, since they are on the stack.
    unsafe { cpu.flush(bytes.as_ptr(), bytes.len()) };
    cpu.fence();
    source.sync()?;
});
