//! Other memory for the bad bytes of a file: their blocks are punched out and allocated again, which gives the file other ones, and
//! written. Freed blocks are not given out again before the file system's next commit (ext4, XFS), but those of an earlier time are: so
//! it is tried some times. And where a bad one stays, the driver clears what is written, if the device can.

use core::ops::Range;

use rustix::fs::OFlags;

use super::{extents, is_bad, is_good, list::SECTOR, place};
use crate::{
    Errno, Facts, Fail, What,
    linux::{FileId, sys::blocks::Blocks},
};

/// The largest block of a file system, whose good bytes are kept meanwhile. (That of a file system with DAX is a page.)
const BLOCK: usize = 4096;

/// How often other memory is asked for, where what comes is bad too.
const TRIES: usize = 16;

/// How often a call is made again that a signal interrupts: no timer that a program may have is as fast.
const PATIENCE: usize = 1000;

/// What comes of the good sectors that a block has beside bad ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// All are kept, or nothing is done.
    Kept,
    /// Those that can be read are.
    KeptIfRead,
}

/// What is to be done.
struct Plan {
    /// The bytes of all blocks that have one of the range.
    blocks: Range<u64>,
    /// In bytes: a power of two.
    block: u64,
    /// The good sectors of the first block and of the last one, the lowest bit first; those between have none.
    first: u8,
    last: u8,
}

pub(super) fn clear<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: Range<u64>,
    size: u64,
    others: Others,
) -> Result<(), Fail> {
    let flags = sys.getfl(fd).map_err(failed)?;
    // What was written would go to the end of the file. It may have been said since the file was described.
    if flags.contains(OFlags::APPEND) {
        return Err(Fail::Unsupported);
    }
    // What is written back may be a part of a sector, from memory that is not aligned: that would fail when the block is gone.
    if flags.contains(OFlags::DIRECT) {
        return Err(failed(Errno::EINVAL));
    }
    let plan = plan(sys, fd, facts, &range)?;
    let mut at = plan.blocks.start;
    while at < plan.blocks.end {
        let end = at.saturating_add(plan.block);
        let first = if at == plan.blocks.start { plan.first } else { 0 };
        let last = if end == plan.blocks.end { plan.last } else { 0 };
        renew(sys, fd, facts, at..end, (first | last, others), size)?;
        at = end;
    }
    again(|| sys.fsync(fd))?;
    is_zero(sys, fd, range.clone())?;
    if is_good(sys, fd, facts, &range)? { Ok(()) } else { Err(failed(Errno::EIO)) }
}

const fn failed(errno: Errno) -> Fail {
    Fail::Os(What::ClearBadBlock, errno)
}

/// Makes a call until no signal interrupts it.
fn again<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Fail> {
    for _ in 0..PATIENCE {
        match call() {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(failed(errno)),
            Ok(answer) => return Ok(answer),
        }
    }
    Err(failed(Errno::EINTR))
}

/// What is to be done, if all of the range is bad. On its own: the list is large, and not needed any more then.
#[inline(never)]
fn plan<S: Blocks>(sys: S, fd: i32, facts: &Facts<FileId>, range: &Range<u64>) -> Result<Plan, Fail> {
    let list = place::list(sys, fd, facts)?;
    is_bad(sys, fd, facts, &list, range)?;
    let block = sys.block_size(fd).map_err(failed)?;
    if !block.is_power_of_two() || !(SECTOR..=u64::try_from(BLOCK).unwrap_or(SECTOR)).contains(&block) {
        return Err(Fail::Unsupported);
    }
    let mask = block.wrapping_sub(1);
    let start = range.start & !mask;
    let end = (range.end.checked_add(mask).ok_or(failed(Errno::EOVERFLOW))?) & !mask;
    // The good sectors of the block that begins here. (Of those behind the end of the file nothing is kept.)
    let good = |start: u64| {
        let end = start.saturating_add(block);
        let mut good = 0;
        let mut at = start;
        while at < end {
            let bad = extents::first(sys, fd, &list, at, end)?.unwrap_or(end..end);
            good |= sectors(at.saturating_sub(start), bad.start.saturating_sub(start));
            at = bad.end;
        }
        Ok(good)
    };
    let first = good(start)?;
    let last = if end.saturating_sub(start) == block { first } else { good(end.saturating_sub(block))? };
    Ok(Plan { blocks: start..end, block, first, last })
}

/// A bit for each sector that begins in these bytes of a block.
fn sectors(start: u64, end: u64) -> u8 {
    let below = |at: u64| 1_u16.checked_shl(u32::try_from(at.div_ceil(SECTOR)).unwrap_or(u32::MAX)).unwrap_or(0);
    let [bits, _] = below(end).wrapping_sub(below(start)).to_le_bytes();
    bits
}

/// Gives the file another block here, with the same good sectors; the others are zeros. Nothing is touched if one cannot be read that has
/// to be.
#[inline(never)]
fn renew<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    block: Range<u64>,
    (good, others): (u8, Others),
    size: u64,
) -> Result<(), Fail> {
    let inside = usize::try_from(block.end.min(size).saturating_sub(block.start)).unwrap_or(BLOCK);
    let mut room = [0; BLOCK];
    let bytes = room.get_mut(..inside).unwrap_or_default();
    let mut at = block.start;
    for (bit, sector) in (0_u32..).zip(bytes.chunks_mut(512)) {
        if good >> bit & 1 != 0 {
            // The kernel reads no byte of a page of a DAX file that has a bad one. What was read of a sector is no sector.
            match (read(sys, fd, at, sector)?, others) {
                (true, _) => {}
                (false, Others::Kept) => return Err(failed(Errno::EIO)),
                (false, Others::KeptIfRead) => sector.fill(0),
            }
        }
        at = at.saturating_add(SECTOR);
    }
    punch(sys, fd, &block)?;
    // Whatever happens from here on, what was good is written back.
    let allocated = allocate(sys, fd, facts, &block, size);
    write(sys, fd, block.start, bytes)?;
    allocated
}

fn punch<S: Blocks>(sys: S, fd: i32, block: &Range<u64>) -> Result<(), Fail> {
    let length = block.end.saturating_sub(block.start);
    again(|| sys.punch(fd, block.start, length)).map_err(|fail| match fail {
        // Neither this file system nor this file can do it.
        Fail::Os(_, Errno::ENOTSUP | Errno::ENOSYS) => Fail::Unsupported,
        fail => fail,
    })
}

/// Allocates a block that was punched out, and does so again as long as it comes to lie on bad sectors.
fn allocate<S: Blocks>(sys: S, fd: i32, facts: &Facts<FileId>, block: &Range<u64>, size: u64) -> Result<(), Fail> {
    let length = block.end.saturating_sub(block.start);
    let inside = block.start..block.end.min(size);
    for left in (0..TRIES).rev() {
        match again(|| sys.allocate(fd, block.start, length)) {
            // ext4 can punch files that it cannot preallocate: those with the block lists of ext3. Writing allocates too.
            Err(Fail::Os(_, Errno::ENOTSUP)) => break,
            allocated => allocated?,
        }
        if left == 0 || is_good(sys, fd, facts, &inside)? {
            break;
        }
        punch(sys, fd, block)?;
    }
    Ok(())
}

/// That all of it can be read, and is zeros.
#[inline(never)]
fn is_zero<S: Blocks>(sys: S, fd: i32, range: Range<u64>) -> Result<(), Fail> {
    let mut room = [0; BLOCK];
    let mut at = range.start;
    while at < range.end {
        let length = usize::try_from(range.end.saturating_sub(at)).unwrap_or(BLOCK).min(BLOCK);
        let bytes = room.get_mut(..length).unwrap_or_default();
        if !read(sys, fd, at, bytes)? || bytes.iter().any(|&byte| byte != 0) {
            return Err(failed(Errno::EIO));
        }
        at = at.saturating_add(SECTOR.saturating_mul(8));
    }
    Ok(())
}

/// Fills all of it, unless it is bad.
fn read<S: Blocks>(sys: S, fd: i32, at: u64, bytes: &mut [u8]) -> Result<bool, Fail> {
    let (mut at, mut rest) = (at, bytes);
    while !rest.is_empty() {
        let done = match again(|| sys.read_at(fd, rest, at)) {
            Err(Fail::Os(_, Errno::EIO)) => return Ok(false),
            done => done?,
        };
        (at, rest) = passed(at, done, rest.split_at_mut_checked(done).map(|(_, rest)| rest))?;
    }
    Ok(true)
}

/// Writes all of it.
fn write<S: Blocks>(sys: S, fd: i32, at: u64, bytes: &[u8]) -> Result<(), Fail> {
    let (mut at, mut rest) = (at, bytes);
    while !rest.is_empty() {
        let done = again(|| sys.write_at(fd, rest, at))?;
        (at, rest) = passed(at, done, rest.split_at_checked(done).map(|(_, rest)| rest))?;
    }
    Ok(())
}

/// Where it goes on; a call that did nothing, or more than it was asked for, would do so for ever.
fn passed<T>(at: u64, done: usize, rest: Option<T>) -> Result<(u64, T), Fail> {
    match (done, rest) {
        (1.., Some(rest)) => Ok((at.saturating_add(u64::try_from(done).unwrap_or(u64::MAX)), rest)),
        _ => Err(failed(Errno::EIO)),
    }
}
