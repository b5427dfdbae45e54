//! The list of system calls. Everything else of the Linux backend is generic over [`Sys`], so that
//! tests can make any call fail with any error number.

pub(super) mod blocks;
pub(super) mod ioctl;
pub(super) mod page;

use core::{
    ffi::CStr,
    mem::{ManuallyDrop, MaybeUninit},
    ptr::{self, NonNull},
};

use rustix::{
    fd::{AsRawFd, OwnedFd},
    fs::{AtFlags, CWD, Mode, OFlags, RawDir, StatxAttributes, StatxFlags},
    io,
    mm::{MapFlags, ProtFlags, mmap, munmap},
};

use super::transfer::mcsafe::{self, GuardedCopy, SigbusHandler};
use crate::{Access, Errno};

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
    /// The user and the group that the file belongs to.
    pub(super) owner: (u32, u32),
}

/// What the backend needs of statx(2).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    /// STATX_ATTR_DAX, where the kernel and the file system know of it.
    pub(super) dax: Option<bool>,
    /// The mount's number in /proc/self/mountinfo, where the kernel gives it (since 5.8).
    pub(super) mount: Option<u64>,
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
    /// ioctl(2) with FS_IOC_FSGETXATTR: fsx_xflags.
    fn xflags(self, fd: i32) -> Result<u32, Errno>;
    /// readlink(2): the length of the target, which is cut off where `buffer` is too short.
    fn readlink(self, path: &CStr, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// access(2) with F_OK.
    fn access(self, path: &CStr) -> Result<(), Errno>;
    /// open(2), read-only.
    fn open(self, path: &CStr) -> Result<Self::File, Errno>;
    /// read(2): how much of `buffer` was filled.
    fn read(self, file: &Self::File, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// stat(2), which follows links: st_ino.
    fn inode(self, path: &CStr) -> Result<u64, Errno>;
    /// getdents(2) to the end: calls `visit` with each name in a directory, except for `.` and
    /// `..`.
    fn entries(self, directory: &Self::File, visit: &mut dyn FnMut(&[u8])) -> Result<(), Errno>;
    /// statx(2).
    fn attributes(self, fd: i32) -> Result<Attributes, Errno>;
    /// mmap(2) of the first `length` bytes for `access`, which may be none (PROT_NONE), with
    /// MAP_SHARED_VALIDATE and MAP_SYNC, or with MAP_SHARED and MAP_NORESERVE (which spares huge
    /// pages); munmap(2) if that was granted.
    fn try_map(
        self,
        fd: i32,
        length: usize,
        access: Access,
        synchronous: bool,
    ) -> Result<(), Errno>;
    /// msync(2) of no bytes at `address`, which no memory needs to be at.
    fn msync_nothing(self, address: usize) -> Result<(), Errno>;
}

/// The calls that read and write.
pub(super) trait Transfers: Sys {
    /// pread64(2): how many bytes were read.
    ///
    /// # Safety
    ///
    /// What the memory has of objects of Rust's may be written to.
    unsafe fn pread(self, fd: i32, at: *mut u8, length: usize, offset: u64)
    -> Result<usize, Errno>;
    /// pwrite64(2): how many bytes were written.
    ///
    /// # Safety
    ///
    /// What the memory has of objects of Rust's is initialized, and nobody writes to it meanwhile.
    unsafe fn pwrite(
        self,
        fd: i32,
        at: *const u8,
        length: usize,
        offset: u64,
    ) -> Result<usize, Errno>;
    /// fdatasync(2).
    fn fdatasync(self, fd: i32) -> Result<(), Errno>;
    /// Those of [`SigbusHandler::install`].
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

/// The running kernel.
#[derive(Clone, Copy)]
pub(super) struct Kernel;

/// rustix's error number as ours: not a `From`, which would put rustix into the public interface.
#[inline]
pub(super) fn errno(errno: io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

/// `fd` as rustix wants it. Its type excludes -1, which the kernel refuses like every other
/// negative number.
#[inline]
pub(super) fn borrow<'a>(fd: i32) -> Result<rustix::fd::BorrowedFd<'a>, Errno> {
    if fd < 0 {
        return Err(Errno::EBADF);
    }
    // SAFETY: borrow_raw wants a descriptor that stays open, and not -1. The number is not
    // negative, and it is that of a `Borrowed` or of a `File` of ours, which stay open for the
    // call. One that was never open is left: what the kernel is asked then ends in EBADF.
    Ok(unsafe { rustix::fd::BorrowedFd::borrow_raw(fd) })
}

/// The fields of `struct stat` and `struct statfs` have other widths on other architectures; this
/// brings them to one.
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
use widen;

/// An open file. With `std`, rustix's `OwnedFd` is the standard library's, which in a debug build
/// asks fcntl(F_GETFD) before it closes: a call that no documentation of ours lists, and that a
/// filter may kill for.
pub(super) struct File(ManuallyDrop<OwnedFd>);

impl Drop for File {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: close wants a descriptor that is open, and is not used afterwards. This file owns
        // it, is being dropped, and ManuallyDrop keeps the OwnedFd from closing it again.
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
            owner: (widen!(stat.st_uid, u32), widen!(stat.st_gid, u32)),
        })
    }

    fn fstatfs(self, fd: i32) -> Result<u32, Errno> {
        // Magic numbers have 32 bits; some are negative where f_type is a signed 32-bit number.
        Ok(widen!(rustix::fs::fstatfs(borrow(fd)?).map_err(errno)?.f_type, u32))
    }

    fn xflags(self, fd: i32) -> Result<u32, Errno> {
        ioctl::xflags(fd)
    }

    fn readlink(self, path: &CStr, buffer: &mut [u8]) -> Result<usize, Errno> {
        rustix::fs::readlinkat_raw(CWD, path, buffer).map_err(errno)
    }

    fn access(self, path: &CStr) -> Result<(), Errno> {
        rustix::fs::accessat(CWD, path, rustix::fs::Access::EXISTS, AtFlags::empty()).map_err(errno)
    }

    fn open(self, path: &CStr) -> Result<Self::File, Errno> {
        open(path, OFlags::RDONLY)
    }

    fn read(self, file: &Self::File, buffer: &mut [u8]) -> Result<usize, Errno> {
        io::read(&*file.0, buffer).map_err(errno)
    }

    fn inode(self, path: &CStr) -> Result<u64, Errno> {
        Ok(widen!(rustix::fs::statat(CWD, path, AtFlags::empty()).map_err(errno)?.st_ino, u64))
    }

    fn entries(self, directory: &Self::File, visit: &mut dyn FnMut(&[u8])) -> Result<(), Errno> {
        // The longest record is 280 bytes.
        let mut buffer = [MaybeUninit::uninit(); 512];
        let mut entries = RawDir::new(&*directory.0, &mut buffer);
        while let Some(entry) = entries.next() {
            match entry.map_err(errno)?.file_name().to_bytes() {
                b"." | b".." => {}
                name => visit(name),
            }
        }
        Ok(())
    }

    fn attributes(self, fd: i32) -> Result<Attributes, Errno> {
        let mask = StatxFlags::MNT_ID;
        let statx =
            rustix::fs::statx(borrow(fd)?, c"", AtFlags::EMPTY_PATH, mask).map_err(errno)?;
        let known = statx.stx_attributes_mask.contains(StatxAttributes::DAX);
        let has_mount = StatxFlags::from_bits_retain(statx.stx_mask).contains(mask);
        Ok(Attributes {
            dax: known.then_some(statx.stx_attributes.contains(StatxAttributes::DAX)),
            mount: has_mount.then_some(statx.stx_mnt_id),
        })
    }

    fn try_map(
        self,
        fd: i32,
        length: usize,
        access: Access,
        synchronous: bool,
    ) -> Result<(), Errno> {
        let fd = borrow(fd)?;
        let mut protection = ProtFlags::empty();
        protection.set(ProtFlags::READ, access.contains(Access::READ));
        protection.set(ProtFlags::WRITE, access.contains(Access::WRITE));
        let flags = if synchronous {
            MapFlags::SHARED_VALIDATE | MapFlags::SYNC
        } else {
            MapFlags::SHARED | MapFlags::NORESERVE
        };
        // SAFETY: mmap wants that nothing which exists is mapped over: without MAP_FIXED the kernel
        // takes free addresses.
        let pages =
            unsafe { mmap(ptr::null_mut(), length, protection, flags, fd, 0) }.map_err(errno)?;
        // SAFETY: munmap wants that nobody uses the pages: this function made them, and nobody else
        // knows of them.
        unsafe { munmap(pages, length) }.map_err(errno)
    }

    fn msync_nothing(self, address: usize) -> Result<(), Errno> {
        // SAFETY: a range of no bytes is no memory: the kernel checks the address's alignment and
        // returns.
        unsafe {
            rustix::mm::msync(
                core::ptr::without_provenance_mut(address),
                0,
                rustix::mm::MsyncFlags::ASYNC,
            )
        }
        .map_err(errno)
    }
}

impl Transfers for Kernel {
    #[inline]
    unsafe fn pread(
        self,
        fd: i32,
        at: *mut u8,
        length: usize,
        offset: u64,
    ) -> Result<usize, Errno> {
        // SAFETY: the caller's.
        unsafe { mcsafe::pread(fd, at, length, offset) }
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
        unsafe { mcsafe::pwrite(fd, at, length, offset) }
    }

    fn fdatasync(self, fd: i32) -> Result<(), Errno> {
        rustix::fs::fdatasync(borrow(fd)?).map_err(errno)
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
        GuardedCopy::of_number(handler, fd, offset, length, writable)
    }
}

/// open(2), not blocking and not becoming a controlling terminal, whatever lies there under a
/// made-up /sys.
fn open(path: &CStr, mode: OFlags) -> Result<File, Errno> {
    let flags = mode | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(errno)?;
    Ok(File(ManuallyDrop::new(file)))
}

/// mmap(2) with MAP_SHARED, for reading or for both.
pub(super) fn map(
    fd: i32,
    offset: u64,
    length: usize,
    writable: bool,
) -> Result<NonNull<u8>, Errno> {
    let protection = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
    // SAFETY: mmap wants that nothing which exists is mapped over: without MAP_FIXED the kernel
    // takes free addresses.
    let at =
        unsafe { mmap(ptr::null_mut(), length, protection, MapFlags::SHARED, borrow(fd)?, offset) }
            .map_err(errno)?;
    NonNull::new(at.cast()).ok_or(Errno::ENOMEM)
}

/// munmap(2).
///
/// # Safety
///
/// `map` made these bytes, and nobody uses them any more.
pub(super) unsafe fn unmap(at: NonNull<u8>, length: usize) {
    // SAFETY: the caller's. It fails where there is no such mapping only.
    let _ = unsafe { munmap(at.as_ptr().cast(), length) };
}
