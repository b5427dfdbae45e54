//! Descriptors and error numbers, as rustix has them and as this crate has them.

use core::mem;

use rustix::{
    fd::{AsFd, BorrowedFd},
    io,
};

use crate::errno::Errno;

/// Converts rustix's error number. (A `From` would put rustix into the public interface.)
#[cold]
#[inline(never)]
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
    // SAFETY: the number is not negative, and belongs to a `Borrowed` or to a `File`, which stay
    // open during the call. A number that was never open ends in EBADF.
    Ok(unsafe { borrow_open(fd) })
}

/// Borrows a descriptor as `BorrowedFd::borrow_raw` does, whose check for -1 would link a panic.
///
/// # Safety
///
/// The descriptor stays open while it is borrowed, and is not -1.
#[inline]
const unsafe fn borrow_open<'a>(fd: i32) -> BorrowedFd<'a> {
    // SAFETY: transmute requires a value of the target type, which "has the representation of a
    // host file descriptor" and is never -1. The caller answers for the number.
    unsafe { mem::transmute::<i32, BorrowedFd<'a>>(fd) }
}

/// An open file, closed when dropped.
///
/// Not rustix's `OwnedFd`, which links a panic. With `std` it is the standard library's, whose
/// debug build calls fcntl(F_GETFD) before it closes: the documentation does not list that call,
/// and a seccomp filter may kill for it.
pub(in crate::linux) struct File(pub(super) i32);

impl AsFd for File {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: `open` made the number, which is not negative. It is open as long as this lives.
        unsafe { borrow_open(self.0) }
    }
}

impl Drop for File {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: close requires a descriptor that is open and is not used afterwards. This file
        // owns it and is being dropped.
        unsafe { io::close(self.0) }
    }
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
#[inline]
pub(in crate::linux) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            answer => return answer,
        }
    }
}
