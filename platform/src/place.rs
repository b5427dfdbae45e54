//! Facts about where an object lies.

use core::fmt;

use crate::{FileSystem, Text};

/// What is below an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backing {
    /// Regions of persistent memory, with nothing else beside them.
    Regions,
    /// A device DAX whose memory is in no region of persistent memory that the kernel knows: CXL
    /// memory that is not persistent, memory that the firmware reserved for a purpose (`dax_hmem`).
    DeviceDax,
    /// A block device that is not persistent memory. Where a volume lies on several devices and one
    /// of them is not, that one.
    Disk {
        /// Its major number.
        major: u32,
        /// Its minor number.
        minor: u32,
    },
    /// A file system that keeps its files in ordinary memory: tmpfs (and memfd), ramfs, hugetlbfs;
    /// or whose files are interfaces of the kernel: proc, sysfs.
    Memory(FileSystem),
    /// A volume of Windows, which does not say what it is made of.
    Volume {
        /// Whether its files are mapped directly (`FILE_DAX_VOLUME`): it is on persistent memory,
        /// and was formatted for that.
        dax: bool,
    },
    /// A file system that does not say which device the file is on: overlayfs, btrfs, a network;
    /// one that may have several devices, of which it names the first: f2fs, EROFS, XFS where
    /// the file is on its realtime device.
    Hidden(FileSystem),
}

/// What the kernel makes of a namespace (`ndctl list` calls it the mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// A block device with page structures, made for file systems with DAX (`/dev/pmem0`).
    Fsdax,
    /// A device DAX (`/dev/dax0.0`).
    Devdax,
    /// A block device that writes sectors as a whole (BTT, `/dev/pmem0s`). It has no DAX.
    Sector,
    /// A block device as it is (`/dev/pmem0`), without page structures in the namespace. An
    /// NVDIMM's has no DAX then; those of e820 and virtio-pmem have it, since the kernel keeps page
    /// structures elsewhere, and `ndctl list` calls them fsdax.
    Raw,
    /// All of the region: where there is no operating system, nothing divides it into namespaces.
    Whole,
}

impl Mode {
    /// The name that `ndctl list` gives it; `whole` is no word of ndctl's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fsdax => "fsdax",
            Self::Devdax => "devdax",
            Self::Sector => "sector",
            Self::Raw => "raw",
            Self::Whole => "whole",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// From where on a platform guarantees that data reaches the medium when the power fails: a
/// region's `persistence_domain` in sysfs, which comes from the NFIT's platform capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Persistence {
    /// The processor's caches are flushed by the platform (eADR): a store is durable once it is
    /// visible.
    CpuCache,
    /// The memory controller's buffers are (ADR): a store is durable once its cache line was
    /// flushed.
    MemoryController,
    /// Only the host or hypervisor, when it is called (virtio-pmem, PowerPC's hypervisor): no
    /// instruction of the guest makes a store durable.
    Host,
    /// Nothing that a program can do: what is stored stays as far as it happens to.
    Never,
    /// The platform does not say.
    Unstated,
    /// Nothing is kept: the platform made the region of volatile memory (`nd_volatile`), whatever
    /// else it says of it.
    Volatile,
}

impl Persistence {
    /// The kernel's word for it, as in `persistence_domain`; `None` for what sysfs has no word for.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::CpuCache => Some("cpu_cache"),
            Self::MemoryController => Some("memory_controller"),
            Self::Host | Self::Never | Self::Unstated | Self::Volatile => None,
        }
    }
}

impl fmt::Display for Persistence {
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

bitflags::bitflags! {
    /// What a DIMM reports of itself: the state flags of an NFIT's mapping, by ACPI's numbers (ACPI
    /// 6.5, 5.2.26.3), which Linux has as words in `nmemK/nfit/flags`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct DimmState: u8 {
        /// The DIMM failed to save its data when the power failed last (`save_fail`).
        const SAVE_FAILED = 1;
        /// It failed to restore them (`restore_fail`).
        const RESTORE_FAILED = 1 << 1;
        /// The platform failed to flush its buffers to the DIMM when the power failed last
        /// (`flush_fail`).
        const FLUSH_FAILED = 1 << 2;
        /// It is not armed: what is stored from now on will be lost when the power fails
        /// (`not_armed`).
        const NOT_ARMED = 1 << 3;
        /// It reports an event of its health (SMART): a hint that it may fail (`smart_event`).
        const SMART_EVENT = 1 << 4;
        /// The firmware failed to map the DIMM (`map_fail`).
        const MAP_FAILED = 1 << 6;
    }
}

/// A region of persistent memory, and the namespace in it that an object lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Region {
    /// Which bus it is on: on Linux the B of `ndbusB`. 0 where the system has no such thing.
    pub bus: u32,
    /// Which region it is: on Linux the N of `regionN`. It is not a DIMM's number.
    pub number: u32,
    /// Which namespace of the region: on Linux the K of `namespaceN.K`. `None` where the system
    /// does not say, or has none.
    pub namespace: Option<u32>,
    /// What the kernel makes of the namespace.
    pub mode: Mode,
    /// Who made the bus, as the system names it: `ACPI.NFIT`, `e820`, `virtio-pmem`, `CXL`. A name
    /// of more than 24 bytes is cut, and ends with `…`.
    pub provider: Text<24>,
    /// Its persistence domain.
    pub persistence: Persistence,
    /// Whether it can only be read.
    pub read_only: bool,
    /// What its DIMMs report of themselves, all together.
    pub state: DimmState,
    /// Its NUMA node; `None` where the platform does not say.
    pub numa_node: Option<u32>,
    /// The NUMA node that its memory is when the system takes it for ordinary memory (on Linux by
    /// the driver `kmem`): it may be one of its own, without a processor. `None` where the
    /// platform does not say.
    pub target_node: Option<u32>,
}

impl Region {
    /// Region `number` of bus `bus` with a namespace of this mode; of everything else nothing is
    /// known yet.
    #[must_use]
    pub const fn new(bus: u32, number: u32, mode: Mode) -> Self {
        Self {
            bus,
            number,
            namespace: None,
            mode,
            provider: Text::new(),
            persistence: Persistence::Unstated,
            read_only: false,
            state: DimmState::empty(),
            numa_node: None,
            target_node: None,
        }
    }

    /// Whether one of its DIMMs is not armed: stores to it will be lost when the power fails.
    #[must_use]
    pub const fn is_unarmed(&self) -> bool {
        self.state.contains(DimmState::NOT_ARMED)
    }
}

/// What came of the attempt to map a page of a file so that a store is durable without a call to
/// the file system (`MAP_SYNC` of mmap(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MapSync {
    /// It was made, and undone.
    Granted,
    /// It was refused: the file is not mapped directly, or its memory is not synchronous.
    Refused,
    /// The system does not know such mappings (Linux before 4.15).
    Unknown,
}

/// Why a file is, or is not, mapped directly (DAX), as far as its file system says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DaxState {
    /// Whether the file is (`STATX_ATTR_DAX` of statx(2)). `None`: the kernel (before Linux 5.8)
    /// or the file system does not say.
    pub file: Option<bool>,
    /// With which option the file system is mounted. `None` where that cannot be told.
    pub mount: Option<DaxOption>,
}

impl DaxState {
    /// What is known.
    #[must_use]
    pub const fn new(file: Option<bool>, mount: Option<DaxOption>) -> Self {
        Self { file, mount }
    }
}

/// How a file system is mounted: the option `dax` of ext4(5) and xfs(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DaxOption {
    /// `dax=always` or `dax`: every file.
    Always,
    /// `dax=never`: no file.
    Never,
    /// `dax=inode`, or no such option: the files with the flag `FS_XFLAG_DAX`.
    Inode,
    /// No such option, in a file system where that means that no file is (ext2).
    Absent,
}
