//! Memory that is the library's own, where C has a heap.

use core::{ffi::c_void, ptr::NonNull};

use pmem2::error::Memory;

/// Memory for values of one type.
///
/// # Safety
///
/// What [`keep`](Keep::keep) returns stays readable and writable, with the value that it was given
/// or that was written there since, until [`release`](Keep::release).
pub unsafe trait Keep<T> {
    /// Puts a value into it.
    ///
    /// # Errors
    ///
    /// The memory that there is none of.
    fn keep(value: T) -> Result<*mut T, Memory>;

    /// Gives the memory of a value back, without dropping it.
    ///
    /// # Safety
    ///
    /// `value` is what [`keep`](Keep::keep) returned, and it is not used any more.
    unsafe fn release(value: *mut T);
}

/// The heap of a C library, or of a process of Windows: what `hosted/` and `windows/` keep sources
/// and contexts in. Their shim.c has the functions; a program that uses this without them is not
/// linked.
pub enum Heap {}

unsafe extern "C" {
    /// malloc and free, or what the system has in their place: NULL, or so many bytes that are
    /// nobody else's until they are freed, aligned for any type of C's. errno stays as it is.
    safe fn pmem2_shim_allocate(size: usize) -> *mut c_void;
    fn pmem2_shim_free(memory: *mut c_void);
}

/// The alignment that every heap gives: on 32 bits it is no more.
const ALIGNMENT: usize = 8;

// SAFETY: the heap's memory stays until it is freed, which `release` alone does.
unsafe impl<T> Keep<T> for Heap {
    #[inline]
    fn keep(value: T) -> Result<*mut T, Memory> {
        const { assert!(align_of::<T>() <= ALIGNMENT, "the heap's alignment is not enough") };
        let memory =
            NonNull::new(pmem2_shim_allocate(size_of::<T>())).ok_or(Memory::Heap)?.cast::<T>();
        // SAFETY: the heap gave this many bytes, aligned as above, and nobody else has them.
        unsafe { memory.write(value) };
        Ok(memory.as_ptr())
    }

    #[inline]
    unsafe fn release(value: *mut T) {
        // SAFETY: `keep` had it from the heap, as the caller says.
        unsafe { pmem2_shim_free(value.cast()) };
    }
}
