//! libpmem2.dll and libpmem2.a: [`pmem2_capi`] over handles of Windows. Elsewhere this is empty.
//!
//! Sources are on the process's heap, the last message is in thread-local storage. shim.c has what
//! stable Rust cannot define, and what has to do with a C runtime.
#![cfg(windows)]
#![no_std]

use core::{ffi::c_char, panic::PanicInfo};

use pmem2::windows::Windows;
use pmem2_capi::{Heap, Library, Message, WideLibrary, WideMessage};

unsafe extern "C" {
    fn abort() -> !;
    /// Return the calling thread's buffers (shim.c), of the sizes of a message and a wide one.
    safe fn pmem2_shim_message() -> *mut c_char;
    safe fn pmem2_shim_wide_message() -> *mut u16;
}

enum Handles {}

// SAFETY: the message is in thread-local storage.
unsafe impl Library for Handles {
    type Platform = Windows;
    type Memory = Heap;

    fn platform() -> Windows {
        Windows
    }

    fn message() -> *mut Message {
        pmem2_shim_message().cast()
    }
}

// SAFETY: it is in thread-local storage as well, beside the other.
unsafe impl WideLibrary for Handles {
    fn wide_message() -> *mut WideMessage {
        pmem2_shim_wide_message().cast()
    }
}

pmem2_capi::handle_functions!(Handles, []);
pmem2_capi::common_functions!(Handles, []);

/// Aborts. Nothing in here panics; if it did, nothing could be unwound into C.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: abort may be called at any time.
    unsafe { abort() }
}
