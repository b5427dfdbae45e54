//! Descriptors of the C runtime, and their handles.

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

/// The platform of the C runtime's descriptors on Windows. Each call finds the handle of the
/// descriptor anew (`_get_osfhandle`), and asks [`Windows`](super::platform::Windows) for the rest.
/// Without the feature `crt` it answers [`Fail::Unsupported`], and needs no C runtime.
///
/// # Which C runtime
///
/// The C runtime is the one that the program is linked with. A process may have several, msvcrt.dll
/// and the universal one among them, each with its own descriptors: a number of another runtime is
/// unknown here, or another file.
///
/// # Descriptors that are not open
///
/// Negative numbers, and those beyond the largest table of any C runtime (8191), are refused
/// without a call. For another number that is not open, `_get_osfhandle` calls the runtime's
/// *invalid-parameter handler*, which by default ends the program (in a debug build after a
/// dialogue). With the universal C runtime a handler of this library, which does nothing, is set
/// for the calling thread during the call. msvcrt.dll, which the target `*-windows-gnu` links with,
/// has no handler for a thread: it calls the process's. Its default does nothing; a program that
/// may be linked with another runtime, or in which somebody has set another, can change it by
/// `_set_invalid_parameter_handler`, `_set_abort_behavior` and `SetErrorMode`, as
/// pmem2_source_from_fd(3) says.
#[cfg(windows)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Crt;

#[cfg(windows)]
impl Crt {
    /// Finds the handle of a descriptor.
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
    /// Returns the handle of the descriptor. It belongs to the descriptor: closing that closes it.
    ///
    /// # Errors
    ///
    /// [`Fail::Absent`] if the descriptor is not open, or has no handle; [`Fail::Unsupported`]
    /// without the feature `crt`.
    pub fn handle(self) -> Result<WinHandle<'h>, Fail> {
        let raw = Crt::find(self.as_raw())?;
        // SAFETY: borrow_raw wants a handle that stays open for 'h. The descriptor does, as who
        // made this Fd promised, and with it its handle.
        Ok(unsafe { WinHandle::borrow_raw(raw) })
    }
}

/// The most descriptors of a C runtime: the table of the universal one has room for 8192, that of
/// the system's msvcrt.dll for 2048.
#[cfg(any(feature = "crt", test))]
pub(super) const DESCRIPTORS: i32 = 8192;

/// The answer of `_get_osfhandle` for a standard stream of a program without a console.
#[cfg(any(feature = "crt", test))]
const NO_STREAM: RawWinHandle = RawWinHandle::new(-2);

/// Finds the handle of a descriptor; `get_osfhandle` is `_get_osfhandle`.
#[cfg(any(feature = "crt", test))]
pub(super) fn handle(
    get_osfhandle: impl FnOnce(i32) -> RawWinHandle,
    fd: i32,
) -> Result<RawWinHandle, Fail> {
    // Other numbers are not passed to the runtime, whose invalid-parameter handler ends the
    // program.
    if !(0..DESCRIPTORS).contains(&fd) {
        return Err(Fail::Absent(Subject::Handle));
    }
    match get_osfhandle(fd) {
        RawWinHandle::INVALID | NO_STREAM => Err(Fail::Absent(Subject::Handle)),
        handle => Ok(handle),
    }
}
