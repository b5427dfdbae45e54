//! The text of a file `badblocks`: for each range a line `SECTOR COUNT`, both in units of 512 bytes
//! (<https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-block>; `badblocks_show` of
//! block/badblocks.c).
//!
//! The file has every range that the kernel knows, acknowledged or not. `unacknowledged_badblocks`,
//! which only md's disks have, is a part of the same list.

use core::ops::Range;

use super::sectors::SECTORS;
use crate::fail::{Fail, Subject};

/// The longest text that is read to its end. The kernel's page has at most 64 KiB, and its text one
/// byte less.
const LONGEST: usize = 1 << 17;

/// A parser of the text.
#[derive(Debug, Default)]
pub(in crate::linux) struct Lines {
    /// The first number of the line, once it is complete.
    sector: Option<u64>,
    /// The number that is being read.
    number: Option<u64>,
    /// Whether a line was empty.
    blank: bool,
    length: usize,
}

/// The end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linux) enum End {
    /// The text is complete.
    Whole,
    /// The text may have been cut.
    Cut,
    /// The text is an empty line. Before Linux 5.12 every disk had the file, with a list or
    /// without.
    NoList,
}

impl Lines {
    /// Takes the next byte. Returns the sectors of a line at its end.
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

    /// Judges a text that ends here.
    ///
    /// The kernel writes lines until the next one does not fit into a page, whose last byte is a
    /// zero. So a text of that length may have been cut, even after a whole line.
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
