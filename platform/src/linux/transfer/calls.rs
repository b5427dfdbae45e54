//! The system calls of transfers.

use super::mcsafe::mapping::{GuardedCopy, SigbusHandler};
use crate::{
    errno::Errno,
    linux::sys::{Linux, Sys, raw},
};

/// The system calls of transfers.
pub(in crate::linux) trait Transfers: Sys {
    /// pread64(2): the number of bytes read.
    ///
    /// # Safety
    ///
    /// Objects of Rust's in this memory may be written to.
    unsafe fn pread(self, fd: i32, at: *mut u8, length: usize, offset: u64)
    -> Result<usize, Errno>;
    /// pwrite64(2): the number of bytes written.
    ///
    /// # Safety
    ///
    /// Objects of Rust's in this memory are initialized, and nobody writes to them meanwhile.
    unsafe fn pwrite(
        self,
        fd: i32,
        at: *const u8,
        length: usize,
        offset: u64,
    ) -> Result<usize, Errno>;
    /// The calls of [`SigbusHandler::install`].
    fn handler(self) -> Result<SigbusHandler, Errno>;
    /// mmap(2) of a [`GuardedCopy`].
    fn mapping(
        self,
        handler: SigbusHandler,
        fd: i32,
        offset: u64,
        length: usize,
        writable: bool,
    ) -> Result<GuardedCopy, Errno>;
}

impl Transfers for Linux {
    #[inline]
    unsafe fn pread(
        self,
        fd: i32,
        at: *mut u8,
        length: usize,
        offset: u64,
    ) -> Result<usize, Errno> {
        // SAFETY: the caller's.
        unsafe { raw::pread(fd, at, length, offset) }
    }

    #[inline]
    unsafe fn pwrite(
        self,
        fd: i32,
        at: *const u8,
        length: usize,
        offset: u64,
    ) -> Result<usize, Errno> {
        // SAFETY: the caller's.
        unsafe { raw::pwrite(fd, at, length, offset) }
    }

    fn handler(self) -> Result<SigbusHandler, Errno> {
        SigbusHandler::install()
    }

    fn mapping(
        self,
        handler: SigbusHandler,
        fd: i32,
        offset: u64,
        length: usize,
        writable: bool,
    ) -> Result<GuardedCopy, Errno> {
        GuardedCopy::from_descriptor(handler, fd, offset, length, writable)
    }
}
