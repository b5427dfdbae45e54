//! The instructions that flush a cache line.

/// An instruction that flushes a cache line. All are known on every target, so that programs for
/// several compile; each can only be used on the processors that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Instruction {
    /// None: only a fence.
    None,
    /// x86: writes the line back and keeps it in the cache.
    Clwb,
    /// x86: writes the line back and drops it, in parallel with others.
    ClflushOpt,
    /// x86: writes the line back and drops it, one line after the other.
    Clflush,
    /// AArch64: `DC CVADP`, to the point of deep persistence.
    DcCvadp,
    /// AArch64: `DC CVAP`, to the point of persistence.
    DcCvap,
    /// AArch64: `DC CVAC`, to the point of coherency, which is that of persistence where there is
    /// no other.
    DcCvac,
    /// RISC-V, extension Zicbom: `cbo.clean`.
    CboClean,
    /// Cortex-M without a data cache: nothing to flush; `DSB` is the fence.
    CortexM,
    /// Cortex-M with a data cache (M7, M55, M85): clean by address, a write to DCCMVAC.
    CortexMClean,
}
