//! A transfer by system calls, each of which may do less than it was asked for.

use core::iter;

use super::{Partial, after};
use crate::{
    alignment::Alignment,
    errno::Errno,
    fail::{Fail, Subject},
};

/// The smallest block that a system knows to be bad, in bytes.
pub(crate) const SECTOR: u64 = 512;

const BLOCK: Alignment = Alignment::from_log2(SECTOR.trailing_zeros());

/// Transfers `length` bytes at `offset` by `call`, which is given the offset in the file, the one
/// in the buffer, and a length of at most `limit`. `subject` is [`Subject::Read`] or
/// [`Subject::Write`].
///
/// A call that fails with [`Fail::BadMemory`] (of any unit) or [`Fail::BUFFER`] may have failed at
/// any of its bytes, and those before may have been transferred or not. Therefore a smaller piece
/// is tried next, down to the smallest: a sector of the file where its memory is bad, a byte where
/// the buffer is. A file that is read past the cache takes no piece as small as that.
pub(crate) fn in_pieces(
    subject: Subject,
    offset: u64,
    length: usize,
    limit: usize,
    mut call: impl FnMut(u64, usize, usize) -> Result<usize, Fail>,
) -> Result<(), Partial> {
    let (mut done, mut most) = (0_usize, limit);
    // How the smallest piece from `done` on has failed.
    let mut failed = None;
    // Each turn transfers something, or makes the piece smaller.
    while let Some(rest) = length.checked_sub(done).filter(|&rest| rest > 0) {
        let at = after(offset, done);
        // The systems' offsets have a sign.
        let room = i64::MAX.unsigned_abs().saturating_sub(at);
        let piece = usize::try_from(room).unwrap_or(usize::MAX).min(rest).min(most);
        let moved = match (piece, subject) {
            (0, Subject::Read) => Ok(0),
            (0, _) => Err(Fail::Os(subject, Errno::EFBIG)),
            _ => call(at, done, piece),
        };
        let (fail, smaller) = match moved {
            Ok(0) if subject == Subject::Read => (Fail::Ended, None),
            // A file that takes nothing makes no sense.
            Ok(0) => (Fail::Malformed(subject), None),
            Ok(moved) => {
                // More than was asked for would be past the buffer.
                done = done.saturating_add(moved.min(piece));
                most = most.saturating_mul(2).min(limit);
                failed = None;
                continue;
            }
            Err(Fail::BadMemory(_)) => {
                (Fail::BadMemory(enclosing(at, piece)), half_of_sectors(at, piece))
            }
            Err(Fail::BUFFER) => (Fail::BUFFER, Some(piece.div_euclid(2)).filter(|&half| half > 0)),
            // A smaller piece than the one that failed may be refused for being small.
            Err(other) => (failed.unwrap_or(other), None),
        };
        match smaller {
            Some(smaller) => (most, failed) = (smaller, Some(fail)),
            None => return Err(Partial { done, fail }),
        }
    }
    Ok(())
}

/// About half of a piece, up to the end of a sector; none if the piece is all in one.
fn half_of_sectors(at: u64, piece: usize) -> Option<usize> {
    let sector = usize::try_from(SECTOR).ok()?;
    let into = usize::try_from(at.wrapping_sub(BLOCK.floor(at))).ok()?;
    let first = sector.checked_sub(into).filter(|&first| first < piece)?;
    let sectors = piece.div_euclid(2).saturating_add(into).div_euclid(sector);
    Some(sectors.saturating_mul(sector).saturating_sub(into).max(first))
}

/// The smallest naturally aligned block, of a sector at least, that a piece is in.
fn enclosing(at: u64, piece: usize) -> Alignment {
    let last = after(at, piece.saturating_sub(1));
    Alignment::from_log2(u64::BITS.saturating_sub((at ^ last).leading_zeros())).max(BLOCK)
}

impl Partial {
    /// Makes the block that is bad no smaller than `unit` of its first byte: what the system knows.
    /// `offset` is where the transfer began.
    pub(crate) fn no_finer(self, offset: u64, unit: impl FnOnce(u64) -> Alignment) -> Self {
        let Fail::BadMemory(known) = self.fail else { return self };
        Self { fail: Fail::BadMemory(known.max(unit(self.reached(offset)))), ..self }
    }
}

/// The smallest naturally aligned block around which anything can be read, or `largest`: the bytes
/// that may be bad where the sector at `at` cannot be read. The system does not say which are: it
/// reads sectors, or whole pages, of a size that nobody asks for.
pub(crate) fn exact(at: u64, largest: Alignment, readable: impl Fn(u64) -> bool) -> Alignment {
    let mut unit = BLOCK;
    while unit < largest {
        let larger = Alignment::new(unit.bytes().saturating_mul(8)).unwrap_or(largest).min(largest);
        let (bad, first) = (unit.floor(at), larger.floor(at));
        let last = first.saturating_add(larger.bytes());
        let others = iter::successors(Some(first), |at| at.checked_add(unit.bytes()))
            .take_while(|&at| at < last);
        if others.filter(|&at| at != bad).any(&readable) {
            break;
        }
        unit = larger;
    }
    unit
}
