//! Durability: the facts that it depends on, and the way to it that the core decides on.

use core::fmt;

use crate::cpu::processor::Cpu;

/// The persistence domain of memory: the point that a store has to reach to survive the loss of
/// power. On Linux it is a region's `persistence_domain` in sysfs, which comes from the platform
/// capabilities of ACPI's NFIT; a board's code declares it
/// ([`PhysicalRegion::in_domain`](crate::PhysicalRegion::in_domain)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PersistenceDomain {
    /// The processor's caches: a store is durable once it is visible, after a fence. The platform
    /// flushes them when the power fails (eADR), or there are none between processor and memory.
    CpuCache,
    /// The memory controller: a store is durable once its cache line was flushed, and a fence came
    /// after it. The platform flushes the controller's buffers (ADR).
    MemoryController,
    /// The host, or a driver of the program's own: a store is durable after a call of it
    /// (virtio-pmem, PowerPC's hypervisor). No instruction makes it so.
    Host,
    /// None: nothing makes a store durable.
    Never,
    /// Not stated by the platform. Cache lines are flushed, as far as anybody knows.
    Unstated,
    /// None, since the platform made the region of volatile memory (`nd_volatile`), whatever else
    /// it says of it.
    Volatile,
}

impl PersistenceDomain {
    /// Returns the kernel's word for it, as in `persistence_domain`; `None` where sysfs has none.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::CpuCache => Some("cpu_cache"),
            Self::MemoryController => Some("memory_controller"),
            Self::Host | Self::Never | Self::Unstated | Self::Volatile => None,
        }
    }
}

impl fmt::Display for PersistenceDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Host => "the host's",
            Self::Never => "none",
            Self::Unstated => "not stated",
            Self::Volatile => "none, since the region is of volatile memory",
            named => named.name().unwrap_or_default(),
        })
    }
}

/// The facts from which the core decides how a store becomes durable: the memory's persistence
/// domain, and what there is to reach it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Means {
    /// The persistence domain.
    pub domain: PersistenceDomain,
    /// Whether the memory is armed: one that is not loses what is stored from now on.
    pub armed: bool,
    /// The processor; `None` where none is known. One that cannot flush cache lines
    /// ([`Cpu::fence_only`]) is no help where they have to be flushed.
    pub cpu: Option<Cpu>,
    /// Whether flush hints have to be written to that were not given.
    pub lacks_hints: bool,
    /// Whether the system or the host can be called to make a store durable.
    pub call: bool,
}

impl Means {
    /// The system's call, which makes durable what was written: files, by
    /// [`Transfer::sync`](crate::Transfer::sync).
    pub const CALL: Self = {
        let mut means = Self::new(PersistenceDomain::Host);
        means.call = true;
        means
    };

    /// Armed memory in this domain, with nothing to reach it but a fence.
    #[must_use]
    pub const fn new(domain: PersistenceDomain) -> Self {
        Self { domain, armed: true, cpu: None, lacks_hints: false, call: false }
    }
}

/// The way in which a store becomes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// A fence.
    Fence,
    /// The flush of its cache lines by this processor, and a fence.
    Flush(Cpu),
    /// A call of the system or the host.
    Call,
}

/// The reason why a store does not become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Undurable {
    /// Nothing makes it durable.
    Never,
    /// The memory is not armed: it does not keep what is stored.
    Unarmed,
    /// Cache lines have to be flushed, and no processor is known that can.
    NoInstruction,
    /// Flush hints have to be written to, and not all were given.
    NoHints,
    /// The system or the host has to be called, and there is no call: none was given, or the system
    /// has none for this source (a device DAX).
    NoCall,
}

impl fmt::Display for Undurable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Never => "nothing makes a store to this region durable (its table says so)",
            Self::Unarmed => {
                "the region is not armed, and does not keep what is written (its battery or its \
                 firmware is at fault)"
            }
            Self::NoInstruction => {
                "cache lines have to be flushed, and no processor is known whose programs can: \
                 only a call of the system makes stores to a file durable then"
            }
            Self::NoHints => {
                "the region's flush hints have to be written to, and not all were given"
            }
            Self::NoCall => {
                "only a call makes stores durable, and there is none: the region's was not given, \
                 or the system has none for this source"
            }
        })
    }
}

impl core::error::Error for Undurable {}
