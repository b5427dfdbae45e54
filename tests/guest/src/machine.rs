//! The words of the table in `machines.rs`.

mod build;
mod expected;

pub(crate) use build::*;
pub use expected::{Backing, MemoryOf};

/// 2^20 bytes.
pub const MIB: u64 = 1 << 20;

/// The page size of the kernel and of QEMU, in bytes.
pub const PAGE: u64 = 4096;

/// The length of each file that is made on a file system: no power of two.
pub const FILE_SIZE: u64 = 3 * MIB + 5;

/// A guest.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The name that the kernel's command line tells the guest.
    pub name: String,
    /// `-machine nvdimm-persistence=`.
    pub persistence: Option<&'static str>,
    /// How many NUMA nodes it has.
    pub nodes: u32,
    /// The memory that QEMU gives it besides its main memory.
    pub memory: Vec<Memory>,
    /// The devices that are made of that, and the answers to expect.
    pub devices: Vec<Device>,
    /// Whether it has the drivers of the kernel's own tests, and the DIMMs that those make up
    /// (tools/testing/nvdimm).
    pub test_modules: bool,
    /// Whether its memory goes bad, and nothing but that is looked at: its processor is one whose
    /// machine checks the kernel understands.
    pub faults: bool,
    /// After how many reports of durable records its power is cut, boot by boot; twice more it is
    /// cut when some stores were not flushed. Nothing but what is left then is looked at.
    pub cuts: Vec<usize>,
    /// Why the guest must fail, if it must: each of these has to show.
    pub planted: Vec<Planted>,
}

/// A fault in the table: exactly this test has to fail, and say so.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// The name of the test.
    pub test: &'static str,
    /// A part of its message.
    pub message: &'static str,
}

/// A piece of memory that QEMU or the kernel's command line gives.
#[derive(Clone, Debug)]
pub struct Memory {
    /// The name that devices refer to it by.
    pub name: String,
    /// In bytes, without a label area.
    pub size: u64,
    /// The NUMA node that QEMU is told.
    pub node: u32,
    /// Its kind.
    pub bus: Bus,
    /// Whether the table names it without QEMU being told of it: a planted fault.
    pub missing: bool,
}

/// How memory comes to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// `-device nvdimm`
    Nvdimm {
        /// With a label area: several namespaces are possible.
        labels: bool,
        /// `unarmed=on`: would not keep data, so that the kernel makes it read-only.
        unarmed: bool,
    },
    /// `memmap=SIZE!START`
    E820,
    /// `memmap=SIZE%START-1+0xefffffff`: memory that the firmware would have set apart ("soft
    /// reserved"). The kernel makes a device DAX of it that lies in no region (dax_hmem), as it
    /// does with CXL memory that keeps nothing.
    SoftReserved,
    /// `-device virtio-pmem-pci`
    VirtioPmem,
    /// `-device virtio-blk-pci`: a disk that is no persistent memory.
    VirtioBlk,
    /// `-device cxl-type3`
    Cxl,
    /// A region of the kernel's own tests, which QEMU knows nothing of: the only one of its bus
    /// with so many DIMMs. Without any it is volatile.
    Test {
        /// Who made the bus.
        provider: &'static str,
        /// The ids of the DIMMs that it is interleaved over.
        dimms: &'static [&'static str],
        /// Their reports of their own state (`nmemK/nfit/flags`).
        state: &'static [&'static str],
    },
}

/// The size of an NVDIMM's label area.
pub const LABELS: u64 = MIB / 8;

/// A source, or what is refused as one.
#[derive(Clone, Debug)]
pub struct Device {
    /// Names the test, and the link in the guest that leads to it: `/d/NAME`.
    pub name: String,
    /// The memory that it lies on, by name. More than one: what `volume` says.
    pub on: Vec<String>,
    /// The namespace that is made of the memory.
    pub namespace: Namespace,
    /// With labels: one of several namespaces in the region, of this size.
    pub part_of_region: Option<u64>,
    /// The volume on the namespace's disk.
    pub volume: Volume,
    /// The object that is opened.
    pub contents: Contents,
    /// The granularity to expect of a shared mapping; wrong in the machine with that planted fault,
    /// as the next two are.
    pub gives: Gives,
    /// Whether its file system is mounted read-only.
    pub read_only: bool,
    /// The alignment that pmem2 has to give.
    pub alignment: u64,
    /// The id that it has to give, in place of that of the memory.
    pub wrong_id: Option<&'static str>,
    /// The block size of its ext4.
    pub block_size: u64,
    /// Whether the file is in a directory with the flag for DAX (`chattr +x`).
    pub flag: bool,
    /// Whether pmem2's own test programs take this file system for the disk.
    pub test_programs: bool,
    /// Whether a benchmark runs on it: that of identity, or of reading a device DAX.
    pub bench: bool,
    /// Whether more of it goes bad than the kernel can tell.
    pub many: bool,
    /// Whether its namespace is disabled and enabled again.
    pub comes_back: bool,
}

/// The mode of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// The disk as it is.
    Raw,
    /// A disk for file systems with DAX.
    Fsdax,
    /// A character device that is mapped in steps of `align` bytes.
    Devdax {
        /// A page or 2 MiB.
        align: u64,
    },
    /// A disk with atomic sectors.
    Btt,
}

/// The contents of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// Nothing.
    Whole,
    /// A partition table with one partition.
    Partition,
    /// A linear device-mapper volume over all of the disks.
    Linear,
    /// Nothing. The file system takes all of the disks: it is mounted from the first.
    Members,
}

/// The object that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// The device itself.
    Device,
    /// A file on a new ext4, mounted with these options.
    Ext4(&'static str),
    /// A file on a new XFS, mounted with these options.
    Xfs(&'static str),
    /// A file on the realtime device of a new XFS, which is the second disk, mounted with these
    /// options.
    XfsRealtime(&'static str),
    /// A file on a new f2fs over all disks.
    F2fs,
    /// A file on an EROFS whose data lies on the second disk, mounted with these options.
    Erofs(&'static str),
    /// A file on overlayfs, whose directories are on a new ext4, mounted with these options.
    Overlay(&'static str),
    /// A file on tmpfs.
    Tmpfs,
}

/// The result of mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gives {
    /// The granularity.
    pub granularity: Granularity,
    /// pmem2's word for why; `never_durable`: it refuses.
    pub reason: &'static str,
}

/// In what steps stores become durable: of libpmem2_config(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// By themselves.
    Byte,
    /// By flushing cache lines.
    CacheLine,
    /// By msync.
    Page,
}

impl Machine {
    /// Whether nothing may be written to a disk by the clock.
    #[must_use]
    pub fn holds_writes_back(&self) -> bool {
        self.faults || !self.cuts.is_empty()
    }

    /// How often it boots.
    #[must_use]
    pub fn boots(&self) -> usize {
        if self.cuts.is_empty() { 1 } else { self.cuts.len() + 3 }
    }

    /// The memory of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> &Memory {
        let found = self.memory.iter().find(|memory| memory.name == name);
        found.unwrap_or_else(|| panic!("the table has no memory {name:?} in {:?}", self.name))
    }

    /// Its index among those on the same bus: an NVDIMM's slot, for example.
    #[must_use]
    pub fn index(&self, memory: &Memory) -> u32 {
        let same = |other: &&Memory| {
            std::mem::discriminant(&other.bus) == std::mem::discriminant(&memory.bus)
        };
        let before = self.memory.iter().filter(same).take_while(|other| other.name != memory.name);
        u32::try_from(before.count()).expect("a few")
    }

    /// Where on the PCI bus QEMU puts it: the number of the slot.
    #[must_use]
    pub fn pci_slot(&self, memory: &Memory) -> u32 {
        let first = match memory.bus {
            Bus::VirtioPmem => 0x10,
            Bus::VirtioBlk => 0x18,
            _ => panic!("{memory:?} is not put on the PCI bus"),
        };
        first + self.index(memory)
    }

    /// Where memory that is taken from the main memory begins: with gaps, since adjacent regions
    /// are merged.
    #[must_use]
    pub fn taken_from(&self, memory: &Memory) -> u64 {
        let first = match memory.bus {
            Bus::E820 => 512 * MIB,
            Bus::SoftReserved => 832 * MIB,
            _ => panic!("{memory:?} is not taken from the main memory"),
        };
        first + u64::from(self.index(memory)) * 80 * MIB
    }
}

impl Device {
    /// Where it is found in the guest.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/d/{}", self.name)
    }

    /// Where the file system of its file is mounted.
    #[must_use]
    pub fn mount_point(&self) -> String {
        let below = if let Contents::Overlay(_) = self.contents { "/overlay" } else { "" };
        format!("/mnt/{}{below}", self.name)
    }

    /// Whether it is a character device.
    #[must_use]
    pub fn is_device_dax(&self) -> bool {
        matches!(self.namespace, Namespace::Devdax { .. })
    }

    /// Whether it is a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.contents != Contents::Device
    }

    /// How many bytes the source has. A file's were given to it. A device DAX has those of its
    /// memory, but for the kernel's info block in a namespace: that takes 8 KiB, up to the next 2
    /// MiB, the parts in which the kernel takes memory (nd_pfn_init of drivers/nvdimm/pfn_devs.c,
    /// with its page array in main memory).
    #[must_use]
    pub fn size(&self, machine: &Machine) -> u64 {
        if !self.is_device_dax() {
            return FILE_SIZE;
        }
        let memory = || self.on.iter().map(|name| machine.named(name));
        let whole = self.part_of_region.unwrap_or_else(|| memory().map(|memory| memory.size).sum());
        if memory().all(|memory| memory.bus == Bus::SoftReserved) { whole } else { whole - 2 * MIB }
    }
}
