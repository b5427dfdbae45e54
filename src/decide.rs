//! Decisions: pure functions of facts, with no system below them.

use core::ops::Range;

use pmem2_platform::{Access, Alignment, Kind, Subject};

use crate::{
    Error,
    error::{HandleFault, WriteFault},
};

/// Whether a handle with this access that refers to this kind of object can be a source. The access
/// comes first.
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

/// The same where a source is made: on a platform that [does not
/// want](pmem2_platform::Platform::REQUIRES_READ) to read yet, only the kind matters.
#[inline]
pub(crate) const fn admit_handle(
    wants_read: bool,
    access: Access,
    kind: Kind,
) -> Result<(), Error> {
    if wants_read { admit(access, kind) } else { admit_kind(kind) }
}

/// Whether it can be mapped too. The first error is the one with which no source would be made.
#[inline]
pub(crate) const fn admit_mapping(
    wants_read: bool,
    access: Access,
    kind: Kind,
) -> Result<(), Error> {
    match admit_handle(wants_read, access, kind) {
        Ok(()) => admit(access, kind),
        refused => refused,
    }
}

/// Whether an object of this kind can be a source.
#[inline]
pub(crate) const fn admit_kind(kind: Kind) -> Result<(), Error> {
    match kind {
        Kind::RegularFile | Kind::DeviceDax | Kind::Anonymous | Kind::Region => Ok(()),
        Kind::InvalidRegion(fault) => Err(Error::InvalidRegion(fault)),
        Kind::UnknownDevice(what) => Err(Error::UnknownFileType(what)),
        other => Err(Error::InvalidFileType(other)),
    }
}

/// What a platform said of the alignment, if it can be one.
#[inline]
pub(crate) const fn aligned(bytes: u64) -> Result<Alignment, Error> {
    match Alignment::new(bytes) {
        Some(alignment) => Ok(alignment),
        None => Err(Error::InvalidAlignmentValue(bytes)),
    }
}

/// The range of `length` bytes, or of all that is left if that is 0, at `offset` in a source of
/// `size` bytes.
pub(crate) const fn range(
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
    if !alignment.divides(length) {
        return Err(Error::LengthUnaligned { length, alignment: alignment.bytes() });
    }
    if offset >= size {
        return Err(Error::OffsetBeyondEnd { offset, size });
    }
    let end = if length == 0 { Some(size) } else { offset.checked_add(length) };
    match end {
        Some(end) if end <= size => Ok(offset..end),
        end => Err(Error::MapRange { end, size }),
    }
}

/// Whether there is something to read or write in an object of this kind before it is mapped.
pub(crate) const fn admit_transfer(kind: Kind) -> Result<(), Error> {
    match kind {
        Kind::Anonymous => Err(Error::SourceTypeNotSupported),
        _ => Ok(()),
    }
}

/// Whether an object of this kind lies on something that a system may know to be bad.
pub(crate) const fn admit_listing(kind: Kind) -> Result<(), Error> {
    match kind {
        Kind::Anonymous => Err(Error::Unsupported(Subject::BadBlocks)),
        _ => Ok(()),
    }
}

/// Whether it can be written to at an offset.
pub(crate) const fn admit_writing(access: Access, kind: Kind) -> Result<(), Error> {
    if !access.contains(Access::WRITE) {
        return Err(Error::NotWritable(WriteFault::ReadOnly));
    }
    // Memory has no end to append to.
    if access.contains(Access::APPEND) && matches!(kind, Kind::RegularFile) {
        return Err(Error::NotWritable(WriteFault::Append));
    }
    Ok(())
}

/// The range of `length` bytes at `offset`, all of which are in a source of `size` bytes.
pub(crate) const fn transfer(offset: u64, length: u64, size: u64) -> Result<Range<u64>, Error> {
    match offset.checked_add(length) {
        Some(end) if end <= size => Ok(offset..end),
        Some(end) => Err(Error::LengthOutOfRange { end, size }),
        None => Err(Error::LengthOutOfRange { end: u64::MAX, size }),
    }
}

/// Whether this range of a source of `size` bytes can be cleared.
pub(crate) const fn admit_clearing(range: &Range<u64>, size: u64) -> Result<(), Error> {
    if range.start > i64::MAX.unsigned_abs() {
        return Err(Error::OffsetOutOfRange { offset: range.start });
    }
    if range.start >= range.end {
        return Err(Error::NotBad);
    }
    if range.end > size { Err(Error::LengthOutOfRange { end: range.end, size }) } else { Ok(()) }
}
