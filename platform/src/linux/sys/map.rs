//! The system calls of mappings.

use core::ptr::{self, NonNull};

use rustix::{
    fs::FallocateFlags,
    io,
    mm::{Advice, MapFlags, MsyncFlags, ProtFlags, madvise, mmap, mmap_anonymous, msync, munmap},
};

use super::{
    Linux,
    blocks::Blocks,
    fd::{borrow, errno},
};
use crate::{
    errno::Errno,
    map::{Protection, Request, Span},
};

/// The system calls of mappings.
pub(in crate::linux) trait Mappings: Blocks {
    /// mmap(2) of a file, or of anonymous memory, near `hint` if nothing is there: with
    /// MAP_PRIVATE, with MAP_SHARED_VALIDATE and MAP_SYNC where `synchronous`, else with
    /// MAP_SHARED.
    fn map(
        self,
        fd: Option<i32>,
        request: &Request,
        synchronous: bool,
        hint: usize,
    ) -> Result<NonNull<u8>, Errno>;
    /// mmap(2) of no memory: PROT_NONE, MAP_PRIVATE, MAP_NORESERVE.
    fn reserve(self, length: usize) -> Result<NonNull<u8>, Errno>;
    /// munmap(2).
    ///
    /// # Safety
    ///
    /// The caller owns the pages, and nobody uses them any more.
    unsafe fn unmap(self, pages: Span) -> Result<(), Errno>;
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
    /// fallocate(2) with no flag, which makes a file longer and never shorter.
    fn extend(self, fd: i32, offset: u64, length: u64) -> Result<(), Errno>;
    /// ftruncate(2).
    fn truncate(self, fd: i32, size: u64) -> Result<(), Errno>;
    /// write(2): the number of bytes written.
    fn write(self, file: &Self::File, bytes: &[u8]) -> Result<usize, Errno>;
}

/// Returns a protection as the kernel has it.
fn flags(protection: Protection) -> ProtFlags {
    let mut flags = ProtFlags::empty();
    flags.set(ProtFlags::READ, protection.contains(Protection::READ));
    flags.set(ProtFlags::WRITE, protection.contains(Protection::WRITE));
    flags.set(ProtFlags::EXEC, protection.contains(Protection::EXEC));
    flags
}

impl Mappings for Linux {
    #[inline]
    fn map(
        self,
        fd: Option<i32>,
        request: &Request,
        synchronous: bool,
        hint: usize,
    ) -> Result<NonNull<u8>, Errno> {
        let how = match (request.private, synchronous) {
            (true, _) => MapFlags::PRIVATE,
            (false, true) => MapFlags::SHARED_VALIDATE | MapFlags::SYNC,
            (false, false) => MapFlags::SHARED,
        };
        let (hint, protection) = (ptr::without_provenance_mut(hint), flags(request.protection));
        let at = match fd {
            // SAFETY: mmap must not map over existing memory: without MAP_FIXED the kernel takes
            // free addresses.
            Some(fd) => unsafe {
                mmap(hint, request.length, protection, how, borrow(fd)?, request.offset)
            },
            // SAFETY: as above.
            None => unsafe { mmap_anonymous(hint, request.length, protection, how) },
        };
        NonNull::new(at.map_err(errno)?.cast()).ok_or(Errno::ENOMEM)
    }

    fn reserve(self, length: usize) -> Result<NonNull<u8>, Errno> {
        let how = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: mmap must not map over existing memory: without MAP_FIXED the kernel takes free
        // addresses.
        let at = unsafe { mmap_anonymous(ptr::null_mut(), length, ProtFlags::empty(), how) };
        NonNull::new(at.map_err(errno)?.cast()).ok_or(Errno::ENOMEM)
    }

    #[inline]
    unsafe fn unmap(self, pages: Span) -> Result<(), Errno> {
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

    fn extend(self, fd: i32, offset: u64, length: u64) -> Result<(), Errno> {
        rustix::fs::fallocate(borrow(fd)?, FallocateFlags::empty(), offset, length).map_err(errno)
    }

    fn truncate(self, fd: i32, size: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(borrow(fd)?, size).map_err(errno)
    }

    fn write(self, file: &Self::File, bytes: &[u8]) -> Result<usize, Errno> {
        io::write(file, bytes).map_err(errno)
    }
}
