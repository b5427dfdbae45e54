//! Bad blocks: the sectors that the kernel lists as bad, as bytes of an object.
//!
//! The kernel keeps a list for each pmem disk and one for each region (drivers/nvdimm), of the
//! errors that the firmware's scrub found (ARS) and of those met since. The lists are files
//! `badblocks` in sysfs.

mod clear;
mod command;
mod disk;
pub(super) mod extents;
pub(super) mod known;
mod region;
pub(super) mod sectors;
pub(super) mod text;
pub(super) mod turn;
mod volume;

use core::ops::Range;

use super::{
    descriptor::confirm,
    file_id::FileId,
    sys::{Linux, blocks::Blocks},
};
use crate::{
    badblocks::{BadBlocks, ClearBy},
    facts::{Facts, Kind},
    fail::{Fail, Subject},
    source::{Borrowed, Handle},
};
use known::first_bad;
use sectors::BadSectors;

impl BadBlocks for Linux {
    type List = BadSectors;

    fn list_bad(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<BadSectors, Fail> {
        known::list(Self, handle.raw(), facts)
    }

    fn next_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        list: &mut BadSectors,
        from: u64,
    ) -> Result<Option<Range<u64>>, Fail> {
        next(Self, handle.raw(), facts, list, from)
    }

    fn clear_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        range: Range<u64>,
        by: ClearBy,
    ) -> Result<(), Fail> {
        clear(Self, handle.raw(), facts, range, by)
    }
}

pub(super) fn next<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    list: &BadSectors,
    from: u64,
) -> Result<Option<Range<u64>>, Fail> {
    let stat = confirm(sys, fd, facts)?;
    // An empty file has no bytes that a cut list leaves unknown.
    if facts.kind == Kind::RegularFile && stat.size == 0 {
        return Ok(None);
    }
    match first_bad(sys, fd, facts, &stat, list, from..u64::MAX)? {
        None if list.is_cut() => Err(Fail::TooLarge(Subject::BadBlocks)),
        found => Ok(found),
    }
}

pub(super) fn clear<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: Range<u64>,
    by: ClearBy,
) -> Result<(), Fail> {
    confirm(sys, fd, facts)?;
    match (facts.kind, by) {
        (Kind::RegularFile, ClearBy::Allocation | ClearBy::LossyAllocation) => {
            clear::clear(sys, fd, facts, &range, by)
        }
        (Kind::DeviceDax, ClearBy::DeviceCommand) => command::clear(sys, fd, facts, &range),
        _ => Err(Fail::Unsupported),
    }
}
