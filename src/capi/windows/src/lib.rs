//! libpmem2.dll and libpmem2.a: [`pmem2_capi`] over handles of Windows. Elsewhere this is empty.
//!
//! Sources are on the process's heap, the last message is in thread-local storage. shim.c has what
//! stable Rust cannot define, and what has to do with a C runtime.
#![cfg(windows)]
#![no_std]

use core::{ffi::c_char, panic::PanicInfo};

use pmem2::windows::Windows;
use pmem2_capi::{Edge, Heap, Message, WideEdge, WideMessage};

unsafe extern "C" {
    fn abort() -> !;
    /// shim.c: the calling thread's buffers, of `Message::SIZE` characters.
    safe fn pmem2_shim_message() -> *mut c_char;
    safe fn pmem2_shim_wide_message() -> *mut u16;
}

enum Handles {}

// SAFETY: the message is in thread-local storage.
unsafe impl Edge for Handles {
    type Platform = Windows;
    type Memory = Heap;

    fn platform() -> Windows {
        Windows
    }

    fn message() -> *mut Message {
        pmem2_shim_message().cast()
    }
}

// SAFETY: in thread-local storage as well, beside the other.
unsafe impl WideEdge for Handles {
    fn wide_message() -> *mut WideMessage {
        pmem2_shim_wide_message().cast()
    }
}

pmem2_capi::windows_functions!(Handles);

/// Nothing in here panics. If it did, nothing would be unwound: C cannot.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: abort may be called at any time.
    unsafe { abort() }
}
