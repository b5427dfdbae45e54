//! Faults of a disk: bad memory, no space, a region that is not armed or goes away.

use std::ops::Range;

/// The bytes of a block, as a device knows them to be bad.
pub(crate) const BLOCK: u64 = 512;

/// The faults of a disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// Whole blocks.
    pub(crate) bad: Vec<Range<u64>>,
    /// The bytes that the file system has for the file.
    pub(crate) space: Option<u64>,
    pub(crate) unarmed: bool,
    /// The steps that are left before the region goes away.
    pub(crate) steps_left: Option<usize>,
}

impl Faults {
    pub(crate) fn add_bad(&mut self, range: &Range<u64>) {
        self.bad.push(range.start / BLOCK * BLOCK..range.end.next_multiple_of(BLOCK));
    }

    /// Returns the first bad byte of a range.
    pub(crate) fn first_bad(&self, range: &Range<u64>) -> Option<u64> {
        let of = |bad: &Range<u64>| {
            (bad.start < range.end && range.start < bad.end).then_some(bad.start.max(range.start))
        };
        self.bad.iter().filter_map(of).min()
    }
}
