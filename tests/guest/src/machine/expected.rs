//! The answers that a device has to get, from what QEMU and the kernel were told.

use super::{Bus, Contents, Device, Machine, Memory, Namespace, Volume};

/// The memory that a device lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// Regions of persistent memory: one for each memory.
    Regions,
    /// Memory in no region.
    DeviceDax,
    /// A disk.
    Disk,
    /// Main memory.
    Memory,
    /// Nobody says.
    Hidden,
}

/// A memory of a device, as the region that it is.
#[derive(Clone, Debug)]
pub struct MemoryOf<'m> {
    /// The memory.
    pub memory: &'m Memory,
    /// Who made its bus.
    pub provider: &'static str,
    /// The kernel's word for its persistence domain.
    pub domain: Option<&'static str>,
    /// Its node; nobody tells the kernel where virtio-pmem is.
    pub node: Option<u32>,
    /// Whether it would not keep data.
    pub unarmed: bool,
    /// Whether it keeps nothing.
    pub volatile: bool,
    /// The ids of its DIMMs, if the kernel knows them.
    pub dimms: Vec<Option<String>>,
    /// Their reports of their own state, in the kernel's words.
    pub state: &'static [&'static str],
    /// How many unsafe shutdowns each of them has counted, if it counts.
    pub shutdowns: Option<u64>,
}

impl Machine {
    /// The device that the kernel makes of a memory.
    #[must_use]
    pub fn region_of<'m>(&self, memory: &'m Memory) -> MemoryOf<'m> {
        let provider = match memory.bus {
            Bus::Nvdimm { .. } => "ACPI.NFIT",
            Bus::E820 => "e820",
            Bus::VirtioPmem => "virtio-pmem",
            Bus::Cxl => "CXL",
            Bus::Test { provider, .. } => provider,
            Bus::SoftReserved | Bus::VirtioBlk => panic!("{memory:?} is no region"),
        };
        let domain = match (memory.bus, self.persistence) {
            (Bus::Nvdimm { .. }, Some("cpu")) => Some("cpu_cache"),
            (Bus::Nvdimm { .. }, Some("mem-ctrl")) => Some("memory_controller"),
            // The driver says so of all of them (drivers/cxl/pmem.c).
            (Bus::Cxl, _) => Some("memory_controller"),
            // Of its two tables, the first has a structure that says so.
            (Bus::Test { provider: "nfit_test.0", .. }, _) => Some("memory_controller"),
            _ => None,
        };
        let dimms = match memory.bus {
            Bus::Nvdimm { .. } => vec![Some(self.nvdimm_id(memory))],
            // This kernel's driver knows no ids: they came with Linux 6.2.
            Bus::Cxl => vec![None],
            Bus::Test { dimms, .. } => dimms.iter().map(|id| Some((*id).to_owned())).collect(),
            _ => vec![],
        };
        let state = match memory.bus {
            Bus::Nvdimm { unarmed: true, .. } => &["not_armed"],
            Bus::Test { state, .. } => state,
            _ => &[][..],
        };
        let is_test = matches!(memory.bus, Bus::Test { .. });
        MemoryOf {
            memory,
            provider,
            domain,
            node: (memory.bus != Bus::VirtioPmem).then_some(memory.node),
            unarmed: state.contains(&"not_armed"),
            volatile: is_test && dimms.is_empty(),
            // `smart_def` of tools/testing/nvdimm/test/nfit.c.
            shutdowns: (is_test && !dimms.is_empty()).then_some(42),
            dimms,
            state,
        }
    }

    /// Vendor and serial number, as the kernel writes them: swapped. QEMU's serial numbers count
    /// from 0x123456 by slot (nvdimm_slot_to_sn of hw/acpi/nvdimm.c), and its vendor is 0x8086.
    fn nvdimm_id(&self, memory: &Memory) -> String {
        format!(
            "{:04x}-{:08x}",
            0x8086_u16.swap_bytes(),
            (0x12_3456 + self.index(memory)).swap_bytes()
        )
    }
}

impl Device {
    /// The memory that it lies on.
    pub fn memory<'m>(&self, machine: &'m Machine) -> impl Iterator<Item = &'m Memory> {
        self.on.iter().map(|name| machine.named(name))
    }

    /// The memory that it lies on.
    #[must_use]
    pub fn backing(&self, machine: &Machine) -> Backing {
        match self.contents {
            Contents::Overlay(_) => Backing::Hidden,
            // On which of the disks a file lies.
            _ if self.has_members() => Backing::Hidden,
            Contents::Tmpfs => Backing::Memory,
            _ if self.memory(machine).any(|memory| memory.bus == Bus::VirtioBlk) => Backing::Disk,
            _ if self.memory(machine).any(|memory| memory.bus == Bus::SoftReserved) => {
                Backing::DeviceDax
            }
            _ => Backing::Regions,
        }
    }

    /// Its regions, in no order; none if it lies on anything else.
    #[must_use]
    pub fn regions<'m>(&self, machine: &'m Machine) -> Vec<MemoryOf<'m>> {
        match self.backing(machine) {
            Backing::Regions => {
                self.memory(machine).map(|memory| machine.region_of(memory)).collect()
            }
            _ => vec![],
        }
    }

    /// The name of the mode in `ndctl`.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self.namespace {
            Namespace::Raw => "raw",
            Namespace::Fsdax => "fsdax",
            Namespace::Devdax { .. } => "devdax",
            Namespace::Btt => "sector",
        }
    }

    /// Whether the kernel can map the device directly that it is or is on.
    #[must_use]
    pub fn is_dax_capable(&self, machine: &Machine) -> bool {
        match self.namespace {
            Namespace::Fsdax | Namespace::Devdax { .. } => self.backing(machine) != Backing::Disk,
            Namespace::Btt => false,
            // With pages of its own: the kernel counts them as main memory.
            Namespace::Raw => {
                self.memory(machine).all(|memory| matches!(memory.bus, Bus::E820 | Bus::VirtioPmem))
            }
        }
    }

    /// Whether its file system takes several disks.
    #[must_use]
    pub fn has_members(&self) -> bool {
        self.volume == Volume::Members
    }

    /// Whether it is made of other disks.
    #[must_use]
    pub fn is_volume(&self) -> bool {
        self.volume == Volume::Linear
    }
}
