//! A mapping whose memory may be bad.

use core::{ffi::c_void, ops::Range, ptr::NonNull};

use super::native::{self, Guard};
use crate::{
    cpu::processor::Cpu,
    errno::Errno,
    fail::Fail,
    linux::sys::{self, Linux},
    source::Handle,
    transfer::Partial,
};

/// A handler of the SIGBUS that bad memory raises during a transfer: this crate's or the program's.
///
/// Only transfers through a mapping (of a device DAX) need one. None is installed before.
#[derive(Clone, Copy, Debug)]
pub struct SigbusHandler(Guard);

impl SigbusHandler {
    /// Makes this crate's handler the action of SIGBUS, unless it is.
    ///
    /// Each call asks the system, and replaces any other action: one that was restored, one that
    /// was installed afterwards and need not pass signals on, and this handler without its flags,
    /// as signal(2) restores it. The handler is never removed. Where another action replaces it
    /// later, bad memory ends the process.
    ///
    /// The handler ends a transfer whose memory fails, with an error, and has no other effect.
    /// Every other SIGBUS goes to the handler that was there before, with its flags and mask, or
    /// has the effect that it would have had. An action with SA_RESETHAND is called once. Where
    /// there was no handler, this one runs on the alternate stack if a thread has one (SA_ONSTACK),
    /// and system calls continue after it (SA_RESTART; those that never do fail with EINTR). All
    /// signals are blocked meanwhile.
    ///
    /// A handler that the program installs afterwards passes on to this one the signals that it
    /// does not know, or calls [`resume_after_sigbus`]. Two handlers may pass a signal to each
    /// other; the second time here it has the default action. A SIGBUS that a thread has blocked
    /// ends the process, handler or not: sigprocmask(2).
    ///
    /// The handler's code must stay, too. A shared library that contains this crate and may be
    /// unloaded (dlclose(3)) is linked with `-z nodelete`, by
    /// `println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");` in the `build.rs` of its
    /// package. Otherwise any later SIGBUS goes to where the handler was. A library that must be
    /// unloaded uses [`assume_installed`](SigbusHandler::assume_installed), and the program's
    /// handler stops calling it first.
    ///
    /// A SIGBUS that only reports bad memory (`BUS_MCEERR_AO`) is passed on, too. Where there was
    /// no handler before, and the signal was not ignored, it ends the process. The kernel sends it
    /// when memory goes bad that is mapped and was touched, to processes that want to know early:
    /// `PR_MCE_KILL_EARLY` of prctl(2), or the sysctl `vm.memory_failure_early_kill`. Other
    /// processes get no signal before a transfer touches that memory.
    ///
    /// System calls: `rt_sigaction`, twice where the handler is installed, and once more for each
    /// action that is installed meanwhile. When a signal is passed on to a handler:
    /// `rt_sigprocmask`; to the default action: `rt_sigaction`, `getpid`, `gettid`,
    /// `rt_tgsigqueueinfo`.
    ///
    /// # Errors
    ///
    /// - `ENOTSUP`: there is no such copy for this processor.
    /// - `EBUSY`: the handler has replaced eight different actions, and this is a ninth; or others
    ///   keep installing theirs.
    /// - The error of a filter of system calls.
    pub fn install() -> Result<Self, Errno> {
        Guard::install().map(Self)
    }

    /// Relies on the program's own handler of SIGBUS, which calls [`resume_after_sigbus`]. If it
    /// does not, bad memory ends the process.
    ///
    /// # Errors
    ///
    /// `ENOTSUP`: see [`install`](SigbusHandler::install).
    pub fn assume_installed() -> Result<Self, Errno> {
        Guard::assume_installed().map(Self)
    }
}

/// Ends a transfer that met bad memory, from the program's own handler of SIGBUS, which is
/// installed with SA_SIGINFO. Returns whether the signal came from such a transfer.
///
/// If so, the context is changed: when the handler returns, as it should at once, the transfer ends
/// with an error. Any other signal changes nothing, among them a SIGBUS that only reports bad
/// memory (`BUS_MCEERR_AO`). The function may be called in any handler of any signal.
///
/// ```
/// # mod pmem2 { pub use pmem2_platform::*; }
/// use core::ffi::{c_int, c_void};
///
/// /// The program installs this with sigaction(2) for SIGBUS, with SA_SIGINFO.
/// unsafe extern "C" fn on_sigbus(_signal: c_int, info: *mut c_void, context: *mut c_void) {
///     // SAFETY: they are what the kernel gave to this handler.
///     if unsafe { pmem2::resume_after_sigbus(info, context) } {
///         return;
///     }
///     // The program's own treatment of any other SIGBUS.
/// }
///
/// // After that is installed, a transfer uses it: Reader::with_guard(source, handler).
/// let handler = pmem2::SigbusHandler::assume_installed()?;
/// # let _ = (on_sigbus, handler);
/// # Ok::<(), pmem2::Errno>(())
/// ```
///
/// # Safety
///
/// `info` and `context` are null, or the kernel gave them to the handler that calls this.
#[must_use]
pub unsafe fn resume_after_sigbus(info: *mut c_void, context: *mut c_void) -> bool {
    // SAFETY: the caller's.
    unsafe { native::resume(info, context) }
}

/// A shared mapping of a file or a device DAX for copies that survive memory that is bad or
/// vanishes.
///
/// Nobody else has its address. Any number of threads may copy at once.
#[derive(Debug)]
pub struct GuardedCopy {
    handler: SigbusHandler,
    at: NonNull<u8>,
    length: usize,
    writable: bool,
}

// SAFETY: a mapping belongs to the process, whichever thread made it.
unsafe impl Send for GuardedCopy {}
// SAFETY: the copy's instructions are not Rust's. Others that change the same bytes at the same
// time, here or in another process, change which bytes are copied, and nothing else. No reference
// to the bytes ever exists.
unsafe impl Sync for GuardedCopy {}

impl GuardedCopy {
    /// Maps `length` bytes of a file or a device DAX from `offset` on: for reading, or for both if
    /// `writable`.
    ///
    /// On a device DAX offset and length are multiples of its alignment, in a file the offset is
    /// one of the page size. A file may be shorter. Nothing is read, so that bad memory does no
    /// harm.
    ///
    /// System calls: `mmap`; `munmap` when it is dropped.
    ///
    /// # Errors
    ///
    /// The error number of mmap(2): EACCES (the descriptor is not open for it; EPERM if a seal
    /// forbids it), EBADF, EINVAL (not aligned, or no bytes), ENODEV (cannot be mapped), ENOMEM,
    /// EOVERFLOW.
    pub fn new(
        handler: SigbusHandler,
        file: &impl Handle<P = Linux>,
        offset: u64,
        length: usize,
        writable: bool,
    ) -> Result<Self, Errno> {
        Self::from_descriptor(handler, file.raw(), offset, length, writable)
    }

    /// Maps the file with this descriptor, which the caller has borrowed.
    pub(in crate::linux) fn from_descriptor(
        handler: SigbusHandler,
        fd: i32,
        offset: u64,
        length: usize,
        writable: bool,
    ) -> Result<Self, Errno> {
        let at = sys::map(fd, offset, length, writable)?;
        Ok(Self { handler, at, length, writable })
    }

    /// Returns the number of mapped bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Copies the bytes at `offset` into the buffer, without a system call.
    ///
    /// A write of somebody else at the same time may be copied in part.
    ///
    /// # Errors
    ///
    /// - [`Fail::Ended`]: the bytes are not all in the mapping.
    /// - [`Fail::BadMemory`]: the memory is bad or not there.
    ///
    /// [`Partial`] says how much of the buffer has changed. It may be a cache line more.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Partial> {
        // SAFETY: the buffer is the caller's alone, and can be written to.
        unsafe { self.read_to(offset, buffer.as_mut_ptr(), buffer.len()) }
    }

    /// Copies as [`read`](GuardedCopy::read), into a buffer that may be anything.
    ///
    /// A buffer that is not mapped or not writable is a SIGSEGV, as in a memcpy. A buffer that lies
    /// in a truncated file or in bad memory is the error [`Fail::BUFFER`].
    ///
    /// # Safety
    ///
    /// `length` bytes at `buffer` belong to nobody else during the call.
    pub unsafe fn read_to(
        &self,
        offset: u64,
        buffer: *mut u8,
        length: usize,
    ) -> Result<(), Partial> {
        let source = self.place(offset, length)?;
        // SAFETY: the bytes at `source` are mapped for reading, and the buffer is the caller's.
        unsafe { self.copy(buffer, source, length) }
    }

    /// Copies the buffer to the bytes at `offset`. They are not durable before a flush.
    ///
    /// # Errors
    ///
    /// Those of [`read`](GuardedCopy::read). [`Fail::Ended`] is also the error of a mapping for
    /// reading. A cache line more may have been written than [`Partial`] says.
    pub fn write(&self, offset: u64, buffer: &[u8]) -> Result<(), Partial> {
        // SAFETY: the buffer can be read, and nobody writes to it during the call.
        unsafe { self.write_from(offset, buffer.as_ptr(), buffer.len()) }
    }

    /// Copies as [`write`](GuardedCopy::write), from a buffer that may be anything, as in
    /// [`read_to`](GuardedCopy::read_to).
    ///
    /// # Safety
    ///
    /// Nobody writes to the `length` bytes at `buffer` during the call.
    pub unsafe fn write_from(
        &self,
        offset: u64,
        buffer: *const u8,
        length: usize,
    ) -> Result<(), Partial> {
        if !self.writable {
            return Err(Fail::Ended.into());
        }
        let target = self.place(offset, length)?;
        // SAFETY: the bytes at `target` are mapped for writing, and nobody has a reference to them.
        unsafe { self.copy(target, buffer, length) }
    }

    /// Flushes the cache lines of these bytes and waits. Then what was written to them is durable.
    ///
    /// A file that is not mapped directly needs more, and so does memory that only the host makes
    /// durable.
    ///
    /// # Errors
    ///
    /// Those of [`read`](GuardedCopy::read), with the number of durable bytes.
    pub fn persist(&self, cpu: Cpu, offset: u64, length: usize) -> Result<(), Partial> {
        let target = self.place(offset, length)?;
        self.handler.0.flush(cpu, target, length, self.guarded())
    }

    /// Returns the address of these bytes.
    fn place(&self, offset: u64, length: usize) -> Result<*mut u8, Fail> {
        let offset = usize::try_from(offset).map_err(|_| Fail::Ended)?;
        match offset.checked_add(length) {
            Some(end) if end <= self.length => Ok(self.at.as_ptr().wrapping_add(offset)),
            _ => Err(Fail::Ended),
        }
    }

    /// # Safety
    ///
    /// One of the ranges is in this mapping, which is mapped for that access. The other one is as
    /// in [`read_to`](GuardedCopy::read_to) or [`write_from`](GuardedCopy::write_from).
    unsafe fn copy(
        &self,
        target: *mut u8,
        source: *const u8,
        length: usize,
    ) -> Result<(), Partial> {
        // SAFETY: the caller's.
        unsafe { self.handler.0.copy(target, source, length, self.guarded()) }
    }

    fn guarded(&self) -> Range<usize> {
        let start = self.at.as_ptr().expose_provenance();
        start..start.saturating_add(self.length)
    }
}

impl Drop for GuardedCopy {
    fn drop(&mut self) {
        // SAFETY: this mapping made the bytes, no copy is running, and nobody else has their
        // address.
        unsafe { sys::unmap(self.at, self.length) };
    }
}
