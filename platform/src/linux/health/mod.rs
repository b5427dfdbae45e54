//! Bad blocks: what the kernel lists as bad, related to the bytes of an object.
//!
//! The kernel keeps a list for each pmem disk and one for each region (drivers/nvdimm), of what the firmware's scrub found (ARS) and of
//! what was met since. They are files `badblocks` in sysfs.

mod clear;
mod command;
pub(super) mod extents;
pub(super) mod list;
mod place;
pub(super) mod text;
mod volume;

use core::ops::Range;

use clear::Others;

use super::{FileId, describe::same, sys::blocks::Blocks};
use crate::{ClearBy, Facts, Fail, Kind, What};

pub use list::BadSectors;
pub(super) use place::list;

/// The next bad bytes: see [`Health::next_bad`](crate::Health::next_bad).
pub(super) fn next<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    list: &BadSectors,
    from: u64,
) -> Result<Option<Range<u64>>, Fail> {
    let stat = same(sys, fd, facts)?;
    let found = match facts.kind {
        Kind::RegularFile => {
            let size = u64::try_from(stat.size).map_err(|_| Fail::Malformed(What::Size))?;
            // An empty file has no bytes of which nothing would be known.
            if size == 0 {
                return Ok(None);
            }
            extents::first(sys, fd, list, from, size)?
        }
        Kind::DeviceDax => {
            facts.id.confirm(sys)?;
            list.within(from..u64::MAX).next()
        }
        _ => return Err(Fail::Unsupported),
    };
    match found {
        None if list.is_cut() => Err(Fail::TooLarge(What::BadBlocks)),
        found => Ok(found),
    }
}

/// Gives an object good memory: see [`Health::clear_bad`](crate::Health::clear_bad).
pub(super) fn clear<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: Range<u64>,
    by: ClearBy,
) -> Result<(), Fail> {
    let stat = same(sys, fd, facts)?;
    match (facts.kind, by) {
        (Kind::RegularFile, ClearBy::Allocation | ClearBy::LossyAllocation) => {
            let size = u64::try_from(stat.size).map_err(|_| Fail::Malformed(What::Size))?;
            let others = if by == ClearBy::Allocation { Others::Kept } else { Others::KeptIfRead };
            clear::clear(sys, fd, facts, range, size, others)
        }
        (Kind::DeviceDax, ClearBy::DeviceCommand) => command::clear(sys, fd, facts, &range),
        _ => Err(Fail::Unsupported),
    }
}

/// That all of this is listed as bad, by this list.
fn is_bad<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    list: &BadSectors,
    range: &Range<u64>,
) -> Result<(), Fail> {
    // Of nothing there is nothing to clear.
    if !range.is_empty()
        && let Some(found) = next(sys, fd, facts, list, range.start)?
        && found.start == range.start
        && found.end >= range.end
    {
        return Ok(());
    }
    // What the list does not tell may be bad, but is not known to be.
    Err(if list.is_cut() { Fail::TooLarge(What::BadBlocks) } else { Fail::Absent(What::BadBlocks) })
}

/// That nothing of this is listed as bad any more, as far as a new list goes.
#[inline(never)]
fn is_good<S: Blocks>(sys: S, fd: i32, facts: &Facts<FileId>, range: &Range<u64>) -> Result<bool, Fail> {
    let list = list(sys, fd, facts)?;
    match next(sys, fd, facts, &list, range.start) {
        Ok(Some(found)) => Ok(found.start >= range.end),
        Ok(None) | Err(Fail::TooLarge(What::BadBlocks)) => Ok(true),
        Err(fail) => Err(fail),
    }
}
