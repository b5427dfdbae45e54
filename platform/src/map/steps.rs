//! The steps that lead a store to the medium, one method each, so that a model can take them.

use crate::{
    cpu::{access, processor::Cpu},
    fail::Fail,
};

/// The steps that lead a store to the medium, and loads. [`Cpu`] takes them; a recorder, a model of
/// caches or a faulty device stands in its place by its type.
///
/// Every access to mapped bytes is one of these steps. Others may change the bytes at any time:
/// another process, a device, a thread that has the same bytes mapped. An implementation accesses
/// them by instructions of its own ([`core::arch::asm`]) or by atomics, never by a plain access,
/// whose race would be undefined.
///
/// A piece of 8 bytes at an address that is a multiple of 8 is one access. So are naturally aligned
/// pieces of 2 and 4 bytes at the edges of a range. Where address and length are multiples of 8, no
/// access is smaller. (Processors without accesses of 8 bytes, such as a Cortex-M, make two.)
///
/// # Safety
///
/// A step accesses the bytes that it is given, as it says, and no others.
pub unsafe trait Steps: Copy {
    /// Copies `length` bytes of the program's own memory to mapped memory.
    ///
    /// # Safety
    ///
    /// The bytes at `to` are mapped for stores. Those at `from` can be read, and nobody changes
    /// them meanwhile.
    #[track_caller]
    unsafe fn store(self, to: *mut u8, from: *const u8, length: usize);

    /// Copies `length` bytes of mapped memory to the program's own, which may be uninitialized.
    ///
    /// # Safety
    ///
    /// The bytes at `from` are mapped for loads. Those at `to` can be written to, and nobody else
    /// uses them meanwhile.
    #[track_caller]
    unsafe fn load(self, to: *mut u8, from: *const u8, length: usize);

    /// Copies `length` bytes within mapped memory. The two ranges may overlap. An aligned word is
    /// stored by one store; it is loaded by one only where it comes from an aligned word.
    ///
    /// # Safety
    ///
    /// The bytes at `from` are mapped for loads, those at `to` for stores.
    #[track_caller]
    unsafe fn move_within(self, to: *mut u8, from: *const u8, length: usize);

    /// Stores `length` bytes of this value.
    ///
    /// # Safety
    ///
    /// The bytes at `to` are mapped for stores.
    #[track_caller]
    unsafe fn fill(self, to: *mut u8, byte: u8, length: usize);

    /// Copies as [`store`](Steps::store) does, around the caches where the processor can, and
    /// begins to write the bytes back: the next [`fence`](Steps::fence) completes that.
    ///
    /// # Safety
    ///
    /// The rules of [`store`](Steps::store).
    #[track_caller]
    unsafe fn stream(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller's.
        unsafe { self.store(to, from, length) };
        // SAFETY: bytes that are mapped for stores are mapped.
        unsafe { self.flush(to, length) };
    }

    /// Begins to write the cache lines of `length` bytes back: the next [`fence`](Steps::fence)
    /// completes that.
    ///
    /// # Safety
    ///
    /// The bytes are mapped.
    #[track_caller]
    unsafe fn flush(self, start: *const u8, length: usize);

    /// Waits until every earlier store and flush is complete, before any later store begins.
    #[track_caller]
    fn fence(self);

    /// Loads 8 bytes, as one access.
    ///
    /// # Safety
    ///
    /// They are mapped for loads, at a multiple of 8.
    #[track_caller]
    unsafe fn load_word(self, from: *const u64) -> u64;

    /// Stores 8 bytes, as one access.
    ///
    /// # Safety
    ///
    /// They are mapped for stores, at a multiple of 8.
    #[track_caller]
    unsafe fn store_word(self, to: *mut u64, word: u64);

    /// Makes `length` bytes durable by `call`, which asks the system.
    ///
    /// # Errors
    ///
    /// The call's.
    ///
    /// # Safety
    ///
    /// The bytes are mapped.
    #[track_caller]
    #[inline]
    unsafe fn sync(
        self,
        start: *const u8,
        length: usize,
        call: impl FnOnce() -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        let _ = (start, length);
        call()
    }

    /// Takes note that atomics at these bytes were handed out, which are accessed without a step.
    ///
    /// # Safety
    ///
    /// The bytes are mapped.
    #[track_caller]
    #[inline]
    unsafe fn viewed(self, start: *const u8, length: usize) {
        let _ = (start, length);
    }
}

// SAFETY: the functions of `access` and the instructions of `Cpu` do what the steps say.
unsafe impl Steps for Cpu {
    #[inline]
    unsafe fn store(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller's.
        unsafe { access::store(to, from, length) };
    }

    #[inline]
    unsafe fn load(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller's.
        unsafe { access::load(to, from, length) };
    }

    #[inline]
    unsafe fn move_within(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller's.
        unsafe { access::move_within(to, from, length) };
    }

    #[inline]
    unsafe fn fill(self, to: *mut u8, byte: u8, length: usize) {
        // SAFETY: the caller's.
        unsafe { access::fill(to, byte, length) };
    }

    #[inline]
    unsafe fn flush(self, start: *const u8, length: usize) {
        // SAFETY: the caller's.
        unsafe { Self::flush(self, start, length) };
    }

    #[inline]
    fn fence(self) {
        Self::fence(self);
    }

    #[inline]
    unsafe fn load_word(self, from: *const u64) -> u64 {
        // SAFETY: the caller's.
        unsafe { access::load_word(from) }
    }

    #[inline]
    unsafe fn store_word(self, to: *mut u64, word: u64) {
        // SAFETY: the caller's.
        unsafe { access::store_word(to, word) };
    }
}
