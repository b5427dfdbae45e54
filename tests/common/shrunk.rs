//! Files that are cut off after they were mapped: what lies behind their end raises SIGBUS, as bad
//! memory does.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::{fs::File, os::fd::AsRawFd, os::unix::fs::FileExt, ptr::null_mut};

use pmem2_platform::{GuardedCopy, Partial, SigbusHandler};

pub(crate) fn page() -> usize {
    rustix::param::page_size()
}

/// The byte at an offset: no two neighbouring lines or pages are alike.
pub(crate) fn byte(offset: usize) -> u8 {
    (offset * 7 + offset / 251 + offset / 65_521) as u8
}

/// A file of memory with those bytes.
pub(crate) struct Shrunk {
    pub(crate) file: File,
    pub(crate) length: usize,
}

impl Shrunk {
    pub(crate) fn new(length: usize) -> Self {
        let file: File = rustix::fs::memfd_create(c"shrunk", rustix::fs::MemfdFlags::CLOEXEC)
            .expect("a memfd")
            .into();
        let bytes: Vec<u8> = (0..length).map(byte).collect();
        file.write_all_at(&bytes, 0).expect("its bytes");
        Self { file, length }
    }

    pub(crate) fn mapping(&self, handler: SigbusHandler, writable: bool) -> GuardedCopy {
        GuardedCopy::new(handler, &self.file, 0, self.length, writable).expect("a mapping")
    }

    /// From `length` on, up to the end of a page, there are zeros, and then nothing.
    pub(crate) fn cut(&self, length: usize) {
        self.file.set_len(length as u64).expect("another length");
    }

    pub(crate) fn restore(&self) {
        self.cut(self.length);
        let bytes: Vec<u8> = (0..self.length).map(byte).collect();
        self.file.write_all_at(&bytes, 0).expect("its bytes");
    }

    /// A mapping of the test's own.
    pub(crate) fn memory(&self) -> Memory {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let fd = self.file.as_raw_fd();
        // SAFETY: a mapping at an address of the kernel's choice touches no memory that anybody
        // has.
        let at =
            unsafe { libc::mmap(null_mut(), self.length, protection, libc::MAP_SHARED, fd, 0) };
        assert_ne!(at, libc::MAP_FAILED, "a mapping");
        Memory { at: at.cast(), length: self.length }
    }
}

/// Mapped bytes.
pub(crate) struct Memory {
    pub(crate) at: *mut u8,
    pub(crate) length: usize,
}

impl Memory {
    /// Reads a byte, which may not be there.
    pub(crate) fn touch(&self, offset: usize) -> u8 {
        assert!(offset < self.length);
        // SAFETY: the byte is mapped; where it is not there a SIGBUS comes, which is what the test
        // wants.
        unsafe { self.at.add(offset).read_volatile() }
    }

    /// Copies into this memory, from `shift` to its end, and out of it.
    pub(crate) fn filled(&mut self, shift: usize, mapping: &GuardedCopy) -> Result<(), Partial> {
        self.filled_with(shift, mapping, 0, self.length - shift)
    }

    /// The same, with so many bytes of the mapping from an offset on.
    pub(crate) fn filled_with(
        &mut self,
        shift: usize,
        mapping: &GuardedCopy,
        offset: usize,
        length: usize,
    ) -> Result<(), Partial> {
        assert!(shift + length <= self.length);
        // SAFETY: the bytes are this mapping's, to which there is no reference. Not all of them
        // need be there.
        unsafe { mapping.read_to(offset as u64, self.at.add(shift), length) }
    }

    pub(crate) fn drained(&self, shift: usize, mapping: &GuardedCopy) -> Result<(), Partial> {
        // SAFETY: as above.
        unsafe { mapping.write_from(0, self.at.add(shift), self.length - shift) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `memory` has mapped this, and nobody has a reference to it any more.
        unsafe { libc::munmap(self.at.cast(), self.length) };
    }
}
