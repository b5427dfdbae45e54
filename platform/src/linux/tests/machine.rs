//! Machines with persistent memory: what sysfs has of regions, DIMMs and volumes, for [`World`]s.

use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::world::{Call, FD, World, object};
use crate::{
    Facts, Fail, Mode,
    linux::{
        FileId, Location,
        place::{
            self,
            location::{Area, Family},
        },
        source,
    },
};

/// The block device that files are on.
pub(super) const DISK: (u32, u32) = (259, 3);
pub(super) const ENTRY_OF_DISK: &str = "/sys/dev/block/259:3";
pub(super) const INODE_OF_DISK: u64 = 0x5_0000_0042;

/// Directories of pmem disks on ACPI's bus 0: of a namespace in region 1.
pub(super) const FSDAX: &str =
    "../../devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region1/pfn1.2/block/pmem1";
/// The directory of the device DAX 252:5.
pub(super) const DEVDAX: &str =
    "../../devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region1/dax1.2/dax1.0";
pub(super) const HMEM: &str = "../../devices/platform/hmem.0/dax2.0";
pub(super) const DM: &str = "../../devices/virtual/block/dm-0";
pub(super) const SDA1: &str =
    "../../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda1";

impl World {
    /// A regular file on the block device 259:3, whose entry leads there.
    pub(super) fn on(target: impl AsRef<[u8]>) -> Self {
        let mut world =
            Self::file().linked(ENTRY_OF_DISK, target).with_inode(ENTRY_OF_DISK, INODE_OF_DISK);
        world.stat.dev = rustix::fs::makedev(DISK.0, DISK.1);
        world
    }

    /// The device DAX 252:5, whose entry leads there.
    pub(super) fn dax_in(target: impl AsRef<[u8]>) -> Self {
        Self::dax().linked("/sys/dev/char/252:5", target)
    }

    /// A file on a file system that has no device.
    pub(super) fn without_device(magic: u32) -> Self {
        let mut world = Self::file();
        (world.stat.dev, world.magic) = (0x2a, magic);
        world
    }

    /// The same with a region and its DIMMs: of all that can be told of them the most usual.
    pub(super) fn with_region(mut self, number: u32, dimms: &[u32]) -> Self {
        let files = [
            ("numa_node", "0\n"),
            ("target_node", "2\n"),
            ("persistence_domain", "memory_controller\n"),
            ("../provider", "ACPI.NFIT\n"),
        ];
        for (name, contents) in files {
            self = self.with_file(&of_region(number, name), contents);
        }
        self = self.with_file(&of_region(number, "read_only"), "0\n");
        self = self.with_file(&of_region(number, "devtype"), "nd_pmem\n");
        for (index, dimm) in dimms.iter().enumerate() {
            let mapping = format!("nmem{dimm},{},134217728,{index}\n", index * 4096);
            self = self.with_file(&of_region(number, &format!("mapping{index}")), mapping);
            self = self.with_file(
                &of_dimm(*dimm, "nfit/id"),
                format!("8680-{:08x}\n", 0x5634_1200 + dimm),
            );
            self =
                self.with_file(&of_dimm(*dimm, "nfit/dirty_shutdown"), format!("{}\n", 10 + dimm));
            self = self.with_file(&of_dimm(*dimm, "nfit/flags"), "\n");
        }
        self
    }

    /// The same with the namespace that a pfn, dax or btt device carries.
    pub(super) fn carried(self, carrier: &str, namespace: &str) -> Self {
        self.with_file(
            &format!("/sys/bus/nd/devices/{carrier}/namespace"),
            format!("{namespace}\n"),
        )
    }

    /// The same with a disk that is made of others, each given by its name and the directory that
    /// it has.
    pub(super) fn with_volume(mut self, name: &str, below: &[(&str, &str)]) -> Self {
        let names: String = below.iter().map(|(name, _)| format!("{name}\n")).collect();
        self = self.with_file(&slaves(name), names);
        for (name, target) in below {
            self = self.linked(&format!("/sys/class/block/{name}"), target);
        }
        self
    }

    /// The same with the number that a block device is found by.
    pub(super) fn numbered(self, name: &str, number: &str) -> Self {
        self.with_file(&format!("/sys/class/block/{name}/dev"), format!("{number}\n"))
    }

    /// Describes the descriptor, without noting a call.
    pub(super) fn facts(&self) -> Facts<FileId> {
        source::describe(self.clone().sys(), FD).unwrap()
    }

    pub(super) fn located(&self) -> Result<Location, Fail> {
        place::locate(object(self.sys(), FD, &self.facts()))
    }
}

pub(super) fn of_region(number: u32, name: &str) -> String {
    format!("/sys/bus/nd/devices/region{number}/{name}")
}

pub(super) fn of_dimm(number: u32, name: &str) -> String {
    format!("/sys/bus/nd/devices/nmem{number}/{name}")
}

pub(super) fn slaves(name: &str) -> String {
    format!("/sys/class/block/{name}/slaves")
}

/// The directory of a pmem disk that is a namespace in this mode.
pub(super) fn pmem(bus: u32, region: u32, carrier: &str, index: u32) -> String {
    format!(
        "../../devices/platform/e820_pmem/ndbus{bus}/region{region}/{carrier}{region}.{index}/block/pmem{region}"
    )
}

pub(super) fn area(
    bus: u32,
    region: u32,
    mode: Mode,
    index: impl Into<Option<u32>>,
    family: Family,
) -> Area {
    Area { bus, region, mode, index: index.into(), family }
}

pub(super) fn areas(spot: &Location) -> Vec<Area> {
    (0..spot.regions()).map(|index| spot.area(index).unwrap()).collect()
}

/// A line for each region, in order: bus, region, mode, index.
pub(super) fn listed(spot: &Location) -> Vec<String> {
    areas(spot)
        .iter()
        .map(|area| {
            let index = area.index.map_or("-".to_string(), |index| index.to_string());
            format!("{} {} {} {index}", area.bus, area.region, area.mode)
        })
        .collect()
}

/// The calls that read a file.
pub(super) fn read(path: String) -> Vec<Call> {
    vec![Call::Open(path), Call::Read, Call::Close]
}
