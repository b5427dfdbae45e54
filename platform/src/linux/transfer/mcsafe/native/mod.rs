//! The guard of this processor: the copy, and the handler that knows it.

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
use arch::{
    native,
    routine::{Copy, Flush, Outcome},
};
use fault::{Report, Side};

/// Proof that somebody handles SIGBUS.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard(());

impl Guard {
    pub(super) fn install() -> Result<Self, Errno> {
        handler::install()?;
        Ok(Self(()))
    }

    /// Relies on the program's handler. Only processors without a copy have an error.
    #[expect(clippy::unnecessary_wraps, reason = "see none.rs")]
    pub(super) const fn assume_installed() -> Result<Self, Errno> {
        Ok(Self(()))
    }

    /// Copies `length` bytes, one side of which is in the guarded mapping.
    ///
    /// # Safety
    ///
    /// The mapped bytes of both ranges may be read and written, and nobody holds a reference to the
    /// bytes that are written. The guarded range is one mapping.
    pub(super) unsafe fn copy(
        self,
        target: *mut u8,
        source: *const u8,
        length: usize,
        guarded: Range<usize>,
    ) -> Result<(), Partial> {
        let copy: Copy = native::copy;
        // SAFETY: the caller's. There is a handler, as this guard proves.
        let outcome = unsafe { copy(target, source, guarded.start, length, guarded.end) };
        ended(outcome, length)
    }

    /// Flushes the cache lines of `length` bytes at `target` in the guarded mapping, and waits.
    ///
    /// A line of a page that has vanished cannot be flushed. It is a fault as of a load, at the
    /// first byte of the line.
    pub(super) fn flush(
        self,
        cpu: Cpu,
        target: *const u8,
        length: usize,
        guarded: Range<usize>,
    ) -> Result<(), Partial> {
        let flush: Flush = native::flush;
        let mut flushed = Ok(());
        if let (Some(instruction), 1..) = (native::numbered(cpu.instruction()), length) {
            let into_line = target.addr() & cpu.line().wrapping_sub(1);
            let (first, whole) = (target.wrapping_sub(into_line), length.saturating_add(into_line));
            // SAFETY: the processor has the instruction and lines of `cpu`, as it or an unsafe
            // caller has said.
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

/// Converts the outcome of a routine for `length` bytes.
fn ended(Outcome { left, report }: Outcome, length: usize) -> Result<(), Partial> {
    let fail = match Report::unpacked(report) {
        None if left == 0 => return Ok(()),
        // Bytes are left without a report of a handler: a failure, whatever caused it.
        None => Fail::BadMemory(Alignment::from_log2(0)),
        Some(Report { side: Side::Buffer, .. }) => Fail::BUFFER,
        // Memory that is not there went away: the mapping is in the file or device.
        Some(Report { side: Side::Medium, low_bits }) => {
            Fail::BadMemory(Alignment::from_log2(low_bits))
        }
    };
    Err(Partial { done: length.saturating_sub(left), fail })
}

/// Does the work of [`resume_after_sigbus`](super::mapping::resume_after_sigbus).
///
/// # Safety
///
/// As for `resume_after_sigbus`.
pub(super) unsafe fn resume(info: *mut c_void, context: *mut c_void) -> bool {
    let info: *const signal::Info = info.cast();
    // SAFETY: the caller's. The kernel has aligned both, and they are whole.
    unsafe { fault::resume(info, context.cast()) }
}
