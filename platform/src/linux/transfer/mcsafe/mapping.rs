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

/// Somebody handles the SIGBUS of transfers from and to memory that is bad: this crate, or the
/// program.
///
/// Until a transfer goes through a mapping (of a device DAX), none is needed, and none is
/// installed.
#[derive(Clone, Copy, Debug)]
pub struct SigbusHandler(Guard);

impl SigbusHandler {
    /// Makes a handler of this crate's the action of SIGBUS, unless it is.
    ///
    /// Each call asks the system, and takes the place of whatever else is the action by then: of
    /// one that was restored by whoever had found it, of one that was installed afterwards, which
    /// need not pass signals on, and of its own without its flags, as signal(2) puts it back. A
    /// handler is kept for the life of the process: what was asked for before is not asked for
    /// again, and where another action takes its place later, bad memory ends the process.
    ///
    /// It takes a transfer whose memory fails to its end, and has no other effect: every other
    /// SIGBUS goes on to the handler that was there before, with that one's flags and mask, or has
    /// the effect that it would have had. An action with SA_RESETHAND is called once. Where there
    /// was no handler, ours runs on the alternate stack if a thread has one (SA_ONSTACK), and calls
    /// of the system go on after it (SA_RESTART; those that never do fail with EINTR). All signals
    /// are blocked meanwhile.
    ///
    /// A program that installs another one afterwards has to pass on to this one what it does not
    /// know, as to any, or to call [`resume_after_sigbus`]. Where two handlers have found each
    /// other, so that a signal that is nobody's would go round for ever, the second time at ours it
    /// has the default action. A SIGBUS that a thread has blocked ends the process, handler or not:
    /// sigprocmask(2).
    ///
    /// The handler's code has to stay, too. A shared library that this crate is a part of, and that
    /// may be unloaded (dlclose(3)), is linked with `-z nodelete`, by
    /// `println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");` in the `build.rs` of its
    /// package: then it stays loaded. Otherwise any SIGBUS afterwards goes to where the handler
    /// was. One that must be unloaded takes [`of_the_program`](SigbusHandler::of_the_program), and
    /// the program's handler no longer calls it by then.
    ///
    /// A SIGBUS that only tells of bad memory (`BUS_MCEERR_AO`) goes on, too: where there was no
    /// handler before, and the signal was not ignored, it ends the process. The kernel sends it
    /// when memory goes bad that is mapped and was touched, if the process is to be told early:
    /// `PR_MCE_KILL_EARLY` of prctl(2), or the sysctl `vm.memory_failure_early_kill`. Otherwise
    /// nothing comes before a transfer touches that memory.
    ///
    /// System calls: `rt_sigaction`, twice where it is installed, and once more for each action
    /// that comes between. When a signal goes on to a handler: `rt_sigprocmask`, to the default
    /// action: `rt_sigaction`, `getpid`, `gettid`, `rt_tgsigqueueinfo`.
    ///
    /// # Errors
    ///
    /// `ENOTSUP`: there is no such copy for this processor. `EBUSY`: it has taken the place of
    /// eight different actions, and this is a ninth; or others keep coming between. Otherwise
    /// what a filter of system calls says to one of them.
    pub fn install() -> Result<Self, Errno> {
        Guard::install().map(Self)
    }

    /// The program's own handler of SIGBUS calls [`resume_after_sigbus`]. Where it does not, bad
    /// memory ends the process.
    ///
    /// # Errors
    ///
    /// `ENOTSUP`: see [`install`](SigbusHandler::install).
    pub fn of_the_program() -> Result<Self, Errno> {
        Guard::of_the_program().map(Self)
    }
}

/// For a program's own handler of SIGBUS, installed with SA_SIGINFO: whether the signal is of a
/// transfer to or from bad memory. If so, the context is changed, so that the transfer ends with an
/// error when the handler returns, which it should do at once.
///
/// It may be called in any handler of any signal, and changes nothing where the signal is another:
/// so is a SIGBUS that only tells of bad memory, `BUS_MCEERR_AO`.
///
/// ```
/// # mod pmem2 { pub use pmem2_platform::*; }
/// use core::ffi::{c_int, c_void};
///
/// /// What the program installs with sigaction(2) for SIGBUS, with SA_SIGINFO.
/// unsafe extern "C" fn on_sigbus(_signal: c_int, info: *mut c_void, context: *mut c_void) {
///     // SAFETY: they are what the kernel gave to this handler.
///     if unsafe { pmem2::resume_after_sigbus(info, context) } {
///         return;
///     }
///     // It is the program's own: what it does with any other SIGBUS.
/// }
///
/// // Once that is installed, transfers go through it: Reader::with_guard(source, handler).
/// let handler = pmem2::SigbusHandler::of_the_program()?;
/// # let _ = (on_sigbus, handler);
/// # Ok::<(), pmem2::Errno>(())
/// ```
///
/// # Safety
///
/// `info` and `context` are null, or what the kernel gave to the handler that this is called in.
#[must_use]
pub unsafe fn resume_after_sigbus(info: *mut c_void, context: *mut c_void) -> bool {
    // SAFETY: the caller's.
    unsafe { native::resume(info, context) }
}

/// A shared mapping of a file or of device DAX that is copied from, and to, although its memory may
/// be bad, or may vanish. Nothing else is done with it, and nobody else has its address.
///
/// Any number of threads may copy at once.
#[derive(Debug)]
pub struct GuardedCopy {
    handler: SigbusHandler,
    at: NonNull<u8>,
    length: usize,
    writable: bool,
}

// SAFETY: a mapping belongs to the process, whichever thread made it.
unsafe impl Send for GuardedCopy {}
// SAFETY: the copy is made of instructions that are not Rust's: others that change the same bytes
// at the same time, here or in another process, change which bytes are copied, and nothing else. No
// reference to them ever exists.
unsafe impl Sync for GuardedCopy {}

impl GuardedCopy {
    /// Maps `length` bytes of a file or device DAX, from `offset` on: for reading, or `writable`,
    /// for both.
    ///
    /// Device DAX wants both to be multiples of its alignment, a file the offset to be one of the
    /// page size. A file may be shorter. Nothing is read, so that bad memory does no harm here.
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
        Self::of_number(handler, file.raw(), offset, length, writable)
    }

    /// The same of a descriptor that was borrowed already: what [`Sys`](sys::Sys) maps by.
    pub(in crate::linux) fn of_number(
        handler: SigbusHandler,
        fd: i32,
        offset: u64,
        length: usize,
        writable: bool,
    ) -> Result<Self, Errno> {
        let at = sys::map(fd, offset, length, writable)?;
        Ok(Self { handler, at, length, writable })
    }

    /// How many bytes are mapped.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Copies the bytes at `offset` into the buffer.
    ///
    /// No system call. What others write at the same time may be half there.
    ///
    /// # Errors
    ///
    /// [`Fail::Ended`]: the bytes are not all in the mapping. [`Fail::BadMemory`]: the memory is bad, or
    /// is not there. The buffer has changed as far as [`Partial`] says, and maybe by a cache line more.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Partial> {
        // SAFETY: the buffer is the caller's alone, and can be written to.
        unsafe { self.read_to(offset, buffer.as_mut_ptr(), buffer.len()) }
    }

    /// As [`read`](GuardedCopy::read), for a buffer that may be anything. Where it is not mapped at
    /// all, or cannot be written to, that is a SIGSEGV as from a memcpy; where it is a mapping of
    /// something that is cut off, or has gone bad, the error is [`Fail::BUFFER`].
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
        // SAFETY: the bytes at `source` are mapped for reading, those of the buffer are the
        // caller's.
        unsafe { self.copy(buffer, source, length) }
    }

    /// Copies the buffer to the bytes at `offset`, not durably: that takes a flush.
    ///
    /// # Errors
    ///
    /// Those of [`read`](GuardedCopy::read); [`Fail::Ended`] also where the mapping was not made for
    /// writing. More may have been written than it says, by a cache line.
    pub fn write(&self, offset: u64, buffer: &[u8]) -> Result<(), Partial> {
        // SAFETY: it can be read, and nobody writes to it during the call.
        unsafe { self.write_from(offset, buffer.as_ptr(), buffer.len()) }
    }

    /// As [`write`](GuardedCopy::write), for a buffer that may be anything, as in
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

    /// Makes what was written to these bytes durable: flushes their cache lines, and waits. (Of a
    /// file that is not mapped directly that is not enough; nor where only the host makes stores
    /// durable.)
    ///
    /// # Errors
    ///
    /// Those of [`read`](GuardedCopy::read), with how many bytes are durable.
    pub fn persist(&self, cpu: Cpu, offset: u64, length: usize) -> Result<(), Partial> {
        let target = self.place(offset, length)?;
        self.handler.0.flush(cpu, target, length, self.guarded())
    }

    /// Where these bytes are.
    fn place(&self, offset: u64, length: usize) -> Result<*mut u8, Fail> {
        let offset = usize::try_from(offset).map_err(|_| Fail::Ended)?;
        match offset.checked_add(length) {
            Some(end) if end <= self.length => Ok(self.at.as_ptr().wrapping_add(offset)),
            _ => Err(Fail::Ended),
        }
    }

    /// # Safety
    ///
    /// One of the ranges is in this mapping and mapped for it; the other one is as in
    /// [`read_to`](GuardedCopy::read_to) or [`write_from`](GuardedCopy::write_from).
    unsafe fn copy(
        &self,
        target: *mut u8,
        source: *const u8,
        length: usize,
    ) -> Result<(), Partial> {
        // SAFETY: what is mapped may be accessed, by the caller.
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
