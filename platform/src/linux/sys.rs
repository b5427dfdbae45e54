//! The list of system calls. Everything else of the Linux backend is generic over [`Sys`], so that tests can make any call
//! fail with any error number.

use core::{ffi::CStr, mem::ManuallyDrop};

use rustix::{
    fd::{AsRawFd, OwnedFd},
    fs::{AtFlags, CWD, Mode, OFlags},
    io,
};

use crate::Errno;

/// What the backend needs of stat(2).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stat {
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) rdev: u64,
    pub(super) mode: u32,
    /// Negative where a file system is broken.
    pub(super) size: i64,
    pub(super) blksize: u64,
    /// In units of 512 bytes.
    pub(super) blocks: u64,
}

pub(super) trait Sys: Copy {
    /// An open file; closed when dropped.
    type File;

    /// fcntl(2) with F_GETFL.
    fn getfl(self, fd: i32) -> Result<OFlags, Errno>;
    /// fstat(2).
    fn fstat(self, fd: i32) -> Result<Stat, Errno>;
    /// fstatfs(2): f_type.
    fn fstatfs(self, fd: i32) -> Result<u32, Errno>;
    /// readlink(2): the length of the target, which is cut off where `buffer` is too short.
    fn readlink(self, path: &CStr, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// access(2) with F_OK.
    fn access(self, path: &CStr) -> Result<(), Errno>;
    /// open(2), read-only.
    fn open(self, path: &CStr) -> Result<Self::File, Errno>;
    /// read(2): how much of `buffer` was filled.
    fn read(self, file: &Self::File, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// msync(2) of no bytes at `address`, which no memory needs to be at.
    fn msync_nothing(self, address: usize) -> Result<(), Errno>;
}

/// The running kernel.
#[derive(Clone, Copy)]
pub(super) struct Kernel;

/// rustix's error number as ours: not a `From`, which would put rustix into the public interface.
#[inline]
fn errno(errno: io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

/// `fd` as rustix wants it. Its type excludes -1, which the kernel refuses like every other negative number.
#[inline]
fn borrow<'a>(fd: i32) -> Result<rustix::fd::BorrowedFd<'a>, Errno> {
    if fd < 0 {
        return Err(Errno::EBADF);
    }
    // SAFETY: borrow_raw wants a descriptor that stays open, and not -1. The number is not negative. What is done with it
    // here only asks the kernel about it, which answers EBADF if it is not open.
    Ok(unsafe { rustix::fd::BorrowedFd::borrow_raw(fd) })
}

/// The fields of `struct stat` and `struct statfs` have other widths on other architectures; this brings them to one.
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

/// An open file. With `std`, rustix's `OwnedFd` is the standard library's, which in a debug build asks fcntl(F_GETFD) before
/// it closes: a call that no documentation of ours lists, and that a filter may kill for.
pub(super) struct File(ManuallyDrop<OwnedFd>);

impl Drop for File {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: close wants a descriptor that is open, and is not used afterwards. This file owns it, is being dropped, and
        // ManuallyDrop keeps the OwnedFd from closing it again.
        unsafe { io::close(self.0.as_raw_fd()) }
    }
}

impl Sys for Kernel {
    type File = File;

    #[inline]
    fn getfl(self, fd: i32) -> Result<OFlags, Errno> {
        rustix::fs::fcntl_getfl(borrow(fd)?).map_err(errno)
    }

    #[inline]
    fn fstat(self, fd: i32) -> Result<Stat, Errno> {
        let stat = rustix::fs::fstat(borrow(fd)?).map_err(errno)?;
        Ok(Stat {
            dev: widen!(stat.st_dev, u64),
            ino: widen!(stat.st_ino, u64),
            rdev: widen!(stat.st_rdev, u64),
            mode: widen!(stat.st_mode, u32),
            size: widen!(stat.st_size, i64),
            blksize: widen!(stat.st_blksize, u64),
            blocks: widen!(stat.st_blocks, u64),
        })
    }

    fn fstatfs(self, fd: i32) -> Result<u32, Errno> {
        // Magic numbers have 32 bits; some are negative where f_type is a signed 32-bit number.
        Ok(widen!(rustix::fs::fstatfs(borrow(fd)?).map_err(errno)?.f_type, u32))
    }

    fn readlink(self, path: &CStr, buffer: &mut [u8]) -> Result<usize, Errno> {
        rustix::fs::readlinkat_raw(CWD, path, buffer).map_err(errno)
    }

    fn access(self, path: &CStr) -> Result<(), Errno> {
        rustix::fs::accessat(CWD, path, rustix::fs::Access::EXISTS, AtFlags::empty()).map_err(errno)
    }

    fn open(self, path: &CStr) -> Result<Self::File, Errno> {
        // Not blocking and not becoming a controlling terminal, whatever lies there under a made-up /sys.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(errno)?;
        Ok(File(ManuallyDrop::new(file)))
    }

    fn read(self, file: &Self::File, buffer: &mut [u8]) -> Result<usize, Errno> {
        io::read(&*file.0, buffer).map_err(errno)
    }

    fn msync_nothing(self, address: usize) -> Result<(), Errno> {
        // SAFETY: a range of no bytes is no memory: the kernel checks the address's alignment and returns.
        unsafe { rustix::mm::msync(core::ptr::without_provenance_mut(address), 0, rustix::mm::MsyncFlags::ASYNC) }
            .map_err(errno)
    }
}
