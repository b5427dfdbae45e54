//! x86: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID, CLWB,
//! CLFLUSHOPT, CLFLUSH, SFENCE.

use core::arch::asm;
#[cfg(target_arch = "x86")]
use core::arch::x86::__cpuid_count;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::__cpuid_count;

use super::instruction::Instruction;

/// CPUID leaf 1: EDX.CLFSH.
const CLFLUSH: u32 = 1 << 19;
/// CPUID leaf 7: EBX.
const CLFLUSHOPT: u32 = 1 << 23;
const CLWB: u32 = 1 << 24;

pub(super) fn detect() -> Option<(Instruction, usize)> {
    let most = __cpuid_count(0, 0).eax;
    let basic = if most >= 1 { __cpuid_count(1, 0) } else { return None };
    let extended = if most >= 7 { __cpuid_count(7, 0).ebx } else { 0 };
    choose(basic.ebx, basic.edx, extended)
}

/// Returns the instruction and the size of a line, by EBX and EDX of leaf 1, and EBX of leaf 7.
pub(super) fn choose(ebx: u32, edx: u32, extended: u32) -> Option<(Instruction, usize)> {
    let instruction = if extended & CLWB != 0 {
        Instruction::Clwb
    } else if extended & CLFLUSHOPT != 0 {
        Instruction::ClflushOpt
    } else if edx & CLFLUSH != 0 {
        Instruction::Clflush
    } else {
        return None;
    };
    // In units of 8 bytes.
    let [_, line, _, _] = ebx.to_le_bytes();
    Some((instruction, usize::from(line).checked_mul(8)?))
}

pub(super) const fn has(instruction: Instruction) -> bool {
    matches!(instruction, Instruction::Clwb | Instruction::ClflushOpt | Instruction::Clflush)
}

/// # Safety
///
/// The processor has the instruction, and `line` is in a mapped line.
#[inline]
pub(super) unsafe fn flush_line(instruction: Instruction, line: *const u8) {
    // SAFETY (each): the caller says that the processor knows it and that the line is mapped. It
    // changes no register and no flag, and of memory only where a copy of it is.
    match instruction {
        // SAFETY: see above.
        Instruction::Clwb => unsafe {
            asm!("clwb [{}]", in(reg) line, options(nostack, preserves_flags))
        },
        // SAFETY: see above.
        Instruction::ClflushOpt => unsafe {
            asm!("clflushopt [{}]", in(reg) line, options(nostack, preserves_flags))
        },
        // SAFETY: see above.
        Instruction::Clflush => unsafe {
            asm!("clflush [{}]", in(reg) line, options(nostack, preserves_flags))
        },
        _ => {}
    }
}

/// Orders flushes and stores, non-temporal ones too.
#[inline]
pub(super) fn fence(_: Instruction) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SFENCE is there on every x86-64, and only orders stores. Not `nomem`: the compiler
    // must not move stores over it.
    unsafe {
        asm!("sfence", options(nostack, preserves_flags));
    }
    // It orders more; without SSE it is a locked instruction.
    #[cfg(target_arch = "x86")]
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
}
