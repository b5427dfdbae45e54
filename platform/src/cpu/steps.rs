//! The steps that lead a store to the medium, one function for each. Tests record them in order.

use super::{arch, instruction::Instruction};

/// # Safety
///
/// The processor has the instruction, and `line` is in a mapped line.
#[inline]
pub(super) unsafe fn flush_line(instruction: Instruction, line: *const u8) {
    #[cfg(test)]
    written::down(written::Step::Line(instruction, line.addr()));
    // SAFETY: as the caller says.
    unsafe { arch::flush_line(instruction, line) };
}

#[inline]
pub(super) fn fence(instruction: Instruction) {
    #[cfg(test)]
    written::down(written::Step::Fence(instruction));
    arch::fence(instruction);
}

/// # Safety
///
/// `hint` is valid for writes of eight bytes, and aligned to them.
#[inline]
pub(super) unsafe fn write_hint(hint: *mut u64) {
    #[cfg(test)]
    written::down(written::Step::Hint(hint.addr()));
    // SAFETY: as the caller says; volatile, since it is the write that matters. Any number may be
    // written.
    unsafe { hint.write_volatile(1) };
}

#[cfg(test)]
#[cfg_attr(
    windows,
    expect(
        clippy::missing_const_for_thread_local,
        reason = "it is const; clippy looks at what the macro makes of it there"
    )
)]
pub(crate) mod written {
    use std::{cell::RefCell, vec::Vec};

    use crate::cpu::instruction::Instruction;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Step {
        Line(Instruction, usize),
        Fence(Instruction),
        Hint(usize),
        /// A host's call, which the test itself records.
        Host(u64, usize),
    }

    std::thread_local! {
        static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    }

    pub(crate) fn down(step: Step) {
        STEPS.with_borrow_mut(|steps| steps.push(step));
    }

    /// Records the steps of this thread while `work` runs.
    pub(crate) fn during(work: impl FnOnce()) -> Vec<Step> {
        STEPS.take();
        work();
        STEPS.take()
    }
}
