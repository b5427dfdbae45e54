//! Bad blocks, over a kernel that is a script.
#![allow(clippy::single_range_in_vec_init, reason = "lists of one range are meant as such")]

mod clearing;
mod commands;
mod extents;
mod faults;
mod hazards;
mod hostile;
mod lists;
mod places;
mod volumes;

use core::ops::Range;
use std::{format, string::String, vec, vec::Vec};

use super::{
    disk::{Disk, extent, pattern},
    machine::{ENTRY_OF_DISK, FSDAX},
    world::{FD, World, object},
};
use crate::{
    Fail,
    linux::{
        BadSectors, badblocks,
        sys::{blocks::Blocks, ioctl::Extent},
    },
};

const EXT: u32 = 0xEF53;
const XFS: u32 = 0x5846_5342;

/// The list of the disk that files are on.
fn list_of_disk() -> String {
    format!("{ENTRY_OF_DISK}/badblocks")
}

impl World {
    /// A file that is all of this, on a pmem disk of which this is bad.
    fn bad_file(bytes: Vec<u8>, extents: Vec<Extent>, list: &str) -> Self {
        let mut world = Self::on(FSDAX).with_file(&list_of_disk(), list);
        world.magic = EXT;
        world.stat.size = bytes.len() as i64;
        world.disk = Disk::new(bytes, extents);
        world.linked("/proc/self/fd/7", "/mnt/some/file")
    }

    /// 8 blocks of 4 KiB in one piece, from sector 1000 of the disk on: sector 1000 is byte 0.
    fn eight_blocks(list: &str) -> Self {
        Self::bad_file(pattern(8 << 12), vec![extent(0, 1000 * 512, 8 << 12)], list)
    }

    /// All that the iterator of the core finds, and how it ends.
    fn walk(&self) -> (Vec<Range<u64>>, Option<Fail>) {
        let facts = self.facts();
        match badblocks::known::list(object(self.sys(), FD, &facts)) {
            Ok(list) => walk(self.sys(), self, &list, 0),
            Err(fail) => (vec![], Some(fail)),
        }
    }
}

/// Walks the bad bytes from `from` on, by this list, as the core does it.
fn walk<S: Blocks>(
    sys: S,
    world: &World,
    list: &BadSectors,
    from: u64,
) -> (Vec<Range<u64>>, Option<Fail>) {
    let (facts, mut found, mut at) = (world.facts(), Vec::new(), from);
    loop {
        match badblocks::next(object(sys, FD, &facts), list, at) {
            Ok(Some(range)) => {
                assert!(range.start >= at && !range.is_empty(), "{range:?} at {at}");
                at = range.end;
                found.push(range);
            }
            Ok(None) => return (found, None),
            Err(fail) => return (found, Some(fail)),
        }
    }
}
