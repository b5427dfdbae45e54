//! The page size.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::Sys;
use crate::{
    alignment::Alignment,
    errno::Errno,
    fail::{Fail, Subject},
};

/// The page size where the ABI fixes it; `None` where the kernel decides.
pub(in crate::linux) const FIXED: Option<Alignment> = if cfg!(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "riscv64",
    target_arch = "riscv32",
    target_arch = "s390x"
)) {
    Alignment::new(4096)
} else {
    None
};

/// Returns the page size.
#[inline]
pub(in crate::linux) fn size<S: Sys>(sys: S) -> Result<Alignment, Fail> {
    match FIXED {
        Some(fixed) => Ok(fixed),
        None => {
            static KNOWN: AtomicU32 = AtomicU32::new(0);
            probe_once(sys, &KNOWN)
        }
    }
}

/// Returns the page size of the running kernel. `known` is a constant that is found late, not
/// state: the page size cannot change while a kernel runs.
pub(in crate::linux) fn probe_once<S: Sys>(sys: S, known: &AtomicU32) -> Result<Alignment, Fail> {
    if let Some(size) = Alignment::new(known.load(Relaxed).into()) {
        return Ok(size);
    }
    let size = probe(sys)?;
    known.store(u32::try_from(size.bytes()).unwrap_or(0), Relaxed);
    Ok(size)
}

/// Finds the page size by msync(2) of no bytes.
///
/// It fails with EINVAL exactly for an address that is no multiple of the page size. An address of
/// N is a multiple of every page size up to N and of none above. (The auxiliary vector has the
/// number, too, but only the C library knows where it is.)
pub(in crate::linux) fn probe<S: Sys>(sys: S) -> Result<Alignment, Fail> {
    for candidate in [4096_u32, 8192, 16384, 32768, 65536, 262_144] {
        let address = usize::try_from(candidate).map_err(|_| Fail::Malformed(Subject::PageSize))?;
        match sys.msync_nothing(address) {
            Ok(()) => {
                return Alignment::new(candidate.into()).ok_or(Fail::Malformed(Subject::PageSize));
            }
            Err(Errno::EINVAL) => {}
            Err(errno) => return Err(Fail::Os(Subject::PageSize, errno)),
        }
    }
    Err(Fail::Malformed(Subject::PageSize))
}
