//! A worked port of pmem2: an invented unikernel, of the kind where one program runs on one machine
//! and calls the kernel as a library. No allocator, no std.
//!
//! - `kernel`: the kernel, which knows nothing of pmem2: a table of descriptors, files in memory,
//!   banks of persistent memory.
//! - `port`: the code that pmem2 needs: [`Platform`](pmem2::platform::Platform),
//!   [`Locate`](pmem2::platform::Locate) and two [`Handle`](pmem2::Handle)s.
//! - `suite`: the conformance suite, in the kernel itself.
//! - `fault`: a platform around a platform that fails on demand.
//! - `image`: the kernel as a library for a program in C, main.c.
//!
//! The page `pmem2::guide::porting` leads here.
#![no_std]

#[cfg(test)]
extern crate std;

#[cfg(test)]
mod fault;
#[cfg(not(test))]
mod image;
mod kernel;
mod port;
mod suite;
#[cfg(test)]
mod tests;

#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
