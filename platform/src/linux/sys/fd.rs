//! Descriptors and error numbers, as rustix has them and as this crate has them.

use core::{ffi::CStr, mem::ManuallyDrop};

use rustix::{
    fd::{AsRawFd, BorrowedFd, OwnedFd},
    fs::{CWD, Mode, OFlags},
    io,
};

use crate::errno::Errno;

/// Converts rustix's error number. (A `From` would put rustix into the public interface.)
#[inline]
pub(in crate::linux) fn errno(errno: io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

/// Borrows the descriptor with this number.
///
/// rustix's type excludes -1. Every negative number is EBADF here, as in the kernel.
#[inline]
pub(in crate::linux) fn borrow<'a>(fd: i32) -> Result<BorrowedFd<'a>, Errno> {
    if fd < 0 {
        return Err(Errno::EBADF);
    }
    // SAFETY: borrow_raw requires a descriptor that stays open and is not -1. The number is not
    // negative, and belongs to a `Borrowed` or to a `File`, which stay open during the call. A
    // number that was never open ends in EBADF.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// An open file.
///
/// With `std`, rustix's `OwnedFd` is the standard library's. Its debug build calls fcntl(F_GETFD)
/// before it closes, which the documentation does not list and a seccomp filter may kill for.
pub(in crate::linux) struct File(pub(super) ManuallyDrop<OwnedFd>);

impl Drop for File {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: close requires a descriptor that is open and is not used afterwards. This file
        // owns it and is being dropped, and ManuallyDrop keeps the OwnedFd from closing it again.
        unsafe { io::close(self.0.as_raw_fd()) }
    }
}

/// open(2) without blocking and without a controlling terminal, whatever a made-up /sys has there.
pub(super) fn open(path: &CStr, mode: OFlags) -> Result<File, Errno> {
    let flags = mode | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(errno)?;
    Ok(File(ManuallyDrop::new(file)))
}

/// Widens a field of `struct stat` or `struct statfs`, whose width depends on the architecture.
macro_rules! widen {
    ($value:expr, $wide:ty) => {{
        #[allow(
            clippy::as_conversions,
            clippy::cast_lossless,
            clippy::unnecessary_cast,
            trivial_numeric_casts,
            reason = "the kernel's type differs by architecture; the value fits on all"
        )]
        let value = $value as $wide;
        value
    }};
}
pub(super) use widen;

/// Makes a call until no signal interrupts it.
pub(in crate::linux) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            answer => return answer,
        }
    }
}
