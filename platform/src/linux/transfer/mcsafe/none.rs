//! Processors without a copy that survives bad memory.

use core::{ffi::c_void, mem::MaybeUninit, ops::Range, slice};

use crate::{cpu::processor::Cpu, errno::Errno, linux::sys::fd, transfer::Partial};

/// There is none.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guard {}

impl Guard {
    pub(super) const fn install() -> Result<Self, Errno> {
        Err(Errno::ENOTSUP)
    }

    pub(super) const fn of_the_program() -> Result<Self, Errno> {
        Err(Errno::ENOTSUP)
    }

    pub(super) const unsafe fn copy(
        self,
        _: *mut u8,
        _: *const u8,
        _: usize,
        _: Range<usize>,
    ) -> Result<(), Partial> {
        match self {}
    }

    pub(super) const fn flush(
        self,
        _: Cpu,
        _: *const u8,
        _: usize,
        _: Range<usize>,
    ) -> Result<(), Partial> {
        match self {}
    }
}

/// pread64(2): how many bytes were read.
///
/// # Safety
///
/// What the memory has of objects of Rust's may be written to.
pub(in crate::linux) unsafe fn pread(
    fd: i32,
    at: *mut u8,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    if at.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: a slice wants memory that is there. All of it that is may be written to, by the
    // caller; whether there is any the kernel finds out, to which rustix hands the pointer and the
    // length on, and nobody looks behind them here.
    let memory = unsafe { slice::from_raw_parts_mut::<MaybeUninit<u8>>(at.cast(), length) };
    let (read, _) = rustix::io::pread(fd::borrow(fd)?, memory, offset).map_err(fd::errno)?;
    Ok(read.len())
}

/// pwrite64(2): how many bytes were written.
///
/// # Safety
///
/// What the memory has of objects of Rust's is initialized, and nobody writes to it meanwhile.
pub(in crate::linux) unsafe fn pwrite(
    fd: i32,
    at: *const u8,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    if at.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: as above, for reading.
    let memory = unsafe { slice::from_raw_parts(at, length) };
    rustix::io::pwrite(fd::borrow(fd)?, memory, offset).map_err(fd::errno)
}

pub(super) const unsafe fn resume(_: *mut c_void, _: *mut c_void) -> bool {
    false
}
