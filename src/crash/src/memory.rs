//! Memory that gives the disk's bytes addresses.

use std::{cell::UnsafeCell, ptr::NonNull, slice};

use crate::trace::PAGE;

/// A page, aligned as such.
#[derive(Clone, Copy)]
#[repr(C, align(4096))]
struct Page([u8; PAGE]);

/// Pages of memory, which do not move. A program may look at them past the steps: in views of
/// atomics, in slices, at addresses.
pub(crate) struct Memory {
    pages: Box<[UnsafeCell<Page>]>,
}

// SAFETY: Sync requires that threads do not race. They have their turns (turns.rs), and the device
// knows no others.
unsafe impl Sync for Memory {}

impl Memory {
    /// Returns at least `length` bytes, at least one page, zeroed.
    pub(crate) fn new(length: usize) -> Self {
        let page = || UnsafeCell::new(Page([0; PAGE]));
        Self { pages: (0..length.div_ceil(PAGE).max(1)).map(|_| page()).collect() }
    }

    fn base(&self) -> NonNull<u8> {
        NonNull::from(&*self.pages).cast()
    }

    /// Returns the address of a byte.
    ///
    /// # Panics
    ///
    /// If it is not here, nor the end.
    pub(crate) fn address(&self, at: usize) -> NonNull<u8> {
        assert!(at <= self.pages.len() * PAGE, "a byte outside of the memory");
        // SAFETY: `add` requires that the byte is in these pages, or their end: it was checked.
        unsafe { self.base().add(at) }
    }

    /// Returns where `length` bytes at an address are, if they are here.
    pub(crate) fn find(&self, at: *const u8, length: usize) -> Option<usize> {
        let at = at.addr().checked_sub(self.base().addr().get())?;
        (at.checked_add(length)? <= self.pages.len() * PAGE).then_some(at)
    }

    /// Copies bytes out.
    ///
    /// # Panics
    ///
    /// If they are not here.
    pub(crate) fn read(&self, at: usize, to: &mut [u8]) {
        assert!(at + to.len() <= self.pages.len() * PAGE, "bytes outside of the memory");
        // SAFETY: the bytes are these pages', as was checked. One thread has its turn, and
        // references to the bytes are to atomics, or made by unsafe code that answers for them.
        unsafe { self.base().as_ptr().add(at).copy_to(to.as_mut_ptr(), to.len()) };
    }

    /// Copies bytes in.
    ///
    /// # Panics
    ///
    /// If they are not here.
    pub(crate) fn write(&self, at: usize, from: &[u8]) {
        assert!(at + from.len() <= self.pages.len() * PAGE, "bytes outside of the memory");
        // SAFETY: as in `read`; the pages are in cells.
        unsafe { self.base().as_ptr().add(at).copy_from(from.as_ptr(), from.len()) };
    }

    /// Returns the range of the bytes that are others than those known, `None` if there are none.
    pub(crate) fn differs(&self, at: usize, known: &[u8]) -> Option<(usize, usize)> {
        assert!(at + known.len() <= self.pages.len() * PAGE, "bytes outside of the memory");
        // SAFETY: as in `read`: nobody stores to them before this returns.
        let now = unsafe { slice::from_raw_parts(self.base().as_ptr().add(at), known.len()) };
        if now == known {
            return None;
        }
        let differs = |byte: &usize| now[*byte] != known[*byte];
        let first = (0..known.len()).find(differs)?;
        let last = (0..known.len()).rfind(differs)?;
        Some((at + first, at + last + 1))
    }
}
