//! Reading and writing: a file by system calls, a device DAX by a mapping.

pub(super) mod calls;
pub(super) mod mcsafe;

use core::ops::Range;

use super::{
    device_dax,
    file_id::FileId,
    object::{Object, failed},
    sys::{Linux, fd::retry, page},
};
use crate::{
    alignment::Alignment,
    cpu::processor::Cpu,
    errno::Errno,
    facts::{Facts, Kind},
    fail::{Fail, Subject},
    persist::{Means, PersistenceDomain},
    source::{Borrowed, Handle},
    transfer::{
        Partial, ReadBuffer, Transfer, WriteBuffer,
        pieces::{self, SECTOR, in_pieces},
    },
};
use calls::Transfers;
use mcsafe::mapping::{GuardedCopy, SigbusHandler};

impl Transfer for Linux {
    type Guard = SigbusHandler;
    type Channel = Channel;

    fn channel(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        guard: Option<SigbusHandler>,
        range: Range<u64>,
        writable: bool,
    ) -> Result<Channel, Fail> {
        channel(Object::new(handle, facts), guard, range, writable)
    }

    fn means(channel: &Channel) -> Means {
        means(channel)
    }

    fn read_at(
        handle: Borrowed<'_, Self>,
        channel: &Channel,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        read(Self, handle.raw(), channel, offset, buffer)
    }

    fn write_at(
        handle: Borrowed<'_, Self>,
        channel: &Channel,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        write(Self, handle.raw(), channel, offset, buffer)
    }

    fn sync(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<(), Fail> {
        sync(Object::new(handle, facts))
    }
}

/// The largest transfer of one system call (MAX_RW_COUNT).
const MOST: usize = 0x7FFF_F000;

const ENODATA: Errno = Errno::from_raw(rustix::io::Errno::NODATA.raw_os_error());
const EHWPOISON: Errno = Errno::from_raw(rustix::io::Errno::HWPOISON.raw_os_error());

/// Converts the failure of a call that transferred nothing of its piece.
fn refused(subject: Subject, errno: Errno) -> Fail {
    match errno {
        // EIO comes from file systems, ENODATA from disks whose medium failed (O_DIRECT),
        // EHWPOISON from memory that is known to be bad.
        Errno::EIO | ENODATA | EHWPOISON => Fail::bad_memory(SECTOR),
        Errno::EFAULT => Fail::BUFFER,
        // EBADF: closed meanwhile. The access mode was checked before.
        errno => failed(subject, errno),
    }
}

/// The channel of transfers on a Linux system: empty for a file; for a device DAX a mapping, and
/// the processor that makes durable what is written to it.
#[derive(Debug)]
pub struct Channel(Way);

#[derive(Debug)]
enum Way {
    File,
    Mapped {
        /// `None` where there are no bytes.
        mapping: Option<GuardedCopy>,
        /// The offset of the mapping in the device.
        start: u64,
        /// `None` where nothing may be written, or could be made durable.
        cpu: Option<Cpu>,
    },
}

pub(super) fn channel<S: Transfers>(
    object: Object<'_, S>,
    guard: Option<SigbusHandler>,
    range: Range<u64>,
    writable: bool,
) -> Result<Channel, Fail> {
    if object.facts.kind != Kind::DeviceDax {
        return Ok(Channel(Way::File));
    }
    let cpu = if writable { Cpu::detect().ok() } else { None };
    if writable && cpu.is_none() {
        // The core refuses this channel by its means: no handler is installed for good.
        return Ok(Channel(Way::Mapped { mapping: None, start: range.start, cpu }));
    }
    object.confirm()?;
    let Object { sys, fd, facts } = object;
    // The kernel maps whole units. Reading the alignment also confirms the device.
    let unit = Alignment::new(device_dax::alignment(sys, fd, facts.id)?)
        .ok_or(Fail::Malformed(Subject::Alignment))?;
    let (start, length) =
        enclosing(&range, unit).ok_or(Fail::Os(Subject::Mapping, Errno::EOVERFLOW))?;
    if length == 0 {
        return Ok(Channel(Way::Mapped { mapping: None, start, cpu }));
    }
    let handler = match guard {
        Some(handler) => handler,
        None => sys.handler().map_err(|errno| match errno {
            // No such copy exists for this processor.
            Errno::ENOTSUP => Fail::Unsupported,
            errno => Fail::Os(Subject::SignalHandler, errno),
        })?,
    };
    let mapping = sys
        .mapping(handler, fd, start, length, writable)
        .map_err(|errno| failed(Subject::Mapping, errno))?;
    Ok(Channel(Way::Mapped { mapping: Some(mapping), start, cpu }))
}

/// Returns the facts on the durability of what is written.
pub(super) fn means(channel: &Channel) -> Means {
    match &channel.0 {
        Way::File => Means::CALL,
        Way::Mapped { cpu, .. } => {
            // Asking for the domain would take more system calls.
            let mut means = Means::new(PersistenceDomain::Unstated);
            means.cpu = *cpu;
            means
        }
    }
}

/// Returns the first byte and the length of the whole units that contain the range.
fn enclosing(range: &Range<u64>, unit: Alignment) -> Option<(u64, usize)> {
    let start = unit.floor(range.start);
    let end = range.end.checked_next_multiple_of(unit.bytes())?;
    let length = if range.is_empty() { 0 } else { end.checked_sub(start)? };
    Some((start, usize::try_from(length).ok()?))
}

pub(super) fn read<S: Transfers>(
    sys: S,
    fd: i32,
    channel: &Channel,
    offset: u64,
    mut buffer: ReadBuffer<'_>,
) -> Result<(), Partial> {
    match &channel.0 {
        Way::File => {
            let result =
                in_pieces(Subject::Read, offset, buffer.len(), MOST, |at, done, length| {
                    let part = buffer.part(done, length).as_ptr();
                    // SAFETY: it is a part of the caller's buffer, which may be written to.
                    retry(|| unsafe { sys.pread(fd, part, length, at) })
                        .map_err(|errno| refused(Subject::Read, errno))
                });
            result.map_err(|partial| {
                whose(sys, fd, offset, partial).no_finer(offset, |at| exact(sys, fd, at))
            })
        }
        Way::Mapped { mapping, start, .. } => {
            let Some((mapping, at)) = placed(mapping.as_ref(), offset, *start) else {
                return ended(buffer.len());
            };
            // SAFETY: the buffer is the caller's, and may be written to.
            unsafe { mapping.read_to(at, buffer.as_ptr(), buffer.len()) }
        }
    }
}

pub(super) fn write<S: Transfers>(
    sys: S,
    fd: i32,
    channel: &Channel,
    offset: u64,
    mut buffer: WriteBuffer<'_>,
) -> Result<(), Partial> {
    match &channel.0 {
        Way::File => {
            let result =
                in_pieces(Subject::Write, offset, buffer.len(), MOST, |at, done, length| {
                    let part = buffer.part(done, length).as_ptr();
                    // SAFETY: it is a part of the caller's buffer, which may be read.
                    retry(|| unsafe { sys.pwrite(fd, part, length, at) })
                        .map_err(|errno| refused(Subject::Write, errno))
                });
            // A write of less than a page reads the rest of the page: the kernel knows the page as
            // bad.
            result.map_err(|partial| whose(sys, fd, offset, partial).no_finer(offset, |_| LARGEST))
        }
        Way::Mapped { cpu: None, .. } => Err(Fail::Os(Subject::Write, Errno::EBADF).into()),
        Way::Mapped { mapping, start, cpu: Some(cpu) } => {
            let Some((mapping, at)) = placed(mapping.as_ref(), offset, *start) else {
                return ended(buffer.len());
            };
            // SAFETY: the buffer is the caller's, and may be read.
            let written = unsafe { mapping.write_from(at, buffer.as_ptr(), buffer.len()) };
            // Bytes written before a failure are made durable, too.
            let done = written.map_or_else(|partial| partial.done, |()| buffer.len());
            mapping.persist(*cpu, at, done)?;
            written
        }
    }
}

/// Returns the mapping, and the offset in it of the byte at `offset`.
fn placed(mapping: Option<&GuardedCopy>, offset: u64, start: u64) -> Option<(&GuardedCopy, u64)> {
    Some((mapping?, offset.checked_sub(start)?))
}

/// Ends a transfer of `length` bytes where the channel has none.
fn ended(length: usize) -> Result<(), Partial> {
    if length == 0 { Ok(()) } else { Err(Fail::Ended.into()) }
}

pub(super) fn sync<S: Transfers>(object: Object<'_, S>) -> Result<(), Fail> {
    if object.facts.kind == Kind::DeviceDax {
        return Ok(());
    }
    object.confirm()?;
    retry(|| object.sys.fdatasync(object.fd)).map_err(|errno| match errno {
        Errno::EIO => Fail::NotSynced,
        errno => failed(Subject::Sync, errno),
    })
}

/// Finds whose memory failed after EFAULT: the buffer's, or the medium's.
///
/// Where a file is mapped directly (DAX), a transfer that meets bad memory may fail with EFAULT as
/// if the buffer was bad, and a write always does (`dax_iomap_iter` of fs/dax.c, where no byte
/// could be copied). A read into good memory distinguishes the two.
fn whose<S: Transfers>(sys: S, fd: i32, offset: u64, partial: Partial) -> Partial {
    if partial.fail != Fail::BUFFER {
        return partial;
    }
    match byte(sys, fd, partial.reached(offset)).map_err(|errno| refused(Subject::Read, errno)) {
        Err(Fail::BadMemory(_) | Fail::BUFFER) => {
            Partial { fail: Fail::bad_memory(SECTOR), ..partial }
        }
        _ => partial,
    }
}

/// The largest page. The kernel may read a page as a whole or not at all.
const LARGEST: Alignment = match page::FIXED {
    Some(page) => page,
    None => Alignment::from_log2(16),
};

/// Finds how exactly the kernel knows where the medium is bad: the bytes of a block.
fn exact<S: Transfers>(sys: S, fd: i32, at: u64) -> Alignment {
    pieces::exact(at, LARGEST, |at| matches!(byte(sys, fd, at), Ok(1..)))
}

/// Reads a byte.
fn byte<S: Transfers>(sys: S, fd: i32, at: u64) -> Result<usize, Errno> {
    let mut byte = 0_u8;
    // SAFETY: it is a local byte.
    unsafe { sys.pread(fd, &raw mut byte, 1, at) }
}
