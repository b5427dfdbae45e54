//! Facts about a handle.

use core::fmt;

use crate::{alignment::Alignment, fail::Subject};

bitflags::bitflags! {
    /// The access that a handle was opened for: on Linux the file status flags of `fcntl(F_GETFL)`
    /// that matter here.
    ///
    /// `READ` alone is `O_RDONLY`, `READ | WRITE` is `O_RDWR`, `WRITE` alone is `O_WRONLY`. A
    /// handle without both can be used for neither (on Linux access mode 3, which allows nothing
    /// but ioctls), or, with `PATH`, only names its file.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Access: u8 {
        /// The handle may be read.
        const READ = 1;
        /// The handle may be written.
        const WRITE = 2;
        /// The handle only names the object, which was not opened (`O_PATH`).
        const PATH = 4;
        /// Writes go to the end (`O_APPEND`), wherever they were meant for.
        const APPEND = 8;
    }
}

/// The kind of object that a handle refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A regular file, of any file system.
    RegularFile,
    /// A device that is persistent memory as a whole, without a file system: on Linux a device DAX,
    /// `/dev/daxX.Y`, whichever driver made it.
    DeviceDax,
    /// Anonymous memory: pages that belong to no file.
    Anonymous,
    /// A region of physical memory that keeps its contents, or a part of one.
    Region,
    /// A region that can be no source.
    InvalidRegion(RegionFault),
    /// Physical memory that does not keep its contents.
    VolatileMemory,
    /// A disk image in memory that the firmware made.
    VirtualDisk,
    /// Registers of an NVDIMM that is read and written by blocks.
    ControlRegion,
    /// A window through which blocks of such an NVDIMM are reached.
    BlockWindow,
    /// Any other character device: a terminal, `/dev/null`, a tape.
    CharacterDevice,
    /// A character device that may be a device DAX or not, which cannot be told: on Linux
    /// [`Subject::Sysfs`] where there is no sysfs and statx(2) does not tell,
    /// [`Subject::Subsystem`] where sysfs has no sensible answer.
    UnknownDevice(Subject),
    /// A block device: a disk, a partition, `/dev/pmem0`.
    BlockDevice,
    /// A directory.
    Directory,
    /// A pipe or FIFO.
    Pipe,
    /// A socket.
    Socket,
    /// A symbolic link itself, not what it leads to (on Linux an `O_PATH | O_NOFOLLOW` descriptor).
    SymbolicLink,
    /// An object that is no file: an event, a timer, a process; on Linux epoll, eventfd, timerfd,
    /// signalfd, pidfd, inotify, io_uring and the like.
    AnonymousInode,
    /// Something that the system names and this library does not know.
    Other,
}

/// The reason why a region of physical memory can be no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegionFault {
    /// It has no bytes.
    Empty,
    /// It ends beyond the last address.
    Wraps,
    /// It is a part of a region, and ends beyond the region's end.
    Outside,
    /// It has bytes in common with another region of its table.
    Overlaps,
    /// Its first byte is at no multiple of its alignment, and so no mapping could be.
    Misaligned,
    /// Its alignment is no power of two.
    Alignment,
    /// It is a node of a devicetree that has no address of the processor's: its `reg` is missing or
    /// of a wrong length, or the `ranges` above lead nowhere. Its base and its length are said to
    /// be 0.
    Unaddressed,
}

impl Kind {
    /// Returns the field's term, `"regular file"`: a short noun without an article.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegularFile => "regular file",
            Self::DeviceDax => "device DAX",
            Self::Anonymous => "anonymous memory",
            Self::Region | Self::InvalidRegion(_) => "region of persistent memory",
            Self::VolatileMemory => "volatile memory",
            Self::VirtualDisk => "virtual disk",
            Self::ControlRegion => "control region of an NVDIMM",
            Self::BlockWindow => "block data window of an NVDIMM",
            Self::CharacterDevice => "character device",
            Self::UnknownDevice(_) => "character device of unknown kind",
            Self::BlockDevice => "block device",
            Self::Directory => "directory",
            Self::Pipe => "pipe or FIFO",
            Self::Socket => "socket",
            Self::SymbolicLink => "symbolic link",
            Self::AnonymousInode => "anonymous inode",
            Self::Other => "unknown kind",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The facts about a handle: plain values, nothing borrowed. Later versions add facts, with a
/// method for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts<Id> {
    /// The object's identity, which tells it from others.
    pub id: Id,
    /// The object's kind.
    pub kind: Kind,
    /// The access that the handle was opened for.
    pub access: Access,
    /// The alignment that mappings need, where it cannot change and was known at once. `None`: the
    /// platform has to be asked, [`Platform::alignment`](crate::Platform::alignment).
    pub alignment: Option<Alignment>,
}

impl<Id> Facts<Id> {
    /// Puts together the facts that every platform has to state.
    #[inline]
    #[must_use]
    pub const fn new(id: Id, kind: Kind, access: Access, alignment: Option<Alignment>) -> Self {
        Self { id, kind, access, alignment }
    }
}

/// The id of objects that are all alike: anonymous memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoId;

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("none")
    }
}

/// HUGETLBFS_MAGIC of linux/magic.h.
pub(crate) const HUGETLBFS: u32 = 0x9584_58f6;

/// OVERLAYFS_SUPER_MAGIC of linux/magic.h.
pub(crate) const OVERLAYFS: u32 = 0x794c_7630;

/// The type of a file system, by a number: on Linux `f_type` of statfs(2). On another system it is
/// Linux's number, if Linux knows the file system too, and else any that is not in linux/magic.h,
/// for which there is no name here in most cases. On Windows that is the first four letters of the
/// name that the system gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileSystem {
    magic: u32,
}

impl FileSystem {
    /// Makes the file system with this magic number, as in linux/magic.h.
    #[must_use]
    pub const fn from_magic(magic: u32) -> Self {
        Self { magic }
    }

    /// Returns the magic number.
    #[must_use]
    pub const fn magic(self) -> u32 {
        self.magic
    }

    /// Returns the name that mount(8) knows it by, if this library does. ext2, ext3 and ext4 share
    /// a number, and so do tmpfs and devtmpfs, and FUSE and virtiofs.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.storage_name() {
            Some(name) => Some(name),
            None => self.interface_name(),
        }
    }

    /// Returns whether its files keep data, as far as this library knows. The files of others are
    /// interfaces of the kernel (proc, sysfs, tracefs): to open or close one may be an action.
    #[must_use]
    pub const fn is_storage(self) -> bool {
        self.storage_name().is_some()
    }

    /// Returns whether its files are interfaces of the kernel, as far as this library knows.
    #[must_use]
    pub const fn is_interface(self) -> bool {
        self.interface_name().is_some()
    }

    /// Returns the name of a file system that keeps data. Numbers, here and below, are from
    /// linux/magic.h and the file systems' own headers.
    const fn storage_name(self) -> Option<&'static str> {
        Some(match self.magic {
            0xEF53 => "ext2/ext3/ext4",
            0x5846_5342 => "xfs",
            0x0102_1994 => "tmpfs",
            HUGETLBFS => "hugetlbfs",
            0x8584_58f6 => "ramfs",
            0x9123_683E => "btrfs",
            OVERLAYFS => "overlay",
            0x6969 => "nfs",
            0x6573_5546 => "fuse/virtiofs",
            0x0102_1997 => "9p",
            0x2fc1_2fc1 => "zfs",
            0xF2F5_2010 => "f2fs",
            0xca45_1a4e => "bcachefs",
            0x4d44 => "vfat",
            0x2011_BAB0 => "exfat",
            0x7366_746e => "ntfs3",
            0x5346_544e => "ntfs",
            0x5346_6552 => "refs",
            0xFF53_4D42 => "cifs",
            0xFE53_4D42 => "smb3",
            0x00c3_6400 => "ceph",
            0x7371_7368 => "squashfs",
            0xE0F5_E1E2 => "erofs",
            0x9660 => "iso9660",
            0x5345_434d => "secretmem",
            _ => return None,
        })
    }

    /// Returns the name of an interface of the kernel.
    const fn interface_name(self) -> Option<&'static str> {
        Some(match self.magic {
            0x9fa0 => "proc",
            0x6265_6572 => "sysfs",
            0x1cd1 => "devpts",
            0x0027_e0eb => "cgroup",
            0x6367_7270 => "cgroup2",
            0x6462_6720 => "debugfs",
            0x7472_6163 => "tracefs",
            0x6e73_6673 => "nsfs",
            0x5049_5045 => "pipefs",
            0x534F_434B => "sockfs",
            0x0904_1934 => "anon_inodefs",
            0x5049_4446 => "pidfs",
            0x7363_6673 => "securityfs",
            0xcafe_4a11 => "bpf",
            0x6265_6570 => "configfs",
            0x6165_676C => "pstore",
            0xde5e_81e4 => "efivarfs",
            0xf97c_ff8c => "selinuxfs",
            0x6c6f_6f70 => "binderfs",
            0x1980_0202 => "mqueue",
            0x4249_4e4d => "binfmt_misc",
            _ => return None,
        })
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "unknown (magic number {:#x})", self.magic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FileSystem;
    use std::format;

    #[test]
    fn file_systems_have_names() {
        assert_eq!(format!("{:>6}|", FileSystem::from_magic(0x5846_5342)), "   xfs|");
        assert_eq!(format!("{}", FileSystem::from_magic(0x1234)), "unknown (magic number 0x1234)");
        assert_eq!(FileSystem::from_magic(7).magic(), 7);
        let storage = |magic| FileSystem::from_magic(magic).is_storage();
        // ext4, tmpfs, FUSE; tracefs, proc, sysfs, unknown.
        assert_eq!([0xEF53, 0x0102_1994, 0x6573_5546].map(storage), [true; 3]);
        assert_eq!([0x7472_6163, 0x9fa0, 0x6265_6572, 7].map(storage), [false; 4]);
        let interface = |magic| FileSystem::from_magic(magic).is_interface();
        assert_eq!([0x0102_1994, 7, 0x9fa0].map(interface), [false, false, true]);
        assert_eq!(FileSystem::from_magic(0x7472_6163).name(), Some("tracefs"));
    }
}
