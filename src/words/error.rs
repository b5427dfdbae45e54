//! Errors in words: one sentence for a person, first the cause, then the remedy.

use core::fmt::{Display, Formatter, Result};

use pmem2_platform::{Backing, Errno, Kind, Protection, RegionFault, Subject, Undurable};

use super::{place::On, system};
use crate::{
    error::{Error, HandleFault, Memory, WriteFault},
    place::granularity::expected::Granularity,
};

/// `{:#}` leaves out the names of this crate's functions, which are others in another language.
impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.sentence(f)?;
        item(self.item(), f)
    }
}

/// Writes the function of this crate that a sentence is about, in brackets after it, unless the
/// words are for another language.
pub(crate) fn item(item: Option<&'static str>, f: &mut Formatter<'_>) -> Result {
    match item {
        Some(item) if !f.alternate() => write!(f, " ({item})"),
        _ => Ok(()),
    }
}

impl Error {
    const fn item(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotDurable(Undurable::NoInstruction) => {
                "Window::flushed_by; of a file, MapConfig::by_call"
            }
            Self::NotDurable(Undurable::NoHints) => "Window::with_hints",
            Self::NotDurable(Undurable::NoCall) => "Window::flushed_by_host",
            Self::NotMapped(_) => "MapConfig::protection",
            Self::NoRoom { .. } => "MapConfig::room",
            Self::SourceEmpty => "File::set_len",
            Self::NotWritable(WriteFault::ReadOnly) => "MapConfig::protection, MapConfig::sharing",
            Self::InvalidAlignmentValue(_) => "else MapConfig::aligned_to",
            Self::Unsupported(Subject::Read) => "Reader::with_guard",
            Self::Unsupported(Subject::Write) => "Writer::with_guard",
            Self::Os { subject: Subject::ClearBadBlock, errno: Errno::EIO } => {
                "ClearBy::LossyAllocation"
            }
            _ => return None,
        })
    }

    fn sentence(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(sentence) = system::plain(self) {
            return f.write_str(sentence);
        }
        match self {
            Self::InvalidFileHandle(fault) => fault.fmt(f),
            Self::InvalidFileType(kind) => refused(*kind, f),
            Self::OutOfMemory(memory) => memory.fmt(f),
            Self::Os { subject: Subject::Open, errno: Errno::ENOENT } => {
                f.write_str("does not exist (ENOENT)")
            }
            Self::Os { subject: what, errno } => {
                failed(*what, f)?;
                write!(f, "{errno}{}", system::remedy(*what, *errno))
            }
            Self::OsCode { subject: what, code } => {
                failed(*what, f)?;
                write!(f, "error {code} of the system's own, which has no errno except EIO")
            }
            Self::Unsupported(Subject::Handle) => f.write_str(
                "nothing is known about the handle: pmem2 has no backend for this system",
            ),
            Self::Unsupported(what) => match lacking(*what) {
                Some(sentence) => f.write_str(sentence),
                None => write!(
                    f,
                    "{} cannot be determined: this kind of source, or this platform, has no answer",
                    noun(*what)
                ),
            },
            Self::Unknown(what) => {
                write!(f, "the system's answer about {} makes no sense", noun(*what))
            }
            Self::UnknownFileType(_) => {
                f.write_str("a character device, but whether it is a device DAX cannot be told")
            }
            Self::OffsetBeyondEnd { offset, size } => {
                write!(
                    f,
                    "the range begins at byte {offset}, but the source ends there or before: it \
                     has {size} bytes"
                )
            }
            Self::MapRange { end: u64::MAX, size } => {
                write!(
                    f,
                    "the range ends before it begins, or beyond what 64 bits can count; there are \
                     {size} bytes"
                )
            }
            Self::MapRange { end, size } => {
                write!(f, "the range ends at byte {end}, but there are only {size} bytes")
            }
            Self::NoRoom { room: room @ 1.., .. } => {
                write!(f, "there are addresses for {room} bytes only: map it with room for more")
            }
            Self::OffsetOutOfRange { offset } => {
                write!(f, "offset {offset} is beyond 2^63 - 1, the largest offset of any file")
            }
            Self::OffsetUnaligned { offset, alignment } => {
                write!(
                    f,
                    "offset {offset} is not a multiple of {alignment}, the alignment in bytes"
                )
            }
            Self::LengthUnaligned { length, alignment } => write!(
                f,
                "length {length} is not a multiple of {alignment}, the source's alignment in \
                 bytes; 0 stands for the rest of the source"
            ),
            Self::DaxRegionNotFound(on) => {
                write!(f, "there is no region of persistent memory: the source lies on {}", On(*on))
            }
            Self::NotPersistentMemory { asked: Subject::NumaNode, on: Backing::Volume { .. } } => f
                .write_str(
                    "the NUMA node cannot be determined: Windows does not say on which one the \
                     memory of a volume is",
                ),
            Self::NotPersistentMemory { asked, on } => {
                write!(f, "{} cannot be determined: the source lies on {}", noun(*asked), On(*on))
            }
            Self::InvalidRegion(fault) => f.write_str(match fault {
                RegionFault::Empty => {
                    "the region, or the part of it, has no bytes: its table is wrong, or the \
                     part's length is 0"
                }
                RegionFault::Wraps => {
                    "the region ends beyond the last physical address: its table is wrong"
                }
                RegionFault::Outside => {
                    "the part ends beyond the end of its region: offset or length is too large"
                }
                RegionFault::Overlaps => {
                    "the region has bytes in common with another one: their table is wrong"
                }
                RegionFault::Misaligned => {
                    "the region, or the part of it, does not begin at a multiple of the region's \
                     alignment: its offset or its table is wrong"
                }
                RegionFault::Alignment => {
                    "the region's alignment is not a power of two: its table is wrong"
                }
                RegionFault::Unaddressed => {
                    "the devicetree's node has no address of the processor's: its reg, or the \
                     ranges above it, are wrong"
                }
                _ => "this region can be no source: its table is wrong",
            }),
            Self::LengthOutOfRange { end: u64::MAX, size } => {
                write!(f, "the bytes end beyond what 64 bits can count; there are {size} bytes")
            }
            Self::LengthOutOfRange { end, size } => {
                write!(f, "offset and length end at byte {end}, but there are only {size} bytes")
            }
            Self::SourceShrank { size } => {
                write!(
                    f,
                    "the source ends at byte {size} or before, earlier than its size said: it was \
                     truncated, or never had as many bytes"
                )
            }
            Self::IoFail { offset, length } => write!(
                f,
                "bad memory, or a bad disk: the first bad byte is one of the {length} from byte \
                 {offset} on; their contents may be lost (the bad blocks can be listed and cleared \
                 where the system keeps a list)"
            ),
            Self::GranularityNotSupported { wanted, expected } => {
                let finer = if *wanted == Granularity::Byte { "" } else { " or finer" };
                write!(
                    f,
                    "a granularity of {wanted}{finer} is wanted; accept or change what there is: "
                )?;
                expected.fmt(f)
            }
            Self::NotMapped(access) => write!(
                f,
                "the mapping allows no {}: give it the protection for that when it is made",
                if access.contains(Protection::WRITE) {
                    "stores"
                } else if access.contains(Protection::READ) {
                    "loads"
                } else {
                    "execution"
                }
            ),
            Self::NotDurable(why) => write!(f, "{why}: nothing was changed"),
            Self::NotWritable(fault) => f.write_str(match fault {
                WriteFault::ReadOnly => {
                    "opened read-only: open it for writing, too, or map it for loads, or privately"
                }
                WriteFault::Append => {
                    "opened to append: the system would write at the end, not at the offset; open \
                     it otherwise"
                }
            }),
            Self::TooLarge(what) if !matches!(what, Subject::BadBlocks | Subject::Mapping) => {
                write!(
                    f,
                    "{} cannot be determined: there is more than this library has room for",
                    noun(*what)
                )
            }
            Self::InvalidAlignmentValue(value) => write!(
                f,
                "the alignment is {value} bytes, which is not a power of two; where the system \
                 says so, its driver, or its table, is at fault"
            ),
            other => f.write_str(plain(other)),
        }
    }
}

/// Returns the sentence of an error without a number.
fn plain(error: &Error) -> &'static str {
    match error {
        Error::NeverDurable => {
            "only the host's flush makes stores to this device DAX durable, and there is no way to \
             ask for it"
        }
        Error::RegionNeverDurable => {
            "nothing makes a store to this region durable: its table says so"
        }
        Error::RegionUnarmed => {
            "the region is not armed, and will not keep what is stored; its battery or its \
             firmware is at fault"
        }
        Error::SeveralNumaNodes => {
            "there is no single NUMA node: the source lies on a volume whose regions are on \
             several nodes; their places name them"
        }
        Error::InvalidAlignmentFormat => {
            "the system's answer about the source's alignment is not a decimal number; its driver \
             is at fault"
        }
        Error::InvalidSizeFormat => {
            "the system's answer about the source's size is not a size; its driver or the file \
             system is at fault"
        }
        Error::MappingNotFound => "there is no mapping in this range, or none that has all of it",
        Error::SourceEmpty => {
            "the source has no bytes to map: a file needs a size first, and an anonymous source \
             is made with one"
        }
        Error::EmptyRange => "the range to map has no bytes: it ends where it begins, or before",
        Error::SrcDevdaxPrivate => {
            "device DAX cannot be mapped privately: ask for a shared mapping"
        }
        Error::InvalidRegionFormat => {
            "the system's answer about the source's region makes no sense"
        }
        Error::InvalidDevFormat => "the system's answer about the source's device makes no sense",
        Error::CannotReadBounds => {
            "the system's list of bad blocks, or its answer about where the source lies on its \
             device, makes no sense"
        }
        Error::NoRoom { .. } => {
            "only a file has room to grow, and not one on hugetlbfs: make anything else as large \
             as it is to become"
        }
        Error::TooLarge(Subject::Mapping) => {
            "the mapping, or its room, has more bytes than a program can address"
        }
        Error::TooLarge(_) => {
            "there are more bad blocks than the system's list has room for: the others are found \
             only by reading"
        }
        Error::NotBad => {
            "not all of these bytes are known to be bad, or there are none: nothing was changed"
        }
        Error::NotSynced => {
            "the system failed to store written bytes: any of those written since the last sync \
             may be lost; write them again, or elsewhere if that fails"
        }
        Error::SourceTypeNotSupported => {
            "this source cannot do it: only a file that is mapped shared has a size and storage to \
             change, through its mapping and not a part of that; an anonymous source has no bytes \
             before it is mapped"
        }
        _ => "unknown error",
    }
}

impl Display for HandleFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(sentence) = system::fault(*self) {
            return f.write_str(sentence);
        }
        f.write_str(match self {
            Self::NotOpen => {
                "not an open file descriptor or handle: it is negative, closed or beyond the table"
            }
            Self::WriteOnly => {
                "opened write-only, but a mapping has to read: open it for reading, too"
            }
            Self::NoAccess => "opened for neither reading nor writing: open it for reading",
            Self::PathOnly => "opened only to name a file: open it for reading",
            Self::Replaced => {
                "refers to another file or region than the source was made of: it was closed and \
                 its number was reused (keep it open while the source is in use), or its table was \
                 changed"
            }
            Self::DeviceReplaced => {
                "its device was taken away, and another one has its number now: open the file or \
                 device again"
            }
        })
    }
}

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Pool(slots) => {
                write!(
                    f,
                    "the pool is full: all {slots} of its slots are taken; drop a source or make \
                     the pool larger"
                )
            }
            Self::Heap => f.write_str("out of memory: the allocator gave none for the source"),
        }
    }
}

/// Writes what the object is, why it is no source, and what to do.
fn refused(kind: Kind, f: &mut Formatter<'_>) -> Result {
    if let Some(sentence) = system::refused(kind) {
        return f.write_str(sentence);
    }
    f.write_str(match kind {
        Kind::Directory => "a directory cannot be mapped: open a file in it",
        Kind::BlockDevice => "a block device is not a data source: open a file on its file system",
        Kind::CharacterDevice => {
            "a character device that is not a device DAX is not a data source: it is not known to \
             keep what is stored; open a regular file or a device DAX"
        }
        Kind::Pipe => {
            "a pipe or FIFO keeps nothing and cannot be mapped: open a regular file or a device DAX"
        }
        Kind::Socket => "a socket keeps nothing: open a regular file or a device DAX",
        Kind::SymbolicLink => "a symbolic link itself cannot be mapped: open what it points to",
        Kind::AnonymousInode => {
            "not a file but an object of the kernel's own: open a regular file or a device DAX"
        }
        Kind::VolatileMemory => {
            "volatile memory does not keep its contents: only persistent memory is a data source"
        }
        Kind::VirtualDisk => {
            "a disk image that the firmware keeps in memory is not a data source: it belongs to \
             the driver of its disk"
        }
        Kind::ControlRegion | Kind::BlockWindow => {
            "registers of an NVDIMM, or a window to its blocks, are not a data source: they keep \
             nothing themselves"
        }
        Kind::RegularFile | Kind::DeviceDax | Kind::Anonymous | Kind::Region => {
            "this kind of source is not allowed here"
        }
        Kind::Other => {
            "of an unknown kind: only regular files, device DAX and regions of persistent memory \
             are data sources"
        }
        _ => "neither a regular file nor a device DAX: only these are data sources",
    })
}

/// Returns what a source or a platform cannot do, where there is more to say than that it has no
/// answer.
fn lacking(what: Subject) -> Option<&'static str> {
    if let Some(sentence) = system::lacking(what) {
        return Some(sentence);
    }
    Some(match what {
        Subject::Read => {
            "this platform does not read sources by itself: a region is read where the program has \
             mapped it"
        }
        Subject::Write => {
            "this platform does not write to sources by itself: a region is written to where the \
             program has mapped it"
        }
        Subject::Sync => {
            "this platform has no call that makes written bytes durable: those of a region are at \
             once"
        }
        Subject::Mapping => "this platform does not map sources of this kind",
        Subject::Allocation => {
            "the source cannot grow: it has all bytes of its device, or the platform has no call \
             that allocates storage for it"
        }
        Subject::Deallocation => {
            "the source's storage cannot be given back: only a file's can be, on a platform with a \
             call for it"
        }
        Subject::Resize => {
            "the source's size cannot be changed: only a file's can be, on a platform with a call \
             for it"
        }
        Subject::Populate => "this platform has no call that loads mapped pages before their use",
        Subject::DeepFlush => {
            "there is no deep flush: the source has no buffers of hardware to flush, or the system \
             does not flush them for programs"
        }
        Subject::BadBlocks => {
            "there is no list of bad blocks: the system keeps none for this kind of source, or the \
             file system does not say where on the device the file lies"
        }
        Subject::ClearBadBlock => {
            "a bad block of this source cannot be cleared in this way: a file's is cleared by \
             allocation, a device DAX's by the device's command"
        }
        _ => return None,
    })
}

/// Returns the subject of a question as a noun.
fn noun(what: Subject) -> &'static str {
    if let Some(noun) = system::noun(what) {
        return noun;
    }
    match what {
        Subject::Handle => "the handle",
        Subject::Subsystem => "the device's subsystem",
        Subject::Sysfs => "the system's list of devices",
        Subject::Size => "the size",
        Subject::Alignment => "the alignment",
        Subject::Allocated => "the number of allocated bytes",
        Subject::FileSystem => "the type of the file system",
        Subject::PageSize => "the page size",
        Subject::Device => "the source's device",
        Subject::Volume => "what the source's volume is made of",
        Subject::Region => "the source's region",
        Subject::NumaNode => "the NUMA node",
        Subject::PersistenceDomain => "the persistence domain",
        Subject::Dimm => "the DIMMs",
        Subject::DeviceId => "the device id",
        Subject::UnsafeShutdowns => "the count of unsafe shutdowns",
        Subject::Dax => "whether it is mapped directly (DAX)",
        Subject::MapSync => "a synchronous mapping",
        Subject::Read => "the bytes",
        Subject::Write => "the writing of bytes",
        Subject::Buffer => "the buffer's memory",
        Subject::Sync => "whether what was written is durable",
        Subject::Mapping => "a mapping of the source",
        Subject::WritableMapping => "a mapping of the source for writing",
        Subject::SignalHandler => "the handler of memory errors",
        Subject::BadBlocks => "the list of bad blocks",
        Subject::Extents => "where the file lies on its device",
        Subject::ClearBadBlock => "the clearing of a bad block",
        Subject::WriteBack => "the writing back of what is good beside a bad block",
        Subject::Spare => "a spare file in the source's directory",
        Subject::Unmapping => "the end of the mapping",
        Subject::Allocation => "storage for the source",
        Subject::Deallocation => "the return of the source's storage",
        Subject::Resize => "the change of the size",
        Subject::Populate => "the loading of mapped pages",
        Subject::DeepFlush => "the deep flush of the region",
        Subject::Open => "the path",
        _ => "the source",
    }
}

fn failed(what: Subject, f: &mut Formatter<'_>) -> Result {
    match what {
        Subject::Open => f.write_str("cannot be opened for reading: "),
        Subject::Read => f.write_str("the source cannot be read: "),
        Subject::Write => f.write_str("the source cannot be written to: "),
        Subject::Buffer => f.write_str("the buffer's memory cannot be accessed: "),
        Subject::Sync => f.write_str("the written bytes cannot be made durable: "),
        Subject::Mapping => f.write_str("the source cannot be mapped: "),
        Subject::WritableMapping => {
            f.write_str("opened for writing, but can be mapped for reading only: ")
        }
        Subject::SignalHandler => write!(f, "{} cannot be installed: ", noun(what)),
        Subject::ClearBadBlock => f.write_str("the bad block cannot be cleared: "),
        Subject::WriteBack => f.write_str(
            "the good bytes beside the bad block could not be written back, and are lost or not \
             durable: ",
        ),
        Subject::Unmapping => f.write_str("still mapped, since the mapping cannot be ended: "),
        Subject::Allocation => {
            f.write_str("no storage can be allocated, and the size is as it was: ")
        }
        Subject::Deallocation => f.write_str("the source's storage cannot be given back: "),
        Subject::Resize => f.write_str("the source's size cannot be changed: "),
        Subject::Populate => f.write_str("not all of the mapped pages can be loaded: "),
        Subject::DeepFlush => f.write_str("the region's buffers cannot be flushed: "),
        Subject::Spare => f.write_str(
            "the bad block is as it was, since the good bytes beside it might be lost: no spare \
             file can be made in the file's directory: ",
        ),
        what => write!(f, "the system failed when it was asked for {}: ", noun(what)),
    }
}
