//! Reading and writing, and what there is not to know of bad blocks.

use core::ops::Range;

use super::{
    super::{io, native::Kernel},
    Crt, WinFileId, Windows, handle,
};
use crate::{
    BadBlocks, Borrowed, Cause, Facts, Fail, Handle, Nowhere, Partial, ReadBuffer, Transfer,
    WriteBuffer,
};

/// Files by `ReadFile` and `WriteFile` with the offset, in pieces of 16 MiB; `FlushFileBuffers`
/// makes what was written durable. Which way the handle was opened is asked for once
/// (`NtQueryInformationFile`):
///
/// - One that waits (without `FILE_FLAG_OVERLAPPED`) makes one call at a time, and its position is
///   behind what was transferred then, as always with such handles.
/// - Of one with `FILE_FLAG_OVERLAPPED` each transfer has an event of its own, and waits for it
///   (`CreateEventW`, `GetOverlappedResult`, `CloseHandle`). A completion port that the handle is
///   bound to is not told.
/// - One with `FILE_FLAG_NO_BUFFERING` takes whole sectors only, to and from memory that is aligned
///   like them; the system says `EINVAL` of everything else.
///
/// What the device says of its medium (`CRC`, `SEEK`, `SECTOR_NOT_FOUND`, `WRITE_FAULT`,
/// `READ_FAULT`, `DATA_CHECKSUM_ERROR`, `DEVICE_HARDWARE_ERROR`, `IO_DEVICE`,
/// `DISK_RECALIBRATE_FAILED`, `DISK_OPERATION_FAILED`, `DISK_RESET_FAILED`) is a medium that is
/// bad: smaller pieces say where, down to a sector, or to the pages that the system reads at once.
impl Transfer for Windows {
    type Guard = Nowhere;
    type Channel = io::Channel;

    fn channel(
        handle: Borrowed<'_, Self>,
        _: &Facts<WinFileId>,
        _: Option<Nowhere>,
        _: Range<u64>,
        _: bool,
    ) -> Result<io::Channel, Fail> {
        Ok(io::channel(Kernel, handle.raw()))
    }

    fn read_at(
        handle: Borrowed<'_, Self>,
        channel: &io::Channel,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        io::read(Kernel, handle.raw(), *channel, offset, buffer)
    }

    fn write_at(
        handle: Borrowed<'_, Self>,
        channel: &io::Channel,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        io::write(Kernel, handle.raw(), *channel, offset, buffer)
    }

    fn sync(handle: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<(), Fail> {
        io::sync(Kernel, handle.raw(), facts)
    }
}

/// Windows keeps no list that a program could see.
impl BadBlocks for Windows {
    type List = Nowhere;
}

fn halted(fail: Fail) -> Partial {
    Partial { done: 0, why: Cause::Fail(fail) }
}

impl Transfer for Crt {
    type Guard = Nowhere;
    type Channel = io::Channel;

    fn channel(
        fd: Borrowed<'_, Self>,
        facts: &Facts<WinFileId>,
        via: Option<Nowhere>,
        range: Range<u64>,
        writable: bool,
    ) -> Result<io::Channel, Fail> {
        Windows::channel(handle(fd)?, facts, via, range, writable)
    }

    fn read_at(
        fd: Borrowed<'_, Self>,
        channel: &io::Channel,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        Windows::read_at(handle(fd).map_err(halted)?, channel, offset, buffer)
    }

    fn write_at(
        fd: Borrowed<'_, Self>,
        channel: &io::Channel,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        Windows::write_at(handle(fd).map_err(halted)?, channel, offset, buffer)
    }

    fn sync(fd: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<(), Fail> {
        Windows::sync(handle(fd)?, facts)
    }
}

/// Windows keeps no list that a program could see.
impl BadBlocks for Crt {
    type List = Nowhere;
}
