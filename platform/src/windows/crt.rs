//! Descriptors of the C runtime, each of which stands for a handle.

#[cfg(any(windows, test))]
use super::handle::RawWinHandle;
#[cfg(windows)]
use super::handle::WinHandle;
#[cfg(all(windows, feature = "crt"))]
use super::native::get_osfhandle;
use crate::fail::Fail;
#[cfg(any(feature = "crt", test))]
use crate::fail::Subject;
#[cfg(windows)]
use crate::handle::Fd;

/// The platform of the C runtime's descriptors on Windows: [`Windows`] for the handle that a
/// descriptor stands for (`_get_osfhandle`), which each call finds anew. Without the feature `crt`
/// it answers [`Fail::Unsupported`], and no C runtime is needed.
///
/// # Which C runtime
///
/// The one that the program is linked with. A process may have several, msvcrt.dll and the
/// universal one among them, each with descriptors of its own: a number of another one's is unknown
/// here, or another file.
///
/// # Descriptors that are not open
///
/// Negative ones, and those beyond what any C runtime has (8191), are refused without asking. For
/// another number that is not open, `_get_osfhandle` calls the runtime's *invalid-parameter
/// handler*, which by default ends the program (in a debug build after a dialogue). With the
/// universal C runtime this is avoided: for the time of the call a handler of ours, which does
/// nothing, is set for the calling thread. msvcrt.dll, which the target `*-windows-gnu` links with,
/// knows no handler for a thread: there the process's is called. The one that msvcrt.dll itself
/// brings does nothing; a program that may be linked with another runtime, or in which somebody has
/// set another, can change it by `_set_invalid_parameter_handler`, `_set_abort_behavior` and
/// `SetErrorMode`, as pmem2_source_from_fd(3) says.
#[cfg(windows)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Crt;

#[cfg(windows)]
impl Crt {
    /// Finds the handle that a descriptor stands for.
    #[cfg(feature = "crt")]
    pub(super) fn find(fd: i32) -> Result<RawWinHandle, Fail> {
        handle(get_osfhandle, fd)
    }

    #[cfg(not(feature = "crt"))]
    pub(super) const fn find(_: i32) -> Result<RawWinHandle, Fail> {
        Err(Fail::Unsupported)
    }
}

#[cfg(windows)]
impl<'h> Fd<'h> {
    /// The handle that the descriptor stands for. It is the descriptor's: closing the descriptor
    /// closes it.
    ///
    /// # Errors
    ///
    /// [`Fail::Absent`] if the descriptor is not open, or stands for no handle;
    /// [`Fail::Unsupported`] without the feature `crt`.
    pub fn handle(self) -> Result<WinHandle<'h>, Fail> {
        let raw = Crt::find(self.as_raw())?;
        // SAFETY: borrow_raw wants a handle that stays open for 'h. The descriptor does, as who
        // made this Fd promised, and with it its handle.
        Ok(unsafe { WinHandle::borrow_raw(raw) })
    }
}

/// No C runtime has more: the table of the universal one has room for 8192, that of the system's
/// msvcrt.dll for 2048.
#[cfg(any(feature = "crt", test))]
pub(super) const DESCRIPTORS: i32 = 8192;

/// What `_get_osfhandle` gives for a standard stream of a program without a console.
#[cfg(any(feature = "crt", test))]
const NO_STREAM: RawWinHandle = RawWinHandle::new(-2);

/// The handle that a descriptor stands for; `get_osfhandle` is `_get_osfhandle`.
#[cfg(any(feature = "crt", test))]
pub(super) fn handle(
    get_osfhandle: impl FnOnce(i32) -> RawWinHandle,
    fd: i32,
) -> Result<RawWinHandle, Fail> {
    // Others are not shown to the runtime, whose invalid-parameter handler ends the program.
    if !(0..DESCRIPTORS).contains(&fd) {
        return Err(Fail::Absent(Subject::Handle));
    }
    match get_osfhandle(fd) {
        RawWinHandle::INVALID | NO_STREAM => Err(Fail::Absent(Subject::Handle)),
        handle => Ok(handle),
    }
}
