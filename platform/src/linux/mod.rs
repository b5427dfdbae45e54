//! Linux: facts about file descriptors, from the kernel and from sysfs.

mod describe;
mod page;
mod sys;
mod sysfs;

use core::fmt;

use crate::{Alignment, Facts, Fail, FileSystem, Platform};
use sys::{Kernel, Stat};

/// The Linux backend: rustix's raw system calls, no libc.
///
/// | method | system calls |
/// |---|---|
/// | `describe` | `fcntl(F_GETFL)`, `fstat`; of a character device also `readlink`, and where that finds nothing `access`; where `st_blksize` is over 4096 also `fstatfs` |
/// | `size`, regular file | `fstat` |
/// | `size`, `alignment`, device DAX | `fstat`, `open`, `read`, `close` |
/// | `allocated` | `fstat` |
/// | `file_system` | `fstat`, `fstatfs` |
/// | `page_size` | none where the ABI fixes the size (x86, riscv64, s390x); elsewhere `msync` of no bytes, one for a page of 4 KiB, five for 64 KiB, the first time only |
///
/// `readlink` and `open` are `readlinkat` and `openat` with `AT_FDCWD`, `access` is `faccessat`, on every architecture; where
/// `fstat` has no 64-bit time (32-bit machines) it is `statx`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Linux;

/// What tells one file of a Linux system from another: the device and inode numbers of stat(2), and of a device file the
/// device that it stands for.
///
/// An inode number that was given to a new file after the old one was deleted cannot be told from the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    dev: u64,
    ino: u64,
    rdev: u64,
}

impl FileId {
    const fn of(stat: &Stat) -> Self {
        Self { dev: stat.dev, ino: stat.ino, rdev: stat.rdev }
    }

    /// Major and minor number of the device that the file lies on (`st_dev`).
    #[must_use]
    pub fn device(self) -> (u32, u32) {
        (rustix::fs::major(self.dev), rustix::fs::minor(self.dev))
    }

    /// The inode number (`st_ino`).
    #[must_use]
    pub const fn inode(self) -> u64 {
        self.ino
    }

    /// Major and minor number of the device that a device file stands for (`st_rdev`); of other files 0, 0.
    #[must_use]
    pub fn represented_device(self) -> (u32, u32) {
        (rustix::fs::major(self.rdev), rustix::fs::minor(self.rdev))
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.device();
        write!(f, "device {major}:{minor}, inode {}", self.ino)
    }
}

impl Platform for Linux {
    type Raw = i32;
    type Id = FileId;

    #[inline]
    fn describe(self, raw: i32) -> Result<Facts<FileId>, Fail> {
        describe::describe(Kernel, raw)
    }

    #[inline]
    fn size(self, raw: i32, facts: &Facts<FileId>) -> Result<u64, Fail> {
        describe::size(Kernel, raw, facts)
    }

    fn alignment(self, raw: i32, facts: &Facts<FileId>) -> Result<u64, Fail> {
        describe::alignment(Kernel, raw, facts)
    }

    fn allocated(self, raw: i32, facts: &Facts<FileId>) -> Result<u64, Fail> {
        describe::allocated(Kernel, raw, facts)
    }

    fn file_system(self, raw: i32, facts: &Facts<FileId>) -> Result<FileSystem, Fail> {
        describe::file_system(Kernel, raw, facts)
    }

    fn page_size(self) -> Result<Alignment, Fail> {
        page::size(Kernel)
    }
}

#[cfg(test)]
mod tests;
