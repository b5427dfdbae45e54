//! AArch64.

use core::arch::naked_asm;

use super::{Registers, Stack};
use crate::cpu::instruction::Instruction;

/// Where the part of [`copy`] that copies begins, from its first byte, its careful part, and its
/// exit.
pub(in super::super) const ENTRY: usize = 12;
pub(in super::super) const CAREFUL: usize = 96;
pub(in super::super) const EXIT: usize = CAREFUL + 32;

/// Copies `left` bytes from `source` to `target`, and says how many are left.
///
/// It begins with `bti c`, which the assembler knows as a hint: a program that is built with branch
/// target identification may be called through a pointer nowhere else. It does nothing elsewhere.
///
/// It goes by blocks, and the registers mean the block then: the careful part copies what is good
/// of one that failed, byte by byte.
///
/// `start` and `end` are for the handler. Whoever sets the program counter to the exit puts a
/// report into x5; to the careful part, also how many bytes it is to copy into x3, and into x7 how
/// many more are left.
///
/// # Safety
///
/// As of [`Copy`](super::Copy).
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn copy(
    target: *mut u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
) -> u128 {
    // They are x0 to x4, the result is x0 and x1.
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

/// Where the exit of [`flush`] lies.
pub(in super::super) const FLUSH_EXIT: usize = 96;

/// Flushes the cache lines of `left` bytes from `target` on, and says how many are left.
///
/// # Safety
///
/// As of [`Flush`](super::Flush).
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn flush(
    target: *const u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
    line: usize,
    instruction: usize,
) -> u128 {
    // As above; then x5 and x6. The assembler knows two of the instructions' names only with the
    // features.
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

/// The number of an instruction for [`flush`].
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

/// `struct ucontext`, up to what is of use here.
#[repr(C)]
pub(in super::super) struct Context {
    flags: usize,
    link: *mut Context,
    stack: Stack,
    mask: u64,
    unused: [u8; 1024 / 8 - size_of::<u64>()],
    machine: Machine,
}

/// `struct sigcontext`, up to what is of use here. Its end is aligned to 16 bytes, and so it is.
#[repr(C, align(16))]
struct Machine {
    fault_address: u64,
    registers: [usize; 31],
    stack_pointer: usize,
    counter: usize,
}

impl Context {
    /// What was blocked before the signal.
    pub(in super::super) const fn mask(&self) -> u64 {
        self.mask
    }

    /// The kernel sets it to null in each frame that it makes, and does not read it.
    pub(in super::super) const fn link(&mut self) -> &mut *mut Self {
        &mut self.link
    }

    pub(in super::super) const fn registers(&self) -> Registers {
        let [target, source, start, left, end, ..] = self.machine.registers;
        Registers { counter: self.machine.counter, target, source, start, left, end }
    }

    /// Goes on at `counter`, with `report` in the register that the exit takes it from.
    pub(in super::super) const fn resume(&mut self, counter: usize, report: usize) {
        self.machine.counter = counter;
        let [_, _, _, _, _, x5, ..] = &mut self.machine.registers;
        *x5 = report;
    }

    /// Of the bytes that are left, these are copied now, and those not at all.
    pub(in super::super) const fn divide(&mut self, now: usize, never: usize) {
        let [_, _, _, x3, _, _, _, x7, ..] = &mut self.machine.registers;
        (*x3, *x7) = (now, never);
    }
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::{super::*, Context, Machine};

    /// A program without branch target identification does not notice.
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
