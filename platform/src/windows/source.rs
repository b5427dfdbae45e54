//! Facts about a handle.

#[cfg(windows)]
use super::{crt::Crt, native::Kernel, platform::Windows};
use super::{
    errors::Code,
    handle::RawWinHandle,
    id::WinFileId,
    identity::{handle, identify, no_answer, same},
    place,
    sys::{FILE_TYPE_CHAR, FILE_TYPE_DISK, FILE_TYPE_PIPE, FILE_TYPE_REMOTE, Information, Sys},
};
#[cfg(windows)]
use crate::source::{Borrowed, Handle, Platform};
use crate::{
    alignment::Alignment,
    facts::{Access, Facts, FileSystem, Kind},
    fail::{Fail, Subject},
};

#[cfg(windows)]
macro_rules! platform {
    ($($system:ident $raw:ident;)*) => {$(
        impl Platform for $system {
            type Raw = $raw;
            type Id = WinFileId;

            /// pmem2_source_from_handle(3) does not look at the access mode.
            const REQUIRES_READ: bool = false;

            fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<WinFileId>, Fail> {
                describe(Kernel, Self::find(handle.raw())?)
            }

            fn size(handle: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<u64, Fail> {
                size(Kernel, Self::find(handle.raw())?, facts)
            }

            fn alignment(handle: Borrowed<'_, Self>, _: &Facts<WinFileId>) -> Result<u64, Fail> {
                Self::find(handle.raw()).map(|_| granularity(Kernel))
            }

            fn allocated(
                handle: Borrowed<'_, Self>,
                facts: &Facts<WinFileId>,
            ) -> Result<u64, Fail> {
                allocated(Kernel, Self::find(handle.raw())?, facts)
            }

            fn file_system(
                handle: Borrowed<'_, Self>,
                facts: &Facts<WinFileId>,
            ) -> Result<FileSystem, Fail> {
                file_system(Kernel, Self::find(handle.raw())?, facts)
            }

            /// Returns the allocation granularity, to which Windows aligns mappings: 64 KiB, where
            /// pages have 4.
            fn page_size(self) -> Result<Alignment, Fail> {
                page_size(Kernel)
            }
        }
    )*};
}

#[cfg(windows)]
platform! { Windows RawWinHandle; Crt i32; }

// FILE_ATTRIBUTE_*.
pub(super) const ATTRIBUTE_DIRECTORY: u32 = 0x10;
pub(super) const ATTRIBUTE_REPARSE_POINT: u32 = 0x400;

/// The bit of a reparse tag of a file that stands for another: a symbolic link, a mount point.
/// (Others are files that a filter keeps elsewhere or in another form: OneDrive's, deduplicated and
/// compressed ones.)
pub(super) const NAME_SURROGATE: u32 = 0x2000_0000;

// Tags of files that Linux programs (WSL) and Unix sockets leave in a directory: IO_REPARSE_TAG_*.
const AF_UNIX: u32 = 0x8000_0023;
const LX_FIFO: u32 = 0x8000_0024;
const LX_CHR: u32 = 0x8000_0025;
const LX_BLK: u32 = 0x8000_0026;

// Rights that were granted.
pub(super) const FILE_READ_DATA: u32 = 1;
pub(super) const FILE_WRITE_DATA: u32 = 2;
pub(super) const FILE_APPEND_DATA: u32 = 4;

pub(super) fn describe<S: Sys>(sys: S, raw: RawWinHandle) -> Result<Facts<WinFileId>, Fail> {
    // INVALID_HANDLE_VALUE also names the calling process, in calls that take a process.
    if raw == RawWinHandle::INVALID || raw == RawWinHandle::NULL || names_a_stream(raw) {
        return Err(Fail::Absent(Subject::Handle));
    }
    let kind = match sys.file_type(raw).map(|file_type| file_type & !FILE_TYPE_REMOTE) {
        Ok(FILE_TYPE_DISK) => return on_disk(sys, raw),
        Ok(FILE_TYPE_CHAR) => Kind::CharacterDevice,
        Ok(FILE_TYPE_PIPE) => pipe_or_socket(sys, raw)?,
        // A file object all the same: a mailslot.
        Ok(_) => Kind::Other,
        // Likewise, with a driver without a type: Wine says so of volumes and disks.
        Err(code) if code.is_question_unknown() || code == Code::BAD_DEV_TYPE => Kind::Other,
        Err(code) => return Err(handle(code)),
    };
    Ok(refused(sys, raw, kind))
}

/// Tells whether it is STD_INPUT_HANDLE or the like, of which GetStdHandle makes a handle.
/// GetFileType takes them for the handle of the stream, and reads only 32 bits; no other call does.
fn names_a_stream(raw: RawWinHandle) -> bool {
    let [a, b, c, d, ..] = raw.get().to_le_bytes();
    matches!(i32::from_le_bytes([a, b, c, d]), -12..=-10)
}

/// Returns the facts of an object that no source is made of: its kind is the fact to report, not
/// the failures of further questions.
fn refused<S: Sys>(sys: S, raw: RawWinHandle, kind: Kind) -> Facts<WinFileId> {
    Facts::new(WinFileId::NONE, kind, access(sys, raw).unwrap_or(Access::empty()), None)
}

/// Describes a file, a directory, or the disk itself.
fn on_disk<S: Sys>(sys: S, raw: RawWinHandle) -> Result<Facts<WinFileId>, Fail> {
    let information = match sys.information(raw) {
        Ok(information) => information,
        // Volumes and disks have no such information. Their drivers say so with different codes.
        Err(Code::INVALID_FUNCTION | Code::NOT_SUPPORTED | Code::INVALID_PARAMETER) => {
            return Ok(refused(sys, raw, Kind::BlockDevice));
        }
        Err(code) => return Err(handle(code)),
    };
    let kind = kind_on_disk(sys, raw, &information)?;
    let id = identify(sys, raw, || Ok(information.id));
    if kind != Kind::RegularFile {
        return Ok(Facts { id: id.unwrap_or(WinFileId::NONE), ..refused(sys, raw, kind) });
    }
    let id = id.map_err(handle)?;
    let alignment = Alignment::new(sys.allocation_granularity().into());
    Ok(Facts::new(id, kind, access(sys, raw).map_err(handle)?, alignment))
}

fn kind_on_disk<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    information: &Information,
) -> Result<Kind, Fail> {
    let is = |attribute| information.attributes & attribute != 0;
    let kind = if is(ATTRIBUTE_DIRECTORY) { Kind::Directory } else { Kind::RegularFile };
    if !is(ATTRIBUTE_REPARSE_POINT) {
        return Ok(kind);
    }
    match sys.reparse_tag(raw) {
        Ok(tag) if tag & NAME_SURROGATE != 0 => Ok(Kind::SymbolicLink),
        Ok(AF_UNIX) => Ok(Kind::Socket),
        Ok(LX_FIFO) => Ok(Kind::Pipe),
        Ok(LX_CHR) => Ok(Kind::CharacterDevice),
        Ok(LX_BLK) => Ok(Kind::BlockDevice),
        Ok(_) => Ok(kind),
        // A file system without reparse points.
        Err(code) if code.is_question_unknown() => Ok(kind),
        Err(code) => Err(handle(code)),
    }
}

/// Tells a pipe from a socket: GetFileType says pipe for both, and only a pipe answers as one,
/// unless the handle may not ask.
fn pipe_or_socket<S: Sys>(sys: S, raw: RawWinHandle) -> Result<Kind, Fail> {
    match sys.named_pipe(raw) {
        Ok(()) | Err(Code::ACCESS_DENIED) => Ok(Kind::Pipe),
        Err(Code::INVALID_HANDLE) => Err(Fail::Absent(Subject::Handle)),
        Err(_) => Ok(Kind::Socket),
    }
}

fn access<S: Sys>(sys: S, raw: RawWinHandle) -> Result<Access, Code> {
    let granted = sys.granted_access(raw)?;
    let may = |right| granted & right != 0;
    let mut access = Access::empty();
    access.set(Access::READ, may(FILE_READ_DATA));
    access.set(Access::WRITE, may(FILE_WRITE_DATA | FILE_APPEND_DATA));
    // A handle that may append and not write appends.
    access.set(Access::APPEND, may(FILE_APPEND_DATA) && !may(FILE_WRITE_DATA));
    Ok(access)
}

pub(super) fn size<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<u64, Fail> {
    same(sys, raw, facts)?;
    let standard = sys.standard(raw).map_err(|code| no_answer(Subject::Size, code))?;
    u64::try_from(standard.size).map_err(|_| Fail::Malformed(Subject::Size))
}

pub(super) fn allocated<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<u64, Fail> {
    same(sys, raw, facts)?;
    let standard = sys.standard(raw).map_err(|code| no_answer(Subject::Allocated, code))?;
    u64::try_from(standard.allocated).map_err(|_| Fail::Malformed(Subject::Allocated))
}

pub(super) fn file_system<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<FileSystem, Fail> {
    match facts.kind {
        Kind::RegularFile | Kind::Directory | Kind::SymbolicLink => same(sys, raw, facts)?,
        _ => return Err(Fail::Unsupported),
    }
    let volume =
        sys.volume_information(raw).map_err(|code| no_answer(Subject::FileSystem, code))?;
    Ok(place::file_system(&volume))
}

/// Returns the alignment of a mapping's offset and length.
pub(super) fn granularity<S: Sys>(sys: S) -> u64 {
    sys.allocation_granularity().into()
}

pub(super) fn page_size<S: Sys>(sys: S) -> Result<Alignment, Fail> {
    Alignment::new(granularity(sys)).ok_or(Fail::Malformed(Subject::PageSize))
}
