//! A processor, by the instruction that it flushes cache lines with.

use super::{arch, instruction::Instruction, steps};
use crate::fail::Fail;

/// How this processor makes stores durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cpu {
    pub(super) instruction: Instruction,
    /// Of a cache line: a power of two.
    pub(super) line: usize,
}

impl Cpu {
    /// A processor whose caches need no flush: for memory that [a fence](crate::PersistenceDomain::CpuCache)
    /// makes durable, and that [`PersistenceDomain::Host`](crate::PersistenceDomain::Host) does. It can be had
    /// everywhere.
    ///
    /// Its [`fence`](Cpu::fence) waits on x86, AArch64 and RISC-V. On 32-bit Arm, and on processors
    /// that this library does not know, it is a barrier of the compiler's (`DMB`): no store behind
    /// it, to a device either, is seen before those in front of it, but it does not wait for these.
    /// The target does not tell stable Rust whether there is a `DSB`, which does: on a Cortex-M use
    /// [`with_instruction`](Cpu::with_instruction) and [`Instruction::CortexM`] before the power is turned off by anything
    /// but a store.
    #[must_use]
    pub const fn fence_only() -> Self {
        Self { instruction: Instruction::None, line: 1 }
    }

    /// The best instruction of this processor, where it can be asked.
    ///
    /// - x86: CPUID, at any privilege: CLWB, CLFLUSHOPT, CLFLUSH.
    /// - AArch64: ID_AA64ISAR1_EL1 and CTR_EL0. They can be read in a kernel (EL1 and above), and
    ///   in programs on Linux, which emulates the one for them since 4.11: so here without a
    ///   system, on Hermit and on Linux. **Without a system it is for EL1 and above**: at EL0 the
    ///   read is an undefined instruction, nothing there tells a program that it is at EL0 (the
    ///   read of CurrentEL is one, too), and the kernel above gets the exception. What runs there
    ///   is told by its kernel what there is, and uses [`with_instruction`](Cpu::with_instruction).
    /// - Others have no way to ask: see [`with_instruction`](Cpu::with_instruction). That includes Cortex-M, since a
    ///   program cannot see on which one it runs before it knows that.
    ///
    /// All processors of a machine are taken to be like the one that asks.
    ///
    /// # Errors
    ///
    /// [`Fail::Unsupported`]: it cannot be asked, or has no such instruction.
    pub fn detect() -> Result<Self, Fail> {
        let (instruction, line) = arch::detect().ok_or(Fail::Unsupported)?;
        Self::checked(instruction, line)
    }

    /// A processor that has this instruction, and cache lines of `line` bytes (of Zicbom the block
    /// size, which a devicetree has as `riscv,cbom-block-size`; of Cortex-M7 32; of
    /// [`Instruction::None`] and [`Instruction::CortexM`] 1).
    ///
    /// # Errors
    ///
    /// [`Fail::Unsupported`]: it is no instruction of the target's, or `line` is no power of two.
    ///
    /// # Safety
    ///
    /// Every processor that this is used on has the instruction, may use it at the privilege that
    /// the program runs at, and its cache lines have at least `line` bytes. (AArch64: at EL0
    /// SCTLR_EL1.UCI is set. RISC-V: menvcfg.CBCFE, and senvcfg.CBCFE in user mode. Cortex-M:
    /// privileged.)
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

    /// What flushes a line.
    #[must_use]
    pub const fn instruction(self) -> Instruction {
        self.instruction
    }

    /// The bytes of a cache line.
    #[must_use]
    pub const fn line(self) -> usize {
        self.line
    }

    /// Whether it can be relied on where lines have to be flushed.
    pub(crate) const fn flushes(self) -> bool {
        !matches!(self.instruction, Instruction::None)
    }

    /// Flushes the cache lines of `length` bytes at `start`. It is finished at the next
    /// [`fence`](Cpu::fence).
    ///
    /// # Safety
    ///
    /// The bytes are mapped, and are memory.
    pub unsafe fn flush(self, start: *const u8, length: usize) {
        if matches!(self.instruction, Instruction::None | Instruction::CortexM) || length == 0 {
            return;
        }
        // DCCMVAC is a register: what was stored must be in the cache before it is written to.
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

    /// Waits until every store and every flush before it is finished, before any store after it
    /// begins.
    #[inline]
    pub fn fence(self) {
        steps::fence(self.instruction);
    }
}

/// The first address of each line that has one of these bytes.
pub(super) fn lines(start: usize, length: usize, line: usize) -> impl Iterator<Item = usize> {
    let last = length.checked_sub(1).map(|more| start.saturating_add(more));
    let first = start & !line.wrapping_sub(1);
    let next = move |&at: &usize| {
        at.checked_add(line).filter(|&next| last.is_some_and(|last| next <= last))
    };
    core::iter::successors(last.map(|_| first), next)
}

/// Writes to an address of a memory controller that the NFIT gives as a flush hint
/// ([`flush_hints`](crate::PhysicalRegion::flush_hints)): what left the caches before the last
/// fence then goes to the medium. It is finished at the next fence.
///
/// # Safety
///
/// `hint` is such an address, mapped for writes as device memory, and aligned to 8 bytes.
pub unsafe fn write_flush_hint(hint: *mut u64) {
    // SAFETY: the caller has it mapped and aligned.
    unsafe { steps::write_hint(hint) };
}
