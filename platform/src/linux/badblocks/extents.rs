//! The extents of a file on its device: FIEMAP
//! (<https://www.kernel.org/doc/Documentation/filesystems/fiemap.rst>).

use core::ops::Range;

use super::sectors::BadSectors;
use crate::{
    errno::Errno,
    fail::{Fail, Subject},
    linux::{
        sys::blocks::Blocks,
        sys::ioctl::{Extent, ExtentMap, SYNC},
    },
    transfer::pieces::SECTOR,
};

/// FIEMAP_EXTENT_LAST.
const LAST: u32 = 1;
/// The flags of extents whose place is right: LAST, DATA_ENCRYPTED, UNWRITTEN, MERGED and SHARED.
///
/// The others of linux/fiemap.h say that the place is unknown or not settled, that the bytes differ
/// from those in the file, or that they share a sector with others. Other flags are unknown.
const PLACED: u32 = LAST | 0x80 | 0x800 | 0x1000 | 0x2000;
/// FIEMAP_EXTENT_UNKNOWN, which FIEMAP_EXTENT_DELALLOC comes with.
const UNKNOWN: u32 = 2;
const DELALLOC: u32 = 4;

/// The number of tries at one place. A store is soon over, except where its thread loses the
/// processor: that takes a few milliseconds, and so do the tries.
const TRIES: usize = 256;

const MALFORMED: Fail = Fail::Malformed(Subject::Extents);

/// An extent with a place.
struct Placed {
    logical: Range<u64>,
    physical: u64,
    last: bool,
}

impl Placed {
    fn new(extent: &Extent) -> Result<Self, Fail> {
        if extent.flags & !PLACED != 0 {
            return Err(Fail::Unsupported);
        }
        let whole = [extent.logical, extent.physical, extent.length]
            .into_iter()
            .all(|at| at.is_multiple_of(SECTOR));
        let end = extent.logical.checked_add(extent.length);
        let (Some(end @ 1..), Some(_), true) =
            (end, extent.physical.checked_add(extent.length), whole)
        else {
            return Err(MALFORMED);
        };
        Ok(Self {
            logical: extent.logical..end,
            physical: extent.physical,
            last: extent.flags & LAST != 0,
        })
    }

    /// Returns where a part of the extent is on the device.
    fn place(&self, part: &Range<u64>) -> Range<u64> {
        let there = |at: u64| at.saturating_sub(self.logical.start).saturating_add(self.physical);
        there(part.start)..there(part.end)
    }
}

/// Whether the bytes were stored after the kernel had given places to all others
/// (FIEMAP_FLAG_SYNC). The next call gives them a place.
const fn is_late(extent: &Extent) -> bool {
    extent.flags & DELALLOC != 0 && extent.flags & !(PLACED | UNKNOWN | DELALLOC) == 0
}

/// Returns the first bytes of a file of `size` bytes, at `from` or after it, that lie on bad
/// sectors, with all that adjoin.
///
/// With the flag [`SYNC`] the kernel first gives a place to bytes that have none, unless that fails
/// since the memory is bad.
#[inline(never)]
pub(in crate::linux) fn first_bad<S: Blocks>(
    sys: S,
    fd: i32,
    list: &BadSectors,
    from: u64,
    size: u64,
    flags: u32,
) -> Result<Option<Range<u64>>, Fail> {
    // Nothing is bad, wherever the file lies.
    if list.is_empty() {
        return Ok(None);
    }
    let mut map = ExtentMap::new(flags);
    let mut found = None;
    // Everything before this is done.
    let mut at = from;
    let mut tries = TRIES;
    while at < size {
        (map.start, map.length, map.mapped) = (at, size.saturating_sub(at), 0);
        match sys.extents(fd, &mut map) {
            Ok(()) => {}
            // Bytes that could not be stored have a place nevertheless, or are late.
            Err(Errno::EIO) if map.flags == SYNC => {
                map.flags = 0;
                continue;
            }
            Err(Errno::ENOTSUP | ENOTTY) => return Err(Fail::Unsupported),
            Err(errno) => return Err(Fail::Os(Subject::Extents, errno)),
        }
        let mapped = usize::try_from(map.mapped)
            .ok()
            .and_then(|mapped| map.extents.get(..mapped))
            .ok_or(MALFORMED)?;
        if mapped.is_empty() {
            break;
        }
        // The first extent may begin before `at`.
        let mut least = 0;
        for extent in mapped {
            if is_late(extent) {
                // Another thread may store for ever.
                tries = tries.checked_sub(1).ok_or(Fail::Os(Subject::Extents, Errno::EAGAIN))?;
                break;
            }
            let extent = Placed::new(extent)?;
            if extent.logical.start < least || extent.logical.end <= at {
                return Err(MALFORMED);
            }
            let part = extent.logical.start.max(at)..extent.logical.end.min(size);
            if part.is_empty() || !look(list, &extent, &part, &mut found) {
                return Ok(found);
            }
            (at, least, tries) = (extent.logical.end, extent.logical.end, TRIES);
            if extent.last {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// Searches a part of an extent for the first bad bytes and all that adjoin. Returns whether to
/// continue.
fn look(
    list: &BadSectors,
    extent: &Placed,
    part: &Range<u64>,
    found: &mut Option<Range<u64>>,
) -> bool {
    let place = extent.place(part);
    let back = |at: u64| at.saturating_sub(place.start).saturating_add(part.start);
    for bad in list.within(place.clone()) {
        let bad = back(bad.start)..back(bad.end);
        match found {
            Some(found) if found.end == bad.start => found.end = bad.end,
            // After something good, or a hole.
            Some(_) => return false,
            None => *found = Some(bad),
        }
    }
    found.as_ref().is_none_or(|found| found.end == part.end)
}

/// The file has no such ioctl.
const ENOTTY: Errno = Errno::from_raw(rustix::io::Errno::NOTTY.raw_os_error());
