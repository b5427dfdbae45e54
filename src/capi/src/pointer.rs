//! Checks of the pointers that C passes, before anything else is done with them.

use core::ptr::NonNull;

use crate::failure::Failure;

/// Returns a pointer that is neither NULL nor misaligned (a cast of a buffer of bytes).
#[inline]
pub(crate) fn aligned<T>(pointer: *mut T, argument: &'static str) -> Result<NonNull<T>, Failure> {
    match NonNull::new(pointer) {
        None => Err(Failure::Null(argument)),
        Some(pointer) if !pointer.is_aligned() => Err(Failure::Misaligned(argument)),
        Some(pointer) => Ok(pointer),
    }
}

/// Tells whether `out` points into the storage. Not where either is NULL, which is refused
/// elsewhere.
#[inline]
pub(crate) fn within<T, S>(out: *mut *mut T, storage: *mut S) -> bool {
    let (out, storage) = (out.addr(), storage.addr());
    out != 0
        && storage != 0
        && out < storage.saturating_add(size_of::<S>())
        && storage < out.saturating_add(size_of::<*mut T>())
}
