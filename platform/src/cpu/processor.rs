//! A processor, and the instruction that it flushes cache lines with.

use super::{arch, instruction::Instruction, steps};
use crate::fail::Fail;

/// A processor's way to make stores durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cpu {
    pub(super) instruction: Instruction,
    /// The size of a cache line in bytes: a power of two.
    pub(super) line: usize,
}

impl Cpu {
    /// A processor whose caches need no flush: for memory in the domain
    /// [`CpuCache`](crate::PersistenceDomain::CpuCache) or
    /// [`Host`](crate::PersistenceDomain::Host). Every processor can be used so.
    ///
    /// Its [`fence`](Cpu::fence) waits on x86, AArch64 and RISC-V. On 32-bit Arm, and on processors
    /// that this library does not know, it is a barrier of the compiler's (`DMB`): it orders
    /// stores, to a device too, and does not wait for them. A `DSB` does, but stable Rust cannot
    /// tell whether the target has it: on a Cortex-M use
    /// [`with_instruction`](Cpu::with_instruction) and [`Instruction::CortexM`] before the power is
    /// turned off by anything but a store.
    #[must_use]
    pub const fn fence_only() -> Self {
        Self { instruction: Instruction::None, line: 1 }
    }

    /// Detects the best instruction of this processor.
    ///
    /// - x86: CPUID, at any privilege: CLWB, CLFLUSHOPT, CLFLUSH.
    /// - AArch64: ID_AA64ISAR1_EL1 and CTR_EL0, in a kernel (EL1 and above), and in programs on
    ///   Linux, which emulates the first for them since 4.11: so without a system, on Hermit, and
    ///   on Linux. **Without a system, call this at EL1 and above only**: at EL0 the read is an
    ///   undefined instruction (so is that of CurrentEL, which would show the level), and the
    ///   kernel above gets the exception. A program at EL0 is told the instruction by its kernel,
    ///   and uses [`with_instruction`](Cpu::with_instruction).
    /// - Other processors cannot be asked: see [`with_instruction`](Cpu::with_instruction). A
    ///   program on a Cortex-M cannot see which one it is on.
    ///
    /// All processors of a machine are taken to be alike.
    ///
    /// # Errors
    ///
    /// [`Fail::Unsupported`]: the processor cannot be asked, or has no such instruction.
    pub fn detect() -> Result<Self, Fail> {
        let (instruction, line) = arch::detect().ok_or(Fail::Unsupported)?;
        Self::checked(instruction, line)
    }

    /// Detects it once in a process: CPUID may take microseconds under a hypervisor.
    #[cfg(target_os = "linux")]
    pub(crate) fn detect_once() -> Result<Self, Fail> {
        use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

        /// The instructions that are detected, by the upper half of a byte, from 1 on.
        const KNOWN: [Instruction; 6] = [
            Instruction::Clwb,
            Instruction::ClflushOpt,
            Instruction::Clflush,
            Instruction::DcCvadp,
            Instruction::DcCvap,
            Instruction::DcCvac,
        ];
        /// A constant that is found late, not state: the lower half is the logarithm of a line.
        static FOUND: AtomicU8 = AtomicU8::new(0);

        let found = FOUND.load(Relaxed);
        let known = usize::from(found >> 4).checked_sub(1).and_then(|which| KNOWN.get(which));
        if let Some(&instruction) = known {
            return Self::checked(instruction, 1_usize.wrapping_shl(u32::from(found & 15)));
        }
        let cpu = Self::detect()?;
        let which = KNOWN.iter().position(|&known| known == cpu.instruction);
        let which = which.and_then(|which| u8::try_from(which.checked_add(1)?).ok());
        let line = u8::try_from(cpu.line.trailing_zeros()).ok().filter(|&line| line < 16);
        if let (Some(which), Some(line)) = (which, line) {
            FOUND.store(which << 4 | line, Relaxed);
        }
        Ok(cpu)
    }

    /// Describes a processor that has this instruction, and cache lines of `line` bytes: for Zicbom
    /// the block size (`riscv,cbom-block-size` in a devicetree), for a Cortex-M7 32, for
    /// [`Instruction::None`] and [`Instruction::CortexM`] 1.
    ///
    /// # Errors
    ///
    /// [`Fail::Unsupported`]: the target has no such instruction, or `line` is no power of two.
    ///
    /// # Safety
    ///
    /// Every processor that this is used on has the instruction, may use it at the program's
    /// privilege, and has cache lines of at least `line` bytes. (AArch64: at EL0 SCTLR_EL1.UCI is
    /// set. RISC-V: menvcfg.CBCFE, and senvcfg.CBCFE in user mode. Cortex-M: privileged.)
    pub const unsafe fn with_instruction(
        instruction: Instruction,
        line: usize,
    ) -> Result<Self, Fail> {
        Self::checked(instruction, line)
    }

    pub(super) const fn checked(instruction: Instruction, line: usize) -> Result<Self, Fail> {
        if line.is_power_of_two()
            && (matches!(instruction, Instruction::None) || arch::has(instruction))
        {
            Ok(Self { instruction, line })
        } else {
            Err(Fail::Unsupported)
        }
    }

    /// Returns the instruction that flushes a line.
    #[must_use]
    pub const fn instruction(self) -> Instruction {
        self.instruction
    }

    /// Returns the size of a cache line in bytes.
    #[must_use]
    pub const fn line(self) -> usize {
        self.line
    }

    /// Flushes the cache lines of `length` bytes at `start`. The flush is complete after the next
    /// [`fence`](Cpu::fence).
    ///
    /// # Safety
    ///
    /// The bytes are mapped, and are memory.
    pub unsafe fn flush(self, start: *const u8, length: usize) {
        if matches!(self.instruction, Instruction::None | Instruction::CortexM) || length == 0 {
            return;
        }
        // DCCMVAC is a register: stores must be in the cache before it is written to.
        if matches!(self.instruction, Instruction::CortexMClean) {
            steps::fence(self.instruction);
        }
        for back in lines(start.addr(), length, self.line) {
            // SAFETY: `flush_line` wants the instruction to be this processor's, which whoever made
            // the `Cpu` has sworn or `detect` has found, and an address in a mapped line: this one
            // is in the first line of the bytes or in one after it that has some of them, and pages
            // consist of whole lines.
            unsafe { steps::flush_line(self.instruction, start.with_addr(back)) };
        }
    }

    /// Waits until every earlier store and flush is complete, before any later store begins.
    #[inline]
    pub fn fence(self) {
        steps::fence(self.instruction);
    }
}

/// Returns the first address of each line that contains one of these bytes.
#[inline]
pub(super) fn lines(start: usize, length: usize, line: usize) -> impl Iterator<Item = usize> {
    let first = start & !line.wrapping_sub(1);
    let count = length.checked_sub(1).map_or(0, |more| {
        let last = start.saturating_add(more);
        (last.wrapping_sub(first) >> line.trailing_zeros()).saturating_add(1)
    });
    (0..count).map(move |index| first.wrapping_add(index.wrapping_mul(line)))
}

/// Writes to a flush hint of an NFIT ([`flush_hints`](crate::PhysicalRegion::flush_hints)): the
/// memory controller then writes to the medium what left the caches before the last fence. The
/// write is complete after the next fence.
///
/// # Safety
///
/// `hint` is such an address, mapped for writes as device memory, and aligned to 8 bytes.
pub unsafe fn write_flush_hint(hint: *mut u64) {
    // SAFETY: the caller has it mapped and aligned.
    unsafe { steps::write_hint(hint) };
}
