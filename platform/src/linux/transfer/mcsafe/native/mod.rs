//! The copy of this processor, and the handler that knows it.

mod arch;
mod fault;
mod handler;
mod signal;
#[cfg(test)]
mod tests;

use core::{ffi::c_void, ops::Range};

use crate::{
    alignment::Alignment, cpu::processor::Cpu, errno::Errno, fail::Fail, transfer::Partial,
};
use fault::{Report, Side};

/// Somebody handles SIGBUS.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard(());

impl Guard {
    pub(super) fn install() -> Result<Self, Errno> {
        handler::install()?;
        Ok(Self(()))
    }

    /// Only processors without a copy have an error.
    #[expect(clippy::unnecessary_wraps, reason = "see none.rs")]
    pub(super) const fn of_the_program() -> Result<Self, Errno> {
        Ok(Self(()))
    }

    /// Copies `length` bytes, one side of which is in the guarded mapping.
    ///
    /// # Safety
    ///
    /// What is mapped of both ranges may be read and written, and nobody holds a reference to what
    /// is written. The guarded range is one mapping.
    pub(super) unsafe fn copy(
        self,
        target: *mut u8,
        source: *const u8,
        length: usize,
        guarded: Range<usize>,
    ) -> Result<(), Partial> {
        let copy: arch::Copy = arch::copy;
        // SAFETY: the caller's; and there is a handler, as this guard shows.
        let outcome = unsafe { copy(target, source, guarded.start, length, guarded.end) };
        ended(outcome, length)
    }

    /// Flushes the cache lines of `length` bytes at `target`, which are in the guarded mapping, and
    /// waits for it.
    ///
    /// A line of a page that has vanished cannot be flushed, whatever is in the cache: that is a
    /// fault as of a load, at the first byte of the line.
    pub(super) fn flush(
        self,
        cpu: Cpu,
        target: *const u8,
        length: usize,
        guarded: Range<usize>,
    ) -> Result<(), Partial> {
        let flush: arch::Flush = arch::flush;
        let mut flushed = Ok(());
        if let (Some(instruction), 1..) = (arch::numbered(cpu.instruction()), length) {
            let into_line = target.addr() & cpu.line().wrapping_sub(1);
            let (first, whole) = (target.wrapping_sub(into_line), length.saturating_add(into_line));
            // SAFETY: `Cpu` is made of what the processor has, by its own word or that of an unsafe
            // caller.
            let outcome = unsafe {
                flush(first, first, guarded.start, whole, guarded.end, cpu.line(), instruction)
            };
            flushed = ended(outcome, whole).map_err(|partial| Partial {
                done: partial.done.saturating_sub(into_line),
                ..partial
            });
        }
        cpu.fence();
        flushed
    }
}

/// Reads the two registers that a routine returns for `length` bytes: see [`arch::Copy`].
fn ended(registers: u128, length: usize) -> Result<(), Partial> {
    let [left, report] = [registers, registers.wrapping_shr(64)]
        .map(|half| usize::try_from(half & u128::from(u64::MAX)).unwrap_or(usize::MAX));
    let fail = match Report::unpacked(report) {
        None if left == 0 => return Ok(()),
        // No handler was there, so that it would be a routine's own fault: nothing that is left is
        // a success.
        None => Fail::BadMemory(Alignment::from_log2(0)),
        Some(Report { side: Side::Buffer, .. }) => Fail::BUFFER,
        // Memory that is not there went away: the mapping is in the file or device.
        Some(Report { side: Side::Medium, low_bits, .. }) => {
            Fail::BadMemory(Alignment::from_log2(low_bits))
        }
    };
    Err(Partial { done: length.saturating_sub(left), fail })
}

/// pread64(2) and pwrite64(2): how many bytes were read, or written.
///
/// The memory may be anything, and be no memory at all, which the kernel finds out: no slice of
/// Rust's may be that, and so it is not rustix that makes these calls.
///
/// # Safety
///
/// What the memory has of objects of Rust's may be written to.
pub(in crate::linux) unsafe fn pread(
    fd: i32,
    at: *mut u8,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    // SAFETY: the kernel writes nothing but these bytes, by the caller, and at most as many.
    unsafe { transfer(arch::PREAD64, fd, at.expose_provenance(), length, offset) }
}

/// As [`pread`]; the memory is read only.
///
/// # Safety
///
/// What the memory has of objects of Rust's is initialized, and nobody writes to it meanwhile.
pub(in crate::linux) unsafe fn pwrite(
    fd: i32,
    at: *const u8,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    // SAFETY: the kernel writes nothing of this process.
    unsafe { transfer(arch::PWRITE64, fd, at.expose_provenance(), length, offset) }
}

/// # Safety
///
/// As of the two above.
unsafe fn transfer(
    call: usize,
    fd: i32,
    at: usize,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    // The kernel refuses negative ones, and takes the low half of a register for a descriptor.
    let (Ok(fd), Ok(offset)) = (usize::try_from(fd), usize::try_from(offset)) else {
        return Err(Errno::EBADF);
    };
    // SAFETY: the caller's.
    signal::checked(unsafe { arch::call(call, [fd, at, length, offset]) })
}

/// See [`resume_after_sigbus`](super::resume_after_sigbus).
///
/// # Safety
///
/// As there.
pub(super) unsafe fn resume(info: *mut c_void, context: *mut c_void) -> bool {
    let info: *const signal::Info = info.cast();
    // SAFETY: the caller's: the kernel has aligned them, and they are whole.
    unsafe { fault::resume(info, context.cast()) }
}
