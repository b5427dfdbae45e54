//! The bytes of a block: reading and writing all of them, or none.

use core::ops::Range;

use crate::{
    errno::Errno,
    fail::{Fail, Subject},
    linux::{
        badblocks::known::failed,
        sys::{blocks::Blocks, fd::retry},
    },
    transfer::pieces::in_pieces,
};

/// The largest block of a file system. (With DAX, it is a page.)
pub(super) const BLOCK: usize = 4096;

/// Whether any byte must not be lost.
pub(super) fn matter(bytes: &[u8]) -> bool {
    bytes.iter().any(|&byte| byte != 0)
}

/// Whether all of a range can be read, and is zeros.
#[inline(never)]
pub(super) fn is_zero<S: Blocks>(sys: S, fd: i32, range: &Range<u64>) -> Result<bool, Fail> {
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

/// Reads all of `bytes`. Returns whether that succeeds: they may be bad.
pub(super) fn read<S: Blocks>(sys: S, fd: i32, at: u64, bytes: &mut [u8]) -> Result<bool, Fail> {
    let length = bytes.len();
    let read = |at, done| sys.read_at(fd, bytes.get_mut(done..).unwrap_or_default(), at);
    match transfer(Subject::Read, at, length, read) {
        Err(Fail::Os(_, Errno::EIO)) => Ok(false),
        read => read.map(|()| true).map_err(stopped),
    }
}

/// Writes all of `bytes`.
pub(super) fn write<S: Blocks>(sys: S, fd: i32, at: u64, bytes: &[u8]) -> Result<(), Fail> {
    let write = |at, done| sys.write_at(fd, bytes.get(done..).unwrap_or_default(), at);
    transfer(Subject::Write, at, bytes.len(), write).map_err(stopped)
}

/// Transfers all bytes. A call that reports more bytes than were asked for transferred none.
fn transfer(
    subject: Subject,
    at: u64,
    length: usize,
    mut call: impl FnMut(u64, usize) -> Result<usize, Errno>,
) -> Result<(), Fail> {
    let moved = in_pieces(subject, at, length, length, |at, done, rest| {
        let moved = retry(|| call(at, done)).map_err(|errno| Fail::Os(subject, errno))?;
        Ok(if moved > rest { 0 } else { moved })
    });
    moved.map_err(|partial| partial.fail)
}

fn stopped(fail: Fail) -> Fail {
    failed(if let Fail::Os(_, errno) = fail { errno } else { Errno::EIO })
}
