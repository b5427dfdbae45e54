//! The system calls of mappings.

use core::ptr::{self, NonNull};

use rustix::{
    fs::{FallocateFlags, SeekFrom},
    io,
    mm::{Advice, MapFlags, MsyncFlags, ProtFlags, madvise, mmap, mmap_anonymous, msync, munmap},
};

use super::{
    Linux,
    blocks::Blocks,
    fd::{borrow, errno},
};
use crate::{errno::Errno, map::Span};

/// The system calls of mappings.
pub(in crate::linux) trait Mappings: Blocks {
    /// mmap(2) of a file from an offset on, or of anonymous memory (MAP_ANONYMOUS); at `hint` if
    /// nothing is there, and where the kernel likes if it is 0.
    ///
    /// # Safety
    ///
    /// With MAP_FIXED, which replaces what is mapped at `hint`, the caller owns these pages.
    unsafe fn mmap(
        self,
        file: Option<(i32, u64)>,
        hint: usize,
        length: usize,
        protection: ProtFlags,
        flags: MapFlags,
    ) -> Result<NonNull<u8>, Errno>;
    /// munmap(2).
    ///
    /// # Safety
    ///
    /// The caller owns the pages, and nobody uses them any more.
    unsafe fn munmap(self, pages: Span) -> Result<(), Errno>;
    /// msync(2) with MS_SYNC.
    ///
    /// # Safety
    ///
    /// The pages are mapped.
    unsafe fn msync(self, pages: Span) -> Result<(), Errno>;
    /// madvise(2) with MADV_POPULATE_WRITE or MADV_POPULATE_READ.
    ///
    /// # Safety
    ///
    /// The pages are mapped.
    unsafe fn populate(self, pages: Span, write: bool) -> Result<(), Errno>;
    /// fallocate(2), which makes a file longer unless it keeps its size, and never shorter.
    fn extend(self, fd: i32, offset: u64, length: u64, keeps: bool) -> Result<(), Errno>;
    /// lseek(2) with SEEK_DATA: from a byte beyond the end on, it fails and moves nothing.
    fn seek_data(self, fd: i32, offset: u64) -> Result<(), Errno>;
    /// ftruncate(2).
    fn truncate(self, fd: i32, size: u64) -> Result<(), Errno>;
    /// write(2): the number of bytes written.
    fn write(self, file: &Self::File, bytes: &[u8]) -> Result<usize, Errno>;
}

impl Mappings for Linux {
    #[inline]
    unsafe fn mmap(
        self,
        file: Option<(i32, u64)>,
        hint: usize,
        length: usize,
        protection: ProtFlags,
        flags: MapFlags,
    ) -> Result<NonNull<u8>, Errno> {
        let hint = ptr::without_provenance_mut(hint);
        let at = match file {
            // SAFETY: mmap must not map over memory of others: the kernel takes free addresses, or
            // with MAP_FIXED the caller's.
            Some((fd, offset)) => unsafe {
                mmap(hint, length, protection, flags, borrow(fd)?, offset)
            },
            // SAFETY: as above.
            None => unsafe { mmap_anonymous(hint, length, protection, flags) },
        };
        NonNull::new(at.map_err(errno)?.cast()).ok_or(Errno::ENOMEM)
    }

    #[inline]
    unsafe fn munmap(self, pages: Span) -> Result<(), Errno> {
        // SAFETY: munmap requires that nobody uses the pages, which the caller promises.
        unsafe { munmap(pages.at.as_ptr().cast(), pages.length) }.map_err(errno)
    }

    #[inline]
    unsafe fn msync(self, pages: Span) -> Result<(), Errno> {
        // SAFETY: msync requires a mapping, which the caller promises.
        unsafe { msync(pages.at.as_ptr().cast(), pages.length, MsyncFlags::SYNC) }.map_err(errno)
    }

    unsafe fn populate(self, pages: Span, write: bool) -> Result<(), Errno> {
        let advice = if write { Advice::LinuxPopulateWrite } else { Advice::LinuxPopulateRead };
        // SAFETY: madvise requires an advice that keeps the contents of the pages, which are
        // mapped: this one makes page table entries.
        unsafe { madvise(pages.at.as_ptr().cast(), pages.length, advice) }.map_err(errno)
    }

    fn extend(self, fd: i32, offset: u64, length: u64, keeps: bool) -> Result<(), Errno> {
        let mut flags = FallocateFlags::empty();
        flags.set(FallocateFlags::KEEP_SIZE, keeps);
        rustix::fs::fallocate(borrow(fd)?, flags, offset, length).map_err(errno)
    }

    fn seek_data(self, fd: i32, offset: u64) -> Result<(), Errno> {
        rustix::fs::seek(borrow(fd)?, SeekFrom::Data(offset)).map(drop).map_err(errno)
    }

    fn truncate(self, fd: i32, size: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(borrow(fd)?, size).map_err(errno)
    }

    fn write(self, file: &Self::File, bytes: &[u8]) -> Result<usize, Errno> {
        io::write(file, bytes).map_err(errno)
    }
}
