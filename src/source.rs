//! The source: how it comes to be, and what it answers.

// In the order of the documentation: what most programs have comes first.
mod fd;

use core::{fmt, mem::MaybeUninit, ops::Range};

use pmem2_platform::{
    Access, Alignment, Anonymous, Borrowed, Facts, Fail, FileSystem, Handle, Kind, Native,
    Platform, Subject,
};

use crate::error::{Error, HandleFault};

/// A validated data source: a handle, and what was found out about it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::{Sharing, Source};
///
/// let source = Source::new(std::fs::File::open(std::env::current_exe()?)?)?;
/// println!("{}: {} bytes at {}", source.kind(), source.size()?, source.alignment()?);
/// println!("{}", source.expected_granularity(Sharing::Shared)?);
/// # Ok(()) }
/// ```
///
/// | you have | constructor |
/// |---|---|
/// | a file that the source is to keep (`File`, `OwnedFd`, `Arc<File>`) | [`Source::new(file)`](Source::new) |
/// | a file that stays elsewhere | [`Source::new(&file)`](Source::new), [`Source::from_fd(&file)`](Source::from_fd) |
/// | the number of a descriptor, from C | [`Source::from_fd`](Source::from_fd) of an [`Fd::borrow_raw`](crate::Fd::borrow_raw) |
/// | a `HANDLE` of Windows | `Source::from_handle` |
/// | a region of memory, without an operating system | [`Source::from_region`](Source::from_region) |
/// | no file: anonymous memory | [`Source::from_anon`](Source::from_anon) |
/// | a file that is to come back where it is refused | [`Source::try_from_handle`] |
/// | memory for the source | [`Source::new_in`] |
/// | at most N at a time, without an allocator | `Pool::source` |
/// | a heap that may be full | `Source::boxed` (feature `alloc`) |
///
/// The files of the standard library need the feature `std`.
///
/// A source is a plain value of at most 40 bytes on Linux and Windows (with a borrowed handle, a
/// `File` or an `Arc<File>`). Keep it in a variable, a field, an array, a [`Pool`](crate::Pool), a
/// box. It has no destructor of its own: dropping it (pmem2_source_delete(3)) drops the handle,
/// which closes what it owns and nothing that was borrowed.
///
/// The size, the number of allocated bytes and a device's alignment are asked anew by each call.
/// The other answers were given when the source was made and touch nothing.
#[derive(Clone, Copy)]
pub struct Source<H: Handle> {
    handle: H,
    facts: Facts<<H::P as Platform>::Id>,
}

impl<H: Handle> Source<H> {
    /// Makes a source of a handle (pmem2_source_from_fd(3), pmem2_source_from_handle(3)).
    ///
    /// The handle may be borrowed (`Fd`, `&File`) or owned (`File`, `OwnedFd`, `Arc<File>`). It is
    /// dropped where it is refused; [`try_from_handle`](Source::try_from_handle) gives it back.
    ///
    /// Nothing is mapped. Whether the system can map it is known by
    /// [`expected_granularity`](Source::expected_granularity).
    ///
    /// System calls on Linux: `fcntl(F_GETFL)` and `fstat`; for a character device also
    /// `readlinkat`, and if that finds nothing `faccessat`, and if it is a device DAX `newfstatat`;
    /// where there is no `/sys`, or it cannot be read, `statx`, and if that does not tell a device
    /// DAX `fstatfs`; where `st_blksize` is over 4096 also `fstatfs`.
    ///
    /// # Errors
    ///
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): not open, or not open for reading.
    ///   Checked first. On Windows: not an open handle of a file; whether it can be read is not
    ///   looked at before it is to be mapped.
    /// - [`InvalidFileType`](Error::InvalidFileType): neither a regular file nor a device DAX.
    /// - [`UnknownFileType`](Error::UnknownFileType): a character device in a system without
    ///   `/sys`, whose kernel does not tell either (`STATX_ATTR_DAX`: before Linux 5.10, or of a
    ///   node on overlayfs).
    /// - [`Unsupported`](Error::Unsupported): there is no backend for this system.
    /// - [`Os`](Error::Os): the system failed.
    #[inline]
    pub fn new(handle: H) -> Result<Self, Error> {
        let facts = examine(&handle)?;
        Ok(Self { handle, facts })
    }

    /// Makes a source, or gives the handle back with the reason.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Source::new).
    #[inline]
    pub fn try_from_handle(handle: H) -> Result<Self, (H, Error)> {
        match examine(&handle) {
            Ok(facts) => Ok(Self { handle, facts }),
            Err(error) => Err((handle, error)),
        }
    }

    /// Makes a source in memory that the caller provides. On failure `place` is untouched.
    ///
    /// As always with `MaybeUninit`, the source is not dropped by itself: one that owns its handle
    /// has to be dropped by the caller (`assume_init_drop`), one that borrows it may be forgotten.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Source::new).
    #[inline]
    pub fn new_in(place: &mut MaybeUninit<Self>, handle: H) -> Result<&mut Self, Error> {
        let facts = examine(&handle)?;
        Ok(place.write(Self { handle, facts }))
    }
}

impl Source<Anonymous> {
    /// Makes an anonymous source of `size` bytes (pmem2_source_from_anon(3)): memory that belongs
    /// to no file and starts as zeros. Any size may be named, 0 too, as in libpmem2; nothing is
    /// reserved before it is mapped.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](Error::Unsupported): there is no backend for this system, or its page size
    ///   is not known.
    #[inline]
    pub fn from_anon(size: u64) -> Result<Self, Error> {
        Self::new(Anonymous::on(Native::default(), size))
    }
}

impl<H: Handle> Source<H> {
    /// Puts together a handle and its facts, admitted or not: for reports.
    pub(crate) const fn described(handle: H, facts: Facts<<H::P as Platform>::Id>) -> Self {
        Self { handle, facts }
    }

    /// Returns the handle.
    #[inline]
    pub const fn handle(&self) -> &H {
        &self.handle
    }

    /// Returns the same source, which borrows this one's handle.
    #[inline]
    pub const fn by_reference(&self) -> Source<&H> {
        Source { handle: &self.handle, facts: self.facts }
    }

    /// Ends the source and gives the handle back.
    #[inline]
    pub fn into_inner(self) -> H {
        self.handle
    }

    /// Returns the kind of the source: a regular file, a device DAX, anonymous memory, a region.
    #[inline]
    pub const fn kind(&self) -> Kind {
        self.facts.kind
    }

    /// Returns what the handle was opened for. Every source may be read, except on Windows, where
    /// this is not looked at when a source is made (pmem2_source_from_handle(3)): whatever is about
    /// mapping it refuses it.
    #[inline]
    pub const fn access(&self) -> Access {
        self.facts.access
    }

    /// Returns what tells this source from others: on Linux device and inode.
    #[inline]
    pub const fn id(&self) -> <H::P as Platform>::Id {
        self.facts.id
    }

    /// Returns the size in bytes, now (pmem2_source_size(3)): of a file its `st_size`, of a device
    /// DAX what sysfs says, of an anonymous source what it was made with.
    ///
    /// System calls on Linux: `fstat`; for a device DAX also `openat`, `read`, `close`,
    /// `newfstatat`.
    ///
    /// # Errors
    ///
    /// - [`InvalidSizeFormat`](Error::InvalidSizeFormat): the system's answer is no size.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): the handle was closed, or closed and
    ///   reused, which safe Rust does not allow.
    /// - [`Os`](Error::Os): the system failed, with `ENOENT` where a device is gone or `/sys` is
    ///   not there.
    #[inline]
    pub fn size(&self) -> Result<u64, Error> {
        self.query(Subject::Size, Platform::size)
    }

    /// Returns the alignment in bytes that offsets and lengths of mappings need, a power of two
    /// (pmem2_source_alignment(3)): of a file the page size, on hugetlbfs the size of its huge
    /// pages, of a device DAX what sysfs says (before Linux 5.10 of its region). Where sysfs says
    /// nothing, it is the length of the smallest shared mapping that the kernel grants, which is
    /// tried for no access and undone at once.
    ///
    /// System calls on Linux: none for a file where the ABI fixes the page size (x86, riscv64), and
    /// elsewhere none except in the first call of the process (msync(2)); for a device DAX `fstat`,
    /// `openat` (several where the first finds nothing), `read`, `close`, `newfstatat`, and where
    /// sysfs does not tell `mmap` (several), `munmap`.
    ///
    /// # Errors
    ///
    /// - [`InvalidAlignmentFormat`](Error::InvalidAlignmentFormat): the system's answer is no
    ///   number.
    /// - [`InvalidAlignmentValue`](Error::InvalidAlignmentValue): it is not a power of two.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle), [`Os`](Error::Os): of a device DAX, as
    ///   for [`size`](Source::size). Nothing is asked about a regular file, so that its alignment
    ///   is known as long as the source lives.
    #[inline]
    pub fn alignment(&self) -> Result<u64, Error> {
        self.checked_alignment().map(Alignment::bytes)
    }

    #[inline]
    fn checked_alignment(&self) -> Result<Alignment, Error> {
        match self.facts.alignment {
            Some(alignment) => Ok(alignment),
            None => aligned(self.query(Subject::Alignment, Platform::alignment)?),
        }
    }

    /// Returns the number of bytes that storage is allocated for, now. Fewer than
    /// [`size`](Source::size): the file is sparse, and a store into a hole needs space of the file
    /// system. Where there is none, the store through a mapping ends the program with SIGBUS:
    /// allocate first (`fallocate`). It may be more than the size, too: file systems allocate whole
    /// blocks, and ahead.
    ///
    /// System calls on Linux: `fstat`.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](Error::Unsupported): the source has no allocation (device DAX, anonymous
    ///   memory).
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle), [`Os`](Error::Os): as for
    ///   [`size`](Source::size).
    pub fn allocated(&self) -> Result<u64, Error> {
        self.query(Subject::Allocated, Platform::allocated)
    }

    /// Returns the type of the file system that the source lies on; of a device file the one that
    /// `/dev` is.
    ///
    /// System calls on Linux: `fstat`, `fstatfs`.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](Error::Unsupported): the source has no file system.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle), [`Os`](Error::Os): as for
    ///   [`size`](Source::size).
    pub fn file_system(&self) -> Result<FileSystem, Error> {
        self.query(Subject::FileSystem, Platform::file_system)
    }

    /// Checks that a mapping of `length` bytes at `offset` would be accepted, and returns which
    /// bytes of the source it would show. A `length` of 0 stands for the rest of the source, as in
    /// pmem2_config_set_length(3). The offset of an anonymous source is ignored
    /// (pmem2_source_from_anon(3)). Whether the program has address space for it is not asked.
    ///
    /// System calls: those of [`size`](Source::size) and [`alignment`](Source::alignment).
    ///
    /// # Errors
    ///
    /// - [`OffsetOutOfRange`](Error::OffsetOutOfRange): the offset is over 2^63 - 1.
    /// - [`SourceEmpty`](Error::SourceEmpty): the source has no bytes.
    /// - [`OffsetUnaligned`](Error::OffsetUnaligned), [`LengthUnaligned`](Error::LengthUnaligned):
    ///   not a multiple of the source's alignment. A range may have any length that ends exactly at
    ///   the source's end.
    /// - [`OffsetBeyondEnd`](Error::OffsetBeyondEnd): the range begins at the end of the source or
    ///   after it, where there is nothing to map.
    /// - [`MapRange`](Error::MapRange): the range ends beyond the source.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): on Windows, the handle cannot be read.
    /// - Those of [`size`](Source::size) and [`alignment`](Source::alignment).
    pub fn check_range(&self, offset: u64, length: u64) -> Result<Range<u64>, Error> {
        self.readable()?;
        let offset = if self.facts.kind == Kind::Anonymous { 0 } else { offset };
        range(offset, length, self.size()?, self.checked_alignment()?)
    }

    /// Refuses a source that was made of a handle that cannot be read.
    #[inline]
    pub(crate) fn readable(&self) -> Result<(), Error> {
        if H::P::REQUIRES_READ {
            Ok(())
        } else {
            admit_mapping(false, self.facts.access, self.facts.kind)
        }
    }

    /// Returns what the platform said when the source was made.
    pub const fn facts(&self) -> &Facts<<H::P as Platform>::Id> {
        &self.facts
    }

    /// Asks the platform about the handle; a failure is about `subject`.
    #[inline]
    pub(crate) fn query<T>(
        &self,
        subject: Subject,
        question: Question<H::P, T>,
    ) -> Result<T, Error> {
        question((&self.handle).into(), &self.facts).map_err(|fail| Error::from_fail(fail, subject))
    }
}

// Not derived: that would ask for Debug of the platform, which is not shown.
impl<H: Handle + fmt::Debug> fmt::Debug for Source<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("handle", &self.handle).field("facts", &self.facts).finish()
    }
}

/// A method of [`Platform`] that is asked about one handle.
pub(crate) type Question<P, T> =
    fn(Borrowed<'_, P>, &Facts<<P as Platform>::Id>) -> Result<T, Fail>;

/// Looks at a handle: the facts if it can be a source. In its callers, for small stacks: a frame of
/// its own would hold the facts twice.
#[inline(always)]
fn examine<H: Handle>(handle: &H) -> Result<Facts<<H::P as Platform>::Id>, Error> {
    let facts =
        H::P::describe(handle.into()).map_err(|fail| Error::from_fail(fail, Subject::Handle))?;
    admit_handle(H::P::REQUIRES_READ, facts.access, facts.kind)?;
    Ok(facts)
}

/// Admits a handle with this access to an object of this kind. The access comes first.
#[inline]
pub(crate) const fn admit(access: Access, kind: Kind) -> Result<(), Error> {
    if access.contains(Access::PATH) {
        return Err(Error::InvalidFileHandle(HandleFault::PathOnly));
    }
    if !access.contains(Access::READ) {
        return Err(Error::InvalidFileHandle(if access.contains(Access::WRITE) {
            HandleFault::WriteOnly
        } else {
            HandleFault::NoAccess
        }));
    }
    admit_kind(kind)
}

/// Admits a handle where a source is made: on a platform that [does not
/// require](Platform::REQUIRES_READ) it to be read, only the kind matters.
#[inline]
pub(crate) const fn admit_handle(
    requires_read: bool,
    access: Access,
    kind: Kind,
) -> Result<(), Error> {
    if requires_read { admit(access, kind) } else { admit_kind(kind) }
}

/// Admits a handle where it is to be mapped. The first error is the one with which no source would
/// be made.
#[inline]
pub(crate) const fn admit_mapping(
    requires_read: bool,
    access: Access,
    kind: Kind,
) -> Result<(), Error> {
    match admit_handle(requires_read, access, kind) {
        Ok(()) => admit(access, kind),
        refused => refused,
    }
}

/// Admits an object of this kind.
#[inline]
pub(crate) const fn admit_kind(kind: Kind) -> Result<(), Error> {
    match kind {
        Kind::RegularFile | Kind::DeviceDax | Kind::Anonymous | Kind::Region => Ok(()),
        Kind::InvalidRegion(fault) => Err(Error::InvalidRegion(fault)),
        Kind::UnknownDevice(subject) => Err(Error::UnknownFileType(subject)),
        other => Err(Error::InvalidFileType(other)),
    }
}

/// Checks the alignment that a platform said.
#[inline]
pub(crate) const fn aligned(bytes: u64) -> Result<Alignment, Error> {
    match Alignment::new(bytes) {
        Some(alignment) => Ok(alignment),
        None => Err(Error::InvalidAlignmentValue(bytes)),
    }
}

/// Returns the range of `length` bytes, or of all that are left if that is 0, at `offset` in a
/// source of `size` bytes.
const fn range(
    offset: u64,
    length: u64,
    size: u64,
    alignment: Alignment,
) -> Result<Range<u64>, Error> {
    if offset > i64::MAX.unsigned_abs() {
        return Err(Error::OffsetOutOfRange { offset });
    }
    if !alignment.divides(offset) {
        return Err(Error::OffsetUnaligned { offset, alignment: alignment.bytes() });
    }
    if size == 0 {
        return Err(Error::SourceEmpty);
    }
    let end = if length == 0 { Some(size) } else { offset.checked_add(length) };
    // One that ends where the source does is mapped in whole pages, as the rest of it is.
    if !(alignment.divides(length) || matches!(end, Some(end) if end == size)) {
        return Err(Error::LengthUnaligned { length, alignment: alignment.bytes() });
    }
    if offset >= size {
        return Err(Error::OffsetBeyondEnd { offset, size });
    }
    match end {
        Some(end) if end <= size => Ok(offset..end),
        _ => Err(Error::MapRange { end: offset.saturating_add(length), size }),
    }
}
