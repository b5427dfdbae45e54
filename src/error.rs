//! Errors: the reason why there is no source, or no answer.
//!
//! [`Error`] is what the functions of this crate return, [`Code`] its
//! number in C. This chapter has the parts: which handle, which memory, which [`Subject`] the
//! system was asked for.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pmem2::{Code, Error, Source, error::HandleFault};
//!
//! let path = std::env::temp_dir().join(format!("pmem2-error-{}", std::process::id()));
//! let file = std::fs::File::options().write(true).create(true).open(&path)?;
//! # std::fs::remove_file(&path)?;
//! # if cfg!(windows) { return Ok(()) }
//! let error = Source::new(file).unwrap_err();
//! assert_eq!(error, Error::InvalidFileHandle(HandleFault::WriteOnly));
//! assert_eq!(error.pmem2_code(), Some(Code::InvalidFileHandle));
//! assert_eq!((error.code(), error.symbol()), (-100_004, Some("PMEM2_E_INVALID_FILE_HANDLE")));
//! assert!(error.to_string().starts_with("opened write-only, but a mapping has to read"));
//! # Ok(()) }
//! ```

mod code;

pub use code::Code;
pub use pmem2_platform::{Errno, Subject};

use pmem2_platform::{Backing, Fail, Kind, Protection, RegionFault, Undurable};

use crate::place::granularity::expected::{Expected, Granularity};

/// The fault of a handle that cannot be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandleFault {
    /// It is not open: negative, closed, beyond the table. On Windows also a handle of something
    /// that is no file, which cannot be told from a closed one.
    NotOpen,
    /// It was opened write-only; a mapping has to read.
    WriteOnly,
    /// It was opened for neither reading nor writing (Linux's access mode 3; on Windows only to ask
    /// about it).
    NoAccess,
    /// It was opened with `O_PATH`: it names a file and cannot be used on it.
    PathOnly,
    /// It refers to another file or region than the source was made of: it was closed,
    /// and its number was reused; or the table of its region was changed.
    Replaced,
    /// It refers to a device that was taken away, or to a file on one, and another device has its
    /// number now.
    DeviceReplaced,
}

/// The reason why a source cannot be written to at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteFault {
    /// It was opened read-only.
    ReadOnly,
    /// It was opened to append (`O_APPEND`): bytes go to the end, wherever they were meant for.
    Append,
}

/// The memory that had no room for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Memory {
    /// The pool, all of whose slots are taken: as many as this.
    Pool(usize),
    /// The heap: the global allocator gave no memory.
    Heap,
}

/// An error of pmem2. Each has the code that libpmem2 gives it ([`code`](Error::code)), an errno
/// ([`errno`](Error::errno)) and a sentence with the cause and, where there is one, the remedy
/// (`Display`).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::{Error, Source};
///
/// let source = Source::new(std::fs::File::open(std::env::current_exe()?)?)?;
/// let (size, end) = (source.size()?, 1 << 40);
/// let error = source.check_range(0, 1 << 40).unwrap_err();
/// assert_eq!(error, Error::MapRange { end, size });
/// assert_eq!((error.code(), error.symbol()), (-100_006, Some("PMEM2_E_MAP_RANGE")));
/// // "the range ends at byte 1099511627776, but there are only … bytes"
/// println!("{error}");
/// # Ok(()) }
/// ```
///
/// There is one for whatever a function of this crate may return. [`Code`] has all codes of
/// libpmem2(7), those of calls that are not there yet (reservations) among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// Something is wrong that no other error describes: the platform could not make sense of the
    /// subject.
    Unknown(Subject),
    /// The platform has no answer to this question.
    Unsupported(Subject),
    /// The handle is of no use; checked before the kind of the file.
    InvalidFileHandle(HandleFault),
    /// The handle is good, but its object can be no source. [`Kind`] says what it is.
    InvalidFileType(Kind),
    /// The handle refers to a character device, and whether it is a device DAX cannot be told:
    /// [`Subject::Sysfs`] where sysfs is not mounted, [`Subject::Subsystem`] where its answer makes
    /// no sense. The code is that of [`InvalidFileType`](Error::InvalidFileType).
    UnknownFileType(Subject),
    /// The range begins at the end of the source or after it. The code is that of
    /// [`MapRange`](Error::MapRange).
    OffsetBeyondEnd {
        /// The first byte of the range.
        offset: u64,
        /// The size of the source in bytes.
        size: u64,
    },
    /// The range begins in the source, or in the mapping, and ends beyond its last byte; or it ends
    /// before it begins. Of a mapping, both fields count from its beginning.
    MapRange {
        /// The first byte after the range; `u64::MAX` also where that is beyond what 64 bits can
        /// count, and where the range ends before it begins.
        // No Option: with one, the enum would be larger.
        end: u64,
        /// The size of the source, or the length of the mapping, in bytes.
        size: u64,
    },
    /// A mapping of the source has a coarser granularity than the program can do with
    /// (pmem2_config_set_required_store_granularity(3)): nothing stays mapped.
    GranularityNotSupported {
        /// The coarsest granularity that the program can do with.
        wanted: Granularity,
        /// The granularity that the mapping has, the reason, and by
        /// [`Reason::remedy`](crate::place::Reason::remedy) what would make it finer.
        expected: Expected,
    },
    /// A device DAX whose stores only the host makes durable, without a way to ask the host
    /// (virtio-pmem, PowerPC's hypervisor). The code is `PMEM2_E_GRANULARITY_NOT_SUPPORTED`.
    NeverDurable,
    /// A region of physical memory whose table says that nothing makes a store durable. The code is
    /// `PMEM2_E_GRANULARITY_NOT_SUPPORTED`.
    RegionNeverDurable,
    /// A region of physical memory that is not armed: it will not keep what is stored. The code is
    /// `PMEM2_E_GRANULARITY_NOT_SUPPORTED`.
    RegionUnarmed,
    /// An offset that no file can have: over 2^63 - 1.
    OffsetOutOfRange {
        /// The offset in bytes.
        offset: u64,
    },
    /// The offset is not a multiple of the alignment of the source, or of a word or an atomic in a
    /// mapping.
    OffsetUnaligned {
        /// The offset in bytes: in the source, or in the mapping. A part of a mapping that begins
        /// at no multiple of the alignment itself has offsets in the source here.
        offset: u64,
        /// The alignment in bytes.
        alignment: u64,
    },
    /// The system's answer to the question for the alignment is no number.
    InvalidAlignmentFormat,
    /// The alignment is this many bytes, which is not a power of two: the one that the program
    /// wants ([`MapConfig::aligned_to`](crate::MapConfig::aligned_to)), or that the system says.
    InvalidAlignmentValue(u64),
    /// The system's answer to the question for the size is no number, or one that no size can be.
    InvalidSizeFormat,
    /// The length is not a multiple of the source's alignment.
    LengthUnaligned {
        /// The length in bytes.
        length: u64,
        /// The alignment in bytes.
        alignment: u64,
    },
    /// There is no mapping in this range.
    MappingNotFound,
    /// The source has no bytes.
    SourceEmpty,
    /// Device DAX cannot be mapped privately.
    SrcDevdaxPrivate,
    /// The system's answer to the question for the region makes no sense.
    InvalidRegionFormat,
    /// A region of physical memory that can be no source. The code is that of
    /// [`InvalidRegionFormat`](Error::InvalidRegionFormat), of a region without bytes that of
    /// [`SourceEmpty`](Error::SourceEmpty), and of one with an alignment that is no power of two
    /// that of [`InvalidAlignmentValue`](Error::InvalidAlignmentValue).
    InvalidRegion(RegionFault),
    /// The source lies on no region of persistent memory, but on this.
    DaxRegionNotFound(Backing),
    /// The question is about persistent memory, and the source lies on something else, or it cannot
    /// be told on what it lies. The code is `PMEM2_E_NOSUPP`.
    NotPersistentMemory {
        /// The subject of the question.
        asked: Subject,
        /// The backing of the source.
        on: Backing,
    },
    /// The source lies on a volume whose regions are on several NUMA nodes: there is no one node.
    /// The code is `PMEM2_E_NOSUPP`.
    SeveralNumaNodes,
    /// The system's answer to the question for the device makes no sense.
    InvalidDevFormat,
    /// The bounds of the device cannot be read.
    CannotReadBounds,
    /// The system does not list all of these bytes as bad: nothing was changed. The code is
    /// `PMEM2_E_NO_BAD_BLOCK_FOUND`.
    NotBad,
    /// The range to map has no bytes. The code is that of
    /// [`LengthOutOfRange`](Error::LengthOutOfRange).
    EmptyRange,
    /// The range to read or write, or to clear, ends beyond the last byte of the source.
    LengthOutOfRange {
        /// The first byte after the range; `u64::MAX` also where that is beyond what 64 bits can
        /// count.
        end: u64,
        /// The size of the source in bytes.
        size: u64,
    },
    /// The source ends here, earlier than its size said: it lost bytes while it was read or
    /// written, or its file system states a size that it never had (sysfs). The code is that of
    /// [`LengthOutOfRange`](Error::LengthOutOfRange).
    SourceShrank {
        /// The size of the source in bytes, at most.
        size: u64,
    },
    /// The source cannot be written to at an offset. The code is `PMEM2_E_NO_ACCESS`.
    NotWritable(WriteFault),
    /// The mapping was made without this access, or not with all of it. The code is
    /// `PMEM2_E_NO_ACCESS`.
    NotMapped(Protection),
    /// Sources of this kind cannot do this.
    SourceTypeNotSupported,
    /// Reading or writing met bad memory: the first bad byte is one of the `length` bytes at
    /// `offset`, as exactly as the system tells.
    IoFail {
        /// The offset in the source in bytes.
        offset: u64,
        /// The length in bytes.
        length: u64,
    },
    /// The system failed to store bytes that it had taken: any of those written since the last sync
    /// may be lost. The code is that of [`IoFail`](Error::IoFail).
    NotSynced,
    /// The bytes would not become durable, for this reason; nothing was changed. The code is
    /// `PMEM2_E_NOSUPP`.
    NotDurable(Undurable),
    /// There is no memory for the source; nothing was changed. The code is `-ENOMEM`.
    OutOfMemory(Memory),
    /// There are no addresses for so many bytes of the source. The code is that of
    /// [`MapRange`](Error::MapRange).
    NoRoom {
        /// The number of bytes that the mapping was to have, or to have addresses for.
        length: u64,
        /// The number of bytes that it has addresses for; 0 where the source cannot grow, and so
        /// has no room ([`MapConfig::room`](crate::MapConfig::room)).
        room: u64,
    },
    /// The answer is larger than what pmem2 keeps: a volume of too many devices, too many DIMMs.
    /// The code is `-EOVERFLOW`.
    TooLarge(Subject),
    /// The system failed. The code is `-errno`.
    Os {
        /// The subject that the system was asked for.
        subject: Subject,
        /// The system's answer.
        errno: Errno,
    },
    /// The system failed with an error that errno has no number for. The code is `-EIO`.
    OsCode {
        /// The subject that the system was asked for.
        subject: Subject,
        /// The system's answer: on Windows, the one of GetLastError.
        code: u32,
    },
}

impl Error {
    /// Returns the code of libpmem2, where the error is not the system's own.
    #[must_use]
    pub const fn pmem2_code(&self) -> Option<Code> {
        Some(match self {
            Self::Unknown(_) => Code::Unknown,
            Self::Unsupported(_)
            | Self::NotPersistentMemory { .. }
            | Self::SeveralNumaNodes
            | Self::NotDurable(_) => Code::NoSupp,
            Self::InvalidFileHandle(_) => Code::InvalidFileHandle,
            Self::InvalidFileType(_) | Self::UnknownFileType(_) => Code::InvalidFileType,
            Self::MapRange { .. } | Self::OffsetBeyondEnd { .. } | Self::NoRoom { .. } => {
                Code::MapRange
            }
            Self::GranularityNotSupported { .. }
            | Self::NeverDurable
            | Self::RegionNeverDurable
            | Self::RegionUnarmed => Code::GranularityNotSupported,
            Self::OffsetOutOfRange { .. } => Code::OffsetOutOfRange,
            Self::OffsetUnaligned { .. } => Code::OffsetUnaligned,
            Self::InvalidAlignmentFormat => Code::InvalidAlignmentFormat,
            Self::InvalidAlignmentValue(_) | Self::InvalidRegion(RegionFault::Alignment) => {
                Code::InvalidAlignmentValue
            }
            Self::InvalidSizeFormat => Code::InvalidSizeFormat,
            Self::LengthUnaligned { .. } => Code::LengthUnaligned,
            Self::MappingNotFound => Code::MappingNotFound,
            Self::SourceEmpty | Self::InvalidRegion(RegionFault::Empty) => Code::SourceEmpty,
            Self::SrcDevdaxPrivate => Code::SrcDevdaxPrivate,
            Self::InvalidRegionFormat | Self::InvalidRegion(_) => Code::InvalidRegionFormat,
            Self::DaxRegionNotFound(_) => Code::DaxRegionNotFound,
            Self::InvalidDevFormat => Code::InvalidDevFormat,
            Self::CannotReadBounds => Code::CannotReadBounds,
            Self::NotBad => Code::NoBadBlockFound,
            Self::EmptyRange | Self::LengthOutOfRange { .. } | Self::SourceShrank { .. } => {
                Code::LengthOutOfRange
            }
            Self::NotWritable(_) | Self::NotMapped(_) => Code::NoAccess,
            Self::SourceTypeNotSupported => Code::SourceTypeNotSupported,
            Self::IoFail { .. } | Self::NotSynced => Code::IoFail,
            Self::OutOfMemory(_) | Self::TooLarge(_) | Self::Os { .. } | Self::OsCode { .. } => {
                return None;
            }
        })
    }

    /// Returns the number that a C function of libpmem2 returns for this error: a `PMEM2_E_*` code
    /// (-100000 to -100037) or a negative errno.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self.pmem2_code() {
            Some(code) => code.raw(),
            None => self.errno().raw().saturating_neg(),
        }
    }

    /// Returns the errno, as pmem2_err_to_errno(3) does: the system's own where it has one,
    /// `ENOMEM` for missing memory, `ENOTSUP` for `PMEM2_E_NOSUPP`, `EINVAL` for every other code.
    #[must_use]
    pub const fn errno(&self) -> Errno {
        match self {
            Self::Os { errno, .. } => *errno,
            Self::OsCode { .. } => Errno::EIO,
            Self::OutOfMemory(_) => Errno::ENOMEM,
            Self::TooLarge(_) => Errno::EOVERFLOW,
            Self::Unsupported(_)
            | Self::NotPersistentMemory { .. }
            | Self::SeveralNumaNodes
            | Self::NotDurable(_) => Errno::ENOTSUP,
            _ => Errno::EINVAL,
        }
    }

    /// Returns the symbol of the code: `PMEM2_E_INVALID_FILE_TYPE`, `ENOMEM`; `None` for an errno
    /// without a name here.
    #[must_use]
    pub fn symbol(&self) -> Option<&'static str> {
        match self.pmem2_code() {
            Some(code) => Some(code.symbol()),
            None => self.errno().name(),
        }
    }

    /// Makes the error of a platform's failure, where it was asked for `asked`.
    #[cold]
    #[inline(never)]
    pub(crate) const fn from_fail(fail: Fail, asked: Subject) -> Self {
        match fail {
            Fail::Unsupported => Self::Unsupported(asked),
            Fail::Replaced => Self::InvalidFileHandle(HandleFault::Replaced),
            Fail::DeviceReplaced => Self::InvalidFileHandle(HandleFault::DeviceReplaced),
            Fail::TooLarge(subject) => Self::TooLarge(subject),
            Fail::NotSynced => Self::NotSynced,
            Fail::NotBad => Self::NotBad,
            Fail::Os(subject, errno) => Self::Os { subject, errno },
            Fail::OsCode(subject, code) => Self::OsCode { subject, code },
            Fail::Absent(Subject::Mapping) => Self::MappingNotFound,
            Fail::Absent(Subject::Handle) => Self::InvalidFileHandle(HandleFault::NotOpen),
            // Only a device DAX may be in no region.
            Fail::Absent(Subject::Region) if matches!(asked, Subject::DeepFlush) => {
                Self::DaxRegionNotFound(Backing::DeviceDax)
            }
            Fail::Absent(subject) => Self::Os { subject, errno: Errno::ENOENT },
            Fail::Malformed(Subject::Size | Subject::Allocated) => Self::InvalidSizeFormat,
            Fail::Malformed(Subject::Alignment | Subject::PageSize) => Self::InvalidAlignmentFormat,
            Fail::Malformed(Subject::Region | Subject::NumaNode | Subject::PersistenceDomain) => {
                Self::InvalidRegionFormat
            }
            Fail::Malformed(Subject::BadBlocks | Subject::Extents) => Self::CannotReadBounds,
            Fail::Malformed(
                Subject::Dimm
                | Subject::DeviceId
                | Subject::UnsafeShutdowns
                | Subject::Device
                | Subject::Volume,
            ) => Self::InvalidDevFormat,
            Fail::Malformed(subject) => Self::Unknown(subject),
            _ => Self::Unknown(asked),
        }
    }
}

// Every answer has room for one.
const _: () = assert!(size_of::<Error>() <= 24);

impl core::error::Error for Error {}
impl core::error::Error for Memory {}

/// Makes an [`std::io::Error`]. The sentence stays, and so does the error itself: `get_ref` and
/// `downcast` give it back, and with it the number, which `raw_os_error` does not. Its kind:
///
/// | error | kind |
/// |---|---|
/// | [`IoFail`](Error::IoFail), [`NotSynced`](Error::NotSynced) | [`Other`](std::io::ErrorKind::Other), as of EIO: nothing was wrong with the call |
/// | [`SourceShrank`](Error::SourceShrank) | [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) |
/// | [`NotWritable`](Error::NotWritable), [`NotMapped`](Error::NotMapped) | [`PermissionDenied`](std::io::ErrorKind::PermissionDenied) |
/// | every other | that of its [`errno`](Error::errno): [`InvalidInput`](std::io::ErrorKind::InvalidInput) for `EINVAL` |
#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

#[cfg(feature = "std")]
impl Error {
    /// Returns the kind of [`std::io::Error`] that it becomes.
    pub(crate) fn kind(self) -> std::io::ErrorKind {
        use std::io::ErrorKind;
        match self {
            Self::IoFail { .. } | Self::NotSynced => ErrorKind::Other,
            Self::SourceShrank { .. } => ErrorKind::UnexpectedEof,
            Self::NotWritable(_) | Self::NotMapped(_) => ErrorKind::PermissionDenied,
            _ => self.errno().into(),
        }
    }
}
