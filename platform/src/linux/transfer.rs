//! Reading and writing: a file by system calls, a device DAX by a mapping.

pub(super) mod mcsafe;

use core::ops::Range;

use super::{
    FileId,
    source::{alignment, same},
    sys::{Transfers, page},
};
use crate::{
    Alignment, Cause, Cpu, Errno, Facts, Fail, Kind, Partial, ReadBuffer, Subject, Undurable,
    WriteBuffer,
    transfer::pieces::{self, Refusal, SECTOR, Stop, in_pieces},
};
use mcsafe::{CopyFault, GuardedCopy, SigbusHandler};

/// The kernel transfers no more at once (MAX_RW_COUNT).
const MOST: usize = 0x7FFF_F000;

const ENODATA: Errno = Errno::from_raw(rustix::io::Errno::NODATA.raw_os_error());
const EHWPOISON: Errno = Errno::from_raw(rustix::io::Errno::HWPOISON.raw_os_error());

const fn refusal(errno: Errno) -> Refusal<Errno> {
    match errno {
        Errno::EINTR => Refusal::Again,
        // Of file systems; of disks that are read past the cache, where the medium failed; of
        // memory that is known to be bad.
        Errno::EIO | ENODATA | EHWPOISON => Refusal::Medium,
        Errno::EFAULT => Refusal::Buffer,
        errno => Refusal::Other(errno),
    }
}

/// What transfers of a Linux source go through: of a file nothing, of a device DAX a mapping, and
/// the processor that makes durable what is written to it.
#[derive(Debug)]
pub struct Channel(Way);

#[derive(Debug)]
enum Way {
    File,
    Mapped {
        /// None where there are no bytes.
        mapping: Option<GuardedCopy>,
        /// The first byte of the device that is mapped.
        start: u64,
        /// None where nothing may be written.
        cpu: Option<Cpu>,
    },
}

pub(super) fn channel<S: Transfers>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    via: Option<SigbusHandler>,
    range: Range<u64>,
    writable: bool,
) -> Result<Channel, Fail> {
    if facts.kind != Kind::DeviceDax {
        return Ok(Channel(Way::File));
    }
    // Nothing is written that could not be made durable.
    let unflushed = |_| Fail::NotDurable(Undurable::NoInstruction);
    let cpu = if writable { Some(Cpu::detect().map_err(unflushed)?) } else { None };
    // The kernel maps whole units. This also says whether it is still the device that was
    // described.
    let unit =
        Alignment::new(alignment(sys, fd, facts)?).ok_or(Fail::Malformed(Subject::Alignment))?;
    let (start, length) =
        enclosing(&range, unit).ok_or(Fail::Os(Subject::Mapping, Errno::EOVERFLOW))?;
    if length == 0 {
        return Ok(Channel(Way::Mapped { mapping: None, start, cpu }));
    }
    let handler = match via {
        Some(handler) => handler,
        None => sys.handler().map_err(|errno| match errno {
            // There is no such copy for this processor.
            Errno::ENOTSUP => Fail::Unsupported,
            errno => Fail::Os(Subject::SignalHandler, errno),
        })?,
    };
    let mapping = sys.mapping(handler, fd, start, length, writable).map_err(mapping_failed)?;
    Ok(Channel(Way::Mapped { mapping: Some(mapping), start, cpu }))
}

fn mapping_failed(errno: Errno) -> Fail {
    match errno {
        // Closed meanwhile.
        Errno::EBADF => Fail::Absent(Subject::Handle),
        errno => Fail::Os(Subject::Mapping, errno),
    }
}

/// The first byte and the length of the whole units that these bytes are in.
fn enclosing(range: &Range<u64>, unit: Alignment) -> Option<(u64, usize)> {
    let start = range.start.checked_div(unit.bytes())?.checked_mul(unit.bytes())?;
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
            let result = in_pieces(offset, buffer.len(), MOST, |at, done, length| {
                // SAFETY: it is a part of the caller's buffer, which is to be written to.
                unsafe { sys.pread(fd, buffer.part(done, length).as_ptr(), length, at) }
                    .map_err(refusal)
            });
            result.map_err(|(done, stop)| {
                let stop = whose(sys, fd, offset, done, stop);
                Partial { done, why: why(stop, Subject::Read, |at| exact(sys, fd, at)) }
            })
        }
        Way::Mapped { mapping, start, .. } => {
            let Some((mapping, at)) = placed(mapping.as_ref(), offset, *start) else {
                return ended(buffer.len());
            };
            // SAFETY: the buffer is the caller's, and to be written to.
            unsafe { mapping.read_to(at, buffer.as_ptr(), buffer.len()) }.map_err(halted)
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
            let result = in_pieces(offset, buffer.len(), MOST, |at, done, length| {
                // SAFETY: it is a part of the caller's buffer, which is to be read.
                unsafe { sys.pwrite(fd, buffer.part(done, length).as_ptr(), length, at) }
                    .map_err(refusal)
            });
            // A write of less than a page reads the rest of it: it is the page that is known to be
            // bad.
            result.map_err(|(done, stop)| {
                let stop = whose(sys, fd, offset, done, stop);
                Partial { done, why: why(stop, Subject::Write, |_| LARGEST) }
            })
        }
        Way::Mapped { cpu: None, .. } => {
            Err(Partial { done: 0, why: Cause::Fail(Fail::Os(Subject::Write, Errno::EBADF)) })
        }
        Way::Mapped { mapping, start, cpu: Some(cpu) } => {
            let Some((mapping, at)) = placed(mapping.as_ref(), offset, *start) else {
                return ended(buffer.len());
            };
            // SAFETY: the buffer is the caller's, and to be read.
            let written =
                unsafe { mapping.write_from(at, buffer.as_ptr(), buffer.len()) }.map_err(halted);
            // What was written before a failure is to be durable, too.
            let done = written.map_or_else(|halted| halted.done, |()| buffer.len());
            mapping.persist(*cpu, at, done).map_err(halted)?;
            written
        }
    }
}

/// The mapping, and where the byte at `offset` is in it.
fn placed(mapping: Option<&GuardedCopy>, offset: u64, start: u64) -> Option<(&GuardedCopy, u64)> {
    Some((mapping?, offset.checked_sub(start)?))
}

/// Of so many bytes, where there are none.
const fn ended(length: usize) -> Result<(), Partial> {
    if length == 0 { Ok(()) } else { Err(Partial { done: 0, why: Cause::End }) }
}

pub(super) fn halted(fault: CopyFault) -> Partial {
    match fault {
        CopyFault::Outside => Partial { done: 0, why: Cause::End },
        // The mapping is in the device, so that memory which is not there is memory that went away.
        CopyFault::Medium { copied, unit, .. } => {
            Partial { done: copied, why: Cause::Medium { unit } }
        }
        CopyFault::Buffer { copied } => Partial { done: copied, why: Cause::Buffer },
    }
}

pub(super) fn sync<S: Transfers>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<(), Fail> {
    if facts.kind == Kind::DeviceDax {
        return Ok(());
    }
    same(sys, fd, facts)?;
    loop {
        match sys.fdatasync(fd) {
            Err(Errno::EINTR) => {}
            Err(Errno::EBADF) => return Err(Fail::Absent(Subject::Handle)),
            synced => return synced.map_err(|errno| Fail::Os(Subject::Sync, errno)),
        }
    }
}

/// What kept the kernel from going on; `exact` says how exactly it knows where the medium is bad.
fn why(stop: Stop<Errno>, what: Subject, exact: impl FnOnce(u64) -> u64) -> Cause {
    match stop {
        // The kernel's file has no more bytes; one that takes none makes no sense.
        Stop::Nothing if what == Subject::Read => Cause::End,
        Stop::Nothing => Cause::Fail(Fail::Malformed(what)),
        Stop::Offset if what == Subject::Read => Cause::End,
        Stop::Offset => Cause::Fail(Fail::Os(what, Errno::EFBIG)),
        Stop::Medium { at, unit } => Cause::Medium { unit: unit.max(exact(at)) },
        Stop::Buffer => Cause::Buffer,
        // Closed meanwhile. That it is not open for this was found out before.
        Stop::Other(Errno::EBADF) => Cause::Fail(Fail::Absent(Subject::Handle)),
        Stop::Other(errno) => Cause::Fail(Fail::Os(what, errno)),
    }
}

/// Where a file is mapped directly (DAX), a transfer that meets bad memory may fail as if the
/// buffer's memory was bad, with EFAULT: a write always does (`dax_iomap_iter` of fs/dax.c, where
/// no byte could be copied). What can be read into good memory tells the two apart.
fn whose<S: Transfers>(
    sys: S,
    fd: i32,
    offset: u64,
    done: usize,
    stop: Stop<Errno>,
) -> Stop<Errno> {
    let at = u64::try_from(done).ok().and_then(|done| offset.checked_add(done));
    let (Stop::Buffer, Some(at)) = (stop, at) else { return stop };
    let mut byte = 0_u8;
    // SAFETY: it is a byte.
    match unsafe { sys.pread(fd, &raw mut byte, 1, at) } {
        Err(errno) if matches!(refusal(errno), Refusal::Medium | Refusal::Buffer) => {
            Stop::Medium { at, unit: SECTOR }
        }
        _ => stop,
    }
}

/// The largest page, of which the kernel may read a whole one or nothing.
const LARGEST: u64 = match page::FIXED {
    Some(page) => page.bytes(),
    None => 65536,
};

/// How exactly the kernel knows where the medium is bad.
fn exact<S: Transfers>(sys: S, fd: i32, at: u64) -> u64 {
    pieces::exact(at, LARGEST, |at| {
        let mut byte = 0_u8;
        // SAFETY: it is a byte.
        matches!(unsafe { sys.pread(fd, &raw mut byte, 1, at) }, Ok(1..))
    })
}
