//! Sources of Windows' handles.

use core::ffi::{c_int, c_void};

use pmem2::{
    Code, Handle,
    windows::{RawWinHandle, Windows},
};

use super::{
    answer::answer,
    source::{borrowed, make},
};
use crate::{
    failure::Failure,
    library::{CSource, Library},
    owned::Room,
    source::{Source, SourceStorage},
};

/// Makes a source of a handle: see [`source_from_fd`](crate::call::source_from_fd).
///
/// # Safety
///
/// `src` is NULL or valid for writes. `handle` is not closed while the source is used.
pub unsafe fn source_from_handle<L: Library<Platform = Windows>>(
    src: *mut *mut CSource<L>,
    handle: *mut c_void,
) -> c_int {
    let room = Room::Library { instead: "pmem2_source_init_handle" };
    // SAFETY: src is valid or NULL, and handle stays open, as here.
    unsafe { make::<L, _>(src, room, || borrowed(Windows, RawWinHandle::from_ptr(handle))) }
}

/// Makes a source of a handle in the caller's memory: see
/// [`source_from_fd`](crate::call::source_from_fd).
///
/// # Safety
///
/// As [`source_from_handle`]; `storage` is NULL or valid for writes, and left alone until the
/// source is deleted.
pub unsafe fn source_init_handle<L: Library<Platform = Windows>>(
    storage: *mut SourceStorage,
    src: *mut *mut CSource<L>,
    handle: *mut c_void,
) -> c_int {
    // SAFETY: storage and src are valid or NULL, and handle stays open, as here.
    unsafe {
        make::<L, _>(src, Room::Caller(storage), || {
            borrowed(Windows, RawWinHandle::from_ptr(handle))
        })
    }
}

#[doc = include_str!("../../man/pmem2_source_get_handle.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `handle` is NULL or valid for writes.
pub unsafe fn source_get_handle<L: Library<Platform = Windows>>(
    src: *const CSource<L>,
    handle: *mut *mut c_void,
) -> c_int {
    let get = |source: &Source<Windows>| match source {
        Source::Anonymous(_) => Err(Failure::Said(
            Code::FileHandleNotSet,
            "the source has no file handle: it is anonymous",
        )),
        Source::Descriptor(source) => Ok(source.handle().raw().as_ptr()),
    };
    // SAFETY: src and handle are valid or NULL, as here.
    unsafe { answer::<L, _>(src, handle, "handle", get) }
}
