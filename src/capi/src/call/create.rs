//! How sources begin and end.

use core::{
    ffi::c_int,
    ptr::{self, NonNull},
};

use pmem2::{
    Anonymous, Code, Error, Source,
    error::Memory,
    platform::{Borrowed, Platform},
};

use super::fail;
use crate::{
    Edge, Keep, Object, Storage,
    failure::Failure,
    object::{Descriptor, Either, Home, raw},
    pointer::{aligned, usable, within},
};

#[doc = include_str!("../../man/pmem2_source_from_fd.md")]
///
/// # Safety
///
/// `src` is NULL or valid for writes. `fd` is not closed while the source is used.
#[inline]
pub unsafe fn source_from_fd<E: Edge>(src: *mut *mut Object<E::Platform>, fd: c_int) -> c_int
where
    E::Platform: Platform<Raw: TryFrom<c_int>>,
{
    // SAFETY: src is valid or NULL, and fd stays open, as here.
    unsafe {
        create::<E>(src, || descriptor::<E>(fd), |source| keep::<E>(source, "pmem2_source_init_fd"))
    }
}

#[doc = include_str!("../../man/pmem2_source_from_anon.md")]
///
/// # Safety
///
/// `src` is NULL or valid for writes.
#[inline]
pub unsafe fn source_from_anon<E: Edge>(src: *mut *mut Object<E::Platform>, size: usize) -> c_int {
    // SAFETY: src is valid or NULL, as here.
    unsafe {
        create::<E>(
            src,
            || anonymous::<E>(size),
            |source| keep::<E>(source, "pmem2_source_init_anon"),
        )
    }
}

#[doc = include_str!("../../man/pmem2_source_init_fd.md")]
///
/// # Safety
///
/// `storage` and `src` are NULL or valid for writes, and `storage` is left alone until the source
/// is deleted. `fd` is not closed while the source is used.
#[inline]
pub unsafe fn source_init_fd<E: Edge>(
    storage: *mut Storage,
    src: *mut *mut Object<E::Platform>,
    fd: c_int,
) -> c_int
where
    E::Platform: Platform<Raw: TryFrom<c_int>>,
{
    if within(src, storage) {
        return fail::<E>(Failure::Within("src"));
    }
    // SAFETY: fd stays open, as here.
    let source = || usable(storage).and_then(|()| unsafe { descriptor::<E>(fd) });
    // SAFETY: src is valid or NULL, as here; `put` comes after `usable`.
    unsafe { create::<E>(src, source, |source| Ok(put::<E>(storage, source))) }
}

/// As [`source_init_fd`], for anonymous memory.
///
/// # Safety
///
/// `storage` and `src` are NULL or valid for writes, and `storage` is left alone until the source
/// is deleted.
#[inline]
pub unsafe fn source_init_anon<E: Edge>(
    storage: *mut Storage,
    src: *mut *mut Object<E::Platform>,
    size: usize,
) -> c_int {
    if within(src, storage) {
        return fail::<E>(Failure::Within("src"));
    }
    let source = || usable(storage).and_then(|()| anonymous::<E>(size));
    // SAFETY: src is valid or NULL, as here; `put` comes after `usable`.
    unsafe { create::<E>(src, source, |source| Ok(put::<E>(storage, source))) }
}

/// Ends a source: see [`source_from_fd`].
///
/// # Safety
///
/// `src` is NULL or valid for reads and writes, aligned or not. `*src` is NULL or a source, which
/// is not used any more; memory of a source's size that holds none is noticed.
#[inline]
pub unsafe fn source_delete<E: Edge>(src: *mut *mut Object<E::Platform>) -> c_int {
    let Some(src) = NonNull::new(src) else { return 0 };
    // SAFETY: src is valid for reads.
    let Some(object) = NonNull::new(unsafe { src.read_unaligned() }) else { return 0 };
    // SAFETY: it is aligned, and memory of a source's size.
    if let Some(home) = object.is_aligned().then(|| unsafe { Object::home(object) }).flatten() {
        // Used once more it is noticed, for as long as the memory is not given to another.
        // SAFETY: it is a source, whose memory is written to by nobody else now.
        unsafe { (&raw mut (*object.as_ptr()).home).write(Home::Ended) };
        if home == Home::Library {
            // SAFETY: `keep` made it, and the caller uses it no more.
            unsafe { E::Memory::release(object.as_ptr()) };
        }
    }
    // SAFETY: src is valid for writes.
    unsafe { src.write_unaligned(ptr::null_mut()) };
    0
}

/// What all constructors do: `*src` is the new source, or NULL.
///
/// # Safety
///
/// `src` is NULL or valid for writes.
// Always: a result that is handed on in memory from one to the next costs a tenth of the whole
// call.
#[inline(always)]
pub(super) unsafe fn create<E: Edge>(
    src: *mut *mut Object<E::Platform>,
    source: impl FnOnce() -> Result<Either<E::Platform>, Failure>,
    place: impl FnOnce(Either<E::Platform>) -> Result<*mut Object<E::Platform>, Failure>,
) -> c_int {
    const { Object::<E::Platform>::FITS };
    let src = match aligned(src, "src") {
        Ok(src) => src,
        Err(failure) => return fail::<E>(failure),
    };
    let (object, code) = match source().and_then(place) {
        Ok(object) => (object, 0),
        Err(failure) => (ptr::null_mut(), fail::<E>(failure)),
    };
    // SAFETY: src is valid for writes.
    unsafe { src.write(object) };
    code
}

/// # Safety
///
/// `fd` is not closed while the source is used.
// As above.
#[inline(always)]
unsafe fn descriptor<E: Edge>(fd: c_int) -> Result<Either<E::Platform>, Failure>
where
    E::Platform: Platform<Raw: TryFrom<c_int>>,
{
    // SAFETY: from_raw wants a number that keeps naming the same object. C's caller said that it is
    // not closed while the source is used, and with 'static nothing is promised to anybody: the
    // source ends when C deletes it. (What the manual pages forbid is noticed all the same, by the
    // identity that the source keeps, until another file gets the number.)
    let descriptor: Descriptor<_> = unsafe { Borrowed::from_raw(E::platform(), raw(fd)?) };
    Ok(Either::Descriptor(Source::new(descriptor)?))
}

#[inline]
fn anonymous<E: Edge>(size: usize) -> Result<Either<E::Platform>, Failure> {
    let size = u64::try_from(size).map_err(|_| Error::Unsupported(pmem2::error::Subject::Size))?;
    match Source::new(Anonymous::on(E::platform(), size)) {
        Ok(source) => Ok(Either::Anonymous(source)),
        Err(Error::Unsupported(_)) => Err(Failure::Said(
            Code::NoSupp,
            "there is no anonymous memory on this platform: it has no pages of its own to give",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Into the library's memory. Where that has a slot for each source, `instead` is the function that
/// needs none.
#[inline]
pub(super) fn keep<E: Edge>(
    source: Either<E::Platform>,
    instead: &'static str,
) -> Result<*mut Object<E::Platform>, Failure> {
    E::Memory::keep(Object { source, home: Home::Library }).map_err(|memory| match memory {
        Memory::Pool(slots) => Failure::Full { slots, end: "pmem2_source_delete", instead },
        memory => Error::OutOfMemory(memory).into(),
    })
}

/// Into the caller's memory, which is [`usable`].
#[inline]
pub(super) fn put<E: Edge>(
    storage: *mut Storage,
    source: Either<E::Platform>,
) -> *mut Object<E::Platform> {
    let object = storage.cast::<Object<E::Platform>>();
    // SAFETY: the caller said that storage is valid for writes if it is not NULL, which `usable`
    // has seen; an object fits into it, and its alignment is enough (FITS).
    unsafe { object.write(Object { source, home: Home::Caller }) };
    object
}
