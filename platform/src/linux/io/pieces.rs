//! A transfer by system calls, each of which may do less than it was asked for.

use crate::Errno;

/// The smallest block that a system knows to be bad.
pub(super) const SECTOR: u64 = 512;

/// The kernel transfers no more at once (MAX_RW_COUNT).
const MOST: usize = 0x7FFF_F000;

const ENODATA: Errno = Errno::from_raw(rustix::io::Errno::NODATA.raw_os_error());
const EHWPOISON: Errno = Errno::from_raw(rustix::io::Errno::HWPOISON.raw_os_error());

/// Why a transfer goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The kernel transferred nothing, and that was no error.
    Nothing,
    /// No file has a byte with this offset.
    Offset,
    /// The medium is bad, in the naturally aligned `unit` bytes around `at` at the latest.
    Medium { at: u64, unit: u64 },
    /// The caller's memory.
    Buffer,
    /// Something else.
    Errno(Errno),
}

/// A failure that may have been at any byte of a piece.
#[derive(Clone, Copy)]
enum Somewhere {
    Medium,
    Buffer,
}

const fn somewhere(errno: Errno) -> Option<Somewhere> {
    match errno {
        // Of file systems; of disks that are read past the cache, where the medium failed; of memory that is known to be bad.
        Errno::EIO | ENODATA | EHWPOISON => Some(Somewhere::Medium),
        Errno::EFAULT => Some(Somewhere::Buffer),
        _ => None,
    }
}

/// Transfers `length` bytes at `offset` by `call`, which is given the offset in the file, the one in the buffer, and a length; or
/// says how many there were, and why not more.
///
/// A call that fails may have failed at any of its bytes, and what comes before may have been transferred or not. So a smaller
/// piece is tried then, down to the smallest: a sector of the file, where the medium is bad, a byte where the buffer is; or larger
/// ones, where a file that is read past the cache takes no such piece.
pub(super) fn in_pieces(
    offset: u64,
    length: usize,
    mut call: impl FnMut(u64, usize, usize) -> Result<usize, Errno>,
) -> Result<(), (usize, Stop)> {
    let (mut done, mut most) = (0_usize, MOST);
    // The smallest piece from `done` on that has failed.
    let mut failed = None;
    // Each turn transfers something, or makes the piece smaller, or was interrupted.
    while let Some(rest) = length.checked_sub(done).filter(|&rest| rest > 0) {
        let at = u64::try_from(done).ok().and_then(|done| offset.checked_add(done)).unwrap_or(u64::MAX);
        // The kernel's offsets have a sign.
        let room = i64::MAX.unsigned_abs().saturating_sub(at);
        let piece = usize::try_from(room).unwrap_or(usize::MAX).min(rest).min(most);
        if piece == 0 {
            return Err((done, Stop::Offset));
        }
        let errno = match call(at, done, piece) {
            Ok(0) => return Err((done, Stop::Nothing)),
            Ok(moved) => {
                // More than was asked for would be behind the buffer.
                done = done.saturating_add(moved.min(piece));
                most = most.saturating_mul(2).min(MOST);
                failed = None;
                continue;
            }
            Err(Errno::EINTR) => continue,
            Err(errno) => errno,
        };
        let smaller = match somewhere(errno) {
            Some(side) => {
                failed = Some((side, piece));
                match side {
                    Somewhere::Medium => half_of_sectors(at, piece),
                    Somewhere::Buffer => Some(piece.div_euclid(2)).filter(|&half| half > 0),
                }
            }
            None => None,
        };
        match (smaller, failed) {
            (Some(smaller), _) => most = smaller,
            (None, Some((Somewhere::Medium, piece))) => {
                return Err((done, Stop::Medium { at, unit: enclosing(at, piece) }));
            }
            (None, Some((Somewhere::Buffer, _))) => return Err((done, Stop::Buffer)),
            (None, None) => return Err((done, Stop::Errno(errno))),
        }
    }
    Ok(())
}

/// About half of a piece, up to the end of a sector; none if it is all in one.
fn half_of_sectors(at: u64, piece: usize) -> Option<usize> {
    let sector = usize::try_from(SECTOR).ok()?;
    let into = usize::try_from(at % SECTOR).ok()?;
    let first = sector.checked_sub(into).filter(|&first| first < piece)?;
    let sectors = piece.div_euclid(2).saturating_add(into).div_euclid(sector);
    Some(sectors.saturating_mul(sector).saturating_sub(into).max(first))
}

/// The smallest naturally aligned block, of a sector at least, that a piece is in.
fn enclosing(at: u64, piece: usize) -> u64 {
    let last = u64::try_from(piece.saturating_sub(1)).ok().and_then(|more| at.checked_add(more)).unwrap_or(u64::MAX);
    let differing = u64::BITS.saturating_sub((at ^ last).leading_zeros());
    1_u64.checked_shl(differing).unwrap_or(1 << 63).max(SECTOR)
}
