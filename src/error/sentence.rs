//! What an error says to a person: one sentence, the cause first, the remedy behind it.

use core::fmt::{Display, Formatter, Result};

use pmem2_platform::{Backing, Kind, RegionFault, What};

use super::{Error, HandleFault, Memory};
use crate::{os::words, place::On};

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(sentence) = words::plain(self) {
            return f.write_str(sentence);
        }
        match self {
            Self::InvalidFileHandle(fault) => fault.fmt(f),
            Self::InvalidFileType(kind) => refused(*kind, f),
            Self::OutOfMemory(memory) => memory.fmt(f),
            Self::Os { what, errno } => {
                failed(*what, f)?;
                write!(f, "{errno}{}", words::remedy(*what, *errno))
            }
            Self::OsCode { what, code } => {
                failed(*what, f)?;
                write!(f, "error {code} of the system's own, for which there is no errno but EIO")
            }
            Self::Unsupported(What::Handle) => {
                f.write_str("nothing can be said of the handle: pmem2 has no backend for this system")
            }
            Self::Unsupported(what) => {
                write!(f, "{} cannot be had: this kind of source, or this platform, has no answer", noun(*what))
            }
            Self::Unknown(what) => write!(f, "the system's answer about {} makes no sense", noun(*what)),
            Self::UnknownFileType(What::Sysfs) => f.write_str(
                "a character device, but whether it is a device DAX cannot be told: there is no /sys/dev/char here; mount \
                 sysfs on /sys (in a chroot or container too)",
            ),
            Self::UnknownFileType(_) => f.write_str(
                "a character device, but whether it is a device DAX cannot be told: its subsystem link in /sys/dev/char \
                 cannot be read or makes no sense",
            ),
            Self::OffsetBeyondEnd { offset, size } => {
                write!(f, "the range begins at byte {offset}, but the source ends there or before: it has {size} bytes")
            }
            Self::MapRange { end: Some(end), size } => {
                write!(f, "the range ends at byte {end}, but the source has only {size} bytes")
            }
            Self::MapRange { end: None, size } => {
                write!(f, "offset and length add up to more than 64 bits can count; the source has {size} bytes")
            }
            Self::OffsetOutOfRange { offset } => {
                write!(f, "offset {offset} is beyond 2^63 - 1, the last byte that any file can have")
            }
            Self::OffsetUnaligned { offset, alignment } => {
                write!(f, "offset {offset} is not a multiple of {alignment}, the source's alignment in bytes")
            }
            Self::LengthUnaligned { length, alignment } => write!(
                f,
                "length {length} is not a multiple of {alignment}, the source's alignment in bytes; 0 stands for the rest \
                 of the source"
            ),
            Self::DaxRegionNotFound(on) => write!(f, "there is no region of persistent memory: the source lies on {}", On(*on)),
            Self::NotPersistentMemory { asked: What::NumaNode, on: Backing::Volume { .. } } => {
                f.write_str("the NUMA node cannot be had: Windows does not say which one the memory of a volume is on")
            }
            Self::NotPersistentMemory { asked, on } => {
                write!(f, "{} cannot be had: the source lies on {}", noun(*asked), On(*on))
            }
            Self::InvalidRegion(fault) => f.write_str(match fault {
                RegionFault::Empty => "the region, or the part of it, has no bytes: its table is wrong, or the part's length is 0",
                RegionFault::Wraps => "the region goes on beyond the last physical address: its table is wrong",
                RegionFault::Outside => "the part goes on beyond the end of its region: offset or length is too large",
                RegionFault::Overlaps => "the region has bytes in common with another one: their table is wrong",
                RegionFault::Misaligned => {
                    "the region, or the part of it, begins at no multiple of the region's alignment: its offset or its table is wrong"
                }
                RegionFault::Alignment => "the region's alignment is no power of two: its table is wrong",
                RegionFault::Unaddressed => {
                    "the devicetree's node has no address that the processor has: its reg, or the ranges above it, are wrong"
                }
                _ => "no source can be made of this region: its table is wrong",
            }),
            Self::TooLarge(what) => {
                write!(f, "{} cannot be had: there is more of it than this library has room for", noun(*what))
            }
            Self::InvalidAlignmentValue(value) => write!(
                f,
                "the system says that the source's alignment is {value} bytes, which is not a power of two; its driver, \
                 or its table, is at fault"
            ),
            other => f.write_str(plain(other)),
        }
    }
}

/// The sentences without a number in them.
fn plain(error: &Error) -> &'static str {
    match error {
        Error::FileHandleNotSet => "the source has no file handle: it is anonymous",
        Error::MappingExists => "the file mapping object exists already",
        Error::GranularityNotSet => "no store granularity was asked for: set the one that the program needs",
        Error::GranularityNotSupported => "the source cannot give the store granularity that was asked for",
        Error::NeverDurable => {
            "a device DAX of virtio-pmem cannot be made durable from inside the guest, since only the host's flush does that: \
             use a file on a file system on it instead (ndctl create-namespace --mode=fsdax)"
        }
        Error::RegionNeverDurable => "nothing makes a store to this region durable: its table says so",
        Error::SeveralNumaNodes => {
            "there is no one NUMA node: the source lies on a volume whose regions are on several nodes; their places name them"
        }
        Error::InvalidAlignmentFormat => {
            "the system's answer about the source's alignment is not a decimal number; its driver is at fault"
        }
        Error::InvalidSizeFormat => {
            "the system's answer about the source's size is not a size; its driver or the file system is at fault"
        }
        Error::MappingNotFound => "there is no mapping in this range",
        Error::BufferTooSmall => "the buffer is too small for the answer: ask for the length first",
        Error::SourceEmpty => "the source has no bytes to map; a file needs a size first (ftruncate, fallocate)",
        Error::InvalidSharingValue => "there is no such kind of sharing: shared or private",
        Error::SrcDevdaxPrivate => "device DAX cannot be mapped privately: ask for a shared mapping",
        Error::InvalidAddressRequestType => "there is no such kind of address request",
        Error::AddressUnaligned => "the address is not a multiple of the source's alignment",
        Error::AddressNull => "the address is null",
        Error::DeepFlushRange => "the range to flush is not within the mapping",
        Error::InvalidRegionFormat => "the system's answer about the source's region makes no sense",
        Error::InvalidDevFormat => "the system's answer about the source's device makes no sense",
        Error::CannotReadBounds => "the bounds of the source's device cannot be read",
        Error::NoBadBlockFound => "there are no more bad blocks",
        Error::LengthOutOfRange => "the range is longer than a source can be",
        Error::InvalidProtFlag => "there is no such protection flag",
        Error::NoAccess => "the protection asks for more than the handle was opened for: open it O_RDWR to write",
        Error::VmReservationNotEmpty => "the reservation still holds mappings: delete them first",
        Error::MapExists => "there is a mapping in the way",
        Error::FileDescriptorNotSet => "the source has no file descriptor: it is anonymous",
        Error::SourceTypeNotSupported => "sources of this kind cannot do this",
        Error::IoFail => "the memory is bad: some of its bytes are lost",
        _ => "unknown error",
    }
}

impl Display for HandleFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(sentence) = words::fault(*self) {
            return f.write_str(sentence);
        }
        f.write_str(match self {
            Self::NotOpen => "not an open file descriptor or handle: it is negative, closed or beyond the table",
            Self::WriteOnly => {
                "opened write-only, but a mapping has to read: open it O_RDWR, or O_RDONLY if nothing is to be written"
            }
            Self::NoAccess => "opened for neither reading nor writing (access mode 3): open it O_RDONLY or O_RDWR",
            Self::PathOnly => "opened with O_PATH, which only names a file: open it O_RDONLY or O_RDWR",
            Self::Replaced => {
                "refers to another file or region than the one that the source was made of: it was closed and its number was \
                 reused (keep it open while the source is in use), its table was changed, or the file got another identity (on \
                 Linux overlayfs copied it up: open it anew)"
            }
            Self::DeviceReplaced => {
                "its device was taken away, and another one has its number now: open the file or device anew"
            }
        })
    }
}

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Pool(slots) => {
                write!(f, "the pool is full: all {slots} of its slots are taken; drop a source or make the pool larger")
            }
            Self::Heap => f.write_str("out of memory: the allocator gave none for the source"),
        }
    }
}

/// What it is, why that is no source, and what to do.
fn refused(kind: Kind, f: &mut Formatter<'_>) -> Result {
    if let Some(sentence) = words::refused(kind) {
        return f.write_str(sentence);
    }
    f.write_str(match kind {
        Kind::Directory => "a directory cannot be mapped: open a file in it",
        Kind::BlockDevice => {
            "a block device is not a data source: open a file on its file system, or its device DAX (/dev/daxX.Y)"
        }
        Kind::CharacterDevice => {
            "a character device that is not a device DAX (/dev/daxX.Y) is not a data source: it has no memory to map"
        }
        Kind::Pipe => "a pipe or FIFO keeps nothing and cannot be mapped: open a regular file or a device DAX",
        Kind::Socket => "a socket keeps nothing and cannot be mapped: open a regular file or a device DAX",
        Kind::SymbolicLink => "a symbolic link itself cannot be mapped: open what it points to",
        Kind::AnonymousInode => {
            "not a file but a kernel object (epoll, eventfd, timerfd, signalfd, pidfd, inotify, io_uring or the like): open \
             a regular file or a device DAX"
        }
        Kind::VolatileMemory => "volatile memory does not keep its contents: only persistent memory is a data source",
        Kind::VirtualDisk => {
            "a disk image that the firmware keeps in memory is not a data source: it belongs to the driver of its disk"
        }
        Kind::RegularFile | Kind::DeviceDax | Kind::Anonymous | Kind::Region => "this kind of source is not allowed here",
        Kind::Other => {
            "of a kind that is not known here (or not said): only regular files, device DAX and regions of persistent memory are \
             data sources"
        }
        _ => "neither a regular file nor a device DAX: only these are data sources",
    })
}

/// What was asked for, as a noun.
fn noun(what: What) -> &'static str {
    if let Some(noun) = words::noun(what) {
        return noun;
    }
    match what {
        What::Handle => "the handle",
        What::Subsystem => "the device's subsystem in /sys/dev/char",
        What::Sysfs => "/sys/dev",
        What::Size => "the size",
        What::Alignment => "the alignment",
        What::Allocated => "the number of allocated bytes",
        What::FileSystem => "the type of the file system",
        What::PageSize => "the page size",
        What::Device => "the source's device in /sys/dev",
        What::Volume => "what the source's volume is made of",
        What::Region => "the source's region",
        What::NumaNode => "the NUMA node",
        What::Persistence => "the persistence domain",
        What::Dimm => "the DIMMs",
        What::DeviceId => "the device id",
        What::UnsafeShutdowns => "the count of unsafe shutdowns",
        What::Dax => "whether it is mapped directly (DAX)",
        What::Synchronous => "a synchronous mapping (MAP_SYNC)",
        What::Open => "the path",
        _ => "the source",
    }
}

fn failed(what: What, f: &mut Formatter<'_>) -> Result {
    match what {
        What::Open => f.write_str("cannot be opened for reading: "),
        what => write!(f, "the system failed when it was asked for {}: ", noun(what)),
    }
}
