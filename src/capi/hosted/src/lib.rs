//! `libpmem2.so.1` and `libpmem2.a`: [`pmem2_capi`] over the C library of a Linux system.
//!
//! Sources are malloc's, the last message is in thread-local storage. shim.c has what stable Rust cannot define.
#![no_std]

use core::{
    ffi::{c_char, c_void},
    panic::PanicInfo,
};

use pmem2::{Memory, Native};
use pmem2_capi::{Edge, Message, Object, Storage};

#[cfg(feature = "versions")]
mod versions;

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

unsafe extern "C" {
    /// shim.c: the calling thread's buffer, of `Message::SIZE` bytes.
    safe fn pmem2_shim_message() -> *mut c_char;
    /// shim.c: malloc and free, which leave errno as it is.
    safe fn pmem2_shim_allocate(size: usize) -> *mut c_void;
    fn pmem2_shim_free(memory: *mut c_void);
}

enum Hosted {}

type Source = Object<Native>;

// malloc's alignment is that of max_align_t: 8 at least.
const _: () = assert!(align_of::<Source>() <= align_of::<Storage>());

// SAFETY: malloc's memory stays until free; the message is in thread-local storage.
unsafe impl Edge for Hosted {
    type Platform = Native;

    #[inline]
    fn platform() -> Native {
        Native::default()
    }

    #[inline]
    fn keep(object: Source) -> Result<*mut Source, Memory> {
        let memory = pmem2_shim_allocate(size_of::<Source>()).cast::<Source>();
        if memory.is_null() {
            return Err(Memory::Heap);
        }
        // SAFETY: malloc gave this many bytes, aligned for any type of C's, and nobody else has them.
        unsafe { memory.write(object) };
        Ok(memory)
    }

    #[inline]
    unsafe fn release(object: *mut Source) {
        // SAFETY: `keep` had it from malloc, as the caller says.
        unsafe { pmem2_shim_free(object.cast()) };
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
