//! Sources: how they begin and end, and what they answer of themselves.

use core::{ffi::c_int, ptr::NonNull};

use pmem2::{
    Anonymous, Code, Error, Handle,
    error::{HandleFault, Subject},
    platform::{Borrowed, Locate, Platform},
};

use super::answer::{answer, narrow};
use crate::{
    failure::Failure,
    library::{CSource, Library, finish},
    owned::{Owned, Room},
    source::{Descriptor, Source, SourceStorage, each},
    text::{Unit, put},
};

#[doc = include_str!("../../man/pmem2_source_from_fd.md")]
///
/// # Safety
///
/// `src` is NULL or valid for writes. `fd` is not closed while the source is used.
#[inline]
pub unsafe fn source_from_fd<L: Library>(src: *mut *mut CSource<L>, fd: c_int) -> c_int
where
    L::Platform: Platform<Raw: TryFrom<c_int>>,
{
    let room = Room::Library { instead: "pmem2_source_init_fd" };
    // SAFETY: src is valid or NULL, and fd stays open, as here.
    unsafe { make::<L, _>(src, room, || descriptor::<L>(fd)) }
}

#[doc = include_str!("../../man/pmem2_source_from_anon.md")]
///
/// # Safety
///
/// `src` is NULL or valid for writes.
#[inline]
pub unsafe fn source_from_anon<L: Library>(src: *mut *mut CSource<L>, size: usize) -> c_int {
    let room = Room::Library { instead: "pmem2_source_init_anon" };
    // SAFETY: src is valid or NULL, as here.
    unsafe { make::<L, _>(src, room, || anonymous::<L>(size)) }
}

#[doc = include_str!("../../man/pmem2_source_init_fd.md")]
///
/// # Safety
///
/// `storage` and `src` are NULL or valid for writes, and `storage` is left alone until the source
/// is deleted. `fd` is not closed while the source is used.
#[inline]
pub unsafe fn source_init_fd<L: Library>(
    storage: *mut SourceStorage,
    src: *mut *mut CSource<L>,
    fd: c_int,
) -> c_int
where
    L::Platform: Platform<Raw: TryFrom<c_int>>,
{
    // SAFETY: storage and src are valid or NULL, and fd stays open, as here.
    unsafe { make::<L, _>(src, Room::Caller(storage), || descriptor::<L>(fd)) }
}

/// Makes an anonymous source in the caller's memory: see [`source_init_fd`].
///
/// # Safety
///
/// `storage` and `src` are NULL or valid for writes, and `storage` is left alone until the source
/// is deleted.
#[inline]
pub unsafe fn source_init_anon<L: Library>(
    storage: *mut SourceStorage,
    src: *mut *mut CSource<L>,
    size: usize,
) -> c_int {
    // SAFETY: storage and src are valid or NULL, as here.
    unsafe { make::<L, _>(src, Room::Caller(storage), || anonymous::<L>(size)) }
}

/// Ends a source: see [`source_from_fd`].
///
/// # Safety
///
/// `src` is NULL or valid for reads and writes, aligned or not. `*src` is NULL or a source, which
/// is not used any more; memory of 8 bytes that holds none is noticed.
#[inline]
pub unsafe fn source_delete<L: Library>(src: *mut *mut CSource<L>) -> c_int {
    // SAFETY: as here.
    unsafe { Owned::delete::<L::Memory>(src) };
    0
}

#[doc = include_str!("../../man/pmem2_source_get_fd.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `fd` is NULL or valid for writes.
#[inline]
pub unsafe fn source_get_fd<L: Library>(src: *const CSource<L>, fd: *mut c_int) -> c_int
where
    L::Platform: Platform<Raw: TryInto<c_int>>,
{
    let no = |sentence| Failure::Said(Code::FileDescriptorNotSet, sentence);
    let get = |source: &Source<L::Platform>| match source {
        Source::Anonymous(_) => Err(no("the source has no file descriptor: it is anonymous")),
        // What was made of a number becomes one again. Only a region was not.
        Source::Descriptor(source) => source.handle().raw().try_into().map_err(|_| {
            no("the source has no file descriptor: it was made of a region of memory")
        }),
    };
    // SAFETY: src and fd are valid or NULL, as here.
    unsafe { answer::<L, _>(src, fd, "fd", get) }
}

#[doc = include_str!("../../man/pmem2_source_size.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `size` is NULL or valid for writes.
#[inline]
pub unsafe fn source_size<L: Library>(src: *const CSource<L>, size: *mut usize) -> c_int {
    // SAFETY: src and size are valid or NULL, as here.
    unsafe {
        answer::<L, _>(src, size, "size", |source| narrow(each!(source, source => source.size())?))
    }
}

#[doc = include_str!("../../man/pmem2_source_alignment.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `alignment` is NULL or valid for writes.
#[inline]
pub unsafe fn source_alignment<L: Library>(src: *const CSource<L>, alignment: *mut usize) -> c_int {
    // SAFETY: src and alignment are valid or NULL, as here.
    unsafe {
        answer::<L, _>(src, alignment, "alignment", |source| {
            narrow(each!(source, source => source.alignment())?)
        })
    }
}

#[doc = include_str!("../../man/pmem2_source_describe.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `buf` is NULL or valid for writes of `len` bytes.
pub unsafe fn source_describe<L: Library>(
    src: *const CSource<L>,
    buf: *mut u8,
    len: usize,
) -> c_int {
    let describe = |source: &Source<L::Platform>| {
        let buf = NonNull::new(buf).ok_or(Failure::Null("buf"))?;
        // SAFETY: buf is valid for writes of len bytes.
        unsafe { each!(source, source => describe(source, buf, len)) }
    };
    // SAFETY: src is valid or NULL, as here.
    finish::<L>(unsafe { Owned::get(src) }.and_then(describe))
}

/// Writes the report on a source.
///
/// # Safety
///
/// As [`put`].
unsafe fn describe<U: Unit, H: Handle<P: Locate>>(
    source: &pmem2::Source<H>,
    buf: NonNull<U>,
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

/// Makes a source: `*src` points to it, or is NULL.
///
/// # Safety
///
/// As [`Owned::make`].
#[inline(always)]
pub(super) unsafe fn make<L: Library, F: Into<Failure>>(
    src: *mut *mut CSource<L>,
    room: Room<Source<L::Platform>>,
    source: impl FnOnce() -> Result<Source<L::Platform>, F>,
) -> c_int {
    // SAFETY: as here.
    finish::<L>(unsafe { Owned::make::<L::Memory, _, _>(src, room, Ok(()), |()| source()) })
}

/// Makes a source of what a platform has.
///
/// # Safety
///
/// The raw value names the same object while the source is used.
// Always: see `Owned::make`.
#[inline(always)]
pub(super) unsafe fn borrowed<P: Locate>(platform: P, raw: P::Raw) -> Result<Source<P>, Error> {
    // SAFETY: C's caller promised that the object stays while the source is used, and 'static
    // promises nothing to anybody: the source ends when C deletes it. (What the manual pages forbid
    // is noticed all the same, by the identity that the source keeps, until another file gets the
    // number.)
    let descriptor: Descriptor<P> = unsafe { Borrowed::from_raw(platform, raw) };
    pmem2::Source::new(descriptor).map(Source::Descriptor)
}

/// # Safety
///
/// `fd` is not closed while the source is used.
#[inline(always)]
unsafe fn descriptor<L: Library>(fd: c_int) -> Result<Source<L::Platform>, Error>
where
    L::Platform: Platform<Raw: TryFrom<c_int>>,
{
    // A number that is no raw value is not an open descriptor.
    let raw = fd.try_into().map_err(|_| Error::InvalidFileHandle(HandleFault::NotOpen))?;
    // SAFETY: as here.
    unsafe { borrowed(L::platform(), raw) }
}

#[inline]
fn anonymous<L: Library>(size: usize) -> Result<Source<L::Platform>, Failure> {
    let size = u64::try_from(size).map_err(|_| Error::Unsupported(Subject::Size))?;
    match pmem2::Source::new(Anonymous::on(L::platform(), size)) {
        Ok(source) => Ok(Source::Anonymous(source)),
        Err(Error::Unsupported(_)) => Err(Failure::Said(
            Code::NoSupp,
            "there is no anonymous memory on this platform: it has no pages of its own to give",
        )),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
