//! Programs on Linux that handle SIGBUS themselves. Manual page: pmem2_sigbus_own(3).

use core::{
    ffi::{c_int, c_void},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use pmem2::transfer::{SigbusHandler, resume_after_sigbus};

/// Whether the program has said that it handles SIGBUS.
static OWNED: AtomicBool = AtomicBool::new(false);

/// Returns the program's handler for transfers, or `None`, where they install one.
pub fn sigbus_guard() -> Option<SigbusHandler> {
    OWNED.load(Relaxed).then(SigbusHandler::assume_installed).and_then(Result::ok)
}

#[doc = include_str!("../../man/pmem2_sigbus_own.md")]
pub fn sigbus_own() -> c_int {
    match SigbusHandler::assume_installed() {
        Ok(_) => {
            OWNED.store(true, Relaxed);
            0
        }
        Err(errno) => errno.raw().saturating_neg(),
    }
}

/// Ends a transfer that a SIGBUS came from: see [`sigbus_own`].
///
/// # Safety
///
/// As [`resume_after_sigbus`].
pub unsafe fn sigbus_resume(info: *mut c_void, context: *mut c_void) -> c_int {
    // SAFETY: as here.
    unsafe { resume_after_sigbus(info, context) }.into()
}
