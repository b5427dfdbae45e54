//! Texts in the caller's buffers, and the longest of them: the report.

use core::{
    ffi::{c_char, c_int},
    fmt::{self, Display, Write},
    ptr::NonNull,
};

use pmem2::{Error, Handle, Source, error::HandleFault, platform::Locate};

use super::with;
use crate::{
    Edge, Object,
    failure::Failure,
    message::Cut,
    object::{Either, each},
};

#[doc = include_str!("../../man/pmem2_source_describe.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `buf` is NULL or valid for writes of `len` bytes.
pub unsafe fn source_describe<E: Edge>(
    src: *const Object<E::Platform>,
    buf: *mut c_char,
    len: usize,
) -> c_int {
    let describe = |source: &Either<E::Platform>| {
        let buf = NonNull::new(buf).ok_or(Failure::Null("buf"))?;
        // SAFETY: buf is valid for writes of len bytes.
        unsafe { each!(source, source => describe(source, buf, len)) }
    };
    // SAFETY: src is valid or NULL, as here.
    unsafe { with::<E>(src, describe) }
}

/// Puts the report on a source.
///
/// # Safety
///
/// As [`put`].
unsafe fn describe<H: Handle<P: Locate>>(
    source: &Source<H>,
    buf: NonNull<c_char>,
    len: usize,
) -> Result<(), Failure> {
    let report = source.report();
    // The report looks at the descriptor anew. Whatever else is wrong is what it is there to say.
    if let Err(error @ Error::InvalidFileHandle(HandleFault::NotOpen | HandleFault::Replaced)) =
        report.verdict()
    {
        return Err(error.into());
    }
    // SAFETY: buf is valid for writes of len bytes, as here.
    unsafe { put(&report, buf, len) }
}

/// Writes a text, and a null byte, into `len` bytes at `buf`; nothing if they do not suffice.
///
/// # Safety
///
/// `buf` is valid for writes of `len` bytes.
pub(super) unsafe fn put(
    text: &dyn Display,
    buf: NonNull<c_char>,
    len: usize,
) -> Result<(), Failure> {
    let mut length = Length(0);
    // Nothing that is written to fails: the number saturates, and the text is of the length that
    // was counted.
    let _ = write!(length, "{text:#}");
    let needed = length.0.saturating_add(1);
    if needed > len {
        return Err(Failure::Short { given: len, needed });
    }
    let buf = buf.cast::<u8>();
    // SAFETY: buf is valid for len bytes, of which this is at most all; a byte has no alignment and
    // no forbidden value. They may hold nothing yet, so zeros first.
    let place = unsafe {
        buf.write_bytes(0, needed);
        core::slice::from_raw_parts_mut(buf.as_ptr(), needed)
    };
    let _ = write!(Cut::new(place), "{text:#}");
    Ok(())
}

/// Counts bytes.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(more.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
