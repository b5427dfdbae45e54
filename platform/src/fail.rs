//! Failures: what a platform may say instead of a fact.

use core::fmt;

use crate::{alignment::Alignment, errno::Errno};

/// The subject of a failure: what a platform was asked for, or needed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The handle, and the object that it refers to (on Linux `fcntl(F_GETFL)` and `fstat`).
    Handle,
    /// The kind of a character device (on Linux the link `/sys/dev/char/M:m/subsystem`).
    Subsystem,
    /// The file system that describes devices: Linux's `/sys`. No other system needs it.
    Sysfs,
    /// The size in bytes.
    Size,
    /// The alignment in bytes.
    Alignment,
    /// The allocated bytes.
    Allocated,
    /// The type of the file system (on Linux `fstatfs`).
    FileSystem,
    /// The page size.
    PageSize,
    /// The device that an object is on, or is (on Linux its entry in `/sys/dev`).
    Device,
    /// The devices that a volume is made of (on Linux the directory `slaves`).
    Volume,
    /// The region of persistent memory.
    Region,
    /// The NUMA node.
    NumaNode,
    /// The persistence domain of a region.
    PersistenceDomain,
    /// A DIMM of a region.
    Dimm,
    /// The id of a DIMM, or of all DIMMs of a source.
    DeviceId,
    /// The number of unsafe shutdowns.
    UnsafeShutdowns,
    /// Whether a device or a file can be mapped directly (DAX).
    Dax,
    /// The attempt to map synchronously (`MAP_SYNC`).
    MapSync,
    /// The reading of bytes (on Linux `pread`, and of a device DAX a copy).
    Read,
    /// The writing of bytes.
    Write,
    /// The caller's memory.
    Buffer,
    /// The durability of what was written (on Linux `fdatasync`, `msync`).
    Sync,
    /// The mapping of memory that is read or written, or of a file at all.
    Mapping,
    /// The mapping of a file for writing, which was opened for that.
    WritableMapping,
    /// The handler of the signal that bad memory raises (SIGBUS).
    SignalHandler,
    /// The system's list of bad blocks.
    BadBlocks,
    /// Where the bytes of a file lie on its device (on Linux `FIEMAP`).
    Extents,
    /// The clearing of a bad block.
    ClearBadBlock,
    /// The writing back of the good bytes beside a bad block, to the memory that takes its place.
    /// If it fails, they are lost.
    WriteBack,
    /// The spare file beside one whose bad block is cleared (on Linux `open` with `O_TMPFILE`): it
    /// shows that the good bytes beside the bad ones can be written again, and holds bad memory
    /// that would come back.
    Spare,
    /// The end of a mapping (on Linux `munmap`).
    Unmapping,
    /// The allocation of storage for bytes of a file, and with it the file's growth (on Linux
    /// `fallocate`).
    Allocation,
    /// The return of a file's storage to its file system (on Linux `fallocate` with
    /// `FALLOC_FL_PUNCH_HOLE`).
    Deallocation,
    /// The change of a file's size (on Linux `ftruncate`).
    Resize,
    /// The loading of mapped pages before they are used (on Linux `madvise` with
    /// `MADV_POPULATE_READ` or `MADV_POPULATE_WRITE`).
    Populate,
    /// The deep flush of a region: its hardware's buffers (on Linux its file `deep_flush`).
    DeepFlush,
    /// The opening of a path: not asked of a platform, but by programs that make their reports with
    /// pmem2.
    Open,
}

/// The reason why there is no fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fail {
    /// This platform has no answer to this question, whatever the handle.
    Unsupported,
    /// The subject is not there.
    Absent(Subject),
    /// The subject is there and cannot be understood.
    Malformed(Subject),
    /// The handle refers to another object than the one that was described: it was closed, and what
    /// names it was used again.
    Replaced,
    /// The device that the object was on, or is, was taken away, and another one got its number.
    DeviceReplaced,
    /// The answer is larger than what pmem2 keeps.
    TooLarge(Subject),
    /// The memory is bad: the first bad byte is in the naturally aligned block of this size that
    /// the next byte is in, and none before it; as exact as the system tells. Of a transfer.
    BadMemory(Alignment),
    /// The object has no more bytes. Of a transfer.
    Ended,
    /// The bytes that were to be cleared are not all known to be bad. Nothing was touched.
    NotBad,
    /// The system failed to make written bytes durable: EIO of fsync(2). They may be lost.
    NotSynced,
    /// The system failed with this error number when it was asked for the subject.
    Os(Subject, Errno),
    /// The system failed with an error of its own that errno has no number for: on Windows the
    /// number that GetLastError gave. Its errno is `EIO`.
    OsCode(Subject, u32),
}

impl Fail {
    /// The caller's memory is bad, not mapped, or not to be written to. Of a transfer.
    pub const BUFFER: Self = Self::Os(Subject::Buffer, Errno::EFAULT);

    /// Makes the failure of a call that synchronizes, like fsync(2), of its error number.
    #[must_use]
    pub const fn unsynced(errno: Errno) -> Self {
        match errno {
            Errno::EIO => Self::NotSynced,
            errno => Self::Os(Subject::Sync, errno),
        }
    }

    /// Makes [`BadMemory`](Fail::BadMemory) of a block of `unit` bytes, or of the next larger power
    /// of two.
    #[must_use]
    pub const fn bad_memory(unit: u64) -> Self {
        let log2 = u64::BITS.saturating_sub(unit.saturating_sub(1).leading_zeros());
        Self::BadMemory(Alignment::from_log2(log2))
    }
}

/// For those who write a platform. A program is told the sentence of pmem2's `Error`.
impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("the platform has no answer"),
            Self::Absent(subject) => write!(f, "{subject:?}: not there"),
            Self::NotBad => f.write_str("not all of the bytes are known to be bad"),
            Self::NotSynced => f.write_str("what was written was not made durable"),
            Self::Malformed(subject) => write!(f, "{subject:?}: cannot be understood"),
            Self::Replaced => f.write_str("the handle refers to another object meanwhile"),
            Self::DeviceReplaced => f.write_str("the device is another one meanwhile"),
            Self::TooLarge(subject) => write!(f, "{subject:?}: too large"),
            Self::BadMemory(unit) => write!(f, "one of the next {} bytes is bad", unit.bytes()),
            Self::Ended => f.write_str("there are no more"),
            &Self::BUFFER => f.write_str("the caller's memory cannot be accessed"),
            Self::Os(subject, errno) => write!(f, "{subject:?}: {errno}"),
            Self::OsCode(subject, code) => {
                write!(f, "{subject:?}: error {code} of the system's own")
            }
        }
    }
}

impl core::error::Error for Fail {}

// Every answer carries one.
const _: () = assert!(size_of::<Fail>() == 8);
