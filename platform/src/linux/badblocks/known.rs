//! The bytes of an object that the kernel knows to be bad.

use core::ops::Range;

use super::{
    disk::{self, Window},
    extents, region,
    sectors::BadSectors,
    volume,
};
use crate::{
    errno::Errno,
    facts::{Facts, FileSystem, Kind},
    fail::{Fail, Subject},
    linux::{
        descriptor::confirm,
        file_id::FileId,
        place::{
            file::named_device,
            listed::{On, listed},
        },
        sys::{Stat, blocks::Blocks, ioctl::SYNC},
        sysfs::Class,
    },
};

/// Converts the error of a call that clears.
pub(super) const fn failed(errno: Errno) -> Fail {
    Fail::Os(Subject::ClearBadBlock, errno)
}

/// Returns the list of the device that the object lies on.
pub(in crate::linux) fn list<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
) -> Result<BadSectors, Fail> {
    confirm(sys, fd, facts)?;
    let mut list = BadSectors::new();
    match facts.kind {
        Kind::RegularFile => {
            // Only these file systems are known to report offsets of that device in FIEMAP.
            match named_device(sys, fd, facts)?.map(FileSystem::name) {
                Ok(Some("ext2/ext3/ext4" | "xfs")) => {}
                _ => return Err(Fail::Unsupported),
            }
            let device = facts.id.device();
            let disk = listed(sys, Class::Block, device)?;
            match disk.on {
                On::Volume(name) if name.starts_with("dm-") => {
                    volume::add(sys, device, &mut list)?;
                }
                _ => disk::add(sys, device, &disk, Window::ALL, &mut list)?,
            }
        }
        Kind::DeviceDax => region::add(sys, facts.id, &mut list)?,
        _ => return Err(Fail::Unsupported),
    }
    Ok(list)
}

/// Returns the first bad bytes of a range with all that adjoin, by this list. The end of the range
/// is the end of the search.
pub(super) fn first_bad<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    stat: &Stat,
    list: &BadSectors,
    range: Range<u64>,
) -> Result<Option<Range<u64>>, Fail> {
    match facts.kind {
        Kind::RegularFile => {
            let end = range.end.min(stat.size()?);
            extents::first_bad(sys, fd, list, range.start, end, SYNC)
        }
        Kind::DeviceDax => {
            facts.id.confirm(sys)?;
            Ok(list.within(range).next())
        }
        _ => Err(Fail::Unsupported),
    }
}

/// Fails unless all of a range is bad, by this list.
pub(super) fn require_bad<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    list: &BadSectors,
    range: &Range<u64>,
) -> Result<(), Fail> {
    let stat = confirm(sys, fd, facts)?;
    // An empty range has nothing to clear.
    if !range.is_empty()
        && first_bad(sys, fd, facts, &stat, list, range.clone())?.as_ref() == Some(range)
    {
        return Ok(());
    }
    // A byte beyond the end of a cut list may be bad, but is not known to be.
    Err(if list.is_cut() { Fail::TooLarge(Subject::BadBlocks) } else { Fail::NotBad })
}

/// Whether nothing of a range is bad any more, by a new list. Not inlined: the list is large.
#[inline(never)]
pub(super) fn is_good<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: &Range<u64>,
) -> Result<bool, Fail> {
    let list = list(sys, fd, facts)?;
    let stat = confirm(sys, fd, facts)?;
    Ok(first_bad(sys, fd, facts, &stat, &list, range.clone())?.is_none())
}
