//! Linux: facts about file descriptors, from the kernel and from sysfs.

mod badblocks;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod place;
mod source;
mod sys;
mod sysfs;
mod transfer;

use core::{fmt, num::NonZeroU32, ops::Range};

use crate::{
    Alignment, Backing, BadBlocks, Borrowed, ClearBy, DaxState, Facts, Fail, FileSystem, Handle,
    Locate, MapSync, Partial, Platform, ReadBuffer, Region, Text, Transfer, WriteBuffer,
};
pub use badblocks::BadSectors;
pub use place::{Location, region::Dimm};
use place::{dax, region};
use sys::{Kernel, Stat, page};
pub use transfer::{
    Channel,
    mcsafe::{CopyFault, GuardedCopy, SigbusHandler, resume_after_sigbus},
};

/// The Linux backend: rustix's raw system calls, no libc.
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
/// | `numa_node`, `target_node`, each fact of `region`, `dimm`, `dimm_id`, `dimm_dirty_shutdowns`, `dax_capable` | `open`, `read`, `close` |
/// | `synchronous` | `fstat`, `mmap` once to three times, `munmap` |
/// | `direct` | `fstat`, `statx`, `open`, `read` until the mount is found, `close` |
/// | `channel`, regular file | none |
/// | `channel`, device DAX | `fstat`, `open`, `read`, `close`, `stat`, `rt_sigaction` (see [`SigbusHandler`]), `mmap`; `munmap` when it is dropped |
/// | `read_at`, regular file | `pread64` until all is read; where that fails, until it is known at which byte |
/// | `write_at`, regular file | `pwrite64`, likewise, and where that fails `pread64` |
/// | `read_at`, `write_at`, device DAX | none |
/// | `sync`, regular file | `fstat`, `fdatasync` |
/// | `sync`, device DAX | none |
/// | `list_bad`, regular file | `fstat`, `fstatfs`, and on XFS `ioctl(FS_IOC_FSGETXATTR)`; then, of ext2, ext3, ext4, and XFS where the file is not on its realtime device, `readlink`; on persistent memory `open`, `read` until there is no more, `close`, of a partition also `open`, `read`, `close`; on a volume of device-mapper `open`, `DM_TABLE_STATUS`, `close`, and from `readlink` on the same for each of its parts |
/// | `list_bad`, device DAX | `fstat`, `readlink`; `open`, `read`, `close` four times, `read` until there is no more the last time; `stat` |
/// | `next_bad`, regular file | `fstat`; where anything is bad on its disk also `ioctl(FS_IOC_FIEMAP)`, once for each 32 extents |
/// | `next_bad`, device DAX | `fstat`, `stat` |
/// | `clear_bad`, regular file | `fstat`, the first time `mmap`, `madvise`; `fcntl(F_GETFL)`, `fsync`; those of a list and of its steps, before and behind; `fstatfs`, `readlink`, `open` of a spare file, `fstat`, where it belongs to somebody else `fchown`, `fallocate`; for each block of the file system `ioctl(FS_IOC_FIEMAP)`, and where anything is good in it `pread64`, `fallocate`, `pwrite64` (the last one before all others, too), `fstat`, `fallocate` three times, `ioctl(FS_IOC_FIEMAP)`, and some of these again where it comes to lie on bad memory, `fstat`, `pwrite64`; `close`, `fsync`, `fstat`, `pread64`; `futex` |
/// | `clear_bad`, device DAX | those of a list and of its steps, `fstat`, `readlink`, `open`, `read`, `close`, `stat`, before and behind; `readlink`; `open`, `read`, `close` three times; `open`, `ND_IOCTL_ARS_CAP`, `stat`, `ND_IOCTL_CLEAR_ERROR`, `close` |
///
/// `readlink` and `open` are `readlinkat` and `openat` with `AT_FDCWD`, `access` is `faccessat`, on
/// every architecture, and `stat` is `newfstatat` on 64-bit ones, and what begins with `FS_`, `DM_`
/// or `ND_` is an `ioctl`; where `stat` and `fstat` have no 64-bit time (32-bit machines) they are
/// `statx`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Linux;

/// What tells one file of a Linux system from another: the device and inode numbers of stat(2), and
/// of a device file the device that it stands for; of a device DAX also the inode number of its
/// entry in sysfs, which tells a device from a later one with the same numbers.
///
/// A device DAX that was described where there is no sysfs has an id without that entry. It is
/// equal only to others without it, and a later device with the same numbers is not told from it
/// (Linux 6.1 gives the numbers to no other while the old one is open).
///
/// An inode number that was given to a new file after the old one was deleted cannot be told from
/// the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    dev: u64,
    ino: u64,
    /// The kernel's own numbers have 32 bits.
    rdev: u32,
    /// Of a device DAX the low half of the inode number of its entry in sysfs, where there was
    /// one: the kernel counts from 1. Of other files none.
    entry: Option<NonZeroU32>,
}

impl FileId {
    fn of(stat: &Stat) -> Self {
        // A number that no device has, if the kernel gave one that it cannot have.
        Self {
            dev: stat.dev,
            ino: stat.ino,
            rdev: u32::try_from(stat.rdev).unwrap_or(u32::MAX),
            entry: None,
        }
    }

    /// The same with the low half of the inode number of the device's entry in sysfs. The kernel
    /// counts them upwards, so that half of it tells a device from the one that gets its numbers
    /// later.
    const fn with_entry(self, entry: Option<NonZeroU32>) -> Self {
        Self { entry, ..self }
    }

    /// Whether both are one file: what fstat(2) can tell.
    #[inline]
    fn is_file_of(self, other: Self) -> bool {
        self.with_entry(None) == other.with_entry(None)
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

    /// Major and minor number of the device that a device file stands for (`st_rdev`); of other
    /// files 0, 0.
    #[must_use]
    pub fn represented_device(self) -> (u32, u32) {
        let rdev = self.rdev.into();
        (rustix::fs::major(rdev), rustix::fs::minor(rdev))
    }
}

/// The low 32 bits.
#[expect(clippy::as_conversions, reason = "it is the low half that is wanted")]
const fn low_half(inode: u64) -> Option<NonZeroU32> {
    NonZeroU32::new(inode as u32)
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
    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<FileId>, Fail> {
        source::describe(Kernel, handle.raw())
    }

    #[inline]
    fn size(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<u64, Fail> {
        source::size(Kernel, handle.raw(), facts)
    }

    fn alignment(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<u64, Fail> {
        source::alignment(Kernel, handle.raw(), facts)
    }

    fn allocated(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<u64, Fail> {
        source::allocated(Kernel, handle.raw(), facts)
    }

    fn file_system(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<FileSystem, Fail> {
        source::file_system(Kernel, handle.raw(), facts)
    }

    fn page_size(self) -> Result<Alignment, Fail> {
        page::size(Kernel)
    }
}

impl Locate for Linux {
    type Location = Location;
    type Dimm = Dimm;

    fn locate(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<Location, Fail> {
        place::locate(Kernel, handle.raw(), facts)
    }

    fn confirm(self, spot: &Location) -> Result<u64, Fail> {
        place::confirm(Kernel, spot)
    }

    fn backing(self, spot: &Location) -> Result<Backing, Fail> {
        Ok(spot.backing())
    }

    fn device(self, spot: &Location) -> Result<Text<32>, Fail> {
        Ok(spot.name())
    }

    fn regions(self, spot: &Location) -> Result<usize, Fail> {
        Ok(spot.regions())
    }

    fn region(self, spot: &Location, index: usize) -> Result<Option<Region>, Fail> {
        region::region(Kernel, spot, index)
    }

    fn numa_node(self, spot: &Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        region::node_of(Kernel, spot, index, "numa_node")
    }

    fn target_node(self, spot: &Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        region::node_of(Kernel, spot, index, "target_node")
    }

    fn dimm(self, spot: &Location, region: usize, dimm: usize) -> Result<Option<Dimm>, Fail> {
        region::dimm(Kernel, spot, region, dimm)
    }

    fn dimm_number(self, dimm: Dimm) -> Result<u32, Fail> {
        Ok(dimm.number())
    }

    fn dimm_id(self, dimm: Dimm) -> Result<Text<32>, Fail> {
        region::dimm_id(Kernel, dimm)
    }

    fn dimm_dirty_shutdowns(self, dimm: Dimm) -> Result<u64, Fail> {
        region::dirty_shutdowns(Kernel, dimm)
    }

    fn dax_capable(self, spot: &Location) -> Result<Option<bool>, Fail> {
        dax::capable(Kernel, spot)
    }

    fn synchronous(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<MapSync, Fail> {
        dax::synchronous(Kernel, handle.raw(), facts)
    }

    fn direct(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<DaxState, Fail> {
        dax::direct(Kernel, handle.raw(), facts)
    }
}

impl Transfer for Linux {
    type Guard = SigbusHandler;
    type Channel = Channel;

    fn channel(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        via: Option<SigbusHandler>,
        range: Range<u64>,
        writable: bool,
    ) -> Result<Channel, Fail> {
        transfer::channel(Kernel, handle.raw(), facts, via, range, writable)
    }

    fn read_at(
        handle: Borrowed<'_, Self>,
        channel: &Channel,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        transfer::read(Kernel, handle.raw(), channel, offset, buffer)
    }

    fn write_at(
        handle: Borrowed<'_, Self>,
        channel: &Channel,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        transfer::write(Kernel, handle.raw(), channel, offset, buffer)
    }

    fn sync(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<(), Fail> {
        transfer::sync(Kernel, handle.raw(), facts)
    }
}

impl BadBlocks for Linux {
    type List = BadSectors;

    fn list_bad(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<BadSectors, Fail> {
        badblocks::list(Kernel, handle.raw(), facts)
    }

    fn next_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        list: &mut BadSectors,
        from: u64,
    ) -> Result<Option<Range<u64>>, Fail> {
        badblocks::next(Kernel, handle.raw(), facts, list, from)
    }

    fn clear_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        range: Range<u64>,
        by: ClearBy,
    ) -> Result<(), Fail> {
        badblocks::clear(Kernel, handle.raw(), facts, range, by)
    }
}

#[cfg(test)]
mod tests;
