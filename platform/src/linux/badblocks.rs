//! Bad blocks: what the kernel lists as bad, related to the bytes of an object.
//!
//! The kernel keeps a list for each pmem disk and one for each region (drivers/nvdimm), of what the
//! firmware's scrub found (ARS) and of what was met since. They are files `badblocks` in sysfs.

mod clear;
mod command;
pub(super) mod extents;
pub(super) mod list;
mod place;
pub(super) mod text;
pub(super) mod turn;
mod volume;

use core::ops::Range;

use super::{
    FileId,
    source::same,
    sys::{Stat, blocks::Blocks, ioctl::SYNC},
};
use crate::{ClearBy, Errno, Facts, Fail, Kind, Subject};

pub use list::BadSectors;
pub(super) use place::list;

/// The next bad bytes: see [`BadBlocks::next_bad`](crate::BadBlocks::next_bad).
pub(super) fn next<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    list: &BadSectors,
    from: u64,
) -> Result<Option<Range<u64>>, Fail> {
    let stat = same(sys, fd, facts)?;
    // An empty file has no bytes of which nothing would be known.
    if facts.kind == Kind::RegularFile && stat.size == 0 {
        return Ok(None);
    }
    match bad_within(sys, fd, facts, &stat, list, from..u64::MAX)? {
        None if list.is_cut() => Err(Fail::TooLarge(Subject::BadBlocks)),
        found => Ok(found),
    }
}

/// The first bad bytes of these, and all that adjoin, by this list. What is behind them is not
/// asked about.
fn bad_within<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    stat: &Stat,
    list: &BadSectors,
    range: Range<u64>,
) -> Result<Option<Range<u64>>, Fail> {
    match facts.kind {
        Kind::RegularFile => {
            let size = u64::try_from(stat.size).map_err(|_| Fail::Malformed(Subject::Size))?;
            extents::first(sys, fd, list, range.start, range.end.min(size), SYNC)
        }
        Kind::DeviceDax => {
            facts.id.confirm(sys)?;
            Ok(list.within(range).next())
        }
        _ => Err(Fail::Unsupported),
    }
}

/// Gives an object good memory: see [`BadBlocks::clear_bad`](crate::BadBlocks::clear_bad).
pub(super) fn clear<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: Range<u64>,
    by: ClearBy,
) -> Result<(), Fail> {
    same(sys, fd, facts)?;
    match (facts.kind, by) {
        (Kind::RegularFile, ClearBy::Allocation | ClearBy::LossyAllocation) => {
            clear::clear(sys, fd, facts, &range, by)
        }
        (Kind::DeviceDax, ClearBy::DeviceCommand) => command::clear(sys, fd, facts, &range),
        _ => Err(Fail::Unsupported),
    }
}

const fn failed(errno: Errno) -> Fail {
    Fail::Os(Subject::ClearBadBlock, errno)
}

/// That all of this is listed as bad, by this list.
fn is_bad<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    list: &BadSectors,
    range: &Range<u64>,
) -> Result<(), Fail> {
    let stat = same(sys, fd, facts)?;
    // Of nothing there is nothing to clear.
    if !range.is_empty()
        && bad_within(sys, fd, facts, &stat, list, range.clone())?.as_ref() == Some(range)
    {
        return Ok(());
    }
    // What the list does not tell may be bad, but is not known to be.
    Err(if list.is_cut() {
        Fail::TooLarge(Subject::BadBlocks)
    } else {
        Fail::Absent(Subject::BadBlocks)
    })
}

/// That nothing of this is listed as bad any more, as far as a new list goes.
#[inline(never)]
fn is_good<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: &Range<u64>,
) -> Result<bool, Fail> {
    let list = list(sys, fd, facts)?;
    let stat = same(sys, fd, facts)?;
    Ok(bad_within(sys, fd, facts, &stat, &list, range.clone())?.is_none())
}
