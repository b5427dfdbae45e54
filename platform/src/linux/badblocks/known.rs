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
    facts::{FileSystem, Kind},
    fail::{Fail, Subject},
    linux::{
        object::Object,
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
pub(in crate::linux) fn list<S: Blocks>(object: Object<'_, S>) -> Result<BadSectors, Fail> {
    object.confirm()?;
    let mut list = BadSectors::new();
    match object.facts.kind {
        Kind::RegularFile => {
            // Only these file systems are known to report offsets of that device in FIEMAP.
            match named_device(object)?.map(FileSystem::name) {
                Ok(Some("ext2/ext3/ext4" | "xfs")) => {}
                _ => return Err(Fail::Unsupported),
            }
            let device = object.facts.id.device();
            let disk = listed(object.sys, Class::Block, device)?;
            match disk.on {
                On::Volume(name) if name.starts_with("dm-") => {
                    volume::add(object.sys, device, &mut list)?;
                }
                _ => disk::add(object.sys, device, &disk, Window::ALL, &mut list)?,
            }
        }
        Kind::DeviceDax => region::add(object.sys, object.facts.id, &mut list)?,
        _ => return Err(Fail::Unsupported),
    }
    Ok(list)
}

/// Returns the first bad bytes of a range with all that adjoin, by this list. The end of the range
/// is the end of the search.
pub(super) fn first_bad<S: Blocks>(
    object: Object<'_, S>,
    stat: &Stat,
    list: &BadSectors,
    range: Range<u64>,
) -> Result<Option<Range<u64>>, Fail> {
    match object.facts.kind {
        Kind::RegularFile => {
            let end = range.end.min(stat.size()?);
            extents::first_bad(object.sys, object.fd, list, range.start, end, SYNC)
        }
        Kind::DeviceDax => {
            object.facts.id.confirm(object.sys)?;
            Ok(list.within(range).next())
        }
        _ => Err(Fail::Unsupported),
    }
}

/// Fails unless all of a range is bad, by this list.
pub(super) fn require_bad<S: Blocks>(
    object: Object<'_, S>,
    list: &BadSectors,
    range: &Range<u64>,
) -> Result<(), Fail> {
    let stat = object.confirm()?;
    // An empty range has nothing to clear.
    if !range.is_empty() && first_bad(object, &stat, list, range.clone())?.as_ref() == Some(range) {
        return Ok(());
    }
    // A byte beyond the end of a cut list may be bad, but is not known to be.
    Err(if list.is_cut() { Fail::TooLarge(Subject::BadBlocks) } else { Fail::NotBad })
}

/// Whether nothing of a range is bad any more, by a new list. Not inlined: the list is large.
#[inline(never)]
pub(super) fn is_good<S: Blocks>(object: Object<'_, S>, range: &Range<u64>) -> Result<bool, Fail> {
    let list = list(object)?;
    let stat = object.confirm()?;
    Ok(first_bad(object, &stat, &list, range.clone())?.is_none())
}
