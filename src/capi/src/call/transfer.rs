//! Reading and writing a source whose memory may be bad.

use core::{
    ffi::{c_int, c_void},
    ptr::{self, NonNull},
};

use pmem2::transfer::{ReadBuffer, Reader, WriteBuffer, Writer};

use crate::{
    failure::Failure,
    library::{CSource, Library, finish},
    owned::{Owned, aligned},
    source::{Source, each},
};

#[doc = include_str!("../../man/pmem2_source_pread_mcsafe.md")]
///
/// # Safety
///
/// `src` is NULL or a source. While this runs, nobody else uses the `size` bytes at `buf`, which
/// need not be there.
pub unsafe fn source_pread_mcsafe<L: Library>(
    src: *const CSource<L>,
    buf: *mut c_void,
    size: usize,
    offset: usize,
) -> c_int {
    // SAFETY: src and buf are as here, and NULL is no place for a number.
    unsafe { source_pread_at::<L>(src, buf, size, wide(offset), ptr::null_mut()) }
}

/// Writes bytes: see [`source_pread_mcsafe`].
///
/// # Safety
///
/// `src` is NULL or a source. While this runs, nobody writes to the `size` bytes at `buf`, which
/// need not be there.
pub unsafe fn source_pwrite_mcsafe<L: Library>(
    src: *const CSource<L>,
    buf: *const c_void,
    size: usize,
    offset: usize,
) -> c_int {
    // SAFETY: src and buf are as here, and NULL is no place for a number.
    unsafe { source_pwrite_at::<L>(src, buf, size, wide(offset), ptr::null_mut()) }
}

#[doc = include_str!("../../man/pmem2_source_pread_at.md")]
///
/// # Safety
///
/// As [`source_pread_mcsafe`]; `done` is NULL or valid for writes.
pub unsafe fn source_pread_at<L: Library>(
    src: *const CSource<L>,
    buf: *mut c_void,
    size: usize,
    offset: u64,
    done: *mut usize,
) -> c_int {
    let read = |source: &Source<L::Platform>, buf: NonNull<c_void>| {
        // SAFETY: nobody else uses these bytes, as the caller says.
        let buffer = unsafe { ReadBuffer::from_raw_parts(buf.as_ptr().cast(), size) };
        match (source, L::guard()) {
            (Source::Descriptor(source), Some(guard)) => {
                Reader::with_guard(*source, guard)?.read_into(offset, buffer)?
            }
            (source, _) => each!(source, source => source.read_into(offset, buffer))?,
        }
        Ok(())
    };
    // SAFETY: src and done are as here.
    unsafe { transfer::<L>(src, buf, size, done, read) }
}

/// Writes bytes, and says how many: see [`source_pread_at`].
///
/// # Safety
///
/// As [`source_pwrite_mcsafe`]; `done` is NULL or valid for writes.
pub unsafe fn source_pwrite_at<L: Library>(
    src: *const CSource<L>,
    buf: *const c_void,
    size: usize,
    offset: u64,
    done: *mut usize,
) -> c_int {
    let write = |source: &Source<L::Platform>, buf: NonNull<c_void>| {
        // SAFETY: nobody writes to these bytes, as the caller says.
        let buffer = unsafe { WriteBuffer::from_raw_parts(buf.as_ptr().cast(), size) };
        match (source, L::guard()) {
            (Source::Descriptor(source), Some(guard)) => {
                Writer::with_guard(*source, guard)?.write_from(offset, buffer)?
            }
            (source, _) => each!(source, source => source.write_from(offset, buffer))?,
        }
        Ok(())
    };
    // SAFETY: src and done are as here.
    unsafe { transfer::<L>(src, buf.cast_mut(), size, done, write) }
}

#[doc = include_str!("../../man/pmem2_source_sync.md")]
///
/// # Safety
///
/// `src` is NULL or a source.
pub unsafe fn source_sync<L: Library>(src: *const CSource<L>) -> c_int {
    // SAFETY: src is valid or NULL, as here.
    let source = unsafe { Owned::get(src) };
    finish::<L>(source.and_then(|source| Ok(each!(source, source => source.sync())?)))
}

/// Makes a transfer, and writes to `*done` how far it got, also on failure.
///
/// # Safety
///
/// `src` is NULL or a source; `done` is NULL or valid for writes.
unsafe fn transfer<L: Library>(
    src: *const CSource<L>,
    buf: *mut c_void,
    size: usize,
    done: *mut usize,
    transfer: impl FnOnce(&Source<L::Platform>, NonNull<c_void>) -> Result<(), Failure>,
) -> c_int {
    let done = match NonNull::new(done).map(|done| aligned(done.as_ptr(), "done")).transpose() {
        Ok(done) => done,
        Err(failure) => return finish::<L>(Err(failure)),
    };
    let transfer = |source: &Source<L::Platform>| match (NonNull::new(buf), source) {
        (Some(buf), _) => transfer(source, buf),
        // NULL is allowed for no bytes, and for an anonymous source, which has none.
        (None, Source::Descriptor(_)) if size > 0 => Err(Failure::Null("buf")),
        (None, _) => transfer(source, NonNull::dangling()),
    };
    // SAFETY: src is valid or NULL, as here.
    let result = unsafe { Owned::get(src) }.and_then(transfer);
    if let Some(done) = done {
        let got = match &result {
            Ok(()) => size,
            Err(Failure::Transfer(error)) => error.done(),
            Err(_) => 0,
        };
        // SAFETY: done is valid for writes.
        unsafe { done.write(got) };
    }
    finish::<L>(result)
}

/// Returns an offset in 64 bits, which no system has more of.
fn wide(offset: usize) -> u64 {
    u64::try_from(offset).unwrap_or(u64::MAX)
}
