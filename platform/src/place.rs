//! The contract for where an object lies, and its facts.

use core::fmt;

use crate::{
    facts::{Facts, FileSystem},
    fail::Fail,
    persist::PersistenceDomain,
    source::{Borrowed, Platform},
    text::Text,
};

/// A system that knows where its objects lie: on which regions of persistent memory, on which
/// DIMMs.
///
/// Every method has an answer until it is written, in most cases [`Fail::Unsupported`]. A platform
/// that knows no places says `impl Locate for MyKernel { type Location = Nowhere; type Dimm =
/// Nowhere; }`. Persistent memory without DIMMs takes five methods: [`locate`](Locate::locate),
/// [`confirm`](Locate::confirm), [`backing`](Locate::backing), [`regions`](Locate::regions),
/// [`region`](Locate::region). Files on it take also [`synchronous`](Locate::synchronous), without
/// which their granularity is not known.
///
/// [`locate`](Locate::locate) is called once for a question; the other methods are asked about what
/// it found, and need no handle. [`Platform`] says what those that take one may rely on.
pub trait Locate: Platform {
    /// The key by which the platform finds an object's regions.
    type Location: Copy;

    /// The key by which the platform finds a DIMM.
    type Dimm: Copy;

    /// Finds where the object lies.
    fn locate(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<Self::Location, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Confirms that the object still lies there, and returns a number that tells its device from a
    /// later one with the same name. A device that was taken away while another got its name is
    /// [`Fail::DeviceReplaced`]. Called last, before an answer is given.
    fn confirm(self, location: &Self::Location) -> Result<u64, Fail> {
        let _ = location;
        Err(Fail::Unsupported)
    }

    /// Returns what is below the object.
    fn backing(self, location: &Self::Location) -> Result<Backing, Fail> {
        let _ = location;
        Err(Fail::Unsupported)
    }

    /// Returns the name of the device that the object is on, or is, for people: `pmem0`, `dax0.0`,
    /// `sda1`. [Cut](Text::cut) where it has more than 32 bytes; empty until it is written.
    fn device(self, location: &Self::Location) -> Result<Text<32>, Fail> {
        let _ = location;
        Ok(Text::new())
    }

    /// Returns the number of regions: at least one if the backing is [`Backing::Regions`], else
    /// none.
    fn regions(self, location: &Self::Location) -> Result<usize, Fail> {
        let _ = location;
        Err(Fail::Unsupported)
    }

    /// Returns everything about the region with this index, from 0; `None` after the last one.
    /// Their order is that of their buses and numbers, the lowest first.
    fn region(self, location: &Self::Location, index: usize) -> Result<Option<Region>, Fail> {
        let _ = (location, index);
        Err(Fail::Unsupported)
    }

    /// Returns the persistence domain of the region with this index; `None` after the last one.
    ///
    /// Where the object is mapped synchronously ([`MapSync::Granted`]), the domain is not the
    /// host's, and all that matters is whether a fence is enough. An answer may then say less than
    /// [`region`](Locate::region) does where that takes more calls: only
    /// [`CpuCache`](PersistenceDomain::CpuCache) is said where the region's is that, and nowhere
    /// else.
    fn domain(
        self,
        location: &Self::Location,
        index: usize,
        synchronous: bool,
    ) -> Result<Option<PersistenceDomain>, Fail> {
        let _ = synchronous;
        Ok(self.region(location, index)?.map(|region| region.domain))
    }

    /// Returns likewise whether the region can only be read.
    fn read_only(self, location: &Self::Location, index: usize) -> Result<Option<bool>, Fail> {
        Ok(self.region(location, index)?.map(|region| region.read_only))
    }

    /// Returns likewise whether the region is armed: each of its DIMMs keeps what is stored from
    /// now on.
    fn armed(self, location: &Self::Location, index: usize) -> Result<Option<bool>, Fail> {
        Ok(self.region(location, index)?.map(|region| !region.is_unarmed()))
    }

    /// Returns the NUMA node of the region with this index, or, where there are no regions and the
    /// index is 0, of the device: the outer `None` after the last one, the inner one where the
    /// platform does not say.
    fn numa_node(
        self,
        location: &Self::Location,
        index: usize,
    ) -> Result<Option<Option<u32>>, Fail> {
        Ok(self.region(location, index)?.map(|region| region.numa_node))
    }

    /// Returns likewise the NUMA node that the memory is when the system takes it for ordinary
    /// memory.
    fn target_node(
        self,
        location: &Self::Location,
        index: usize,
    ) -> Result<Option<Option<u32>>, Fail> {
        Ok(self.region(location, index)?.map(|region| region.target_node))
    }

    /// Returns the DIMM with index `dimm` of the region with index `region`, both from 0, in the
    /// order of the region's mappings; `None` after the last one of either. (Persistent memory may
    /// have no DIMMs that the system knows: virtio-pmem, a board's RAM with a battery.) Until it is
    /// written, the DIMMs cannot be told, which is another answer than that there are none.
    fn dimm(
        self,
        location: &Self::Location,
        region: usize,
        dimm: usize,
    ) -> Result<Option<Self::Dimm>, Fail> {
        let _ = (location, region, dimm);
        Err(Fail::Unsupported)
    }

    /// Returns the number that the system gives the DIMM until the next boot: on Linux the K of
    /// `nmemK`.
    fn dimm_number(self, dimm: Self::Dimm) -> Result<u32, Fail> {
        let _ = dimm;
        Err(Fail::Unsupported)
    }

    /// Returns the identity of the DIMM wherever it is: `8680-56341200`, of the vendor, the place
    /// and time of its making if known, and its serial number.
    fn dimm_id(self, dimm: Self::Dimm) -> Result<Text<32>, Fail> {
        let _ = dimm;
        Err(Fail::Unsupported)
    }

    /// Returns how often the DIMM lost power before its data was safe. [`Fail::Unsupported`] where
    /// it does not count.
    fn dimm_dirty_shutdowns(self, dimm: Self::Dimm) -> Result<u64, Fail> {
        let _ = dimm;
        Err(Fail::Unsupported)
    }

    /// Returns whether the system can map the object's device directly (DAX). `None` where there is
    /// no such device, or it makes no difference.
    fn dax_capable(self, location: &Self::Location) -> Result<Option<bool>, Fail> {
        let _ = location;
        Err(Fail::Unsupported)
    }

    /// Returns whether a store to a mapping of the file is durable without a call to the file
    /// system. Linux tries such a mapping, and undoes it; the file is not changed.
    ///
    /// A file that cannot be mapped at all is [`Fail::Os`] with
    /// [`Subject::Mapping`](crate::Subject::Mapping); one that cannot be mapped for writing, though
    /// the handle was opened for that, with
    /// [`Subject::WritableMapping`](crate::Subject::WritableMapping).
    fn synchronous(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<MapSync, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Returns why the file is, or is not, mapped directly. Asked where
    /// [`synchronous`](Locate::synchronous) says that it is refused.
    fn direct(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<DaxState, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }
}

/// The [`Locate::Location`] and [`Locate::Dimm`] of a platform that has none: there is no such
/// value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nowhere {}

/// The devices and memory below an object.
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

/// The mode of a namespace, in the words of `ndctl list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// A block device with page structures, made for file systems with DAX (`/dev/pmem0`).
    Fsdax,
    /// A device DAX (`/dev/dax0.0`).
    Devdax,
    /// A block device that writes whole sectors (BTT, `/dev/pmem0s`). It has no DAX.
    Sector,
    /// A block device as it is (`/dev/pmem0`), without page structures in the namespace. An
    /// NVDIMM's has no DAX then; those of e820 and virtio-pmem have it, since the kernel keeps page
    /// structures elsewhere, and `ndctl list` calls them fsdax.
    Raw,
    /// The whole region: without an operating system nothing divides it into namespaces.
    Whole,
}

impl Mode {
    /// Returns the name that `ndctl list` gives it; `whole` is no word of ndctl's.
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

bitflags::bitflags! {
    /// The state that a DIMM reports: the flags of an NFIT's mapping, by ACPI's numbers (ACPI 6.5,
    /// 5.2.26.3), which Linux has as words in `nmemK/nfit/flags`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct DimmState: u8 {
        /// The DIMM failed to save its data when the power failed last (`save_fail`).
        const SAVE_FAILED = 1;
        /// The DIMM failed to restore its data (`restore_fail`).
        const RESTORE_FAILED = 1 << 1;
        /// The platform failed to flush its buffers to the DIMM when the power failed last
        /// (`flush_fail`).
        const FLUSH_FAILED = 1 << 2;
        /// The DIMM is not armed: data stored from now on will be lost when the power fails
        /// (`not_armed`).
        const NOT_ARMED = 1 << 3;
        /// The DIMM reports an event of its health (SMART): a hint that it may fail
        /// (`smart_event`).
        const SMART_EVENT = 1 << 4;
        /// The firmware failed to map the DIMM (`map_fail`).
        const MAP_FAILED = 1 << 6;
    }
}

/// A region of persistent memory, and the namespace in it that an object lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Region {
    /// The number of its bus: on Linux the B of `ndbusB`. 0 where the system has no such thing.
    pub bus: u32,
    /// Its number: on Linux the N of `regionN`. It is not a DIMM's number.
    pub number: u32,
    /// The number of the namespace in the region: on Linux the K of `namespaceN.K`. `None` where
    /// the system does not say, or has none.
    pub namespace: Option<u32>,
    /// The namespace's mode.
    pub mode: Mode,
    /// The driver that made the bus, as the system names it: `ACPI.NFIT`, `e820`, `virtio-pmem`,
    /// `CXL`. A name of more than 24 bytes is cut, and ends with `…`.
    pub provider: Text<24>,
    /// Its persistence domain.
    pub domain: PersistenceDomain,
    /// Whether it can only be read.
    pub read_only: bool,
    /// The flags that its DIMMs report, all together.
    pub state: DimmState,
    /// Its NUMA node; `None` where the platform does not say.
    pub numa_node: Option<u32>,
    /// The NUMA node that its memory is when the system takes it for ordinary memory (on Linux by
    /// the driver `kmem`): it may be one of its own, without a processor. `None` where the
    /// platform does not say.
    pub target_node: Option<u32>,
}

impl Region {
    /// Makes region `number` of bus `bus` with a namespace of this mode. Nothing else is known of
    /// it yet.
    #[must_use]
    pub const fn new(bus: u32, number: u32, mode: Mode) -> Self {
        Self {
            bus,
            number,
            namespace: None,
            mode,
            provider: Text::new(),
            domain: PersistenceDomain::Unstated,
            read_only: false,
            state: DimmState::empty(),
            numa_node: None,
            target_node: None,
        }
    }

    /// Returns whether one of its DIMMs is not armed: stores to it will be lost when the power
    /// fails.
    #[must_use]
    pub const fn is_unarmed(&self) -> bool {
        self.state.contains(DimmState::NOT_ARMED)
    }
}

/// The result of an attempt to map a file so that a store is durable without a call to
/// the file system (`MAP_SYNC` of mmap(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MapSync {
    /// The mapping was made; a trial undid it.
    Granted,
    /// The mapping was refused: the file is not mapped directly, or its memory is not synchronous.
    Refused,
    /// The system does not know such mappings (Linux before 4.15).
    Unknown,
}

/// The reason why a file is, or is not, mapped directly (DAX), as far as its file system says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DaxState {
    /// Whether the file is mapped directly (`STATX_ATTR_DAX` of statx(2)). `None`: the kernel
    /// (before Linux 5.8) or the file system does not say.
    pub file: Option<bool>,
    /// The option that the file system is mounted with. `None` where that cannot be told.
    pub mount: Option<DaxOption>,
}

impl DaxState {
    /// Puts together what is known.
    #[must_use]
    pub const fn new(file: Option<bool>, mount: Option<DaxOption>) -> Self {
        Self { file, mount }
    }
}

/// The option `dax` that a file system is mounted with: ext4(5) and xfs(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DaxOption {
    /// `dax=always` or `dax`: every file.
    Always,
    /// `dax=never`: no file.
    Never,
    /// `dax=inode`, or no such option: the files with the flag `FS_XFLAG_DAX`.
    Inode,
    /// No such option, in a file system where that means no file (ext2).
    Absent,
}
