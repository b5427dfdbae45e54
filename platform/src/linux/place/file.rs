//! The device that a file lies on.

use crate::{
    facts::{Access, FileSystem},
    fail::{Fail, Subject},
    linux::{object::Object, sys::Sys},
    place::Backing,
};

/// FS_XFLAG_REALTIME of linux/fs.h.
const REALTIME: u32 = 1;

/// Returns the file system of a file if the file lies on the block device that stat(2) names, and
/// on no other; otherwise what is known about its location. Places and bad blocks are reported for
/// no other file.
///
/// stat(2) names the first device of a file system, but a file may lie on another: on the realtime
/// device of XFS (a flag of the file), on any device of f2fs, on a second device of EROFS, on
/// anything behind a FUSE server. Neither /sys nor statfs(2) nor the mount options say how many
/// devices f2fs and EROFS have. So only file systems with a single device are trusted.
pub(in crate::linux) fn named_device<S: Sys>(
    object: Object<'_, S>,
) -> Result<Result<FileSystem, Backing>, Fail> {
    let system = object.file_system()?;
    if object.facts.id.device().0 == 0 {
        return Ok(Err(without_device(system)));
    }
    let is_named = match system.name() {
        Some("ext2/ext3/ext4" | "exfat" | "iso9660" | "ntfs3" | "squashfs" | "vfat") => true,
        // An O_PATH descriptor cannot be asked for the file's flags.
        Some("xfs") if !object.facts.access.contains(Access::PATH) => {
            object.sys.xflags(object.fd).map_err(|errno| Fail::Os(Subject::Device, errno))?
                & REALTIME
                == 0
        }
        _ => false,
    };
    Ok(if is_named { Ok(system) } else { Err(Backing::Hidden(system)) })
}

/// Returns what a file system without a device number of its own is on.
fn without_device(system: FileSystem) -> Backing {
    match system.name() {
        Some("tmpfs" | "ramfs" | "hugetlbfs" | "secretmem") => Backing::Memory(system),
        _ if system.is_storage() || system.name().is_none() => Backing::Hidden(system),
        // Interfaces of the kernel.
        _ => Backing::Memory(system),
    }
}
