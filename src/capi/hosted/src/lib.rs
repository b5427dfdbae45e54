//! `libpmem2.so.1` and `libpmem2.a`: [`pmem2_capi`] over the C library of a Linux system.
//!
//! Sources and contexts are malloc's, the last message is in thread-local storage. shim.c has what
//! stable Rust cannot define.
#![no_std]

use core::{ffi::c_char, panic::PanicInfo};

use pmem2::{Native, transfer::SigbusHandler};
use pmem2_capi::{Edge, Heap, Message};

mod sigbus;
#[cfg(feature = "versions")]
mod versions;

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

unsafe extern "C" {
    /// shim.c: the calling thread's buffer, of `Message::SIZE` bytes.
    safe fn pmem2_shim_message() -> *mut c_char;
}

enum Hosted {}

// SAFETY: the message is in thread-local storage.
unsafe impl Edge for Hosted {
    type Platform = Native;
    type Memory = Heap;

    #[inline]
    fn platform() -> Native {
        Native::default()
    }

    fn via() -> Option<SigbusHandler> {
        sigbus::via()
    }

    #[inline]
    fn message() -> *mut Message {
        pmem2_shim_message().cast()
    }
}

pmem2_capi::functions!(Hosted);

/// Nothing in here panics. If it did, nothing would be unwound: C cannot.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: abort may be called at any time.
    unsafe { abort() }
}
