//! RISC-V, 64 bits. Its kernel makes SIGSEGV of the processor's own access fault, so that bad
//! memory is only survived where the kernel knows of it and raises SIGBUS.

use core::arch::naked_asm;

use super::{Registers, Stack};
use crate::cpu::instruction::Instruction;

/// Where the part of [`copy`] that copies begins, from its first byte, its careful part, and its
/// exit.
pub(in super::super) const ENTRY: usize = 8;
pub(in super::super) const CAREFUL: usize = 128;
pub(in super::super) const EXIT: usize = CAREFUL + 32;

/// Copies `left` bytes from `source` to `target`, and says how many are left.
///
/// It goes by blocks where both are aligned to 8, and the registers mean the block then: the
/// careful part copies what is good of one that failed, byte by byte. So it does where they are not
/// aligned: a misaligned access is trapped and emulated on many processors.
///
/// `start` and `end` are for the handler. Whoever sets the program counter to the exit puts a
/// report into a5; to the careful part, also how many bytes it is to copy into a3, and into t2 how
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
    // They are a0 to a4, the result is a0 and a1. Without compressed and relaxed instructions,
    // their length is known here.
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

/// Where the exit of [`flush`] lies.
pub(in super::super) const FLUSH_EXIT: usize = 64;

/// Flushes the cache blocks of `left` bytes from `target` on, and says how many are left.
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
    // As above; then a5 and a6. There is one instruction, cbo.clean, whose name the assembler knows
    // only with the extension.
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

/// The number of an instruction for [`flush`].
pub(in super::super) const fn numbered(instruction: Instruction) -> Option<usize> {
    match instruction {
        Instruction::CboClean => Some(0),
        _ => None,
    }
}

/// The kernel's own restorer is in the vDSO; there is no room for another.
pub(in super::super) const RESTORER_FLAG: usize = 0;

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

/// `struct sigcontext`, up to what is of use here: the counter, then x1 to x31. Its end is aligned
/// to 16 bytes, and so it is.
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
    /// What was blocked before the signal.
    pub(in super::super) const fn mask(&self) -> u64 {
        self.mask
    }

    /// The kernel sets it to null in each frame that it makes, and does not read it.
    pub(in super::super) const fn link(&mut self) -> &mut *mut Self {
        &mut self.link
    }

    pub(in super::super) const fn registers(&self) -> Registers {
        let [target, source, start, left, end, ..] = self.machine.arguments;
        Registers { counter: self.machine.counter, target, source, start, left, end }
    }

    /// Goes on at `counter`, with `report` in the register that the exit takes it from.
    pub(in super::super) const fn resume(&mut self, counter: usize, report: usize) {
        self.machine.counter = counter;
        let [_, _, _, _, _, a5, ..] = &mut self.machine.arguments;
        *a5 = report;
    }

    /// Of the bytes that are left, these are copied now, and those not at all.
    pub(in super::super) const fn divide(&mut self, now: usize, never: usize) {
        let [_, _, _, a3, ..] = &mut self.machine.arguments;
        (*a3, self.machine.t2) = (now, never);
    }
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::{Context, Machine};

    /// Against libc's, where the counter is register 0.
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
