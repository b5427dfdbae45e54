//! libpmem2.dll and libpmem2.a: [`pmem2_capi`] over handles of Windows. Elsewhere this is empty.
//!
//! Sources are on the process's heap, the last message is in thread-local storage. shim.c has what stable Rust cannot define, and
//! what has to do with a C runtime.
#![cfg(windows)]
#![no_std]

use core::{
    ffi::{c_char, c_void},
    panic::PanicInfo,
    ptr::NonNull,
};

use pmem2::{Memory, Windows};
use pmem2_capi::{BadblockStorage, Context, Edge, Message, Object, Storage, WideEdge, WideMessage};

unsafe extern "C" {
    fn abort() -> !;
    /// shim.c: the calling thread's buffers, of `Message::SIZE` characters.
    safe fn pmem2_shim_message() -> *mut c_char;
    safe fn pmem2_shim_wide_message() -> *mut u16;
    /// shim.c: the process's heap.
    safe fn pmem2_shim_allocate(size: usize) -> *mut c_void;
    fn pmem2_shim_free(memory: *mut c_void);
}

enum Handles {}

type Source = Object<Windows>;
type Badblocks = Context<Windows>;

// The heap's alignment: 8 on 32 bits, 16 on 64.
const _: () = assert!(align_of::<Source>() <= align_of::<Storage>());
const _: () = assert!(align_of::<Badblocks>() <= align_of::<BadblockStorage>());

/// Puts a value into memory of the heap's, which is aligned for it.
fn allocate<T>(value: T) -> Result<*mut T, Memory> {
    let memory = NonNull::new(pmem2_shim_allocate(size_of::<T>())).ok_or(Memory::Heap)?.cast::<T>();
    // SAFETY: the heap gave this many bytes, aligned as above, and nobody else has them.
    unsafe { memory.write(value) };
    Ok(memory.as_ptr())
}

// SAFETY: the heap's memory stays until it is freed; the message is in thread-local storage.
unsafe impl Edge for Handles {
    type Platform = Windows;

    fn platform() -> Windows {
        Windows
    }

    fn keep(object: Source) -> Result<*mut Source, Memory> {
        allocate(object)
    }

    unsafe fn release(object: *mut Source) {
        // SAFETY: `keep` had it from the heap, as the caller says.
        unsafe { pmem2_shim_free(object.cast()) };
    }

    fn keep_context(context: Badblocks) -> Result<*mut Badblocks, Memory> {
        allocate(context)
    }

    unsafe fn release_context(context: *mut Badblocks) {
        // SAFETY: `keep_context` had it from the heap, as the caller says.
        unsafe { pmem2_shim_free(context.cast()) };
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
