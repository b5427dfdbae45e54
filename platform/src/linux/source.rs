//! Facts about a descriptor.

use core::num::NonZeroU32;

use rustix::fs::{FileType, OFlags};

use super::{
    device_dax,
    file_id::{FileId, low_half},
    object::{self, Object, failed},
    sys::{Linux, Stat, Sys, page},
    sysfs::{self, Class},
};
use crate::{
    alignment::Alignment,
    facts::{Access, Facts, FileSystem, HUGETLBFS, Kind, OVERLAYFS},
    fail::{Fail, Subject},
    source::{Borrowed, Handle, Platform},
};

impl Platform for Linux {
    type Raw = i32;
    type Id = FileId;

    #[inline]
    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<FileId>, Fail> {
        describe(Self, handle.raw())
    }

    #[inline]
    fn size(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<u64, Fail> {
        size(Object::new(handle, facts))
    }

    fn alignment(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<u64, Fail> {
        alignment(Object::new(handle, facts))
    }

    fn allocated(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<u64, Fail> {
        allocated(Object::new(handle, facts))
    }

    fn file_system(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<FileSystem, Fail> {
        file_system(Object::new(handle, facts))
    }

    fn page_size(self) -> Result<Alignment, Fail> {
        page::size(self)
    }
}

/// S_IFMT of inode(7).
const S_IFMT: u32 = 0o170_000;

/// S_IFREG of inode(7).
const S_IFREG: u32 = 0o100_000;

#[inline]
pub(super) fn describe<S: Sys>(sys: S, fd: i32) -> Result<Facts<FileId>, Fail> {
    let closed = |errno| failed(Subject::Handle, errno);
    let access = access(sys.getfl(fd).map_err(closed)?);
    // By reference: a move is a copy.
    let stat = sys.fstat(fd);
    let stat = match &stat {
        Ok(stat) => stat,
        Err(errno) => return Err(closed(*errno)),
    };
    // The common case by one comparison: after a system call, a processor predicts a jump through
    // a table worst.
    let (kind, alignment, entry) = if stat.mode & S_IFMT == S_IFREG {
        (Kind::RegularFile, file_alignment(sys, fd, stat, access)?, None)
    } else {
        let (kind, entry) = other_kind(sys, fd, stat, access)?;
        (kind, None, entry)
    };
    Ok(Facts::new(FileId::from_stat(stat).with_entry(entry), kind, access, alignment))
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

/// Returns the kind of an object that is no regular file, and for a device DAX the part of its
/// [`FileId`] that comes from sysfs.
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
        FileType::CharacterDevice => {
            return character_device(sys, fd, FileId::from_stat(stat), access);
        }
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

/// Distinguishes a device DAX from other character devices: by sysfs, and where sysfs does not
/// tell, by the attribute DAX of the inode, which the driver sets when a device DAX is opened.
fn character_device<S: Sys>(
    sys: S,
    fd: i32,
    id: FileId,
    access: Access,
) -> Result<(Kind, Option<NonZeroU32>), Fail> {
    let device = id.represented_device();
    let known = match sysfs::is_device_dax(sys, device) {
        Ok(false) => return Ok((Kind::CharacterDevice, None)),
        Ok(true) => sysfs::inode(sys, Class::Char, device),
        Err(fail) => Err(fail),
    };
    let fail = match known {
        Ok(inode) => return Ok((Kind::DeviceDax, low_half(inode))),
        Err(fail) => fail,
    };
    let attributes = sys.attributes(fd);
    let unknown = match (attributes.ok().and_then(|attributes| attributes.dax), fail) {
        (Some(true), _) => return Ok((Kind::DeviceDax, None)),
        (Some(false), Fail::Absent(Subject::Sysfs))
            if !access.contains(Access::PATH) && has_own_inodes(sys, fd) =>
        {
            return Ok((Kind::CharacterDevice, None));
        }
        (_, Fail::Absent(sysfs)) => sysfs,
        // A descriptor that cannot be read cannot be used in any case. This is reported, not why
        // sysfs failed.
        (_, Fail::Os(..)) if access.contains(Access::READ) => return Err(fail),
        _ => Subject::Subsystem,
    };
    Ok((Kind::UnknownDevice(unknown), None))
}

/// Whether statx(2) reports the inode that was opened. overlayfs reports the inode below, which no
/// driver has seen.
fn has_own_inodes<S: Sys>(sys: S, fd: i32) -> bool {
    sys.fstatfs(fd).is_ok_and(|magic| magic != OVERLAYFS)
}

/// Returns the size of huge pages on hugetlbfs, and of ordinary pages elsewhere.
#[inline]
fn file_alignment<S: Sys>(
    sys: S,
    fd: i32,
    stat: &Stat,
    access: Access,
) -> Result<Option<Alignment>, Fail> {
    // On hugetlbfs st_blksize is the page size, at least 16 KiB on every architecture. It is large
    // on other file systems, too (tmpfs with huge=, NFS, ZFS).
    if stat.blksize > 4096 {
        return match large_blocks(sys, fd, stat) {
            // The descriptor cannot be used in any case. This is reported.
            Err(_) if !access.contains(Access::READ) => Ok(None),
            alignment => alignment,
        };
    }
    Ok(page::FIXED)
}

#[cold]
#[inline(never)]
fn large_blocks<S: Sys>(sys: S, fd: i32, stat: &Stat) -> Result<Option<Alignment>, Fail> {
    match object::file_system(sys, fd)?.magic() {
        HUGETLBFS => {
            Alignment::new(stat.blksize).map(Some).ok_or(Fail::Malformed(Subject::Alignment))
        }
        _ => Ok(page::FIXED),
    }
}

#[inline]
pub(super) fn size<S: Sys>(object: Object<'_, S>) -> Result<u64, Fail> {
    let stat = object.confirm()?;
    if object.facts.kind == Kind::DeviceDax {
        return device_dax::size(object.sys, object.facts.id);
    }
    stat.size()
}

pub(super) fn alignment<S: Sys>(object: Object<'_, S>) -> Result<u64, Fail> {
    if object.facts.kind != Kind::DeviceDax {
        return Ok(page::size(object.sys)?.bytes());
    }
    object.confirm()?;
    device_dax::alignment(object.sys, object.fd, object.facts.id)
}

pub(super) fn allocated<S: Sys>(object: Object<'_, S>) -> Result<u64, Fail> {
    let stat = object.confirm()?;
    match object.facts.kind {
        // st_blocks counts 512 bytes, whatever st_blksize is.
        Kind::RegularFile => {
            stat.blocks.checked_mul(512).ok_or(Fail::Malformed(Subject::Allocated))
        }
        _ => Err(Fail::Unsupported),
    }
}

pub(super) fn file_system<S: Sys>(object: Object<'_, S>) -> Result<FileSystem, Fail> {
    object.confirm()?;
    object.file_system()
}
