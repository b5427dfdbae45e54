//! The system calls of the Linux backend.
//!
//! The code above is generic over [`Sys`], so that tests can make any call fail with any error
//! number. [`Linux`] makes the calls.

pub(super) mod blocks;
pub(super) mod fd;
pub(super) mod ioctl;
pub(super) mod map;
mod open;
pub(super) mod page;
#[cfg_attr(
    not(all(
        any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"),
        target_pointer_width = "64"
    )),
    path = "sys/portable.rs"
)]
pub(super) mod raw;

use core::{
    ffi::CStr,
    ptr::{self, NonNull},
};

use rustix::{
    fs::{AtFlags, CWD, OFlags, StatxAttributes, StatxFlags},
    io,
    mm::{MapFlags, ProtFlags, mmap, munmap},
};

use crate::{
    errno::Errno,
    facts::Access,
    fail::{Fail, Subject},
};
use fd::{File, borrow, errno, widen};
use open::open;

/// The backend for Linux: rustix's raw system calls, no libc.
///
/// | method | system calls |
/// |---|---|
/// | `describe` | `fcntl(F_GETFL)`, `fstat`; of a character device also `readlink`, and where that finds nothing `access`, and of a device DAX `stat`, and where there is no `/sys`, or it cannot be read, `statx`, and where that does not tell a device DAX `fstatfs`; where `st_blksize` is over 4096 also `fstatfs` |
/// | `size`, regular file | `fstat` |
/// | `size`, device DAX | `fstat`, `open`, `read`, `close`, `stat` |
/// | `alignment`, device DAX | `fstat`, `open`, where that finds nothing up to three times, `read`, `close`, `stat`; where `/sys` does not tell, `mmap` until one is granted, `munmap` |
/// | `allocated` | `fstat` |
/// | `file_system` | `fstat`, `fstatfs` |
/// | `page_size` | none where the ABI fixes the size (x86, riscv64, s390x); elsewhere `msync` of no bytes, one for a page of 4 KiB, five for 64 KiB, the first time only |
/// | `locate` | `fstat`; of a file also `fstatfs`, and on XFS `ioctl(FS_IOC_FSGETXATTR)`; then, unless the file system does not say which device the file is on, `readlink`, and where that finds nothing `access`; of a volume also `open`, `getdents64` until there is no more, `close` for itself and each volume below, and `readlink` for each device that these are made of; where one of these is a disk that is no persistent memory also `open`, `read`, `close` |
/// | `confirm` | `stat` |
/// | `numa_node`, `target_node`, `read_only`, each fact of `region`, `domain` and `armed`, `dimm`, `dimm_id`, `dimm_dirty_shutdowns`, `dax_capable` | `open`, `read`, `close` |
/// | `synchronous` | `fstat`, `mmap` once to three times, `munmap` |
/// | `direct` | `fstat`, `statx`, `open`, `read` until the mount is found, `close` |
/// | `channel`, regular file | none |
/// | `channel`, device DAX | `fstat`, `open`, `read`, `close`, `stat`, `rt_sigaction` (see [`SigbusHandler`](crate::SigbusHandler)), `mmap`; `munmap` when it is dropped |
/// | `read_at`, regular file | `pread64` until all is read; where that fails, until it is known at which byte |
/// | `write_at`, regular file | `pwrite64`, likewise, and where that fails `pread64` |
/// | `read_at`, `write_at`, device DAX | none |
/// | `sync`, regular file | `fstat`, `fdatasync` |
/// | `sync`, device DAX | none |
/// | `list_bad`, regular file | `fstat`, `fstatfs`, and on XFS `ioctl(FS_IOC_FSGETXATTR)`; then, of ext2, ext3, ext4, and XFS where the file is not on its realtime device, `readlink`; on persistent memory `open`, `read` until there is no more, `close`, of a partition also `open`, `read`, `close`; on a volume of device-mapper `open`, `DM_TABLE_STATUS`, `close`, and from `readlink` on the same for each of its parts |
/// | `list_bad`, device DAX | `fstat`, `readlink`; `open`, `read`, `close` four times, `read` until there is no more the last time; `stat` |
/// | `next_bad`, regular file | `fstat`; where anything is bad on its disk also `ioctl(FS_IOC_FIEMAP)`, once for each 32 extents |
/// | `next_bad`, device DAX | `fstat`, `stat` |
/// | `map`, regular file | `mmap`, once or twice; where another alignment is asked for and the kernel gives it not by itself also `munmap`, `mmap`, `munmap`, `mmap`, at most 32 times |
/// | `map`, device DAX; `map_anonymous` | `mmap` |
/// | `unmap` | `munmap` |
/// | `Map::sync` | `msync` |
/// | `deep_flush` | `fstat`, `readlink`; for each region `open`, `read`, `close`, `open`, `write`, `close` |
/// | `extend` | `fstat`; where anything is to be allocated `fallocate`; for a durable length `fdatasync` |
/// | `settle` | `lseek(SEEK_DATA)`; for a durable length `fdatasync` |
/// | `truncate` | `fstat`, `fdatasync`; unless it is shorter already `ftruncate` |
/// | `deallocate` | `fstat`, `fallocate`, `fdatasync` |
/// | `populate` | `madvise` |
/// | `clear_bad`, regular file | `fstat`, the first time `mmap`, `madvise`; `fcntl(F_GETFL)`, `fsync`; those of a list and of its steps, before and after; `fstatfs`, `readlink`, `open` of a spare file, `fstat`, where it belongs to somebody else `fchown`, `fallocate`; for each block of the file system `ioctl(FS_IOC_FIEMAP)`, and where anything is good in it `pread64`, `fallocate`, `pwrite64` (the last one before all others, too), `fstat`, `fallocate` three times, `ioctl(FS_IOC_FIEMAP)`, and some of these again where it comes to lie on bad memory, `fstat`, `pwrite64`; `close`, `fsync`, `fstat`, `pread64`; `futex` |
/// | `clear_bad`, device DAX | those of a list and of its steps, `fstat`, `readlink`, `open`, `read`, `close`, `stat`, before and after; `readlink`; `open`, `read`, `close` three times; `open`, `ND_IOCTL_ARS_CAP`, `stat`, `ND_IOCTL_CLEAR_ERROR`, `close` |
///
/// `readlink` and `open` are `readlinkat` and `openat` with `AT_FDCWD`, `access` is `faccessat`, on
/// every architecture, and `stat` is `newfstatat` on 64-bit ones, and what begins with `FS_`, `DM_`
/// or `ND_` is an `ioctl`; where `stat` and `fstat` have no 64-bit time (32-bit machines) they are
/// `statx`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Linux;

/// The fields of stat(2) that the backend needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stat {
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) rdev: u64,
    pub(super) mode: u32,
    /// In bytes; negative where a file system is broken.
    pub(super) size: i64,
    pub(super) blksize: u64,
    /// In units of 512 bytes.
    pub(super) blocks: u64,
    /// The owning user and group.
    pub(super) owner: (u32, u32),
}

impl Stat {
    /// The size in bytes.
    pub(super) fn size(&self) -> Result<u64, Fail> {
        u64::try_from(self.size).map_err(|_| Fail::Malformed(Subject::Size))
    }
}

/// The fields of statx(2) that the backend needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    /// STATX_ATTR_DAX; `None` where the kernel or the file system does not know it.
    pub(super) dax: Option<bool>,
    /// The mount's number in /proc/self/mountinfo; `None` before Linux 5.8.
    pub(super) mount: Option<u64>,
}

/// The system calls that more than one capability makes.
pub(super) trait Sys: Copy {
    /// An open file, closed when it is dropped.
    type File;

    /// fcntl(2) with F_GETFL.
    fn getfl(self, fd: i32) -> Result<OFlags, Errno>;
    /// fstat(2).
    fn fstat(self, fd: i32) -> Result<Stat, Errno>;
    /// fstatfs(2): f_type.
    fn fstatfs(self, fd: i32) -> Result<u32, Errno>;
    /// ioctl(2) with FS_IOC_FSGETXATTR: fsx_xflags.
    fn xflags(self, fd: i32) -> Result<u32, Errno>;
    /// readlink(2): the length of the target, which is cut to fit `buffer`.
    fn readlink(self, path: &CStr, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// access(2) with F_OK.
    fn access(self, path: &CStr) -> Result<(), Errno>;
    /// open(2), read-only.
    fn open(self, path: &CStr) -> Result<Self::File, Errno>;
    /// read(2): the number of bytes read.
    fn read(self, file: &Self::File, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// stat(2), following links: st_ino.
    fn inode(self, path: &CStr) -> Result<u64, Errno>;
    /// getdents(2) to the end: calls `visit` with each name in a directory except `.` and `..`.
    fn entries(self, directory: &Self::File, visit: &mut dyn FnMut(&[u8])) -> Result<(), Errno>;
    /// statx(2).
    fn attributes(self, fd: i32) -> Result<Attributes, Errno>;
    /// mmap(2) of the first `length` bytes, and munmap(2) if it was granted.
    ///
    /// An empty `access` is PROT_NONE. The flags are MAP_SHARED_VALIDATE and MAP_SYNC where
    /// `synchronous`, else MAP_SHARED and MAP_NORESERVE (which reserves no huge pages).
    fn try_map(
        self,
        fd: i32,
        length: usize,
        access: Access,
        synchronous: bool,
    ) -> Result<(), Errno>;
    /// fdatasync(2).
    fn fdatasync(self, fd: i32) -> Result<(), Errno>;
    /// msync(2) of no bytes at `address`. No memory needs to be mapped there.
    fn msync_nothing(self, address: usize) -> Result<(), Errno>;
}

impl Sys for Linux {
    type File = File;

    #[inline]
    fn getfl(self, fd: i32) -> Result<OFlags, Errno> {
        rustix::fs::fcntl_getfl(borrow(fd)?).map_err(errno)
    }

    #[inline]
    fn fstat(self, fd: i32) -> Result<Stat, Errno> {
        let stat = rustix::fs::fstat(borrow(fd)?);
        stat.map(|stat| Stat {
            dev: widen!(stat.st_dev, u64),
            ino: widen!(stat.st_ino, u64),
            rdev: widen!(stat.st_rdev, u64),
            mode: widen!(stat.st_mode, u32),
            size: widen!(stat.st_size, i64),
            blksize: widen!(stat.st_blksize, u64),
            blocks: widen!(stat.st_blocks, u64),
            owner: (widen!(stat.st_uid, u32), widen!(stat.st_gid, u32)),
        })
        .map_err(errno)
    }

    fn fstatfs(self, fd: i32) -> Result<u32, Errno> {
        // A magic number has 32 bits. Some are negative where f_type is signed and has 32 bits.
        rustix::fs::fstatfs(borrow(fd)?).map(|stat| widen!(stat.f_type, u32)).map_err(errno)
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
        io::read(file, buffer).map_err(errno)
    }

    fn inode(self, path: &CStr) -> Result<u64, Errno> {
        let stat = rustix::fs::statat(CWD, path, AtFlags::empty());
        stat.map(|stat| widen!(stat.st_ino, u64)).map_err(errno)
    }

    fn entries(self, directory: &Self::File, visit: &mut dyn FnMut(&[u8])) -> Result<(), Errno> {
        raw::entries(directory.0, &mut |name| match name {
            b"." | b".." => {}
            name => visit(name),
        })
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
        // SAFETY: mmap must not map over existing memory: without MAP_FIXED the kernel takes free
        // addresses.
        let pages =
            unsafe { mmap(ptr::null_mut(), length, protection, flags, fd, 0) }.map_err(errno)?;
        // SAFETY: munmap requires that nobody uses the pages: this function made them, and nobody
        // else has their address.
        unsafe { munmap(pages, length) }.map_err(errno)
    }

    fn fdatasync(self, fd: i32) -> Result<(), Errno> {
        rustix::fs::fdatasync(borrow(fd)?).map_err(errno)
    }

    fn msync_nothing(self, address: usize) -> Result<(), Errno> {
        // SAFETY: the range is empty: the kernel checks the alignment of the address and returns.
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

/// mmap(2) with MAP_SHARED: for reading, or for both.
pub(super) fn map(
    fd: i32,
    offset: u64,
    length: usize,
    writable: bool,
) -> Result<NonNull<u8>, Errno> {
    let protection = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
    // SAFETY: mmap must not map over existing memory: without MAP_FIXED the kernel takes free
    // addresses.
    let at =
        unsafe { mmap(ptr::null_mut(), length, protection, MapFlags::SHARED, borrow(fd)?, offset) }
            .map_err(errno)?;
    NonNull::new(at.cast()).ok_or(Errno::ENOMEM)
}

/// munmap(2).
///
/// # Safety
///
/// [`map`] made these bytes, and nobody uses them any more.
pub(super) unsafe fn unmap(at: NonNull<u8>, length: usize) {
    // SAFETY: the caller's. munmap fails only where there is no such mapping.
    let _ = unsafe { munmap(at.as_ptr().cast(), length) };
}
