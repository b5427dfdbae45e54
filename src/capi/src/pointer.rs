//! Pointers as C passes them, before anything is done with them.

use core::ptr::NonNull;

use crate::failure::Failure;

/// Whether a source, or a context, can be made there.
#[inline]
pub(crate) fn usable<S>(storage: *mut S) -> Result<(), Failure> {
    aligned(storage, "storage").map(|_| ())
}

/// A pointer that can be used: it is not NULL, nor a cast from a buffer of bytes, which C lets
/// pass.
#[inline]
pub(crate) fn aligned<T>(pointer: *mut T, name: &'static str) -> Result<NonNull<T>, Failure> {
    match NonNull::new(pointer) {
        None => Err(Failure::Null(name)),
        Some(pointer) if !pointer.is_aligned() => Err(Failure::Misaligned(name)),
        Some(pointer) => Ok(pointer),
    }
}

/// Whether what is written to `src` would lie in the storage.
#[inline]
pub(crate) fn within<T, S>(src: *mut *mut T, storage: *mut S) -> bool {
    // NULL is refused elsewhere, with a word of its own.
    let (src, storage) = (src.addr(), storage.addr());
    src != 0
        && storage != 0
        && src < storage.saturating_add(size_of::<S>())
        && storage < src.saturating_add(size_of::<*mut T>())
}
