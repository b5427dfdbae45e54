//! Gives a file other memory for its bad bytes: each of their blocks is punched out, allocated and
//! written again.
//!
//! The file system may give out a bad block instead: another that was freed before, or the same.
//! Then that block is given back, and a spare file, which has no name and vanishes when it is
//! closed, takes a block before the next try. With a journal, a block that was given back is not
//! given out again before the next commit. Without a journal the spare file takes it, or the blocks
//! that would come next (tried on ext4 and XFS).
//!
//! Between the punch and the write, the good bytes of a block are only in this process's memory. So
//! everything that may prevent the write is met before, in the spare file: the file system's room,
//! the quota, a limit for the size of files, a filter of system calls.

mod bytes;
mod spare;

use core::ops::Range;

use rustix::fs::OFlags;

use super::{
    extents,
    known::{self, failed, is_good, require_bad},
    sectors::BadSectors,
    turn::Turn,
};
use crate::{
    badblocks::ClearBy,
    errno::Errno,
    fail::{Fail, Subject},
    linux::{
        object::Object,
        sys::{blocks::Blocks, fd::retry},
    },
};
use bytes::{BLOCK, is_zero, matter, read, write};

/// The number of tries to get good memory, besides four for each block. (Where thousands of bad
/// blocks were free, it took up to 26 tries, and two for each block.)
const TRIES: u64 = 256;

/// The largest number of blocks that the spare file takes before a try. It begins with one, and
/// doubles.
const MOST: u64 = 64;

/// The number of blocks that the spare file has from the start, besides the first and the last
/// block of the range. The file system's own tables can take some of the blocks that are punched
/// out.
const ROOM: u64 = 62;

/// A file whose blocks are renewed.
struct Task<'t, S: Blocks> {
    object: Object<'t, S>,
    /// The sectors that were bad at first.
    list: &'t BadSectors,
    by: ClearBy,
    /// The size of the file at first.
    size: u64,
    owner: (u32, u32),
    /// The block size of the file system in bytes, a power of two.
    block: u64,
    spare: Option<S::File>,
    /// The offset of the spare file's next block.
    next: u64,
    /// The number of tries that are left.
    tries: u64,
}

pub(super) fn clear<S: Blocks>(
    object: Object<'_, S>,
    range: &Range<u64>,
    by: ClearBy,
) -> Result<(), Fail> {
    // Two threads that clear sectors of one block would write back each other's old bytes.
    let _turn = Turn::take(object.sys, object.facts.id).map_err(failed)?;
    let flags = object.sys.getfl(object.fd).map_err(failed)?;
    // With O_APPEND the bytes would be written to the end of the file. The flag may have been set
    // since the file was described, and during the wait.
    if flags.contains(OFlags::APPEND) {
        return Err(Fail::Unsupported);
    }
    // With O_DIRECT a write of less than a sector, from unaligned memory, would fail after the
    // punch.
    if flags.contains(OFlags::DIRECT) {
        return Err(failed(Errno::EINVAL));
    }
    // Writes that are under way may repair these bytes. The list is read after them.
    retry(|| object.sys.fsync(object.fd)).map_err(Fail::unsynced)?;
    let kept = renew_all(object, range, by)?;
    // A failure is about all writes to the file, by anybody, and is reported only once.
    let subject = if kept { Subject::WriteBack } else { Subject::ClearBadBlock };
    retry(|| object.sys.fsync(object.fd)).map_err(|errno| Fail::Os(subject, errno))?;
    let done = size(object).and_then(|size| match size {
        size if size < range.end => Err(failed(Errno::EBUSY)),
        _ => Ok(is_zero(object.sys, object.fd, range)? && is_good(object, range)?),
    });
    if done.map_err(begun)? { Ok(()) } else { Err(failed(Errno::EIO)) }
}

/// Converts a failure after something was done.
fn begun(fail: Fail) -> Fail {
    match fail {
        // The bytes lie elsewhere now, in a place that the system does not tell.
        Fail::Unsupported => failed(Errno::EIO),
        // The bytes were bad before: somebody else cleared them meanwhile.
        Fail::NotBad => failed(Errno::EBUSY),
        fail => fail,
    }
}

/// Returns the size of the file, if it is still the same file.
fn size<S: Blocks>(object: Object<'_, S>) -> Result<u64, Fail> {
    object.confirm()?.size()
}

/// Renews all blocks that have a byte of the range. Returns whether there are good bytes in them.
#[inline(never)]
fn renew_all<S: Blocks>(
    object: Object<'_, S>,
    range: &Range<u64>,
    by: ClearBy,
) -> Result<bool, Fail> {
    let list = &known::list(object)?;
    require_bad(object, list, range)?;
    let block = object.sys.block_size(object.fd).map_err(failed)?;
    if !block.is_power_of_two() || !(512..=4096).contains(&block) {
        return Err(Fail::Unsupported);
    }
    let start = range.start & !block.wrapping_sub(1);
    let end = range.end.checked_next_multiple_of(block).ok_or(failed(Errno::EOVERFLOW))?;
    let last = end.saturating_sub(block);
    // A place where the spare file has nothing else, and may still grow.
    let next = if start > 1 << 39 { 0 } else { end };
    let stat = object.confirm()?;
    let (size, owner) = (stat.size()?, stat.owner);
    let tries = (end.saturating_sub(start) >> block.trailing_zeros()).saturating_mul(4);
    let tries = tries.saturating_add(TRIES);
    let mut task = Task { object, list, by, size, owner, block, spare: None, next, tries };
    match task.make_spare() {
        // Where no good byte can be lost, no spare file is needed.
        Err(Fail::Os(Subject::Spare, _)) => {}
        made => made?,
    }
    // Good bytes are only in the first and the last block. Before anything is done, those of the
    // last are kept, too.
    let mut kept = last > start && task.keep(last, &mut [0; BLOCK]).map(matter)?;
    let mut at = start;
    while at < end {
        let renewed = task.renew(at);
        kept |= renewed.map_err(|fail| if at > start { begun(fail) } else { fail })?;
        at = at.saturating_add(block);
    }
    Ok(kept)
}

impl<S: Blocks> Task<'_, S> {
    const fn end(&self, at: u64) -> u64 {
        at.saturating_add(self.block)
    }

    /// Reads the good bytes of the block at `start`, with zeros for the bad ones, and fails if
    /// anything would prevent writing them again.
    #[inline(never)]
    fn keep<'r>(&mut self, start: u64, room: &'r mut [u8; BLOCK]) -> Result<&'r [u8], Fail> {
        let end = self.end(start);
        // Nothing after the end of the file is kept.
        let inside = usize::try_from(end.min(self.size).saturating_sub(start));
        let bytes = room.get_mut(..inside.unwrap_or(BLOCK)).unwrap_or_default();
        let mut bad = start..start;
        for (at, sector) in (start..).step_by(512).zip(bytes.chunks_mut(512)) {
            if at >= bad.end {
                bad = self.first_bad(at, end)?.unwrap_or(end..end);
            }
            if at < bad.start {
                // From a DAX file the kernel reads no byte of a page with a bad one. A part of a
                // sector is not used.
                match (read(self.object.sys, self.object.fd, at, sector)?, self.by) {
                    (true, _) => {}
                    (false, ClearBy::LossyAllocation) => sector.fill(0),
                    (false, _) => return Err(failed(Errno::EIO)),
                }
            }
        }
        if matter(bytes) {
            self.rehearse(start, bytes)?;
        }
        Ok(bytes)
    }

    /// Returns the first bytes in a range that lie on sectors that were bad.
    ///
    /// Bytes without a place get none first: those of other threads may never get one.
    fn first_bad(&self, at: u64, end: u64) -> Result<Option<Range<u64>>, Fail> {
        extents::first_bad(self.object.sys, self.object.fd, self.list, at, end, 0)
    }

    fn make_spare(&mut self) -> Result<(), Fail> {
        let spare =
            spare::create(self.object.sys, self.object.fd, self.object.facts.id, self.owner);
        let spare = spare.map_err(|errno| match errno {
            Errno::ENOSPC | Errno::EDQUOT => failed(errno),
            errno => Fail::Os(Subject::Spare, errno),
        })?;
        let length = self.block.saturating_mul(ROOM);
        self.allocate(self.object.sys.raw(&spare), self.next, length)?;
        (self.spare, self.next) = (Some(spare), self.next.saturating_add(length));
        Ok(())
    }

    /// Allocates and writes a block of the spare file, at the same offset as in the file.
    fn rehearse(&mut self, at: u64, bytes: &[u8]) -> Result<(), Fail> {
        if self.spare.is_none() {
            self.make_spare()?;
        }
        let Some(fd) = self.spare.as_ref().map(|spare| self.object.sys.raw(spare)) else {
            return Ok(());
        };
        self.allocate(fd, at, self.block)?;
        // A limit for the size of files is met by the last byte.
        let end = at.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        match write(self.object.sys, fd, end.saturating_sub(1), &[0]) {
            // The block may itself lie on bad memory.
            Err(Fail::Os(_, Errno::EIO | Errno::EFAULT)) => Ok(()),
            written => written,
        }
    }

    /// Gives the file another block, with the same good sectors and zeros for the others. Returns
    /// whether there are good bytes.
    #[inline(never)]
    fn renew(&mut self, at: u64) -> Result<bool, Fail> {
        let mut room = [0; BLOCK];
        let bytes = self.keep(at, &mut room)?;
        self.require_whole(at)?;
        // This changes nothing, but fails for a file that ext4 can punch and not preallocate (with
        // the block lists of ext3).
        self.allocate(self.object.fd, at, self.block)?;
        self.punch(at)?;
        let mut more = 1;
        // Whatever happens from here on, the good bytes are written back.
        loop {
            // Where this fails, the write allocates, or reports why not.
            let _ = self.allocate(self.object.fd, at, self.block);
            let bad = self.first_bad(at, self.end(at).min(self.size));
            if matches!(bad, Ok(Some(_))) && self.try_again(at, &mut more) {
                continue;
            }
            match self.write_back(at, bytes) {
                Ok(()) => return bad.map(|_| matter(bytes)).map_err(begun),
                // The block is bad, or there was none. Another one may be better.
                Err(Fail::Os(_, Errno::EIO | Errno::EFAULT | Errno::ENOSPC | Errno::EDQUOT))
                    if self.try_again(at, &mut more) => {}
                Err(Fail::Os(_, errno)) if matter(bytes) => {
                    return Err(Fail::Os(Subject::WriteBack, errno));
                }
                Err(fail) => return Err(fail),
            }
        }
    }

    /// Gives a block back, and gives the blocks that would come next to the spare file. Returns
    /// whether to try again.
    ///
    /// Where the file system has no more blocks, or no tries are left, the spare file is closed.
    fn try_again(&mut self, at: u64, more: &mut u64) -> bool {
        if self.tries == 0 || self.punch(at).is_err() {
            return false;
        }
        self.tries = self.tries.saturating_sub(1);
        for _ in 0..*more {
            let taken =
                |spare: &S::File| self.allocate(self.object.sys.raw(spare), self.next, self.block);
            if self.tries == 0 || self.spare.as_ref().is_some_and(|spare| taken(spare).is_err()) {
                self.spare = None;
            }
            self.next = self.end(self.next);
        }
        *more = more.saturating_mul(2).min(MOST);
        true
    }

    /// Fails unless the file is the same and has as much of a block as before: nothing was cut off
    /// or appended.
    fn require_whole(&self, at: u64) -> Result<(), Fail> {
        let (size, end) = (size(self.object)?, self.end(at));
        if size.min(end) == self.size.min(end) { Ok(()) } else { Err(failed(Errno::EBUSY)) }
    }

    /// Punches a block out. The last check before data is lost.
    fn punch(&self, at: u64) -> Result<(), Fail> {
        self.require_whole(at)?;
        retry(|| self.object.sys.punch(self.object.fd, at, self.block)).map_err(refused)
    }

    fn allocate(&self, fd: i32, at: u64, length: u64) -> Result<(), Fail> {
        retry(|| self.object.sys.allocate(fd, at, length)).map_err(refused)
    }

    /// Writes as much of a block as the file still has.
    fn write_back(&self, at: u64, bytes: &[u8]) -> Result<(), Fail> {
        let left = size(self.object)?.saturating_sub(at);
        let left = usize::try_from(left).unwrap_or(BLOCK).min(bytes.len());
        write(self.object.sys, self.object.fd, at, bytes.get(..left).unwrap_or_default())
    }
}

/// Converts the error of fallocate(2): the file system, or the file, may not support it.
fn refused(errno: Errno) -> Fail {
    match errno {
        Errno::ENOTSUP | Errno::ENOSYS => Fail::Unsupported,
        errno => failed(errno),
    }
}
