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
    file_id::FileId,
    object::Object,
    sys::{Linux, blocks::Blocks},
};
use crate::{
    badblocks::{BadBlocks, ClearBy},
    facts::{Facts, Kind},
    fail::{Fail, Subject},
    source::Borrowed,
};
use known::first_bad;
use sectors::BadSectors;

impl BadBlocks for Linux {
    type List = BadSectors;

    fn list_bad(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<BadSectors, Fail> {
        known::list(Object::new(handle, facts))
    }

    fn next_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        list: &mut BadSectors,
        from: u64,
    ) -> Result<Option<Range<u64>>, Fail> {
        next(Object::new(handle, facts), list, from)
    }

    fn clear_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        range: Range<u64>,
        by: ClearBy,
    ) -> Result<(), Fail> {
        clear(Object::new(handle, facts), range, by)
    }
}

pub(super) fn next<S: Blocks>(
    object: Object<'_, S>,
    list: &BadSectors,
    from: u64,
) -> Result<Option<Range<u64>>, Fail> {
    let stat = object.confirm()?;
    // An empty file has no bytes that a cut list leaves unknown.
    if object.facts.kind == Kind::RegularFile && stat.size == 0 {
        return Ok(None);
    }
    match first_bad(object, &stat, list, from..u64::MAX)? {
        None if list.is_cut() => Err(Fail::TooLarge(Subject::BadBlocks)),
        found => Ok(found),
    }
}

pub(super) fn clear<S: Blocks>(
    object: Object<'_, S>,
    range: Range<u64>,
    by: ClearBy,
) -> Result<(), Fail> {
    object.confirm()?;
    match (object.facts.kind, by) {
        (Kind::RegularFile, ClearBy::Allocation | ClearBy::LossyAllocation) => {
            clear::clear(object, &range, by)
        }
        (Kind::DeviceDax, ClearBy::DeviceCommand) => command::clear(object, &range),
        _ => Err(Fail::Unsupported),
    }
}
