//! Descriptors of the C runtime, each of which stands for a handle.

use super::handle::RawWinHandle;
use crate::{Fail, Subject};

/// No C runtime has more: the table of the universal one has room for 8192, that of the system's
/// msvcrt.dll for 2048.
pub(super) const DESCRIPTORS: i32 = 8192;

/// What `_get_osfhandle` gives for a standard stream of a program without a console.
const NO_STREAM: RawWinHandle = RawWinHandle::new(-2);

/// The handle that a descriptor stands for; `ask` is `_get_osfhandle`.
pub(super) fn handle(ask: impl FnOnce(i32) -> RawWinHandle, fd: i32) -> Result<RawWinHandle, Fail> {
    // Others are not shown to the runtime, whose invalid-parameter handler ends the program.
    if !(0..DESCRIPTORS).contains(&fd) {
        return Err(Fail::Absent(Subject::Handle));
    }
    match ask(fd) {
        RawWinHandle::INVALID | NO_STREAM => Err(Fail::Absent(Subject::Handle)),
        handle => Ok(handle),
    }
}
