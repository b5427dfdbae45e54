//! Durability: the persistence domain of memory, the way in which a store gets there, and the
//! instructions that it takes.
//!
//! [`route`] decides how a store becomes durable, from the facts in [`Means`]. It is the one answer
//! for [`expected_granularity`](crate::Source::expected_granularity), for a
//! [`Writer`](crate::transfer::Writer), and for a window on a region ([`Persist`]).
//!
//! | [`PersistenceDomain`] | sysfs | a store is durable after | [`Granularity`](crate::Granularity) |
//! |---|---|---|---|
//! | [`CpuCache`](PersistenceDomain::CpuCache) (eADR, or no caches) | `cpu_cache` | a fence | `BYTE` |
//! | [`MemoryController`](PersistenceDomain::MemoryController) (ADR), or not stated | `memory_controller` | the flush of its cache line, flush hints where a table has them, a fence | `CACHE_LINE` |
//! | [`Host`](PersistenceDomain::Host) (virtio-pmem, a driver of the program's own) | | a call | `PAGE` |
//! | [`Never`](PersistenceDomain::Never) | | nothing | |
//! | [`Volatile`](PersistenceDomain::Volatile) | (`nd_volatile`) | nothing | none of a region of physical memory; `CACHE_LINE` on Linux, which maps it all the same |

pub(crate) mod decide;
mod window;

pub use decide::route;
/// A processor, and its instruction that flushes cache lines.
///
/// ```
/// use pmem2::persist::Cpu;
///
/// // One that cannot be asked has a fence: enough for memory in the domains `CpuCache` and `Host`.
/// // Elsewhere `route` refuses it (`Undurable::NoInstruction`).
/// let cpu = Cpu::detect().unwrap_or(Cpu::fence_only());
/// assert!(cpu.line().is_power_of_two());
/// println!("{:?}, lines of {} bytes", cpu.instruction(), cpu.line());
/// ```
pub use pmem2_platform::Cpu;
pub use pmem2_platform::{
    HostFlush, Instruction, Means, PersistenceDomain, Route, Undurable, write_flush_hint,
};
pub use window::Persist;
