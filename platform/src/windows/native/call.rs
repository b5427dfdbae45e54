//! The parts that all calls share: failures, and sizes as Win32 has them.

use windows_sys::{Win32::Foundation::GetLastError, core::BOOL};

use crate::windows::errors::Code;

/// Returns the error of this thread's last call.
pub(super) fn last() -> Code {
    // SAFETY: GetLastError has no precondition.
    Code(unsafe { GetLastError() })
}

pub(super) fn done(success: BOOL) -> Result<(), Code> {
    if success == 0 { Err(last()) } else { Ok(()) }
}

/// Returns the size of a buffer in bytes, or in units, as Win32 has it.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

pub(super) fn index(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
