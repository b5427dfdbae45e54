//! How the table in `machines.rs` is written.

use super::{
    Bus, Contents, Device, Gives, Granularity, Machine, Memory, Namespace, PAGE, Planted, Volume,
};

impl Machine {
    /// A machine with one node and nothing else.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            persistence: None,
            nodes: 1,
            memory: vec![],
            devices: vec![],
            test_modules: false,
            faults: false,
            cuts: vec![],
            planted: vec![],
        }
    }

    pub(crate) fn persistence(mut self, domain: &'static str) -> Self {
        self.persistence = Some(domain);
        self
    }

    pub(crate) fn nodes(mut self, nodes: u32) -> Self {
        self.nodes = nodes;
        self
    }

    pub(crate) fn memory(mut self, memory: impl IntoIterator<Item = Memory>) -> Self {
        self.memory.extend(memory);
        self
    }

    pub(crate) fn devices(mut self, devices: impl IntoIterator<Item = Device>) -> Self {
        self.devices.extend(devices);
        self
    }

    pub(crate) fn test_modules(mut self) -> Self {
        self.test_modules = true;
        self
    }

    pub(crate) fn faults(mut self) -> Self {
        self.faults = true;
        self
    }

    pub(crate) fn cuts(mut self, cuts: impl Into<Vec<usize>>) -> Self {
        self.cuts = cuts.into();
        self
    }

    pub(crate) fn planted(mut self, test: &'static str, message: &'static str) -> Self {
        self.planted.push(Planted { test, message });
        self
    }
}

fn memory(name: impl Into<String>, size: u64, bus: Bus) -> Memory {
    Memory { name: name.into(), size, node: 0, bus, missing: false }
}

pub(crate) fn nvdimm(name: impl Into<String>, size: u64) -> Memory {
    memory(name, size, Bus::Nvdimm { labels: false, unarmed: false })
}

pub(crate) fn e820(name: &str, size: u64) -> Memory {
    memory(name, size, Bus::E820)
}

pub(crate) fn soft_reserved(name: &str, size: u64) -> Memory {
    memory(name, size, Bus::SoftReserved)
}

pub(crate) fn virtio_pmem(name: &str, size: u64) -> Memory {
    memory(name, size, Bus::VirtioPmem)
}

pub(crate) fn virtio_blk(name: &str, size: u64) -> Memory {
    memory(name, size, Bus::VirtioBlk)
}

pub(crate) fn cxl(name: &str, size: u64) -> Memory {
    memory(name, size, Bus::Cxl)
}

pub(crate) fn test_region(
    name: &str,
    size: u64,
    provider: &'static str,
    dimms: &'static [&'static str],
) -> Memory {
    memory(name, size, Bus::Test { provider, dimms, state: &[] })
}

impl Memory {
    pub(crate) fn reporting(mut self, words: &'static [&'static str]) -> Self {
        let Bus::Test { state, .. } = &mut self.bus else { panic!("{self:?} reports nothing") };
        *state = words;
        self
    }

    pub(crate) fn node(mut self, node: u32) -> Self {
        self.node = node;
        self
    }

    pub(crate) fn labels(mut self) -> Self {
        let Bus::Nvdimm { labels, .. } = &mut self.bus else { panic!("{self:?} has no labels") };
        *labels = true;
        self
    }

    pub(crate) fn unarmed(mut self) -> Self {
        let Bus::Nvdimm { unarmed, .. } = &mut self.bus else {
            panic!("{self:?} cannot be unarmed")
        };
        *unarmed = true;
        self
    }

    pub(crate) fn missing(mut self) -> Self {
        self.missing = true;
        self
    }
}

/// Pages, and why.
pub(crate) const fn page(reason: &'static str) -> Gives {
    Gives { granularity: Granularity::Page, reason }
}

/// Cache lines, and why not bytes.
pub(crate) const fn cache_line(reason: &'static str) -> Gives {
    Gives { granularity: Granularity::CacheLine, reason }
}

/// Bytes: the processor's caches are written back when power fails.
pub(crate) const EADR: Gives = Gives { granularity: Granularity::Byte, reason: "cpu_cache" };

/// Cache lines, since only the memory controller's buffers are written then.
pub(crate) const ADR: Gives = cache_line("memory_controller");

fn device(name: impl Into<String>, on: &str, namespace: Namespace) -> Device {
    Device {
        name: name.into(),
        on: vec![on.to_owned()],
        namespace,
        part_of_region: None,
        volume: Volume::Whole,
        contents: Contents::Device,
        gives: page(""),
        read_only: false,
        alignment: match namespace {
            Namespace::Devdax { align } => align,
            _ => PAGE,
        },
        wrong_id: None,
        block_size: PAGE,
        flag: false,
        test_programs: false,
        bench: false,
        many: false,
        comes_back: false,
    }
}

pub(crate) fn raw(name: impl Into<String>, on: &str) -> Device {
    device(name, on, Namespace::Raw)
}

pub(crate) fn fsdax(name: impl Into<String>, on: &str) -> Device {
    device(name, on, Namespace::Fsdax)
}

pub(crate) fn devdax(name: impl Into<String>, on: &str, align: u64) -> Device {
    device(name, on, Namespace::Devdax { align })
}

pub(crate) fn tmpfs(name: &str) -> Device {
    Device {
        on: vec![],
        contents: Contents::Tmpfs,
        gives: page("not_persistent_memory"),
        ..raw(name, "")
    }
}

pub(crate) fn btt(name: impl Into<String>, on: &str) -> Device {
    device(name, on, Namespace::Btt)
}

impl Device {
    pub(crate) fn ext4(mut self, options: &'static str) -> Self {
        self.contents = Contents::Ext4(options);
        self
    }

    pub(crate) fn xfs(mut self, options: &'static str) -> Self {
        self.contents = Contents::Xfs(options);
        self
    }

    /// With `realtime` as its realtime device.
    pub(crate) fn xfs_realtime(self, realtime: &str, options: &'static str) -> Self {
        Self { contents: Contents::XfsRealtime(options), ..self.member(realtime) }
    }

    pub(crate) fn f2fs_with(self, other: &str) -> Self {
        Self { contents: Contents::F2fs, ..self.member(other) }
    }

    /// With its data on `data`.
    pub(crate) fn erofs(self, data: &str, options: &'static str) -> Self {
        Self { contents: Contents::Erofs(options), read_only: true, ..self.member(data) }
    }

    fn member(mut self, other: &str) -> Self {
        self.volume = Volume::Members;
        self.on.push(other.to_owned());
        self
    }

    pub(crate) fn block_size(mut self, bytes: u64) -> Self {
        self.block_size = bytes;
        self
    }

    pub(crate) fn overlay(mut self, options: &'static str) -> Self {
        self.contents = Contents::Overlay(options);
        self
    }

    pub(crate) fn gives(mut self, gives: Gives) -> Self {
        self.gives = gives;
        self
    }

    pub(crate) fn flag(mut self) -> Self {
        self.flag = true;
        self
    }

    pub(crate) fn bench(mut self) -> Self {
        self.bench = true;
        self
    }

    pub(crate) fn comes_back(mut self) -> Self {
        self.comes_back = true;
        self
    }

    pub(crate) fn many(mut self) -> Self {
        self.many = true;
        self
    }

    pub(crate) fn wrong_id(mut self, id: &'static str) -> Self {
        self.wrong_id = Some(id);
        self
    }

    pub(crate) fn part_of_region(mut self, size: u64) -> Self {
        self.part_of_region = Some(size);
        self
    }

    pub(crate) fn partition(mut self) -> Self {
        self.volume = Volume::Partition;
        self
    }

    pub(crate) fn linear_with(mut self, other: &str) -> Self {
        self.volume = Volume::Linear;
        self.on.push(other.to_owned());
        self
    }

    pub(crate) fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    pub(crate) fn alignment(mut self, alignment: u64) -> Self {
        self.alignment = alignment;
        self
    }

    pub(crate) fn test_programs(mut self) -> Self {
        self.test_programs = true;
        self
    }
}
