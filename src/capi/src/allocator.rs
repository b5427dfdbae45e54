//! Memory of the library for the objects that C asks for.

use core::{ffi::c_void, ptr::NonNull};

use pmem2::error::Memory;

/// Memory for values of one type.
///
/// # Safety
///
/// What [`allocate`](Allocator::allocate) returns stays readable and writable until
/// [`release`](Allocator::release), and nobody but its user writes to it.
pub unsafe trait Allocator<T> {
    /// Puts a value into new memory.
    ///
    /// # Errors
    ///
    /// The memory that is exhausted.
    fn allocate(value: T) -> Result<*mut T, Memory>;

    /// Gives the memory of a value back, without dropping the value.
    ///
    /// # Safety
    ///
    /// `value` is what [`allocate`](Allocator::allocate) returned, and is used no more.
    unsafe fn release(value: *mut T);
}

/// The heap of a C library, or of a process of Windows. The shim.c of `hosted/` and of `windows/`
/// has its two functions; a program that uses this without them is not linked.
pub enum Heap {}

unsafe extern "C" {
    /// Returns NULL, or `size` bytes that are nobody else's until they are freed, aligned for any
    /// type of C. errno stays as it is.
    safe fn pmem2_shim_allocate(size: usize) -> *mut c_void;
    fn pmem2_shim_free(memory: *mut c_void);
}

/// The alignment that every heap gives: on 32 bits no more.
const ALIGNMENT: usize = 8;

// SAFETY: the heap's memory stays until it is freed, which only `release` does.
unsafe impl<T> Allocator<T> for Heap {
    #[inline]
    fn allocate(value: T) -> Result<*mut T, Memory> {
        const { assert!(align_of::<T>() <= ALIGNMENT, "the heap's alignment is not enough") };
        let memory =
            NonNull::new(pmem2_shim_allocate(size_of::<T>())).ok_or(Memory::Heap)?.cast::<T>();
        // SAFETY: the heap gave this many bytes, aligned as above, and nobody else has them.
        unsafe { memory.write(value) };
        Ok(memory.as_ptr())
    }

    #[inline]
    unsafe fn release(value: *mut T) {
        // SAFETY: `allocate` had it from the heap, as the caller says.
        unsafe { pmem2_shim_free(value.cast()) };
    }
}
