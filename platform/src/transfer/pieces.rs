//! A transfer by system calls, each of which may do less than it was asked for.

/// The smallest block that a system knows to be bad.
pub(crate) const SECTOR: u64 = 512;

/// Why a call transferred nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal<E> {
    /// It was interrupted.
    #[cfg_attr(windows, allow(dead_code, reason = "no call is there"))]
    Again,
    /// The medium is bad, at any byte of the piece.
    Medium,
    /// The caller's memory is, likewise.
    Buffer,
    /// Something else.
    Other(E),
}

/// Why a transfer goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop<E> {
    /// The system transferred nothing, and that was no error.
    Nothing,
    /// No file has a byte with this offset.
    Offset,
    /// The medium is bad, in the naturally aligned `unit` bytes around `at` at the latest.
    Medium { at: u64, unit: u64 },
    /// The caller's memory.
    Buffer,
    /// Something else.
    Other(E),
}

/// A failure that may have been at any byte of a piece.
#[derive(Clone, Copy)]
enum Somewhere {
    Medium,
    Buffer,
}

/// Transfers `length` bytes at `offset` by `call`, which is given the offset in the file, the one
/// in the buffer, and a length, of `limit` at most; or says how many there were, and why not more.
///
/// A call that fails may have failed at any of its bytes, and what comes before may have been
/// transferred or not. So a smaller piece is tried then, down to the smallest: a sector of the
/// file, where the medium is bad, a byte where the buffer is; or larger ones, where a file that is
/// read past the cache takes no such piece.
pub(crate) fn in_pieces<E>(
    offset: u64,
    length: usize,
    limit: usize,
    mut call: impl FnMut(u64, usize, usize) -> Result<usize, Refusal<E>>,
) -> Result<(), (usize, Stop<E>)> {
    let (mut done, mut most) = (0_usize, limit);
    // The smallest piece from `done` on that has failed.
    let mut failed = None;
    // Each turn transfers something, or makes the piece smaller, or was interrupted.
    while let Some(rest) = length.checked_sub(done).filter(|&rest| rest > 0) {
        let at =
            u64::try_from(done).ok().and_then(|done| offset.checked_add(done)).unwrap_or(u64::MAX);
        // The systems' offsets have a sign.
        let room = i64::MAX.unsigned_abs().saturating_sub(at);
        let piece = usize::try_from(room).unwrap_or(usize::MAX).min(rest).min(most);
        if piece == 0 {
            return Err((done, Stop::Offset));
        }
        let refusal = match call(at, done, piece) {
            Ok(0) => return Err((done, Stop::Nothing)),
            Ok(moved) => {
                // More than was asked for would be behind the buffer.
                done = done.saturating_add(moved.min(piece));
                most = most.saturating_mul(2).min(limit);
                failed = None;
                continue;
            }
            Err(refusal) => refusal,
        };
        let smaller = match refusal {
            Refusal::Again => continue,
            Refusal::Medium => {
                failed = Some((Somewhere::Medium, piece));
                half_of_sectors(at, piece)
            }
            Refusal::Buffer => {
                failed = Some((Somewhere::Buffer, piece));
                Some(piece.div_euclid(2)).filter(|&half| half > 0)
            }
            // A smaller piece than the one that failed may be refused for being small.
            Refusal::Other(other) if failed.is_none() => return Err((done, Stop::Other(other))),
            Refusal::Other(_) => None,
        };
        match (smaller, failed) {
            (Some(smaller), _) => most = smaller,
            (None, Some((Somewhere::Medium, piece))) => {
                return Err((done, Stop::Medium { at, unit: enclosing(at, piece) }));
            }
            (None, _) => return Err((done, Stop::Buffer)),
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
    let last = u64::try_from(piece.saturating_sub(1))
        .ok()
        .and_then(|more| at.checked_add(more))
        .unwrap_or(u64::MAX);
    let differing = u64::BITS.saturating_sub((at ^ last).leading_zeros());
    1_u64.checked_shl(differing).unwrap_or(1 << 63).max(SECTOR)
}

/// The bytes around `at`, where a sector cannot be read, of which the system does not say which are
/// bad: it reads sectors, or whole pages, of a size that nobody asks for. The smallest naturally
/// aligned block around which anything can be read, or the largest.
pub(crate) fn exact(at: u64, largest: u64, readable: impl Fn(u64) -> bool) -> u64 {
    let mut unit = SECTOR;
    while unit < largest {
        let larger = unit.saturating_mul(8).min(largest);
        let within = |at: u64, block: u64| at & !block.saturating_sub(1);
        let (bad, first) = (within(at, unit), within(at, larger));
        let last = first.saturating_add(larger);
        let others = core::iter::successors(Some(first), |at| at.checked_add(unit))
            .take_while(|&at| at < last);
        if others.filter(|&at| at != bad).any(&readable) {
            break;
        }
        unit = larger;
    }
    unit
}
