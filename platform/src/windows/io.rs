//! Reading and writing at an offset.

use super::{
    errors::Code,
    handle::RawWinHandle,
    identity::{WinFileId, no_answer, same},
    sys::Sys,
};
use crate::{
    Cause, Errno, Facts, Fail, Partial, ReadBuffer, Subject, WriteBuffer,
    pieces::{self, Refusal, Stop, in_pieces},
};

/// What is kept over transfers of one handle.
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// Whether it is known that a call returns when it is done: the handle was opened without
    /// FILE_FLAG_OVERLAPPED.
    waits: bool,
}

/// As many bytes at once as the system has memory to describe, where it transfers them past its
/// cache.
const MOST: usize = 1 << 24;

/// A page, of which the system may write a whole one or nothing. All of Windows' processors have
/// pages of this size.
const PAGE: u64 = 4096;

/// As much as the system may read at once for whoever wants a byte of it.
const LARGEST: u64 = 65536;

pub(super) fn channel<S: Sys>(sys: S, raw: RawWinHandle) -> Channel {
    // Who does not say may return before it is done.
    Channel { waits: sys.waits(raw).unwrap_or(false) }
}

fn refusal(code: Code) -> Refusal<Code> {
    match code {
        code if code.is_of_the_medium() => Refusal::Medium,
        Code::NOACCESS | Code::INVALID_USER_BUFFER => Refusal::Buffer,
        code => Refusal::Other(code),
    }
}

pub(super) fn read<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    channel: Channel,
    offset: u64,
    mut buffer: ReadBuffer<'_>,
) -> Result<(), Partial> {
    let result = in_pieces(offset, buffer.len(), MOST, |at, done, length| {
        match sys.read(raw, channel.waits, at, buffer.part(done, length)) {
            Err(Code::HANDLE_EOF) => Ok(0),
            result => result.map_err(refusal),
        }
    });
    result.map_err(|(done, stop)| {
        let why = match stop {
            Stop::Nothing | Stop::Offset => Cause::End,
            Stop::Medium { at, unit } => {
                let readable = |at| {
                    let mut byte = [0];
                    sys.read(raw, channel.waits, at, byte.as_mut_slice().into())
                        .is_ok_and(|moved| moved > 0)
                };
                Cause::Medium { unit: unit.max(pieces::exact(at, LARGEST, readable)) }
            }
            Stop::Buffer => Cause::Buffer,
            Stop::Other(code) => Cause::Fail(no_answer(Subject::Read, code)),
        };
        Partial { done, why }
    })
}

pub(super) fn write<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    channel: Channel,
    offset: u64,
    mut buffer: WriteBuffer<'_>,
) -> Result<(), Partial> {
    let result = in_pieces(offset, buffer.len(), MOST, |at, done, length| {
        sys.write(raw, channel.waits, at, buffer.part(done, length)).map_err(refusal)
    });
    result.map_err(|(done, stop)| {
        let why = match stop {
            // A file that takes nothing makes no sense.
            Stop::Nothing => Cause::Fail(Fail::Malformed(Subject::Write)),
            Stop::Offset => Cause::Fail(Fail::Os(Subject::Write, Errno::EFBIG)),
            // A write of less than a page reads the rest of it: it is the page that is known to be
            // bad.
            Stop::Medium { unit, .. } => Cause::Medium { unit: unit.max(PAGE) },
            Stop::Buffer => Cause::Buffer,
            Stop::Other(code) => Cause::Fail(no_answer(Subject::Write, code)),
        };
        Partial { done, why }
    })
}

pub(super) fn sync<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<(), Fail> {
    same(sys, raw, facts)?;
    sys.flush(raw).map_err(|code| no_answer(Subject::Sync, code))
}
