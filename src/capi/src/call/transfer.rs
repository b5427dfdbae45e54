//! Reading and writing a source whose memory may be bad.

use core::{
    ffi::{c_int, c_void},
    ptr::NonNull,
};

use pmem2::{
    platform::Platform,
    transfer::{ReadBuffer, Reader, TransferError, WriteBuffer, Writer},
};

use super::{fail, with};
use crate::{
    Edge, Object,
    failure::Failure,
    object::{Either, each},
    pointer::aligned,
};

#[doc = include_str!("../../man/pmem2_source_pread_mcsafe.md")]
///
/// # Safety
///
/// `src` is NULL or a source. While this runs, nobody else uses the `size` bytes at `buf`, which
/// need not be there.
pub unsafe fn source_pread_mcsafe<E: Edge>(
    src: *const Object<E::Platform>,
    buf: *mut c_void,
    size: usize,
    offset: usize,
) -> c_int {
    // SAFETY: src and buf are as here.
    unsafe { with::<E>(src, |source| Ok(read::<E>(source, buf, size, wide(offset))?)) }
}

/// Writes bytes: see [`source_pread_mcsafe`].
///
/// # Safety
///
/// `src` is NULL or a source. While this runs, nobody writes to the `size` bytes at `buf`, which
/// need not be there.
pub unsafe fn source_pwrite_mcsafe<E: Edge>(
    src: *const Object<E::Platform>,
    buf: *const c_void,
    size: usize,
    offset: usize,
) -> c_int {
    // SAFETY: src and buf are as here.
    unsafe { with::<E>(src, |source| Ok(write::<E>(source, buf, size, wide(offset))?)) }
}

#[doc = include_str!("../../man/pmem2_source_pread_at.md")]
///
/// # Safety
///
/// As [`source_pread_mcsafe`]; `done` is NULL or valid for writes.
pub unsafe fn source_pread_at<E: Edge>(
    src: *const Object<E::Platform>,
    buf: *mut c_void,
    size: usize,
    offset: u64,
    done: *mut usize,
) -> c_int {
    // SAFETY: src, buf and done are as here.
    unsafe { count::<E>(src, size, done, |source| read::<E>(source, buf, size, offset)) }
}

/// Writes bytes, and says how many: see [`source_pread_at`].
///
/// # Safety
///
/// As [`source_pwrite_mcsafe`]; `done` is NULL or valid for writes.
pub unsafe fn source_pwrite_at<E: Edge>(
    src: *const Object<E::Platform>,
    buf: *const c_void,
    size: usize,
    offset: u64,
    done: *mut usize,
) -> c_int {
    // SAFETY: src, buf and done are as here.
    unsafe { count::<E>(src, size, done, |source| write::<E>(source, buf, size, offset)) }
}

#[doc = include_str!("../../man/pmem2_source_sync.md")]
///
/// # Safety
///
/// `src` is NULL or a source.
pub unsafe fn source_sync<E: Edge>(src: *const Object<E::Platform>) -> c_int {
    // SAFETY: src is valid or NULL, as here.
    unsafe { with::<E>(src, |source| Ok(each!(source, source => source.sync())?)) }
}

/// Says how far a transfer got, whatever becomes of it.
///
/// # Safety
///
/// `src` is NULL or a source; `done` is NULL or valid for writes.
unsafe fn count<E: Edge>(
    src: *const Object<E::Platform>,
    size: usize,
    done: *mut usize,
    transfer: impl FnOnce(&Either<E::Platform>) -> Result<(), Stop>,
) -> c_int {
    let place = match NonNull::new(done).map(|done| aligned(done.as_ptr(), "done")).transpose() {
        Ok(place) => place,
        Err(failure) => return fail::<E>(failure),
    };
    let mut got = 0;
    let transfer = |source: &Either<E::Platform>| {
        let result = transfer(source);
        got = match &result {
            Ok(()) => size,
            Err(Stop::Transfer(error)) => error.done(),
            Err(Stop::Failure(_)) => 0,
        };
        Ok(result?)
    };
    // SAFETY: src is valid or NULL, as here.
    let code = unsafe { with::<E>(src, transfer) };
    if let Some(place) = place {
        // SAFETY: done is valid for writes.
        unsafe { place.write(got) };
    }
    code
}

/// Why a transfer was not begun, or went no further.
enum Stop {
    Failure(Failure),
    Transfer(TransferError),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failure(failure) => failure,
            Stop::Transfer(error) => error.into(),
        }
    }
}

impl<F: Into<TransferError>> From<F> for Stop {
    fn from(error: F) -> Self {
        Self::Transfer(error.into())
    }
}

/// Where the bytes are. No bytes may be at NULL, nor those that an anonymous source has none for.
fn memory<P: Platform>(
    source: &Either<P>,
    buf: *mut c_void,
    size: usize,
) -> Result<NonNull<c_void>, Stop> {
    match (NonNull::new(buf), source) {
        (Some(buf), _) => Ok(buf),
        (None, Either::Descriptor(_)) if size > 0 => Err(Stop::Failure(Failure::Null("buf"))),
        (None, _) => Ok(NonNull::dangling()),
    }
}

/// # Safety
///
/// As [`source_pread_mcsafe`].
unsafe fn read<E: Edge>(
    source: &Either<E::Platform>,
    buf: *mut c_void,
    size: usize,
    offset: u64,
) -> Result<(), Stop> {
    let buf = memory(source, buf, size)?;
    // SAFETY: nobody else uses these bytes, as the caller says.
    let buffer = unsafe { ReadBuffer::from_raw_parts(buf.as_ptr().cast(), size) };
    match (source, E::via()) {
        (Either::Descriptor(source), Some(via)) => {
            Reader::with_guard(*source, via)?.read_into(offset, buffer)?
        }
        (source, _) => each!(source, source => source.read_into(offset, buffer))?,
    }
    Ok(())
}

/// # Safety
///
/// As [`source_pwrite_mcsafe`].
unsafe fn write<E: Edge>(
    source: &Either<E::Platform>,
    buf: *const c_void,
    size: usize,
    offset: u64,
) -> Result<(), Stop> {
    let buf = memory(source, buf.cast_mut(), size)?;
    // SAFETY: nobody writes to these bytes, as the caller says.
    let buffer = unsafe { WriteBuffer::from_raw_parts(buf.as_ptr().cast(), size) };
    match (source, E::via()) {
        (Either::Descriptor(source), Some(via)) => {
            Writer::with_guard(*source, via)?.write_from(offset, buffer)?
        }
        (source, _) => each!(source, source => source.write_from(offset, buffer))?,
    }
    Ok(())
}

/// An offset of C's, of which no system has more bits.
fn wide(offset: usize) -> u64 {
    u64::try_from(offset).unwrap_or(u64::MAX)
}
