//! Handles of Windows.

use core::ffi::{c_int, c_void};

use pmem2::{
    Code, Handle, Source,
    platform::Borrowed,
    windows::{RawWinHandle, Windows},
};

use super::{
    ask,
    create::{create, keep, put},
    fail,
};
use crate::{
    Edge, Object, Storage,
    failure::Failure,
    object::{Descriptor, Either},
    pointer::{usable, within},
};

/// Makes a source of a handle: see [`source_from_fd`](super::source_from_fd).
///
/// # Safety
///
/// `src` is NULL or valid for writes. `handle` is not closed while the source is used.
pub unsafe fn source_from_handle<E: Edge<Platform = Windows>>(
    src: *mut *mut Object<Windows>,
    handle: *mut c_void,
) -> c_int {
    // SAFETY: src is valid or NULL, and handle stays open, as here.
    unsafe {
        create::<E>(src, || source(handle), |source| keep::<E>(source, "pmem2_source_init_handle"))
    }
}

/// As [`source_from_handle`], in the caller's memory.
///
/// # Safety
///
/// As there; `storage` is NULL or valid for writes, and left alone until the source is deleted.
pub unsafe fn source_init_handle<E: Edge<Platform = Windows>>(
    storage: *mut Storage,
    src: *mut *mut Object<Windows>,
    handle: *mut c_void,
) -> c_int {
    if within(src, storage) {
        return fail::<E>(Failure::Within("src"));
    }
    // SAFETY: handle stays open, as here.
    let source = || usable(storage).and_then(|()| unsafe { source(handle) });
    // SAFETY: src is valid or NULL, as here; `put` comes after `usable`.
    unsafe { create::<E>(src, source, |source| Ok(put::<E>(storage, source))) }
}

#[doc = include_str!("../../man/pmem2_source_get_handle.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `handle` is NULL or valid for writes.
pub unsafe fn source_get_handle<E: Edge<Platform = Windows>>(
    src: *const Object<Windows>,
    handle: *mut *mut c_void,
) -> c_int {
    // SAFETY: src and handle are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, handle, "handle", |source| match source {
            Either::Anonymous(_) => Err(Failure::Said(
                Code::FileHandleNotSet,
                "the source has no file handle: it is anonymous",
            )),
            Either::Descriptor(source) => Ok(source.handle().raw().as_ptr()),
        })
    }
}

/// # Safety
///
/// `handle` is not closed while the source is used.
unsafe fn source(handle: *mut c_void) -> Result<Either<Windows>, Failure> {
    // SAFETY: from_raw wants a handle that keeps naming the same object. C's caller said that it is
    // not closed while the source is used, and with 'static nothing is promised to anybody: the
    // source ends when C deletes it. (What the manual pages forbid is noticed all the same, by the
    // identity that the source keeps, until another file gets the number.)
    let descriptor: Descriptor<_> =
        unsafe { Borrowed::from_raw(Windows, RawWinHandle::from_ptr(handle)) };
    Ok(Either::Descriptor(Source::new(descriptor)?))
}
