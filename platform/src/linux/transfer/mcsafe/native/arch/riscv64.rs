//! RISC-V, 64 bits. The kernel raises SIGSEGV for the processor's own access fault, so a copy
//! survives only bad memory that the kernel knows and raises SIGBUS for.

use core::arch::naked_asm;

use super::routine::{Outcome, Registers, Stack};
use crate::cpu::instruction::Instruction;

/// The offsets in [`copy`] of the part that copies, of its careful part and of its exit.
pub(in super::super) const ENTRY: usize = 8;
pub(in super::super) const CAREFUL: usize = 128;
pub(in super::super) const EXIT: usize = CAREFUL + 32;

/// Copies `left` bytes from `source` to `target`, and returns how many are left.
///
/// It goes by blocks where both ranges are aligned to 8, and the registers describe the block. The
/// careful part copies the good bytes of a block that failed, and ranges that are not aligned: many
/// processors trap and emulate a misaligned access.
///
/// `start` and `end` are for the handler. To move the copy to the exit, it puts a report into a5;
/// to the careful part, also the number of bytes to copy into a3, and the number of bytes that stay
/// uncopied into t2.
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
    // The arguments are a0 to a4, the result is a0 and a1. Without compression and relaxation the
    // length of the instructions is known.
    naked_asm!(
        ".option push",
        ".option norvc",
        ".option norelax",
        "2:",
        "li a5, 0",
        "li t2, 0",
        "or t0, a0, a1",
        "andi t0, t0, 7",
        "bnez t0, 4f",
        "li t1, 64",
        "3:",
        "bltu a3, t1, 4f",
        "ld t0, 0(a1)",
        "ld t3, 8(a1)",
        "ld t4, 16(a1)",
        "ld t5, 24(a1)",
        "ld t6, 32(a1)",
        "ld a6, 40(a1)",
        "ld a7, 48(a1)",
        "sd t0, 0(a0)",
        "ld t0, 56(a1)",
        "sd t3, 8(a0)",
        "sd t4, 16(a0)",
        "sd t5, 24(a0)",
        "sd t6, 32(a0)",
        "sd a6, 40(a0)",
        "sd a7, 48(a0)",
        "sd t0, 56(a0)",
        "addi a1, a1, 64",
        "addi a0, a0, 64",
        "addi a3, a3, -64",
        "j 3b",
        ".org 2b + {careful}",
        "4:",
        "beqz a3, 5f",
        "lbu t0, 0(a1)",
        "sb t0, 0(a0)",
        "addi a1, a1, 1",
        "addi a0, a0, 1",
        "addi a3, a3, -1",
        "j 4b",
        ".org 2b + {exit}",
        "5:",
        "add a0, a3, t2",
        "mv a1, a5",
        "ret",
        ".option pop",
        careful = const CAREFUL,
        exit = const EXIT,
    )
}

/// The offset of the exit in [`flush`].
pub(in super::super) const FLUSH_EXIT: usize = 64;

/// Flushes the cache blocks of `left` bytes from `target` on, and returns how many are left.
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
    // The arguments as above, then a5 and a6. The only instruction is cbo.clean, whose name the
    // assembler knows only with the extension.
    naked_asm!(
        ".option push",
        ".option norvc",
        ".option norelax",
        "2:",
        "mv a7, a5",
        "li a5, 0",
        "3:",
        ".insn i 0x0f, 2, x0, a0, 1",
        "add a0, a0, a7",
        "mv a1, a0",
        "bleu a3, a7, 4f",
        "sub a3, a3, a7",
        "j 3b",
        "4:",
        "li a3, 0",
        "j 5f",
        ".org 2b + {exit}",
        "5:",
        "mv a0, a3",
        "mv a1, a5",
        "ret",
        ".option pop",
        exit = const FLUSH_EXIT,
    )
}

/// Returns the number of an instruction for [`flush`].
pub(in super::super) const fn numbered(instruction: Instruction) -> Option<usize> {
    match instruction {
        Instruction::CboClean => Some(0),
        _ => None,
    }
}

/// The kernel's own restorer is in the vDSO, and there is no room for another.
pub(in super::super) const RESTORER_FLAG: usize = 0;

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

/// `struct sigcontext`, up to the last field in use: the counter, then x1 to x31. The kernel aligns
/// it to 16 bytes.
#[repr(C, align(16))]
struct Machine {
    counter: usize,
    /// ra, sp, gp, tp, t0, t1.
    others: [usize; 6],
    t2: usize,
    saved: [usize; 2],
    /// a0 to a7.
    arguments: [usize; 8],
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
        let [target, source, start, left, end, ..] = self.machine.arguments;
        Registers { counter: self.machine.counter, target, source, start, left, end }
    }

    /// Continues at `counter`, with `report` in the exit's register.
    pub(in super::super) const fn resume(&mut self, counter: usize, report: usize) {
        self.machine.counter = counter;
        let [_, _, _, _, _, a5, ..] = &mut self.machine.arguments;
        *a5 = report;
    }

    /// Divides the bytes that are left: `now` are copied, and `never` are not.
    pub(in super::super) const fn divide(&mut self, now: usize, never: usize) {
        let [_, _, _, a3, ..] = &mut self.machine.arguments;
        (*a3, self.machine.t2) = (now, never);
    }
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::{Context, Machine};

    /// Compares the layout with libc's, where the counter is register 0.
    #[test]
    fn the_context_is_laid_out_like_libcs() {
        assert_eq!(offset_of!(Context, mask), offset_of!(libc::ucontext_t, uc_sigmask));
        assert_eq!(offset_of!(Context, machine), offset_of!(libc::ucontext_t, uc_mcontext));
        let at = |register: usize| offset_of!(libc::mcontext_t, __gregs) + 8 * register;
        assert_eq!(offset_of!(Machine, counter), at(libc::REG_PC));
        // x7.
        assert_eq!(offset_of!(Machine, t2), at(7));
        assert_eq!(offset_of!(Machine, arguments), at(libc::REG_A0));
    }
}
