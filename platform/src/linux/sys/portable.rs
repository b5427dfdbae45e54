//! The calls of raw.rs on other processors, by rustix.

use core::{ffi::CStr, mem::MaybeUninit, slice};

use rustix::{
    fd::IntoRawFd,
    fs::{CWD, Mode, OFlags, RawDir},
    io,
};

use super::fd::{borrow, errno};
use crate::errno::Errno;

/// Opens a file by openat(2). The descriptor is not negative.
pub(super) fn openat(path: &CStr, flags: OFlags) -> Result<i32, Errno> {
    rustix::fs::openat(CWD, path, flags, Mode::empty()).map(IntoRawFd::into_raw_fd).map_err(errno)
}

/// Visits the names in a directory, `.` and `..` among them, by getdents64(2).
pub(super) fn entries(fd: i32, visit: &mut dyn FnMut(&[u8])) -> Result<(), Errno> {
    // The longest record has 280 bytes.
    let mut buffer = [MaybeUninit::uninit(); 512];
    let mut entries = RawDir::new(borrow(fd)?, &mut buffer);
    while let Some(entry) = entries.next() {
        visit(entry.map_err(errno)?.file_name().to_bytes());
    }
    Ok(())
}

/// Reads by pread64(2), and returns the number of bytes read.
///
/// # Safety
///
/// Objects of Rust's in this memory may be written to.
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
    // caller. Whether there is any the kernel finds out: rustix hands it the pointer and the
    // length, and nobody looks at the memory here.
    let memory = unsafe { slice::from_raw_parts_mut::<MaybeUninit<u8>>(at.cast(), length) };
    io::pread(borrow(fd)?, memory, offset).map(|(read, _)| read.len()).map_err(errno)
}

/// Writes by pwrite64(2), and returns the number of bytes written.
///
/// # Safety
///
/// Objects of Rust's in this memory are initialized, and nobody writes to them meanwhile.
pub(in crate::linux) unsafe fn pwrite(
    fd: i32,
    at: *const u8,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    if at.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: as in `pread`, for reading.
    let memory = unsafe { slice::from_raw_parts(at, length) };
    io::pwrite(borrow(fd)?, memory, offset).map_err(errno)
}
