//! Facts about a descriptor.

use core::num::NonZeroU32;

use rustix::fs::{FileType, OFlags};

use super::{
    FileId, low_half,
    sys::{Stat, Sys, page},
    sysfs::{self, Class, Path},
};
use crate::{Access, Alignment, Errno, Facts, Fail, FileSystem, Kind, Subject};

/// HUGETLBFS_MAGIC of linux/magic.h.
const HUGETLBFS: u32 = 0x9584_58f6;

/// OVERLAYFS_SUPER_MAGIC.
const OVERLAYFS: u32 = 0x794c_7630;

/// S_IFMT of inode(7).
const S_IFMT: u32 = 0o170_000;

/// S_IFREG of inode(7).
const S_IFREG: u32 = 0o100_000;

/// EBADF says that there is no such descriptor; any other error is the system's.
#[cold]
fn handle(errno: Errno) -> Fail {
    match errno {
        Errno::EBADF => Fail::Absent(Subject::Handle),
        errno => Fail::Os(Subject::Handle, errno),
    }
}

/// fstatfs's errors: the same, but it is the file system that could not be told.
#[cold]
pub(super) fn no_file_system(errno: Errno) -> Fail {
    match errno {
        Errno::EBADF => Fail::Absent(Subject::Handle),
        errno => Fail::Os(Subject::FileSystem, errno),
    }
}

#[inline]
pub(super) fn describe<S: Sys>(sys: S, fd: i32) -> Result<Facts<FileId>, Fail> {
    let access = access(sys.getfl(fd).map_err(handle)?);
    let stat = sys.fstat(fd).map_err(handle)?;
    // The usual case by one comparison: a jump through a table is what the processor predicts worst
    // after a system call.
    let (kind, alignment, entry) = if stat.mode & S_IFMT == S_IFREG {
        (Kind::RegularFile, file_alignment(sys, fd, &stat, access)?, None)
    } else {
        let (kind, entry) = other_kind(sys, fd, &stat, access)?;
        (kind, None, entry)
    };
    Ok(Facts::new(FileId::of(&stat).with_entry(entry), kind, access, alignment))
}

#[inline]
fn access(flags: OFlags) -> Access {
    let mut access = match flags & OFlags::RWMODE {
        _ if flags.contains(OFlags::PATH) => Access::PATH,
        OFlags::RDONLY => Access::READ,
        OFlags::WRONLY => Access::WRITE,
        OFlags::RDWR => Access::READ | Access::WRITE,
        _ => Access::empty(),
    };
    access.set(Access::APPEND, flags.contains(OFlags::APPEND));
    access
}

/// Of what is no regular file; and of a device DAX what tells it from a later one, as in its
/// [`FileId`].
#[cold]
#[inline(never)]
fn other_kind<S: Sys>(
    sys: S,
    fd: i32,
    stat: &Stat,
    access: Access,
) -> Result<(Kind, Option<NonZeroU32>), Fail> {
    let kind = match FileType::from_raw_mode(stat.mode) {
        FileType::RegularFile => Kind::RegularFile,
        FileType::CharacterDevice => return character_device(sys, fd, FileId::of(stat), access),
        FileType::Directory => Kind::Directory,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::Fifo => Kind::Pipe,
        FileType::Socket => Kind::Socket,
        FileType::Symlink => Kind::SymbolicLink,
        // The kernel's anonymous inodes have permissions, but no type.
        FileType::Unknown if stat.mode & S_IFMT == 0 => Kind::AnonymousInode,
        FileType::Unknown => Kind::Other,
    };
    Ok((kind, None))
}

/// Device DAX or another character device: what sysfs says, and, where it has nothing to say, the
/// inode's attribute DAX, which the driver sets when a device DAX is opened.
fn character_device<S: Sys>(
    sys: S,
    fd: i32,
    id: FileId,
    access: Access,
) -> Result<(Kind, Option<NonZeroU32>), Fail> {
    let device = id.represented_device();
    let known = sysfs::device_kind(sys, device).and_then(|kind| match kind {
        Kind::DeviceDax => Ok((kind, low_half(sysfs::inode(sys, Class::Char, device)?))),
        other => Ok((other, None)),
    });
    if let Ok((Kind::DeviceDax | Kind::CharacterDevice, _)) = known {
        return known;
    }
    match (sys.attributes(fd).ok().and_then(|attributes| attributes.dax), known) {
        (Some(true), _) => Ok((Kind::DeviceDax, None)),
        (Some(false), Ok((Kind::UnknownDevice(Subject::Sysfs), _)))
            if !access.contains(Access::PATH) && has_own_inodes(sys, fd) =>
        {
            Ok((Kind::CharacterDevice, None))
        }
        // The descriptor cannot be used anyway: that is the fact to report, not why sysfs could not
        // be read.
        (_, Err(_)) if !access.contains(Access::READ) => {
            Ok((Kind::UnknownDevice(Subject::Subsystem), None))
        }
        (_, known) => known,
    }
}

/// Whether statx(2) tells of the inode that was opened. overlayfs tells of the one below, which no
/// driver has seen.
fn has_own_inodes<S: Sys>(sys: S, fd: i32) -> bool {
    sys.fstatfs(fd).is_ok_and(|magic| magic != OVERLAYFS)
}

/// Huge pages on hugetlbfs, ordinary ones elsewhere.
#[inline]
fn file_alignment<S: Sys>(
    sys: S,
    fd: i32,
    stat: &Stat,
    access: Access,
) -> Result<Option<Alignment>, Fail> {
    // hugetlbfs gives its page size as st_blksize, at least 16 KiB on any architecture. Others
    // (tmpfs with huge=, NFS, ZFS) give large ones too.
    if stat.blksize > 4096 {
        return match large_blocks(sys, fd, stat) {
            // As above: that the descriptor is of no use is the fact to report.
            Err(_) if !access.contains(Access::READ) => Ok(None),
            alignment => alignment,
        };
    }
    Ok(page::FIXED)
}

#[cold]
#[inline(never)]
fn large_blocks<S: Sys>(sys: S, fd: i32, stat: &Stat) -> Result<Option<Alignment>, Fail> {
    match sys.fstatfs(fd).map_err(no_file_system)? {
        HUGETLBFS => {
            Alignment::new(stat.blksize).map(Some).ok_or(Fail::Malformed(Subject::Alignment))
        }
        _ => Ok(page::FIXED),
    }
}

/// What the descriptor refers to now, if that is still what was described.
#[inline]
pub(super) fn same<S: Sys>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<Stat, Fail> {
    let stat = sys.fstat(fd).map_err(handle)?;
    if FileId::of(&stat).is_file_of(facts.id) { Ok(stat) } else { Err(Fail::Replaced) }
}

/// The number in a file of a device DAX, if the device is still the one that was described.
fn number<S: Sys>(sys: S, id: FileId, name: &str, what: Subject) -> Result<u64, Fail> {
    let number = sysfs::number(sys, &device_file(id, name, what)?, what)?;
    // Asked afterwards: it has been there all the time if it is there now.
    id.confirm(sys)?;
    Ok(number)
}

fn device_file(id: FileId, name: &str, what: Subject) -> Result<Path, Fail> {
    let (major, minor) = id.represented_device();
    sysfs::path(what, format_args!("/sys/dev/char/{major}:{minor}/{name}"))
}

#[inline]
pub(super) fn size<S: Sys>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<u64, Fail> {
    let stat = same(sys, fd, facts)?;
    if facts.kind == Kind::DeviceDax {
        return number(sys, facts.id, "size", Subject::Size);
    }
    u64::try_from(stat.size).map_err(|_| Fail::Malformed(Subject::Size))
}

pub(super) fn alignment<S: Sys>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<u64, Fail> {
    if facts.kind != Kind::DeviceDax {
        return Ok(page::size(sys)?.bytes());
    }
    same(sys, fd, facts)?;
    match listed_alignment(sys, facts.id) {
        // Where sysfs does not tell, the driver does.
        Err(untold @ Fail::Os(..)) => accepted(sys, fd)?.ok_or(untold),
        told => told,
    }
}

/// The alignment of a device DAX in sysfs: before Linux 5.10 that of the devices in its region, of
/// which the parent's directory tells. Before 5.1 the device lies deeper, and has a link to it.
fn listed_alignment<S: Sys>(sys: S, id: FileId) -> Result<u64, Fail> {
    let ask = |name| number(sys, id, name, Subject::Alignment);
    let mut told = ask("align");
    for name in ["../dax_region/align", "device/dax_region/align"] {
        if told != Err(Fail::Os(Subject::Alignment, Errno::ENOENT)) {
            break;
        }
        told = ask(name);
    }
    told
}

/// The largest alignment that a device DAX has on any architecture.
const LARGEST: usize = 1 << 30;

/// The smallest mapping that the driver of a device DAX accepts, which is its alignment: it refuses
/// what does not begin and end at a multiple, and does not look at the size of the device. `None`
/// where it accepts none.
fn accepted<S: Sys>(sys: S, fd: i32) -> Result<Option<u64>, Fail> {
    let mut bytes = page::size(sys)?.bytes();
    while let Ok(length @ ..=LARGEST) = usize::try_from(bytes) {
        // For no access: whatever the process asked the kernel to do with its memory (mlockall),
        // nothing is read.
        match sys.try_map(fd, length, Access::empty(), false) {
            Ok(()) => return Ok(Some(bytes)),
            Err(Errno::EINVAL) => bytes = bytes.wrapping_shl(1),
            Err(_) => break,
        }
    }
    Ok(None)
}

pub(super) fn allocated<S: Sys>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<u64, Fail> {
    let stat = same(sys, fd, facts)?;
    match facts.kind {
        // st_blocks counts 512 bytes, whatever st_blksize is.
        Kind::RegularFile => {
            stat.blocks.checked_mul(512).ok_or(Fail::Malformed(Subject::Allocated))
        }
        _ => Err(Fail::Unsupported),
    }
}

pub(super) fn file_system<S: Sys>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
) -> Result<FileSystem, Fail> {
    same(sys, fd, facts)?;
    sys.fstatfs(fd).map(FileSystem::from_magic).map_err(no_file_system)
}
