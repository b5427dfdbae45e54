//! Other memory for the bad bytes of a file: each of their blocks is punched out, allocated and
//! written again.
//!
//! The file system may give out a bad block in its place, one that was freed before or the same.
//! Then that one is given back, too, and a spare file, which has no name and is gone when it is
//! closed, takes a block before the next one is asked for. With a journal, what was given back is
//! not given out again before the next commit, and without one the spare file takes it, or what
//! would come next (tried on ext4 and XFS).
//!
//! Between the punch and the write, what is good in a block is in this process's memory only.
//! Whatever may be in the way of the write is met before, in the spare file: the file system's
//! room, the quota, a limit for the size of files, a filter of calls.

use core::{ffi::CStr, ops::Range};

use rustix::fs::OFlags;

use super::{extents, failed, is_bad, is_good, list::BadSectors, place, turn::Turn};
use crate::{
    ClearBy, Errno, Facts, Fail, Subject,
    linux::{
        FileId,
        source::same,
        sys::{Stat, blocks::Blocks},
        sysfs,
    },
    transfer::pieces::{Refusal, Stop, in_pieces},
};

/// The largest block of a file system, whose good bytes are kept meanwhile. (That of a file system
/// with DAX is a page.)
const BLOCK: usize = 4096;

/// How often other memory is asked for where what comes is bad too, beside four times for each
/// block. (It took up to 26 times, and twice for each block, where thousands of bad ones were
/// free.)
const TRIES: u64 = 256;

/// How many blocks the spare file takes before that: one, twice as many each time, and no more than
/// this.
const MOST: u64 = 64;

/// How many blocks the spare file has to begin with, beside those in the place of the first and the
/// last one: of what is punched out, what keeps track of the others can take some.
const ROOM: u64 = 62;

/// What is to be done, and to which file.
struct Task<'t, S: Blocks> {
    sys: S,
    fd: i32,
    facts: &'t Facts<FileId>,
    /// What was bad before anything was done.
    list: &'t BadSectors,
    by: ClearBy,
    /// The file's, before anything was done.
    size: u64,
    owner: (u32, u32),
    /// The file system's, in bytes: a power of two.
    block: u64,
    /// The spare file, and where its next block goes.
    spare: Option<S::File>,
    next: u64,
    /// How often another block may still be asked for.
    tries: u64,
}

pub(super) fn clear<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: &Range<u64>,
    by: ClearBy,
) -> Result<(), Fail> {
    // Who clears another sector of the same block would have read it before, and would write it
    // back.
    let _turn = Turn::of(sys, facts.id).map_err(failed)?;
    let flags = sys.getfl(fd).map_err(failed)?;
    // What was written would go to the end of the file. It may have been said since the file was
    // described, and while this waited.
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
    again(Subject::Sync, || sys.fsync(fd))?;
    let kept = renew_all(sys, fd, facts, range, by)?;
    // A failure is about all that was written to the file, by whom ever, and is told once only.
    again(if kept { Subject::WriteBack } else { Subject::ClearBadBlock }, || sys.fsync(fd))?;
    let done = size(sys, fd, facts).and_then(|size| match size {
        size if size < range.end => Err(failed(Errno::EBUSY)),
        _ => Ok(is_zero(sys, fd, range)? && is_good(sys, fd, facts, range)?),
    });
    if done.map_err(begun)? { Ok(()) } else { Err(failed(Errno::EIO)) }
}

/// What does not answer any more when something was done.
fn begun(fail: Fail) -> Fail {
    match fail {
        // It was done: where it lies now cannot be told.
        Fail::Unsupported => failed(Errno::EIO),
        // They were, before: somebody else was here.
        Fail::Absent(Subject::BadBlocks) => failed(Errno::EBUSY),
        fail => fail,
    }
}

/// The size of the file, if it is still the one.
fn size<S: Blocks>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<u64, Fail> {
    size_of(&same(sys, fd, facts)?)
}

fn size_of(stat: &Stat) -> Result<u64, Fail> {
    u64::try_from(stat.size).map_err(|_| Fail::Malformed(Subject::Size))
}

/// Makes a call until no signal interrupts it.
fn again<T>(what: Subject, mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Fail> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            called => return called.map_err(|errno| Fail::Os(what, errno)),
        }
    }
}

/// Whether there is anything that must not be lost.
fn matter(bytes: &[u8]) -> bool {
    bytes.iter().any(|&byte| byte != 0)
}

/// Gives the file other blocks for all that have a byte of the range: whether good bytes are in
/// them.
#[inline(never)]
fn renew_all<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: &Range<u64>,
    by: ClearBy,
) -> Result<bool, Fail> {
    let list = &place::list(sys, fd, facts)?;
    is_bad(sys, fd, facts, list, range)?;
    let block = sys.block_size(fd).map_err(failed)?;
    if !block.is_power_of_two() || !(512..=4096).contains(&block) {
        return Err(Fail::Unsupported);
    }
    let start = range.start & !block.wrapping_sub(1);
    let end = range.end.checked_next_multiple_of(block).ok_or(failed(Errno::EOVERFLOW))?;
    let last = end.saturating_sub(block);
    // Where the spare file has nothing else, and may still grow.
    let next = if start > 1 << 39 { 0 } else { end };
    let stat = same(sys, fd, facts)?;
    let (size, owner) = (size_of(&stat)?, stat.owner);
    let tries = (end.saturating_sub(start) >> block.trailing_zeros()).saturating_mul(4);
    let tries = tries.saturating_add(TRIES);
    let mut task = Task { sys, fd, facts, list, by, size, owner, block, spare: None, next, tries };
    match task.make_spare() {
        // Where nothing good can be lost, it is done without one.
        Err(Fail::Os(Subject::Spare, _)) => {}
        made => made?,
    }
    // Between the first block and the last one nothing is good: if the last one's can be kept,
    // too, it is begun.
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

    /// What is good of the block that begins here, and zeros in the place of the rest, if nothing
    /// that can be known is in the way of writing it again.
    #[inline(never)]
    fn keep<'r>(&mut self, start: u64, room: &'r mut [u8; BLOCK]) -> Result<&'r [u8], Fail> {
        let end = self.end(start);
        // Of what is behind the end of the file nothing is kept.
        let inside = usize::try_from(end.min(self.size).saturating_sub(start));
        let bytes = room.get_mut(..inside.unwrap_or(BLOCK)).unwrap_or_default();
        let mut bad = start..start;
        for (at, sector) in (start..).step_by(512).zip(bytes.chunks_mut(512)) {
            if at >= bad.end {
                bad = self.bad(at, end)?.unwrap_or(end..end);
            }
            if at < bad.start {
                // The kernel reads no byte of a page of a DAX file that has a bad one. What was
                // read of a sector is no sector.
                match (read(self.sys, self.fd, at, sector)?, self.by) {
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

    /// The first bytes of these that lie on what was bad. What is not settled yet is asked for as
    /// it is: that of others may not come to its place at all.
    fn bad(&self, at: u64, end: u64) -> Result<Option<Range<u64>>, Fail> {
        extents::first(self.sys, self.fd, self.list, at, end, 0)
    }

    /// Makes the spare file, beside the one that is cleared.
    fn make_spare(&mut self) -> Result<(), Fail> {
        let spare = self.beside().map_err(|errno| match errno {
            Errno::ENOSPC | Errno::EDQUOT => failed(errno),
            errno => Fail::Os(Subject::Spare, errno),
        })?;
        let length = self.block.saturating_mul(ROOM);
        self.allocate(self.sys.raw(&spare), self.next, length)?;
        (self.spare, self.next) = (Some(spare), self.next.saturating_add(length));
        Ok(())
    }

    /// A file without a name, in the directory that the file is in.
    #[inline(never)]
    fn beside(&self) -> Result<S::File, Errno> {
        let link = sysfs::path(Subject::Spare, format_args!("/proc/self/fd/{}", self.fd));
        let (link, mut path) = (link.map_err(|_| Errno::ENOENT)?, [0; 4097]);
        let (target, _) = path.split_at_mut(4096);
        let length = self.sys.readlink(link.as_c_str(), target)?;
        let slash = path.iter().take(length).rposition(|&byte| byte == b'/');
        let name = path.iter_mut().skip(slash.ok_or(Errno::ENOENT)?.saturating_add(1));
        name.for_each(|byte| *byte = 0);
        let directory = CStr::from_bytes_until_nul(&path).map_err(|_| Errno::ENOENT)?;
        let spare = self.sys.spare(directory)?;
        let fd = self.sys.raw(&spare);
        let made = self.sys.fstat(fd)?;
        // The path may be that of another file system, here.
        if made.dev != self.facts.id.dev {
            return Err(EXDEV);
        }
        // The quotas to be met are those of whom the file belongs to.
        if made.owner != self.owner {
            self.sys.give(fd, self.owner)?;
        }
        Ok(spare)
    }

    /// Does to the spare file what is to be done to the file, in the same place.
    fn rehearse(&mut self, at: u64, bytes: &[u8]) -> Result<(), Fail> {
        if self.spare.is_none() {
            self.make_spare()?;
        }
        let Some(fd) = self.spare.as_ref().map(|spare| self.sys.raw(spare)) else { return Ok(()) };
        self.allocate(fd, at, self.block)?;
        // The last byte: a limit for the size of files is met by it.
        let end = at.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        match write(self.sys, fd, end.saturating_sub(1), &[0]) {
            // It may itself lie on bad memory.
            Err(Fail::Os(_, Errno::EIO | Errno::EFAULT)) => Ok(()),
            written => written,
        }
    }

    /// Gives the file another block here, with the same good sectors, and zeros in the place of the
    /// others: whether there are any.
    #[inline(never)]
    fn renew(&mut self, at: u64) -> Result<bool, Fail> {
        let mut room = [0; BLOCK];
        let bytes = self.keep(at, &mut room)?;
        self.is_whole(at)?;
        // To allocate what is allocated changes nothing. ext4 can punch files that it cannot
        // preallocate (those with the block lists of ext3).
        self.allocate(self.fd, at, self.block)?;
        self.punch(at)?;
        let mut more = 1;
        // Whatever happens from here on, what was good is written back.
        loop {
            // Where that fails, writing says why, or allocates too.
            let _ = self.allocate(self.fd, at, self.block);
            let bad = self.bad(at, self.end(at).min(self.size));
            if matches!(bad, Ok(Some(_))) && self.try_again(at, &mut more) {
                continue;
            }
            match self.write_back(at, bytes) {
                Ok(()) => return bad.map(|_| matter(bytes)).map_err(begun),
                // It is bad, or there was none. Another one may be better.
                Err(Fail::Os(_, Errno::EIO | Errno::EFAULT | Errno::ENOSPC | Errno::EDQUOT))
                    if self.try_again(at, &mut more) => {}
                Err(Fail::Os(_, errno)) if matter(bytes) => {
                    return Err(Fail::Os(Subject::WriteBack, errno));
                }
                Err(fail) => return Err(fail),
            }
        }
    }

    /// Gives a block back, and those that would come next to the spare file, one by one as the
    /// block is asked for; or all that this has to the file system, where that has no more, or
    /// not often enough.
    fn try_again(&mut self, at: u64, more: &mut u64) -> bool {
        if self.tries == 0 || self.punch(at).is_err() {
            return false;
        }
        self.tries = self.tries.saturating_sub(1);
        for _ in 0..*more {
            let taken = |spare: &S::File| self.allocate(self.sys.raw(spare), self.next, self.block);
            if self.tries == 0 || self.spare.as_ref().is_some_and(|spare| taken(spare).is_err()) {
                self.spare = None;
            }
            self.next = self.end(self.next);
        }
        *more = more.saturating_mul(2).min(MOST);
        true
    }

    /// That a block has as much of the file as before: nothing was cut off or appended meanwhile.
    /// And the file is still the one.
    fn is_whole(&self, at: u64) -> Result<(), Fail> {
        let (size, end) = (size(self.sys, self.fd, self.facts)?, self.end(at));
        if size.min(end) == self.size.min(end) { Ok(()) } else { Err(failed(Errno::EBUSY)) }
    }

    /// After the last look before data is lost.
    fn punch(&self, at: u64) -> Result<(), Fail> {
        self.is_whole(at)?;
        again(Subject::ClearBadBlock, || self.sys.punch(self.fd, at, self.block))
            .map_err(unsupported)
    }

    fn allocate(&self, fd: i32, at: u64, length: u64) -> Result<(), Fail> {
        again(Subject::ClearBadBlock, || self.sys.allocate(fd, at, length)).map_err(unsupported)
    }

    /// Writes as much of a block as the file has still.
    fn write_back(&self, at: u64, bytes: &[u8]) -> Result<(), Fail> {
        let left = size(self.sys, self.fd, self.facts)?.saturating_sub(at);
        let left = usize::try_from(left).unwrap_or(BLOCK).min(bytes.len());
        write(self.sys, self.fd, at, bytes.get(..left).unwrap_or_default())
    }
}

/// Neither this file system nor this file can do it.
fn unsupported(fail: Fail) -> Fail {
    match fail {
        Fail::Os(_, Errno::ENOTSUP | Errno::ENOSYS) => Fail::Unsupported,
        fail => fail,
    }
}

const EXDEV: Errno = Errno::from_raw(rustix::io::Errno::XDEV.raw_os_error());

/// Whether all of it can be read, and is zeros.
#[inline(never)]
fn is_zero<S: Blocks>(sys: S, fd: i32, range: &Range<u64>) -> Result<bool, Fail> {
    let mut room = [0; BLOCK];
    let mut at = range.start;
    while at < range.end {
        let length = usize::try_from(range.end.saturating_sub(at)).unwrap_or(BLOCK).min(BLOCK);
        let bytes = room.get_mut(..length).unwrap_or_default();
        if !read(sys, fd, at, bytes)? || matter(bytes) {
            return Ok(false);
        }
        at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    }
    Ok(true)
}

/// Fills all of it, unless it is bad.
fn read<S: Blocks>(sys: S, fd: i32, at: u64, bytes: &mut [u8]) -> Result<bool, Fail> {
    let length = bytes.len();
    let read = |at, done| sys.read_at(fd, bytes.get_mut(done..).unwrap_or_default(), at);
    match transfer(at, length, read) {
        Err(Stop::Other(Errno::EIO)) => Ok(false),
        read => read.map(|()| true).map_err(stopped),
    }
}

/// Writes all of it.
fn write<S: Blocks>(sys: S, fd: i32, at: u64, bytes: &[u8]) -> Result<(), Fail> {
    let write = |at, done| sys.write_at(fd, bytes.get(done..).unwrap_or_default(), at);
    transfer(at, bytes.len(), write).map_err(stopped)
}

/// What a call did that did more than it was asked for is not known: it did nothing.
fn transfer(
    at: u64,
    length: usize,
    mut call: impl FnMut(u64, usize) -> Result<usize, Errno>,
) -> Result<(), Stop<Errno>> {
    let moved = in_pieces(at, length, length, |at, done, rest| match call(at, done) {
        Ok(moved) => Ok(if moved > rest { 0 } else { moved }),
        Err(Errno::EINTR) => Err(Refusal::Again),
        Err(errno) => Err(Refusal::Other(errno)),
    });
    moved.map_err(|(_, stop)| stop)
}

fn stopped(stop: Stop<Errno>) -> Fail {
    failed(if let Stop::Other(errno) = stop { errno } else { Errno::EIO })
}
