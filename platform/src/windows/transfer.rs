//! Reading and writing at an offset.

#[cfg(windows)]
use core::{convert::Infallible, ops::Range};

#[cfg(windows)]
use super::{crt::Crt, native::Kernel, platform::Windows};
use super::{
    errors::Code,
    handle::RawWinHandle,
    id::WinFileId,
    identity::{no_answer, same},
    sys::Sys,
};
use crate::{
    alignment::Alignment,
    facts::Facts,
    fail::{Fail, Subject},
    transfer::{
        Partial, ReadBuffer, WriteBuffer,
        pieces::{SECTOR, exact, in_pieces},
    },
};

#[cfg(windows)]
use crate::{
    source::{Borrowed, Handle},
    transfer::Transfer,
};

#[cfg(windows)]
macro_rules! transfer {
    ($($system:ident)*) => {$(
        /// Files are read and written by `ReadFile` and `WriteFile` with the offset, in pieces of
        /// 16 MiB; `FlushFileBuffers` makes written bytes durable. The mode of the handle is asked
        /// for once (`NtQueryInformationFile`):
        ///
        /// - A handle that waits (without `FILE_FLAG_OVERLAPPED`) makes one call at a time. Its
        ///   position is after the transferred bytes then, as always with such handles.
        /// - With `FILE_FLAG_OVERLAPPED` each transfer has its own event, and waits for it
        ///   (`CreateEventW`, `GetOverlappedResult`, `CloseHandle`). A completion port that the
        ///   handle is bound to is not told.
        /// - With `FILE_FLAG_NO_BUFFERING` a handle takes only whole sectors, to and from memory
        ///   that is aligned like them; the system answers `EINVAL` otherwise.
        ///
        /// Errors of the device's medium (`CRC`, `SEEK`, `SECTOR_NOT_FOUND`, `WRITE_FAULT`,
        /// `READ_FAULT`, `DATA_CHECKSUM_ERROR`, `DEVICE_HARDWARE_ERROR`, `IO_DEVICE`,
        /// `DISK_RECALIBRATE_FAILED`, `DISK_OPERATION_FAILED`, `DISK_RESET_FAILED`) mean bad
        /// memory: smaller pieces find the place, down to a sector, or to the pages that the system
        /// reads at once.
        impl Transfer for $system {
            type Guard = Infallible;
            type Channel = Channel;

            fn channel(
                handle: Borrowed<'_, Self>,
                _: &Facts<WinFileId>,
                _: Option<Infallible>,
                _: Range<u64>,
                _: bool,
            ) -> Result<Channel, Fail> {
                Ok(channel(Kernel, Self::find(handle.raw())?))
            }

            fn read_at(
                handle: Borrowed<'_, Self>,
                channel: &Channel,
                offset: u64,
                buffer: ReadBuffer<'_>,
            ) -> Result<(), Partial> {
                let raw = Self::find(handle.raw())?;
                read(Kernel, raw, *channel, offset, buffer)
            }

            fn write_at(
                handle: Borrowed<'_, Self>,
                channel: &Channel,
                offset: u64,
                buffer: WriteBuffer<'_>,
            ) -> Result<(), Partial> {
                let raw = Self::find(handle.raw())?;
                write(Kernel, raw, *channel, offset, buffer)
            }

            fn sync(handle: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<(), Fail> {
                sync(Kernel, Self::find(handle.raw())?, facts)
            }
        }
    )*};
}

#[cfg(windows)]
transfer! { Windows Crt }

/// The channel of transfers of one handle.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// Whether a call is known to return when it is done: the handle was opened without
    /// FILE_FLAG_OVERLAPPED.
    waits: bool,
}

/// The largest piece: as many bytes as the system has memory to describe, where it transfers them
/// past its cache.
const MOST: usize = 1 << 24;

/// A page, which the system may write as a whole or not at all. All of Windows' processors have
/// pages of this size.
const PAGE: Alignment = Alignment::from_log2(12);

/// The most bytes that the system may read at once for one byte.
const LARGEST: Alignment = Alignment::from_log2(16);

pub(super) fn channel<S: Sys>(sys: S, raw: RawWinHandle) -> Channel {
    // A handle without an answer may return before it is done.
    Channel { waits: sys.waits(raw).unwrap_or(false) }
}

/// Returns the meaning of a call's failure for its piece.
fn failed(subject: Subject, code: Code) -> Fail {
    match code {
        code if code.is_of_the_medium() => Fail::bad_memory(SECTOR),
        Code::NOACCESS | Code::INVALID_USER_BUFFER => Fail::BUFFER,
        code => no_answer(subject, code),
    }
}

pub(super) fn read<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    channel: Channel,
    offset: u64,
    mut buffer: ReadBuffer<'_>,
) -> Result<(), Partial> {
    let result = in_pieces(Subject::Read, offset, buffer.len(), MOST, |at, done, length| match sys
        .read(raw, channel.waits, at, buffer.part(done, length))
    {
        Err(Code::HANDLE_EOF) => Ok(0),
        result => result.map_err(|code| failed(Subject::Read, code)),
    });
    let readable = |at| {
        let mut byte = [0];
        sys.read(raw, channel.waits, at, byte.as_mut_slice().into()).is_ok_and(|moved| moved > 0)
    };
    result.map_err(|partial| partial.no_finer(offset, |at| exact(at, LARGEST, readable)))
}

pub(super) fn write<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    channel: Channel,
    offset: u64,
    mut buffer: WriteBuffer<'_>,
) -> Result<(), Partial> {
    let result = in_pieces(Subject::Write, offset, buffer.len(), MOST, |at, done, length| {
        sys.write(raw, channel.waits, at, buffer.part(done, length))
            .map_err(|code| failed(Subject::Write, code))
    });
    // A write of less than a page reads the rest of the page: only the page is known to be bad.
    result.map_err(|partial| partial.no_finer(offset, |_| PAGE))
}

pub(super) fn sync<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<(), Fail> {
    same(sys, raw, facts)?;
    sys.flush(raw).map_err(|code| match no_answer(Subject::Sync, code) {
        Fail::Os(_, errno) => Fail::unsynced(errno),
        fail => fail,
    })
}
