//! The instructions that flush a cache line.

/// What flushes a cache line. All are known on every target, so that programs for several compile;
/// each can only be used on the processors that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Instruction {
    /// None: a fence is all there is.
    None,
    /// x86: writes the line back and keeps it in the cache.
    Clwb,
    /// x86: writes the line back and drops it. Others may run beside it.
    ClflushOpt,
    /// x86: the same, one after the other.
    Clflush,
    /// AArch64: `DC CVADP`, to the point of deep persistence.
    DcCvadp,
    /// AArch64: `DC CVAP`, to the point of persistence.
    DcCvap,
    /// AArch64: `DC CVAC`, to the point of coherency: where there is no point of persistence,
    /// persistent memory is there.
    DcCvac,
    /// RISC-V, extension Zicbom: `cbo.clean`.
    CboClean,
    /// Cortex-M without a data cache: nothing, and `DSB` as the fence.
    CortexM,
    /// Cortex-M with one (M7, M55, M85): clean by address, a write to DCCMVAC.
    CortexMClean,
}
