//! Pointers as C passes them, before anything is done with them.

use core::ptr::NonNull;

use crate::{Storage, failure::Failure};

/// Whether a source can be made there.
#[inline]
pub(crate) fn usable(storage: *mut Storage) -> Result<(), Failure> {
    aligned(storage, "storage").map(|_| ())
}

/// A pointer that can be used: it is not NULL, nor a cast from a buffer of bytes, which C lets pass.
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
pub(crate) fn within<T>(src: *mut *mut T, storage: *mut Storage) -> bool {
    // NULL is refused elsewhere, with a word of its own.
    let (src, storage) = (src.addr(), storage.addr());
    src != 0
        && storage != 0
        && src < storage.saturating_add(size_of::<Storage>())
        && storage < src.saturating_add(size_of::<*mut T>())
}
