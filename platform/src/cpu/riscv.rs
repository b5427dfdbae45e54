//! RISC-V: the Cache Management Operations extension, version 1.0.1, and the base instruction set.

use core::arch::asm;

use super::instruction::Instruction;

/// Returns `None`: no instruction tells a program the processor's extensions.
pub(super) const fn detect() -> Option<(Instruction, usize)> {
    None
}

pub(super) const fn has(instruction: Instruction) -> bool {
    matches!(instruction, Instruction::CboClean)
}

/// # Safety
///
/// The processor has Zicbom, and `line` is in a mapped block.
#[inline]
pub(super) unsafe fn flush_line(instruction: Instruction, line: *const u8) {
    if let Instruction::CboClean = instruction {
        // cbo.clean, whose name the assembler knows only with the extension. SAFETY: the caller
        // says that the processor has it and that the block is mapped; it changes no register, and
        // of memory only where a copy of it is.
        unsafe {
            asm!(".insn i 0x0f, 2, x0, {}, 1", in(reg) line, options(nostack, preserves_flags))
        };
    }
}

#[inline]
pub(super) fn fence(_: Instruction) {
    // SAFETY: a fence only orders, at any privilege; also accesses to devices, for flush hints. Not
    // `nomem`: the compiler must not move stores over it.
    unsafe { asm!("fence iorw, iorw", options(nostack, preserves_flags)) };
}
