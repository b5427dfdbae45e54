//! `libpmem2.so.1` and `libpmem2.a`: [`pmem2_capi`] over the C library of a Linux system.
//!
//! Sources and contexts are malloc's, the last message is in thread-local storage. shim.c has what
//! stable Rust cannot define.
#![no_std]

use core::{ffi::c_char, panic::PanicInfo};

use pmem2::{Native, transfer::SigbusHandler};
use pmem2_capi::{Heap, Library, Message};

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

unsafe extern "C" {
    /// Returns the calling thread's buffer (shim.c), of the size of a `Message`.
    safe fn pmem2_shim_message() -> *mut c_char;
}

enum Hosted {}

// SAFETY: the message is in thread-local storage.
unsafe impl Library for Hosted {
    type Platform = Native;
    type Memory = Heap;

    #[inline]
    fn platform() -> Native {
        Native::default()
    }

    fn guard() -> Option<SigbusHandler> {
        pmem2_capi::call::sigbus_guard()
    }

    #[inline]
    fn message() -> *mut Message {
        pmem2_shim_message().cast()
    }
}

/// Defines all functions.
macro_rules! functions {
    ($versions:tt) => {
        pmem2_capi::descriptor_functions!(Hosted, $versions);
        pmem2_capi::common_functions!(Hosted, $versions);
        pmem2_capi::linux_functions!(Hosted, $versions);
    };
}

#[cfg(feature = "versions")]
functions!([versions]);
#[cfg(not(feature = "versions"))]
functions!([]);

/// Aborts. Nothing in here panics; if it did, nothing could be unwound into C.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: abort may be called at any time.
    unsafe { abort() }
}
