//! The copy of this processor, and the handler that knows it.

mod arch;
mod fault;
mod handler;
mod signal;
#[cfg(test)]
mod tests;

use core::{ffi::c_void, ops::Range};

use super::CopyFault;
use crate::Errno;
use fault::{Report, Side};
use signal::BUS_MCEERR_AR;

/// Somebody handles SIGBUS.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard(());

impl Guard {
    pub(super) fn install() -> Result<Self, Errno> {
        handler::install()?;
        Ok(Self(()))
    }

    /// Only processors without a copy have an error.
    #[expect(clippy::unnecessary_wraps, reason = "see none.rs")]
    pub(super) const fn of_the_program() -> Result<Self, Errno> {
        Ok(Self(()))
    }

    /// Copies `length` bytes, one side of which is in the guarded mapping.
    ///
    /// # Safety
    ///
    /// What is mapped of both ranges may be read and written, and nobody holds a reference to what is written. The guarded range is one
    /// mapping.
    pub(super) unsafe fn copy(
        self,
        target: *mut u8,
        source: *const u8,
        length: usize,
        guarded: Range<usize>,
    ) -> Result<(), CopyFault> {
        let copy: arch::Copy = arch::copy;
        // SAFETY: the caller's; and there is a handler, as this guard shows.
        let outcome = unsafe { copy(target, source, guarded.start, length, guarded.end) };
        let copied = length.saturating_sub(outcome.left);
        match Report::unpacked(outcome.report) {
            None => Ok(()),
            Some(Report { side: Side::Buffer, .. }) => Err(CopyFault::Buffer { copied }),
            Some(Report { side: Side::Medium, code, low_bits }) => {
                let unit = 1_u64.checked_shl(low_bits).unwrap_or(1);
                Err(CopyFault::Medium { copied, error: code == BUS_MCEERR_AR, unit })
            }
        }
    }
}

/// See [`resume_after_sigbus`](super::resume_after_sigbus).
///
/// # Safety
///
/// As there.
pub(super) unsafe fn resume(info: *mut c_void, context: *mut c_void) -> bool {
    let info: *const signal::Info = info.cast();
    // SAFETY: the caller's: the kernel has aligned them, and they are whole.
    unsafe { fault::resume(info, context.cast()) }
}
