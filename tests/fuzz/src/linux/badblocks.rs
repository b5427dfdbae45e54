//! Bad blocks over a kernel that answers with any bytes.

use core::{cell::Cell, ffi::CStr, ops::Range, sync::atomic::AtomicU32};
use std::{cell::RefCell, vec::Vec};

use super::{FD, Input};
use crate::{
    ClearBy, Errno, Fail, Subject,
    linux::{
        badblocks::{
            self, known,
            sectors::{BadSectors, SECTORS},
            text::{End, Lines},
        },
        object::Object,
        source,
        sys::{
            Sys,
            blocks::{Blocks, Turns},
            ioctl::{ArsCap, ClearError, ExtentMap, VolumeTable},
        },
    },
};

impl Blocks for &Input<'_> {
    fn read_at(self, _: i32, buffer: &mut [u8], _: u64) -> Result<usize, Errno> {
        self.succeeds()?;
        self.as_many(buffer.len())
    }

    fn write_at(self, _: i32, buffer: &[u8], _: u64) -> Result<usize, Errno> {
        self.succeeds()?;
        self.as_many(buffer.len())
    }

    fn block_size(self, _: i32) -> Result<u64, Errno> {
        self.byte().map(|bits| if bits < 64 { 1 << bits } else { bits.into() })
    }

    fn turns(self, _: u16) -> Result<&'static Turns, Errno> {
        static TURNS: Turns = Turns { tickets: AtomicU32::new(0), left: AtomicU32::new(0) };
        self.succeeds().map(|()| &TURNS)
    }

    fn wait(self, _: &AtomicU32, _: u32) {
        // Another thread of the fuzzer has the turn.
        std::thread::yield_now();
    }

    fn wake(self, _: &AtomicU32) {}

    fn spare(self, path: &CStr) -> Result<Self::File, Errno> {
        self.open(path)
    }

    fn give(self, _: i32, _: (u32, u32)) -> Result<(), Errno> {
        self.succeeds()
    }

    fn raw(self, _: &Self::File) -> i32 {
        FD
    }

    fn extents(self, _: i32, map: &mut ExtentMap) -> Result<(), Errno> {
        self.succeeds()?;
        let count = usize::from(self.byte()?);
        map.mapped = count as u32;
        for extent in map.extents.iter_mut().take(count) {
            let small = |shift: u32| {
                self.take(2)
                    .map(|bytes| u64::from(u16::from_le_bytes([bytes[0], bytes[1]])) << shift)
            };
            // In sectors, or, with an odd flag byte, anything.
            let kind = self.byte()?;
            let number = || if kind & 2 == 0 { small(9) } else { self.number() };
            (extent.logical, extent.physical, extent.length) = (number()?, number()?, number()?);
            // DELALLOC is the bit 0x40.
            extent.flags = u32::from(kind & 1 | (kind & 0x40) >> 4);
            extent.flags |= if kind < 128 { 0 } else { u32::from(kind & 0x3c) << 8 };
        }
        Ok(())
    }

    fn punch(self, _: i32, _: u64, _: u64) -> Result<(), Errno> {
        self.succeeds()
    }

    fn allocate(self, _: i32, _: u64, _: u64) -> Result<(), Errno> {
        self.succeeds()
    }

    fn fsync(self, _: i32) -> Result<(), Errno> {
        self.succeeds()
    }

    fn open_writable(self, path: &CStr) -> Result<Self::File, Errno> {
        self.open(path)
    }

    fn volume_table(self, _: &Self::File, table: &mut VolumeTable) -> Result<(), Errno> {
        self.succeeds()?;
        let (count, flags, start) = (self.byte()?, self.byte()?, self.number()?);
        let length = usize::from(self.byte()?) * 6;
        table.answer(count.into(), u32::from(flags) << 5, start as u32, self.take(length)?);
        Ok(())
    }

    fn ars_cap(self, _: &Self::File, cap: &mut ArsCap) -> Result<(), Errno> {
        self.succeeds()?;
        (cap.status, cap.clear_err_unit) = (self.byte()?.into(), self.byte()?.into());
        Ok(())
    }

    fn clear_error(self, _: &Self::File, clear: &mut ClearError) -> Result<(), Errno> {
        self.succeeds()?;
        (clear.status, clear.cleared) = (self.byte()?.into(), self.number()?);
        Ok(())
    }
}

impl VolumeTable {
    /// Answers the query.
    pub(in crate::linux) fn answer(&mut self, count: u32, flags: u32, start: u32, targets: &[u8]) {
        (self.target_count, self.flags, self.data_start) = (count, flags, start);
        self.rest[..targets.len()].copy_from_slice(targets);
    }
}

/// Parses a text of a file `badblocks`.
pub fn badblocks_text(text: &[u8]) {
    let _ = listed(text);
}

/// Checks the list that becomes of a text, and returns it with the judgement of its end.
pub(in crate::linux) fn listed(text: &[u8]) -> Result<(BadSectors, End), Fail> {
    let (mut lines, mut list, mut all) = (Lines::default(), BadSectors::new(), Vec::new());
    for &byte in text {
        match lines.take(byte) {
            Ok(Some(bad)) => {
                list.add(bad.clone());
                all.push(bad);
            }
            Ok(None) => {}
            Err(fail) => {
                assert_eq!(fail, Fail::Malformed(Subject::BadBlocks));
                assert!(!is_text(text));
                return Err(fail);
            }
        }
    }
    let end = lines.end();
    assert_eq!(end == End::NoList, text == b"\n");
    assert!(end == End::NoList || is_text(text));
    // A line that is not ended is not believed.
    assert!(end == End::Cut || text.is_empty() || text.ends_with(b"\n"));
    assert_eq!(
        all.len(),
        text.iter().filter(|&&byte| byte == b'\n').count() - usize::from(end == End::NoList)
    );
    let found: Vec<Range<u64>> =
        list.within(0..u64::MAX).map(|bad| bad.start / 512..bad.end / 512).collect();
    assert!(
        found.windows(2).all(|two| two[0].end < two[1].start)
            && found.iter().all(|bad| !bad.is_empty())
    );
    let within = |at: u64, ranges: &[Range<u64>]| ranges.iter().any(|range| range.contains(&at));
    for bad in &found {
        assert!(within(bad.start, &all) && within(bad.end - 1, &all));
    }
    for bad in all.iter().filter(|_| !list.is_cut()) {
        assert!(found.iter().any(|found| found.start <= bad.start && bad.end <= found.end));
    }
    Ok((list, end))
}

/// Whether every complete line is two numbers that can be sectors, and the rest the beginning of
/// such a line.
fn is_text(text: &[u8]) -> bool {
    let mut lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    let fragment = lines.pop().unwrap();
    let numbers = |line: &[u8]| -> Option<Vec<u64>> {
        line.split(|&byte| byte == b' ')
            .map(|word| {
                word.iter()
                    .all(u8::is_ascii_digit)
                    .then(|| core::str::from_utf8(word).ok()?.parse().ok())?
            })
            .collect()
    };
    let is_line = |line: &&[u8]| {
        numbers(line).is_some_and(|line| match line[..] {
            [sector, count] => {
                count > 0 && sector.checked_add(count).is_some_and(|end| end <= SECTORS)
            }
            _ => false,
        })
    };
    // A number, a number and a space, or two numbers.
    let begun = fragment.strip_suffix(b" ").unwrap_or(fragment);
    lines.iter().all(is_line)
        && (fragment.is_empty()
            || numbers(begun).is_some_and(|numbers| {
                numbers.len() == 1 || numbers.len() == 2 && begun == fragment
            }))
}

/// Finds and clears the bad blocks of a file or device, where the kernel and sysfs answer with
/// `bytes`.
pub fn badblocks(bytes: &[u8]) {
    let _ = healed(bytes);
}

/// The bad ranges, and the outcome of clearing.
type Healed = (Result<Vec<Range<u64>>, Fail>, Option<Result<(), Fail>>);

/// Returns the outcome, and the number of bytes that were left.
pub(in crate::linux) fn healed(bytes: &[u8]) -> (Healed, usize) {
    let input = Input { rest: Cell::new(bytes), calls: Cell::new(0), stat: RefCell::default() };
    let healed = heal(&input);
    // Every call but the last few eats something, and so there are no more calls than bytes.
    assert!(input.calls.get() <= bytes.len() + 64, "{} calls", input.calls.get());
    (healed, input.rest.get().len())
}

fn heal(input: &Input<'_>) -> Healed {
    let facts = match source::describe(input, FD) {
        Ok(facts) => facts,
        Err(fail) => return (Err(fail), None),
    };
    let object = Object { sys: input, fd: FD, facts: &facts };
    let walked = known::list(object).and_then(|list| {
        let (mut found, mut at): (Vec<Range<u64>>, _) = (Vec::new(), 0);
        // Each step makes a call, and the input is finite. (Where nothing is bad, no call is made.)
        while let Some(bad) = badblocks::next(object, &list, at)? {
            assert!(bad.start >= at && !bad.is_empty(), "{bad:?} from {at}");
            at = bad.end;
            found.push(bad);
            assert!(found.len() <= input.calls.get());
        }
        Ok(found)
    });
    let range = walked.as_ref().ok().and_then(|found| found.first().cloned()).unwrap_or(0..512);
    // A range that keeps no device busy for long.
    let cleared = (range.end - range.start < 1 << 24).then(|| {
        let by = if facts.id.represented_device() == (0, 0) {
            ClearBy::Allocation
        } else {
            ClearBy::DeviceCommand
        };
        badblocks::clear(object, range, by)
    });
    (walked, cleared)
}
