//! AArch64.

use core::arch::naked_asm;

use super::routine::{Outcome, Registers, Stack};
use crate::cpu::instruction::Instruction;

/// The offsets in [`copy`] of the part that copies, of its careful part and of its exit.
pub(in super::super) const ENTRY: usize = 12;
pub(in super::super) const CAREFUL: usize = 96;
pub(in super::super) const EXIT: usize = CAREFUL + 32;

/// Copies `left` bytes from `source` to `target`, and returns how many are left.
///
/// It begins with `bti c`, written as a hint: with branch target identification a call through a
/// pointer must land on one. Elsewhere the hint does nothing.
///
/// It goes by blocks, and the registers describe the block. The careful part copies the good bytes
/// of a block that failed.
///
/// `start` and `end` are for the handler. To move the copy to the exit, it puts a report into x5;
/// to the careful part, also the number of bytes to copy into x3, and the number of bytes that stay
/// uncopied into x7.
///
/// # Safety
///
/// Those of [`Copy`](super::routine::Copy).
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn copy(
    target: *mut u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
) -> Outcome {
    // The arguments are x0 to x4, the result is x0 and x1.
    naked_asm!(
        "2:",
        "hint #34",
        "mov x5, xzr",
        "mov x7, xzr",
        "3:",
        "cmp x3, #64",
        "b.lo 4f",
        "ldp q0, q1, [x1]",
        "ldp q2, q3, [x1, #32]",
        "stp q0, q1, [x0]",
        "stp q2, q3, [x0, #32]",
        "add x1, x1, #64",
        "add x0, x0, #64",
        "sub x3, x3, #64",
        "b 3b",
        "4:",
        "cmp x3, #8",
        "b.lo 5f",
        "ldr x6, [x1]",
        "str x6, [x0]",
        "add x1, x1, #8",
        "add x0, x0, #8",
        "sub x3, x3, #8",
        "b 4b",
        ".org 2b + {careful}",
        "5:",
        "cbz x3, 6f",
        "ldrb w6, [x1]",
        "strb w6, [x0]",
        "add x1, x1, #1",
        "add x0, x0, #1",
        "sub x3, x3, #1",
        "b 5b",
        ".org 2b + {exit}",
        "6:",
        "add x0, x3, x7",
        "mov x1, x5",
        "ret",
        careful = const CAREFUL,
        exit = const EXIT,
    )
}

/// The offset of the exit in [`flush`].
pub(in super::super) const FLUSH_EXIT: usize = 96;

/// Flushes the cache lines of `left` bytes from `target` on, and returns how many are left.
///
/// # Safety
///
/// Those of [`Flush`](super::routine::Flush).
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn flush(
    target: *const u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
    line: usize,
    instruction: usize,
) -> Outcome {
    // The arguments as above, then x5 and x6. The assembler knows the names of two instructions
    // only with the features.
    naked_asm!(
        "2:",
        "hint #34",
        "mov x7, x5",
        "mov x5, xzr",
        "3:",
        "cmp x6, #1",
        "b.eq 4f",
        "b.hi 5f",
        "sys #3, c7, c13, #1, x0",
        "b 6f",
        "4:",
        "sys #3, c7, c12, #1, x0",
        "b 6f",
        "5:",
        "dc cvac, x0",
        "6:",
        "add x0, x0, x7",
        "mov x1, x0",
        "subs x3, x3, x7",
        "b.hi 3b",
        "mov x3, xzr",
        "b 7f",
        ".org 2b + {exit}",
        "7:",
        "mov x0, x3",
        "mov x1, x5",
        "ret",
        exit = const FLUSH_EXIT,
    )
}

/// Returns the number of an instruction for [`flush`].
pub(in super::super) const fn numbered(instruction: Instruction) -> Option<usize> {
    match instruction {
        Instruction::DcCvadp => Some(0),
        Instruction::DcCvap => Some(1),
        Instruction::DcCvac => Some(2),
        _ => None,
    }
}

/// The kernel's own restorer is in the vDSO.
pub(in super::super) const RESTORER_FLAG: usize = 0;

pub(in super::super) const fn restorer_address() -> *const () {
    core::ptr::null()
}

/// `struct ucontext`, up to the last field in use.
#[repr(C)]
pub(in super::super) struct Context {
    flags: usize,
    link: *mut Context,
    stack: Stack,
    mask: u64,
    unused: [u8; 1024 / 8 - size_of::<u64>()],
    machine: Machine,
}

/// `struct sigcontext`, up to the last field in use, with the kernel's alignment of 16 bytes.
#[repr(C, align(16))]
struct Machine {
    fault_address: u64,
    registers: [usize; 31],
    stack_pointer: usize,
    counter: usize,
}

impl Context {
    /// Returns the signals that were blocked before this one.
    pub(in super::super) const fn mask(&self) -> u64 {
        self.mask
    }

    /// Returns the link, which the kernel sets to null in each frame and does not read.
    pub(in super::super) const fn link(&mut self) -> &mut *mut Self {
        &mut self.link
    }

    pub(in super::super) const fn registers(&self) -> Registers {
        let [target, source, start, left, end, ..] = self.machine.registers;
        Registers { counter: self.machine.counter, target, source, start, left, end }
    }

    /// Continues at `counter`, with `report` in the exit's register.
    pub(in super::super) const fn resume(&mut self, counter: usize, report: usize) {
        self.machine.counter = counter;
        let [_, _, _, _, _, x5, ..] = &mut self.machine.registers;
        *x5 = report;
    }

    /// Divides the bytes that are left: `now` are copied, and `never` are not.
    pub(in super::super) const fn divide(&mut self, now: usize, never: usize) {
        let [_, _, _, x3, _, _, _, x7, ..] = &mut self.machine.registers;
        (*x3, *x7) = (now, never);
    }
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::{super::*, Context, Machine};

    /// A program without branch target identification would not notice its absence.
    #[test]
    fn each_routine_begins_with_a_landing_pad() {
        for routine in [first_byte(), first_byte_of_flush()] {
            // SAFETY: the routine's code is there to be read, and its instructions are aligned
            // words.
            let first = unsafe { core::ptr::with_exposed_provenance::<u32>(routine).read() };
            assert_eq!(first, 0xD503_245F, "bti c");
        }
    }

    #[test]
    fn the_context_is_laid_out_like_libcs() {
        assert_eq!(offset_of!(Context, mask), offset_of!(libc::ucontext_t, uc_sigmask));
        assert_eq!(offset_of!(Context, machine), offset_of!(libc::ucontext_t, uc_mcontext));
        assert_eq!(offset_of!(Machine, registers), offset_of!(libc::mcontext_t, regs));
        assert_eq!(offset_of!(Machine, counter), offset_of!(libc::mcontext_t, pc));
    }
}
