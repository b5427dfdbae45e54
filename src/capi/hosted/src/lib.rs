//! `libpmem2.so.1` and `libpmem2.a`: [`pmem2_capi`] over the C library of a Linux system.
//!
//! Sources and contexts are malloc's, the last message is in thread-local storage. shim.c has what stable Rust cannot define.
#![no_std]

use core::{
    ffi::{c_char, c_void},
    panic::PanicInfo,
    ptr::NonNull,
};

use pmem2::{Memory, Native, SigbusHandler};
use pmem2_capi::{BadblockStorage, Context, Edge, Message, Object, Storage};

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
    /// shim.c: malloc and free, which leave errno as it is.
    safe fn pmem2_shim_allocate(size: usize) -> *mut c_void;
    fn pmem2_shim_free(memory: *mut c_void);
}

enum Hosted {}

type Source = Object<Native>;
type Badblocks = Context<Native>;

// malloc's alignment is that of max_align_t: 8 at least.
const _: () = assert!(align_of::<Source>() <= align_of::<Storage>());
const _: () = assert!(align_of::<Badblocks>() <= align_of::<BadblockStorage>());

/// Puts a value into memory of malloc's, which is aligned for it.
fn allocate<T>(value: T) -> Result<*mut T, Memory> {
    let memory = NonNull::new(pmem2_shim_allocate(size_of::<T>())).ok_or(Memory::Heap)?.cast::<T>();
    // SAFETY: malloc gave this many bytes, aligned for any type of C's, and nobody else has them.
    unsafe { memory.write(value) };
    Ok(memory.as_ptr())
}

// SAFETY: malloc's memory stays until free; the message is in thread-local storage.
unsafe impl Edge for Hosted {
    type Platform = Native;

    #[inline]
    fn platform() -> Native {
        Native::default()
    }

    #[inline]
    fn keep(object: Source) -> Result<*mut Source, Memory> {
        allocate(object)
    }

    #[inline]
    unsafe fn release(object: *mut Source) {
        // SAFETY: `keep` had it from malloc, as the caller says.
        unsafe { pmem2_shim_free(object.cast()) };
    }

    fn keep_context(context: Badblocks) -> Result<*mut Badblocks, Memory> {
        allocate(context)
    }

    unsafe fn release_context(context: *mut Badblocks) {
        // SAFETY: `keep_context` had it from malloc, as the caller says.
        unsafe { pmem2_shim_free(context.cast()) };
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
