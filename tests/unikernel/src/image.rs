//! The library for a program in C: pmem2's functions over this kernel, and the kernel's own.

use core::ffi::{CStr, c_char, c_int};

use crate::{kernel::Kernel, suite};

static KERNEL: Kernel = Kernel::new();

pmem2_capi::export!(&'static Kernel = &KERNEL, 3);

/// Opens a name, and returns the lowest free descriptor, or -1.
///
/// # Safety
///
/// `name` is a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn kernel_open(name: *const c_char, mode: u32) -> c_int {
    // SAFETY: the caller's: it is a string.
    let name = unsafe { CStr::from_ptr(name) };
    let number = name.to_str().ok().and_then(|name| KERNEL.open(name, mode).ok());
    number.map_or(-1, c_int::from)
}

/// 0, or -1.
#[unsafe(no_mangle)]
extern "C" fn kernel_close(number: c_int) -> c_int {
    // SAFETY: a program in C closes only what it has opened. Otherwise its sources notice: the core
    // compares their objects.
    let closed = u16::try_from(number).is_ok_and(|number| unsafe { KERNEL.close(number) }.is_ok());
    if closed { 0 } else { -1 }
}

/// 0, or -1.
#[unsafe(no_mangle)]
extern "C" fn kernel_resize(number: c_int, bytes: u64) -> c_int {
    let resized = u16::try_from(number).is_ok_and(|number| KERNEL.resize(number, bytes).is_ok());
    if resized { 0 } else { -1 }
}

/// Marks a page of a file as bad, in place of the hardware. Returns 0, or -1.
#[unsafe(no_mangle)]
extern "C" fn kernel_spoil(number: c_int, page: u32) -> c_int {
    let spoilt = u16::try_from(number).is_ok_and(|number| KERNEL.spoil(number, page).is_ok());
    if spoilt { 0 } else { -1 }
}

/// Runs the conformance suite in the kernel, while no descriptor is open. Returns 0 if it passed.
#[unsafe(no_mangle)]
extern "C" fn kernel_check() -> c_int {
    match suite::run(&KERNEL) {
        Ok(()) => 0,
        Err(suite::Failed::Open(_)) => -1,
        Err(suite::Failed::Rule(_)) => -2,
    }
}
