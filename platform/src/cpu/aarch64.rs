//! AArch64: Arm Architecture Reference Manual for A-profile, D7.5 (caches), D23 (registers).

use core::arch::asm;

use super::instruction::Instruction;

/// Reads the features where the program is the kernel, or the kernel emulates the read.
#[cfg(any(target_os = "none", target_os = "hermit", target_os = "linux"))]
pub(super) fn detect() -> Option<(Instruction, usize)> {
    let (features, cache): (u64, u64);
    // SAFETY: ID_AA64ISAR1_EL1 may be read at EL1 and above; at EL0 Linux emulates it
    // (Documentation/arch/arm64/ cpu-feature-registers.rst). CTR_EL0 may be read there too: Linux
    // allows or emulates it. Both reads have no effect.
    unsafe {
        asm!("mrs {}, S3_0_C0_C6_1", out(reg) features, options(nomem, nostack, preserves_flags));
        asm!("mrs {}, CTR_EL0", out(reg) cache, options(nomem, nostack, preserves_flags));
    }
    choose(features, cache)
}

#[cfg(not(any(target_os = "none", target_os = "hermit", target_os = "linux")))]
pub(super) const fn detect() -> Option<(Instruction, usize)> {
    None
}

/// Returns the instruction and the size of a line, by ID_AA64ISAR1_EL1 and CTR_EL0.
#[cfg(any(test, target_os = "none", target_os = "hermit", target_os = "linux"))]
pub(super) fn choose(features: u64, cache: u64) -> Option<(Instruction, usize)> {
    // ID_AA64ISAR1_EL1.DPB
    let instruction = match features & 0xf {
        0 => Instruction::DcCvac,
        1 => Instruction::DcCvap,
        _ => Instruction::DcCvadp,
    };
    // CTR_EL0.DminLine: the logarithm of the words of the smallest line.
    let words = u32::try_from(cache.wrapping_shr(16) & 0xf).ok()?;
    Some((instruction, 4_usize.checked_shl(words)?))
}

pub(super) const fn has(instruction: Instruction) -> bool {
    matches!(instruction, Instruction::DcCvadp | Instruction::DcCvap | Instruction::DcCvac)
}

/// # Safety
///
/// The processor has the instruction, and `line` is in a mapped line.
#[inline]
pub(super) unsafe fn flush_line(instruction: Instruction, line: *const u8) {
    match instruction {
        // The assembler knows the names only with the features; these are their encodings. SAFETY:
        // the caller says that the processor knows it and that the line is mapped; it changes no
        // register, no flag, and of memory only where a copy of it is.
        Instruction::DcCvadp => unsafe {
            asm!("sys #3, c7, c13, #1, {}", in(reg) line, options(nostack, preserves_flags))
        },
        // SAFETY: as above.
        Instruction::DcCvap => unsafe {
            asm!("sys #3, c7, c12, #1, {}", in(reg) line, options(nostack, preserves_flags))
        },
        // SAFETY: as above.
        Instruction::DcCvac => unsafe {
            asm!("dc cvac, {}", in(reg) line, options(nostack, preserves_flags))
        },
        _ => {}
    }
}

#[inline]
pub(super) fn fence(_: Instruction) {
    // SAFETY: a barrier only waits, at any privilege. Not `nomem`: the compiler must not move
    // stores over it.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
}
