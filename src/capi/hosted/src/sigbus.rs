//! Programs that handle SIGBUS themselves. Manual page: pmem2_sigbus_own(3).

use core::{
    ffi::{c_int, c_void},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use pmem2::transfer::{SigbusHandler, resume_after_sigbus};

/// Whether the program has said that it handles SIGBUS.
static OWNED: AtomicBool = AtomicBool::new(false);

/// What transfers go through: the program's handler, or `None`, and they install one.
pub(crate) fn via() -> Option<SigbusHandler> {
    OWNED.load(Relaxed).then(SigbusHandler::of_the_program).and_then(Result::ok)
}

#[unsafe(no_mangle)]
extern "C" fn pmem2_sigbus_own() -> c_int {
    match SigbusHandler::of_the_program() {
        Ok(_) => {
            OWNED.store(true, Relaxed);
            0
        }
        Err(errno) => errno.raw().saturating_neg(),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pmem2_sigbus_resume(info: *mut c_void, context: *mut c_void) -> c_int {
    // SAFETY: libpmem2.h asks the caller in C for what the function asks for.
    unsafe { resume_after_sigbus(info, context) }.into()
}
