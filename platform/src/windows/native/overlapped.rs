//! Reading and writing at an offset, with handles that wait and those that do not.

use core::ptr;

use windows_sys::{
    Wdk::Storage::FileSystem::{
        FILE_SYNCHRONOUS_IO_ALERT, FILE_SYNCHRONOUS_IO_NONALERT, FileModeInformation,
        NtQueryInformationFile,
    },
    Win32::{
        Foundation::{
            CloseHandle, ERROR_IO_PENDING, HANDLE, RtlNtStatusToDosError, STATUS_PENDING,
        },
        System::{
            IO::{
                CancelIoEx, GetOverlappedResult, IO_STATUS_BLOCK, OVERLAPPED, OVERLAPPED_0,
                OVERLAPPED_0_0,
            },
            Threading::{CreateEventW, Sleep},
        },
    },
    core::BOOL,
};

use super::call::{count, index, last};
use crate::windows::{
    errors::Code,
    handle::RawWinHandle,
    pending::{self, Pending},
};

/// Calls NtQueryInformationFile with FileModeInformation: tells whether the calls of this handle
/// return when they are done.
pub(super) fn waits(handle: RawWinHandle) -> Result<bool, Code> {
    let (mut mode, mut status) = (0_u32, IO_STATUS_BLOCK::default());
    let room: *mut u32 = &raw mut mode;
    // SAFETY: NtQueryInformationFile takes any handle, and writes the two that it is given, of the
    // length that it is told: FILE_MODE_INFORMATION is a number of 32 bits.
    let answer = unsafe {
        let (room, length) = (room.cast(), count(size_of::<u32>()));
        NtQueryInformationFile(handle.as_ptr(), &raw mut status, room, length, FileModeInformation)
    };
    if answer < 0 {
        // SAFETY: RtlNtStatusToDosError has no precondition.
        return Err(Code(unsafe { RtlNtStatusToDosError(answer) }));
    }
    Ok(mode & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT) != 0)
}

/// The event of one call; closed when dropped.
struct Event(HANDLE);

impl Event {
    fn new() -> Result<Self, Code> {
        // SAFETY: CreateEventW may be given no attributes and no name. It is one that stays set,
        // and is not yet.
        let event = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        if event.is_null() { Err(last()) } else { Ok(Self(event)) }
    }

    /// Returns it with the lowest bit set, which keeps the completion from the port that the
    /// program may have bound the handle to.
    fn quiet(&self) -> HANDLE {
        self.0.map_addr(|address| address | 1)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: CloseHandle wants an open handle that nobody uses afterwards: this value owns it,
        // and is being dropped.
        unsafe { CloseHandle(self.0) };
    }
}

/// Transfers at `offset` by `call`, which is ReadFile or WriteFile with all its other arguments,
/// waits for the end, and returns the number of bytes. A handle that [waits](waits) needs no event.
///
/// # Safety
///
/// `call` hands on what it is given, and a buffer that may be used until this returns.
pub(super) unsafe fn transfer(
    handle: RawWinHandle,
    waits: bool,
    offset: u64,
    call: impl FnOnce(*mut u32, *mut OVERLAPPED) -> BOOL,
) -> Result<usize, Code> {
    let event = if waits { None } else { Some(Event::new()?) };
    let mut overlapped = OVERLAPPED {
        Internal: 0,
        InternalHigh: 0,
        Anonymous: OVERLAPPED_0 {
            Anonymous: OVERLAPPED_0_0 { Offset: low(offset), OffsetHigh: low(offset >> 32) },
        },
        hEvent: event.as_ref().map_or(ptr::null_mut(), Event::quiet),
    };
    // The system writes to both until the transfer has ended, so that they are reached by these
    // pointers only.
    let (at, mut moved) = (&raw mut overlapped, 0);
    if call(&raw mut moved, at) != 0 {
        return Ok(index(moved));
    }
    match last() {
        Code(ERROR_IO_PENDING) => {}
        code => return Err(code),
    }
    // So that buffer and structure outlive the transfer.
    pending::end(&Begun { handle, at })
}

/// A transfer that was begun: its handle, and its structure, which lives as long as this.
struct Begun {
    handle: RawWinHandle,
    at: *mut OVERLAPPED,
}

impl Pending for Begun {
    /// Tells what HasOverlappedIoCompleted of minwinbase.h does.
    fn is_pending(&self) -> bool {
        // SAFETY: the structure is there as long as this. The system may write to it meanwhile, so
        // that this is volatile.
        let status = unsafe { (&raw const (*self.at).Internal).read_volatile() };
        u32::try_from(status & 0xFFFF_FFFF) == Ok(STATUS_PENDING.cast_unsigned())
    }

    fn result(&self) -> Result<usize, Code> {
        let mut moved = 0;
        // SAFETY: GetOverlappedResult wants the handle and the structure of a transfer that was
        // begun, which these are.
        match unsafe { GetOverlappedResult(self.handle.as_ptr(), self.at, &raw mut moved, 1) } {
            0 => Err(last()),
            _ => Ok(index(moved)),
        }
    }

    fn cancel(&self) {
        // SAFETY: CancelIoEx takes any handle, and the structure of a transfer that was begun,
        // which it only looks for. Where there is none any more, it has ended, which is asked for
        // anyway.
        unsafe { CancelIoEx(self.handle.as_ptr(), self.at) };
    }

    fn pause(&self) {
        // SAFETY: Sleep has no precondition. It is a millisecond.
        unsafe { Sleep(1) };
    }
}

/// Returns the low half.
#[expect(clippy::as_conversions, reason = "it is the low half that is wanted")]
const fn low(number: u64) -> u32 {
    number as u32
}
