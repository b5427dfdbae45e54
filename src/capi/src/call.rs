//! The functions, generic over an [`Edge`]: each does what its manual page says.
//!
//! The pages are in the form of manual pages since they are: `ci/install` makes roff of the same text.

use core::{
    ffi::{c_char, c_int},
    fmt::{self, Write},
    ptr::{self, NonNull},
};

use pmem2::{Anonymous, Code, Errno, Error, Handle, HandleFault, Source};

use crate::{
    Edge, Object, Storage,
    failure::Failure,
    message::{self, Cut},
    object::{Descriptor, Either, Home},
    pointer::{aligned, usable, within},
};

#[doc = include_str!("../man/pmem2_source_from_fd.md")]
///
/// # Safety
///
/// `src` is NULL or valid for writes. `fd` is not closed while the source is used.
#[inline]
pub unsafe fn source_from_fd<E: Edge>(src: *mut *mut Object<E::Platform>, fd: c_int) -> c_int {
    // SAFETY: src is valid or NULL, as here.
    unsafe { create::<E>(src, || descriptor::<E>(fd), keep::<E>) }
}

#[doc = include_str!("../man/pmem2_source_from_anon.md")]
///
/// # Safety
///
/// `src` is NULL or valid for writes.
#[inline]
pub unsafe fn source_from_anon<E: Edge>(src: *mut *mut Object<E::Platform>, size: usize) -> c_int {
    // SAFETY: src is valid or NULL, as here.
    unsafe { create::<E>(src, || anonymous::<E>(size), keep::<E>) }
}

#[doc = include_str!("../man/pmem2_source_init_fd.md")]
///
/// # Safety
///
/// `storage` and `src` are NULL or valid for writes, and `storage` is left alone until the source is deleted. `fd` is not
/// closed while the source is used.
#[inline]
pub unsafe fn source_init_fd<E: Edge>(storage: *mut Storage, src: *mut *mut Object<E::Platform>, fd: c_int) -> c_int {
    if within(src, storage) {
        return fail::<E>(Failure::Within);
    }
    let source = || usable(storage).and_then(|()| descriptor::<E>(fd));
    // SAFETY: src is valid or NULL, as here; `put` comes after `usable`.
    unsafe { create::<E>(src, source, |source| Ok(put::<E>(storage, source))) }
}

/// As [`source_init_fd`], for anonymous memory.
///
/// # Safety
///
/// `storage` and `src` are NULL or valid for writes, and `storage` is left alone until the source is deleted.
#[inline]
pub unsafe fn source_init_anon<E: Edge>(
    storage: *mut Storage,
    src: *mut *mut Object<E::Platform>,
    size: usize,
) -> c_int {
    if within(src, storage) {
        return fail::<E>(Failure::Within);
    }
    let source = || usable(storage).and_then(|()| anonymous::<E>(size));
    // SAFETY: src is valid or NULL, as here; `put` comes after `usable`.
    unsafe { create::<E>(src, source, |source| Ok(put::<E>(storage, source))) }
}

/// Ends a source: see [`source_from_fd`].
///
/// # Safety
///
/// `src` is NULL or valid for reads and writes, aligned or not. `*src` is NULL or a source, which is not used any more;
/// memory of a source's size that holds none is noticed.
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
            unsafe { E::release(object.as_ptr()) };
        }
    }
    // SAFETY: src is valid for writes.
    unsafe { src.write_unaligned(ptr::null_mut()) };
    0
}

#[doc = include_str!("../man/pmem2_source_get_fd.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `fd` is NULL or valid for writes.
#[inline]
pub unsafe fn source_get_fd<E: Edge>(src: *const Object<E::Platform>, fd: *mut c_int) -> c_int {
    // SAFETY: src and fd are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, fd, "fd", |source| match source {
            Either::Anonymous(_) => Err(Error::FileDescriptorNotSet.into()),
            Either::Descriptor(source) => number(source.handle().raw()),
        })
    }
}

#[doc = include_str!("../man/pmem2_source_size.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `size` is NULL or valid for writes.
#[inline]
pub unsafe fn source_size<E: Edge>(src: *const Object<E::Platform>, size: *mut usize) -> c_int {
    // SAFETY: src and size are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, size, "size", |source| {
            narrow(match source {
                Either::Descriptor(source) => source.size(),
                Either::Anonymous(source) => source.size(),
            }?)
        })
    }
}

#[doc = include_str!("../man/pmem2_source_alignment.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `alignment` is NULL or valid for writes.
#[inline]
pub unsafe fn source_alignment<E: Edge>(src: *const Object<E::Platform>, alignment: *mut usize) -> c_int {
    // SAFETY: src and alignment are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, alignment, "alignment", |source| {
            narrow(match source {
                Either::Descriptor(source) => source.alignment(),
                Either::Anonymous(source) => source.alignment(),
            }?)
        })
    }
}

#[doc = include_str!("../man/pmem2_source_describe.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `buf` is NULL or valid for writes of `len` bytes.
pub unsafe fn source_describe<E: Edge>(src: *const Object<E::Platform>, buf: *mut c_char, len: usize) -> c_int {
    let describe = |source: &Either<E::Platform>| {
        let Some(buf) = NonNull::new(buf) else { return Err(Failure::Null("buf")) };
        // SAFETY: buf is valid for writes of len bytes.
        unsafe {
            match source {
                Either::Descriptor(source) => describe(source, buf.cast(), len),
                Either::Anonymous(source) => describe(source, buf.cast(), len),
            }
        }
    };
    // SAFETY: src is valid or NULL, as here.
    unsafe { with::<E>(src, describe) }
}

#[doc = include_str!("../man/pmem2_errormsg.md")]
#[inline]
pub fn errormsg<E: Edge>() -> *const c_char {
    message::text(E::message())
}

#[doc = include_str!("../man/pmem2_err_to_errno.md")]
#[inline]
pub const fn err_to_errno(err: c_int) -> c_int {
    if err == Code::NoSupp.raw() {
        Errno::ENOTSUP.raw()
    } else if err < MAX_ERRNO.saturating_neg() || err > 0 {
        Errno::EINVAL.raw()
    } else {
        err.saturating_neg()
    }
}

/// The largest errno that a system can have: Linux', the largest of all.
const MAX_ERRNO: c_int = 4095;

/// Keeps the message of a failure, and gives its code.
#[cold]
#[inline(never)]
fn fail<E: Edge>(failure: Failure) -> c_int {
    // SAFETY: Edge says that it is valid, and that no other thread uses it now; the borrow ends here.
    unsafe { &mut *E::message() }.set(&failure);
    failure.code()
}

/// What all constructors do: `*src` is the new source, or NULL.
///
/// # Safety
///
/// `src` is NULL or valid for writes.
#[inline]
unsafe fn create<E: Edge>(
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

#[inline]
fn descriptor<E: Edge>(fd: c_int) -> Result<Either<E::Platform>, Failure> {
    // SAFETY: C cannot promise it in a way that is checked; the manual pages ask for it, and the source keeps the file's
    // identity to notice what they forbid.
    let descriptor = unsafe { Descriptor::borrow(E::platform(), fd) }?;
    Ok(Either::Descriptor(Source::new(descriptor)?))
}

#[inline]
fn anonymous<E: Edge>(size: usize) -> Result<Either<E::Platform>, Failure> {
    let size = u64::try_from(size).map_err(|_| Error::Unsupported(pmem2::What::Size))?;
    Ok(Either::Anonymous(Source::new(Anonymous::on(E::platform(), size))?))
}

/// The number that a raw value is in C.
#[inline]
fn number<R: TryInto<c_int>>(raw: R) -> Result<c_int, Failure> {
    // A raw value that was made of a number becomes one again.
    raw.try_into().map_err(|_| Error::FileDescriptorNotSet.into())
}

/// Into the library's memory.
#[inline]
fn keep<E: Edge>(source: Either<E::Platform>) -> Result<*mut Object<E::Platform>, Failure> {
    E::keep(Object { source, home: Home::Library }).map_err(|memory| Error::OutOfMemory(memory).into())
}

/// Into the caller's memory, which is [`usable`].
#[inline]
fn put<E: Edge>(storage: *mut Storage, source: Either<E::Platform>) -> *mut Object<E::Platform> {
    let object = storage.cast::<Object<E::Platform>>();
    // SAFETY: the caller said that storage is valid for writes if it is not NULL, which `usable` has seen; an object fits
    // into it, and its alignment is enough (FITS).
    unsafe { object.write(Object { source, home: Home::Caller }) };
    object
}

/// What all questions with one answer do: `*place` is the answer, or untouched.
///
/// # Safety
///
/// As [`with`]; `place` is NULL or valid for writes.
#[inline]
unsafe fn ask<E: Edge, T>(
    src: *const Object<E::Platform>,
    place: *mut T,
    name: &'static str,
    question: impl FnOnce(&Either<E::Platform>) -> Result<T, Failure>,
) -> c_int {
    let answer = |source: &Either<E::Platform>| {
        let place = aligned(place, name)?;
        let answer = question(source)?;
        // SAFETY: place is valid for writes.
        unsafe { place.write(answer) };
        Ok(())
    };
    // SAFETY: src is valid or NULL, as here.
    unsafe { with::<E>(src, answer) }
}

/// What all questions do.
///
/// # Safety
///
/// `src` is NULL or a source; memory of a source's size that holds none is noticed.
#[inline]
unsafe fn with<E: Edge>(
    src: *const Object<E::Platform>,
    question: impl FnOnce(&Either<E::Platform>) -> Result<(), Failure>,
) -> c_int {
    let answer = aligned(src.cast_mut(), "src").and_then(|src| {
        // SAFETY: it is aligned, and memory of a source's size.
        if unsafe { Object::home(src) }.is_none() {
            return Err(Failure::NoSource);
        }
        // SAFETY: it is a source, and nobody writes to one until it is deleted.
        question(unsafe { &src.as_ref().source })
    });
    match answer {
        Ok(()) => 0,
        Err(failure) => fail::<E>(failure),
    }
}

/// A number of bytes as C has it.
#[inline]
fn narrow<T: TryFrom<u64>>(bytes: u64) -> Result<T, Failure> {
    T::try_from(bytes).map_err(|_| Failure::Overflow(bytes))
}

/// Writes the report on a source, and a null byte, into `len` bytes at `buf`; nothing if they do not suffice.
///
/// # Safety
///
/// `buf` is valid for writes of `len` bytes.
unsafe fn describe<H: Handle>(source: &Source<H>, buf: NonNull<u8>, len: usize) -> Result<(), Failure> {
    let report = source.report();
    // The report looks at the descriptor anew. Whatever else is wrong is what it is there to say.
    if let Err(error @ Error::InvalidFileHandle(HandleFault::NotOpen | HandleFault::Replaced)) = report.verdict() {
        return Err(error.into());
    }
    let mut length = Length(0);
    // Nothing that is written to fails: the number saturates, and the text is of the length that was counted.
    let _ = write!(length, "{report}");
    let needed = length.0.saturating_add(1);
    if needed > len {
        return Err(Failure::Short { given: len, needed });
    }
    // SAFETY: buf is valid for len bytes, of which this is at most all; a byte has no alignment and no forbidden value.
    // They may hold nothing yet, so zeros first.
    let place = unsafe {
        buf.write_bytes(0, needed);
        core::slice::from_raw_parts_mut(buf.as_ptr(), needed)
    };
    let _ = write!(Cut::new(place), "{report}");
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
mod tests {
    use super::{err_to_errno, narrow};
    use crate::failure::Failure;

    #[test]
    fn numbers_are_never_cut() {
        assert!(matches!(narrow::<u32>(0xffff_ffff), Ok(0xffff_ffff)));
        assert!(matches!(narrow::<u32>(0x1_0000_0000), Err(Failure::Overflow(0x1_0000_0000))));
        assert!(matches!(narrow::<u64>(u64::MAX), Ok(u64::MAX)));
        let failure = narrow::<u16>(65536).unwrap_err();
        assert_eq!(failure.code(), -75, "-EOVERFLOW");
        assert_eq!(std::format!("{failure}"), "the answer, 65536 bytes, is more than size_t can hold here");
    }

    #[test]
    fn every_code_has_an_errno() {
        for code in pmem2::Code::ALL {
            let expected = if *code == pmem2::Code::NoSupp { 95 } else { 22 };
            assert_eq!(err_to_errno(code.raw()), expected, "{code:?}");
        }
        for (err, errno) in
            [(0, 0), (-12, 12), (-4095, 4095), (-4096, 22), (-99_999, 22), (1, 22), (i32::MIN, 22), (i32::MAX, 22)]
        {
            assert_eq!(err_to_errno(err), errno, "{err}");
        }
    }
}
