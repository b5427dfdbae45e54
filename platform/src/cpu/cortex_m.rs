//! Cortex-M: Armv7-M Architecture Reference Manual, B2.2 (caches), Armv6-M, A6.7 (barriers). Other
//! 32-bit Arm processors have only a fence.

use core::{
    arch::asm,
    sync::atomic::{Ordering, fence as atomic_fence},
};

use super::{dccmvac, instruction::Instruction};

/// Returns `None`: a program for Arm cannot see whether it is on a Cortex-M, since the target does
/// not tell stable Rust.
pub(super) const fn detect() -> Option<(Instruction, usize)> {
    None
}

pub(super) const fn has(instruction: Instruction) -> bool {
    matches!(instruction, Instruction::CortexM | Instruction::CortexMClean)
}

/// # Safety
///
/// This is a Cortex-M with a data cache, in privileged mode, and `line` is memory.
#[inline]
pub(super) unsafe fn flush_line(instruction: Instruction, line: *const u8) {
    if let Instruction::CortexMClean = instruction {
        let register = core::ptr::with_exposed_provenance_mut(dccmvac::ADDRESS);
        // SAFETY: the register is there and may be written, as the caller says; a write to it
        // cleans a line, and changes of memory only where a copy of it is.
        unsafe { dccmvac::clean(register, line) };
    }
}

#[inline]
pub(super) fn fence(instruction: Instruction) {
    match instruction {
        // SAFETY: whoever made the `Cpu` has sworn that this is a Cortex-M.
        Instruction::CortexM | Instruction::CortexMClean => unsafe { dsb() },
        _ => atomic_fence(Ordering::SeqCst),
    }
}

/// Executes DSB SY.
///
/// # Safety
///
/// This is a Cortex-M.
#[inline]
unsafe fn dsb() {
    // As a number, since the assembler of older Arm targets does not know the name. SAFETY: these
    // are the two halves of DSB SY in Thumb, the only instruction set that a Cortex-M has; it only
    // waits. Not `nomem`: the compiler must not move stores over it.
    unsafe { asm!(".short 0xf3bf, 0x8f4f", options(nostack, preserves_flags)) };
}
