//! The list of a disk, for all of it or for a window: a partition, a piece of a volume.

use core::ops::Range;

use super::{
    sectors::{BadSectors, SECTORS},
    text::{End, Lines},
};
use crate::{
    errno::Errno,
    fail::{Fail, Subject},
    linux::{
        place::listed::{Listed, On},
        sys::blocks::Blocks,
        sysfs::{self, Class, Path},
    },
};

/// The sectors of a list that are wanted, and the number that the first of them gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) sectors: Range<u64>,
    pub(super) at: u64,
}

impl Window {
    pub(super) const ALL: Self = Self { sectors: 0..SECTORS, at: 0 };

    /// Returns the wanted part of `bad`, renumbered.
    fn part(&self, bad: &Range<u64>) -> Range<u64> {
        let renumber = |sector: u64| {
            let sector = sector.min(self.sectors.end);
            sector.saturating_sub(self.sectors.start).saturating_add(self.at)
        };
        renumber(bad.start)..renumber(bad.end)
    }
}

/// Adds the list of a disk or of a partition.
pub(super) fn add<S: Blocks>(
    sys: S,
    device: (u32, u32),
    disk: &Listed,
    window: Window,
    list: &mut BadSectors,
) -> Result<(), Fail> {
    // The kernel keeps lists only for persistent memory.
    if !matches!(disk.on, On::Area(_)) {
        return Err(Fail::Unsupported);
    }
    if !disk.partition {
        return read(sys, &Path::device(Class::Block, device, "/badblocks"), &window, list);
    }
    let start = Path::device(Class::Block, device, "/start");
    let start = sysfs::number(sys, &start, Subject::BadBlocks)?;
    let first = window.sectors.start.checked_add(start);
    let first = first.ok_or(Fail::Malformed(Subject::BadBlocks))?;
    // The list is the disk's, in whose directory the partition lies.
    let sectors = first..window.sectors.end.saturating_add(start);
    let path = Path::device(Class::Block, device, "/../badblocks");
    read(sys, &path, &Window { sectors, ..window }, list)
}

/// Turns ENOENT into unsupported: the kernel keeps no list, or does not report where the device
/// lies.
pub(super) fn unlisted(fail: Fail) -> Fail {
    match fail {
        Fail::Os(Subject::BadBlocks, Errno::ENOENT) => Fail::Unsupported,
        fail => fail,
    }
}

/// Adds the wanted part of the list in a file.
#[inline(never)]
pub(super) fn read<S: Blocks>(
    sys: S,
    path: &Path,
    window: &Window,
    list: &mut BadSectors,
) -> Result<(), Fail> {
    let file = path.open(sys, Subject::BadBlocks).map_err(unlisted)?;
    let (mut lines, mut buffer) = (Lines::default(), [0; 1024]);
    loop {
        // The kernel makes the text at the first read. Later reads return more of it.
        let length = sys.read(&file, &mut buffer);
        let length = length.map_err(|errno| unlisted(Fail::Os(Subject::BadBlocks, errno)))?;
        for &byte in buffer.get(..length).unwrap_or_default() {
            if let Some(bad) = lines.take(byte)? {
                list.add(window.part(&bad));
            }
        }
        if length == 0 || lines.is_too_long() {
            break;
        }
    }
    match lines.end() {
        End::Whole if !lines.is_too_long() => {}
        End::NoList => return Err(Fail::Unsupported),
        End::Cut | End::Whole => list.cut(),
    }
    Ok(())
}
