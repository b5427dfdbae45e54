//! The text of a file `badblocks`: a line `SECTOR COUNT` for each range, both in units of 512 bytes
//! (<https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-block>; `badblocks_show` of
//! block/badblocks.c).
//!
//! It has all that the kernel knows of, acknowledged or not: `unacknowledged_badblocks` is a file
//! of md's disks only, and has a part of the same list.

use core::ops::Range;

use super::list::SECTORS;
use crate::{Fail, Subject};

/// A text that is longer is not read to its end. The kernel's page has 64 KiB at most, of which a
/// text has all but one byte.
const LONGEST: usize = 1 << 17;

/// What was read of the text so far.
#[derive(Debug, Default)]
pub(in crate::linux) struct Lines {
    /// Of the line that is being read.
    sector: Option<u64>,
    number: Option<u64>,
    /// Whether a line had nothing in it.
    blank: bool,
    length: usize,
}

/// How a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linux) enum End {
    /// That was all.
    Whole,
    /// There may be more.
    Cut,
    /// An empty line: before Linux 5.12 every disk had the file, whether there was a list or not.
    NoList,
}

impl Lines {
    /// The next byte; the sectors of a line that it ends.
    pub(in crate::linux) fn take(&mut self, byte: u8) -> Result<Option<Range<u64>>, Fail> {
        const GARBAGE: Fail = Fail::Malformed(Subject::BadBlocks);
        self.length = self.length.saturating_add(1);
        if self.blank {
            return Err(GARBAGE);
        }
        match byte {
            b'0'..=b'9' => {
                let digit = byte.wrapping_sub(b'0');
                let number = self
                    .number
                    .unwrap_or(0)
                    .checked_mul(10)
                    .and_then(|tens| tens.checked_add(digit.into()));
                self.number = Some(number.ok_or(GARBAGE)?);
            }
            b' ' if self.sector.is_none() && self.number.is_some() => {
                self.sector = self.number.take()
            }
            b'\n' if self.length == 1 => self.blank = true,
            b'\n' => {
                let (Some(sector), Some(count @ 1..)) = (self.sector.take(), self.number.take())
                else {
                    return Err(GARBAGE);
                };
                let end = sector.checked_add(count).filter(|&end| end <= SECTORS).ok_or(GARBAGE)?;
                return Ok(Some(sector..end));
            }
            _ => return Err(GARBAGE),
        }
        Ok(None)
    }

    /// Whether there is no need to read on.
    pub(in crate::linux) const fn is_too_long(&self) -> bool {
        self.length > LONGEST
    }

    /// What to think of a text that ends here.
    ///
    /// The kernel writes lines until the next one does not fit into a page, of which the last byte
    /// is a zero: a text as long as that may have been cut, even behind a whole line.
    pub(in crate::linux) const fn end(&self) -> End {
        let page = self.length.wrapping_add(1);
        if self.blank {
            End::NoList
        } else if self.sector.is_some()
            || self.number.is_some()
            || page >= 4096 && page.is_power_of_two()
        {
            End::Cut
        } else {
            End::Whole
        }
    }
}
