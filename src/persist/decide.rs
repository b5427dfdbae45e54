//! The decision: the way in which a store becomes durable, and what is missing for it.

use pmem2_platform::{Instruction, Means, PersistenceDomain, Route, Undurable};

/// Decides how a store becomes durable.
///
/// # Errors
///
/// The reason why it does not.
///
/// # Examples
///
/// ```
/// use pmem2::persist::{Cpu, Means, PersistenceDomain, Route, Undurable, route};
///
/// // A part without caches.
/// assert_eq!(route(&Means::new(PersistenceDomain::CpuCache)), Ok(Route::Fence));
///
/// // An NVDIMM with ADR.
/// let mut means = Means::new(PersistenceDomain::MemoryController);
/// assert_eq!(route(&means), Err(Undurable::NoInstruction));
/// means.cpu = Some(Cpu::fence_only());
/// assert_eq!(route(&means), Err(Undurable::NoInstruction));
/// means.cpu = Cpu::detect().ok();
/// if let Some(cpu) = means.cpu {
///     assert_eq!(route(&means), Ok(Route::Flush(cpu)));
/// }
/// ```
pub const fn route(means: &Means) -> Result<Route, Undurable> {
    match means.domain {
        PersistenceDomain::Never | PersistenceDomain::Volatile => Err(Undurable::Never),
        _ if !means.armed => Err(Undurable::Unarmed),
        PersistenceDomain::CpuCache => Ok(Route::Fence),
        PersistenceDomain::Host if means.call => Ok(Route::Call),
        PersistenceDomain::Host => Err(Undurable::NoCall),
        // The memory controller; and what is not known to need less.
        _ => match means.cpu {
            None => Err(Undurable::NoInstruction),
            Some(cpu) if matches!(cpu.instruction(), Instruction::None) => {
                Err(Undurable::NoInstruction)
            }
            Some(_) if means.lacks_hints => Err(Undurable::NoHints),
            Some(cpu) => Ok(Route::Flush(cpu)),
        },
    }
}
