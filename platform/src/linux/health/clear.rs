//! Other memory for the bad bytes of a file: their blocks are punched out and allocated again,
//! which gives the file other ones, and written. Freed blocks are not given out again before the
//! file system's next commit (ext4, XFS), but those of an earlier time are: so it is tried some
//! times. And where a bad one stays, the driver clears what is written, if the device can.
//!
//! Between the punch and the write, what was good in a block is in this process's memory only. All
//! that can be known before it to make the write fail is looked for: whether the file system has
//! room, whether these bytes may be written to, whether they can all be read.

use core::ops::Range;

use rustix::fs::OFlags;

use super::{extents, is_bad, is_good, list::SECTOR, place, turn::CLEARING};
use crate::{
    Errno, Facts, Fail, What,
    linux::{
        FileId,
        describe::same,
        sys::blocks::{Blocks, Space},
    },
};

/// The largest block of a file system, whose good bytes are kept meanwhile. (That of a file system
/// with DAX is a page.)
const BLOCK: usize = 4096;

/// How often other memory is asked for, where what comes is bad too.
const TRIES: usize = 16;

/// How often a call is made again that a signal interrupts: no timer that a program may have is as
/// fast.
const PATIENCE: usize = 1000;

/// How many blocks the file system has to have left: of the one that is punched out, what keeps
/// track of the others can take some.
const SPARE: u64 = 64;

/// What comes of the good sectors that a block has beside bad ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// All are kept, or nothing is done.
    Kept,
    /// Those that can be read are.
    KeptIfRead,
}

/// What is to be done, and to which file.
struct Task<'t, S> {
    sys: S,
    fd: i32,
    facts: &'t Facts<FileId>,
    range: Range<u64>,
    others: Others,
    /// The file's, before anything was done.
    size: u64,
    /// The file system's, in bytes: a power of two.
    block: u64,
}

pub(super) fn clear<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: Range<u64>,
    others: Others,
) -> Result<(), Fail> {
    let flags = sys.getfl(fd).map_err(failed)?;
    // What was written would go to the end of the file. It may have been said since the file was
    // described.
    if flags.contains(OFlags::APPEND) {
        return Err(Fail::Unsupported);
    }
    // What is written back may be a part of a sector, from memory that is not aligned: that would
    // fail when the block is gone.
    if flags.contains(OFlags::DIRECT) {
        return Err(failed(Errno::EINVAL));
    }
    // What was written to these bytes and is on its way yet: when it has come there, they may be
    // bad no more, and the list says so.
    sync(sys, fd)?;
    let Space { block, available } = sys.space(fd).map_err(failed)?;
    let task = Task { sys, fd, facts, range, others, size: size(sys, fd, facts)?, block };
    task.admit(available)?;
    let blocks = task.blocks()?;
    let mut at = blocks.start;
    while at < blocks.end {
        let end = at.saturating_add(block);
        task.renew(at..end).map_err(|fail| if at > blocks.start { begun(fail) } else { fail })?;
        at = end;
    }
    sync(sys, fd)?;
    task.verify().map_err(begun)
}

/// What does not answer any more when something was done.
fn begun(fail: Fail) -> Fail {
    match fail {
        // It was done: where it lies now cannot be told.
        Fail::Unsupported => failed(Errno::EIO),
        // They were, before: somebody else was here.
        Fail::Absent(What::BadBlocks) => failed(Errno::EBUSY),
        fail => fail,
    }
}

const fn failed(errno: Errno) -> Fail {
    Fail::Os(What::ClearBadBlock, errno)
}

/// The size of the file, if it is still the one.
fn size<S: Blocks>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<u64, Fail> {
    u64::try_from(same(sys, fd, facts)?.size).map_err(|_| Fail::Malformed(What::Size))
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

/// A failure is about all that was written to the file, by whom ever, and is told once only.
fn sync<S: Blocks>(sys: S, fd: i32) -> Result<(), Fail> {
    again(|| sys.fsync(fd)).map_err(|fail| match fail {
        Fail::Os(_, errno) => Fail::Os(What::Sync, errno),
        fail => fail,
    })
}

impl<S: Blocks> Task<'_, S> {
    /// The bytes of all blocks that have one of the range.
    fn blocks(&self) -> Result<Range<u64>, Fail> {
        let mask = self.block.wrapping_sub(1);
        let end = self.range.end.checked_add(mask).ok_or(failed(Errno::EOVERFLOW))?;
        Ok(self.range.start & !mask..end & !mask)
    }

    /// Whether it can be done, before anything is.
    fn admit(&self, available: u64) -> Result<(), Fail> {
        self.is_bad(&self.range)?;
        if !self.block.is_power_of_two()
            || !(SECTOR..=u64::try_from(BLOCK).unwrap_or(SECTOR)).contains(&self.block)
        {
            return Err(Fail::Unsupported);
        }
        if available < SPARE {
            return Err(failed(Errno::ENOSPC));
        }
        // Between the first block and the last one nothing is good.
        let blocks = self.blocks()?;
        let first = blocks.start..blocks.start.saturating_add(self.block);
        let last = blocks.end.saturating_sub(self.block)..blocks.end;
        self.can_be_kept(&first)?;
        if first == last { Ok(()) } else { self.can_be_kept(&last) }
    }

    /// That all of it is bad now. On its own: the list is large, and not needed any more then.
    #[inline(never)]
    fn is_bad(&self, range: &Range<u64>) -> Result<(), Fail> {
        let list = place::list(self.sys, self.fd, self.facts)?;
        is_bad(self.sys, self.fd, self.facts, &list, range)
    }

    #[inline(never)]
    fn can_be_kept(&self, block: &Range<u64>) -> Result<(), Fail> {
        let good = self.good(block)?;
        let mut room = [0; BLOCK];
        self.read_good(block, good, self.inside(block, &mut room))
    }

    /// The good sectors of a block, the lowest bit first, if what is to be cleared of it is bad
    /// now.
    #[inline(never)]
    fn good(&self, block: &Range<u64>) -> Result<u8, Fail> {
        let Self { sys, fd, facts, .. } = *self;
        let list = place::list(sys, fd, facts)?;
        let part = self.range.start.max(block.start)..self.range.end.min(block.end);
        is_bad(sys, fd, facts, &list, &part)?;
        let mut good = 0;
        let mut at = block.start;
        // Of those behind the end of the file nothing is kept.
        while at < block.end {
            let bad =
                extents::first(sys, fd, &list, at, block.end)?.unwrap_or(block.end..block.end);
            good |= sectors(at.saturating_sub(block.start), bad.start.saturating_sub(block.start));
            at = bad.end;
        }
        Ok(good)
    }

    /// As many bytes as a block has in the file.
    fn inside<'b>(&self, block: &Range<u64>, room: &'b mut [u8; BLOCK]) -> &'b mut [u8] {
        let inside =
            usize::try_from(block.end.min(self.size).saturating_sub(block.start)).unwrap_or(BLOCK);
        room.get_mut(..inside).unwrap_or_default()
    }

    /// Reads the good sectors of a block; the others are zeros.
    fn read_good(&self, block: &Range<u64>, good: u8, bytes: &mut [u8]) -> Result<(), Fail> {
        let mut at = block.start;
        for (bit, sector) in (0_u32..).zip(bytes.chunks_mut(512)) {
            if good >> bit & 1 != 0 {
                // The kernel reads no byte of a page of a DAX file that has a bad one. What was
                // read of a sector is no sector.
                match (read(self.sys, self.fd, at, sector)?, self.others) {
                    (true, _) => {}
                    (false, Others::Kept) => return Err(failed(Errno::EIO)),
                    (false, Others::KeptIfRead) => sector.fill(0),
                }
            }
            at = at.saturating_add(SECTOR);
        }
        Ok(())
    }

    /// Gives the file another block here, with the same good sectors; the others are zeros.
    #[inline(never)]
    fn renew(&self, block: Range<u64>) -> Result<(), Fail> {
        // Who clears another sector of the same block would have read it before this, and would
        // write it back.
        let turn = CLEARING.take(self.sys).ok_or(failed(Errno::EBUSY))?;
        let good = self.good(&block)?;
        let mut room = [0; BLOCK];
        let bytes = self.inside(&block, &mut room);
        self.read_good(&block, good, bytes)?;
        self.may_be_written(&block, bytes)?;
        self.is_whole(&block)?;
        punch(self.sys, self.fd, &block)?;
        // Whatever happens from here on, what was good is written back.
        let replaced = self.replace(&block, bytes);
        drop(turn);
        replaced.map_err(|fail| match fail {
            Replaced::Written(fail) => begun(fail),
            Replaced::Lost(Fail::Os(_, errno)) if bytes.iter().any(|&byte| byte != 0) => {
                Fail::Os(What::WriteBack, errno)
            }
            Replaced::Lost(fail) => fail,
        })
    }

    /// That what is good of a block may be written: the last of it is, where it is. A limit for the
    /// size of files and the like would be met when it is gone. (Where nothing is good, nothing can
    /// be lost.)
    fn may_be_written(&self, block: &Range<u64>, bytes: &[u8]) -> Result<(), Fail> {
        let (mut at, mut sample) = (block.start, None);
        for sector in bytes.chunks(512) {
            if sector.iter().any(|&byte| byte != 0) {
                sample = Some((at, sector));
            }
            at = at.saturating_add(SECTOR);
        }
        sample.map_or(Ok(()), |(at, sector)| write(self.sys, self.fd, at, sector))
    }

    /// That none of a block was cut off meanwhile, and the file is still the one: the last look
    /// before data is lost.
    fn is_whole(&self, block: &Range<u64>) -> Result<(), Fail> {
        if size(self.sys, self.fd, self.facts)? < block.end.min(self.size) {
            Err(failed(Errno::EBUSY))
        } else {
            Ok(())
        }
    }

    /// Allocates a block that was punched out and writes it, and does so again as long as it comes
    /// to lie on bad sectors.
    fn replace(&self, block: &Range<u64>, bytes: &[u8]) -> Result<(), Replaced> {
        let Self { sys, fd, .. } = *self;
        let inside = block.start..block.end.min(self.size);
        let out = || self.is_whole(block).and_then(|()| punch(sys, fd, block)).is_ok();
        let mut seen = Ok(());
        for left in (0..TRIES).rev() {
            // Where that fails, writing allocates too, and says why it cannot: ext4 can punch files
            // that it cannot preallocate (those with the block lists of ext3).
            let allocated = again(|| sys.allocate(fd, block.start, self.block)).is_ok();
            let good = if allocated && left > 0 {
                is_good(sys, fd, self.facts, &inside)
            } else {
                Ok(true)
            };
            if matches!(good, Ok(false)) && out() {
                continue;
            }
            seen = seen.and(good.map(drop).map_err(Replaced::Written));
            match self.write_back(block, bytes) {
                Ok(()) => return seen,
                // It is bad, or there was none. Another one may be better.
                Err(Fail::Os(_, Errno::EIO | Errno::EFAULT | Errno::ENOSPC))
                    if left > 0 && out() => {}
                Err(fail) => return Err(Replaced::Lost(fail)),
            }
        }
        Err(Replaced::Lost(failed(Errno::EIO)))
    }

    /// Writes as much of a block as the file has still.
    fn write_back(&self, block: &Range<u64>, bytes: &[u8]) -> Result<(), Fail> {
        let left = size(self.sys, self.fd, self.facts)?.saturating_sub(block.start);
        let left = usize::try_from(left).unwrap_or(BLOCK).min(bytes.len());
        write(self.sys, self.fd, block.start, bytes.get(..left).unwrap_or_default())
    }

    /// That it was done.
    fn verify(&self) -> Result<(), Fail> {
        self.is_whole(&self.range)?;
        self.is_zero()?;
        if is_good(self.sys, self.fd, self.facts, &self.range)? {
            Ok(())
        } else {
            Err(failed(Errno::EIO))
        }
    }

    /// That all of it can be read, and is zeros.
    #[inline(never)]
    fn is_zero(&self) -> Result<(), Fail> {
        let mut room = [0; BLOCK];
        let mut at = self.range.start;
        while at < self.range.end {
            let length =
                usize::try_from(self.range.end.saturating_sub(at)).unwrap_or(BLOCK).min(BLOCK);
            let bytes = room.get_mut(..length).unwrap_or_default();
            if !read(self.sys, self.fd, at, bytes)? || bytes.iter().any(|&byte| byte != 0) {
                return Err(failed(Errno::EIO));
            }
            at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}

/// Why a block was not replaced.
enum Replaced {
    /// What was good in it is there.
    Written(Fail),
    /// What was good in it is not.
    Lost(Fail),
}

fn punch<S: Blocks>(sys: S, fd: i32, block: &Range<u64>) -> Result<(), Fail> {
    let length = block.end.saturating_sub(block.start);
    again(|| sys.punch(fd, block.start, length)).map_err(|fail| match fail {
        // Neither this file system nor this file can do it.
        Fail::Os(_, Errno::ENOTSUP | Errno::ENOSYS) => Fail::Unsupported,
        fail => fail,
    })
}

/// A bit for each sector that begins in these bytes of a block.
fn sectors(start: u64, end: u64) -> u8 {
    let below = |at: u64| {
        1_u16.checked_shl(u32::try_from(at.div_ceil(SECTOR)).unwrap_or(u32::MAX)).unwrap_or(0)
    };
    let [bits, _] = below(end).wrapping_sub(below(start)).to_le_bytes();
    bits
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
