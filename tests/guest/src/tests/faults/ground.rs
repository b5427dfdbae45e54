//! Where the bytes of a device lie in physical memory, and which lists tell of those that are bad.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pmem2_guest::machine::{Device, Machine};

use crate::kernel;

/// The unit of the kernel's lists.
pub(crate) const SECTOR: u64 = 512;

/// The memory that a device lies on.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The directory of the disk; of a device DAX there is none.
    pub(crate) disk: Option<PathBuf>,
    /// Where on the disk the device begins: a partition does not at 0, and a volume of two disks
    /// before the second one.
    pub(crate) start: u64,
    /// The physical address of the disk's first byte, or of the device's.
    pub(crate) address: u64,
    /// The directory of the region.
    pub(crate) region: PathBuf,
    /// The physical address of the region's first byte.
    pub(crate) region_address: u64,
}

fn number(path: &Path) -> u64 {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = text.trim_end();
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.unwrap_or_else(|error| panic!("{}: {text:?}: {error}", path.display()))
}

impl Ground {
    /// Finds the memory that the byte `at` of the device is on.
    pub(crate) fn of(machine: &Machine, device: &Device, at: u64) -> Self {
        let entry = kernel::entry(device).expect("a disk or a device");
        let mut before = 0;
        for memory in &device.on {
            let ground = Self::on(machine, device, &entry, memory, before);
            let length =
                ground.disk.as_ref().map_or(u64::MAX, |disk| number(&disk.join("size")) * SECTOR);
            if at - before < length {
                return ground;
            }
            before += length;
        }
        panic!("{at} is beyond the end of {device:?}")
    }

    /// On one memory, before which the device has so many bytes.
    fn on(machine: &Machine, device: &Device, entry: &Path, memory: &str, before: u64) -> Self {
        let regions = kernel::regions(machine, device);
        let region =
            regions.into_iter().find(|region| region.told.memory.name == memory).expect("a region");
        let (region, entry) = (region.path, entry.to_owned());
        let region_address = number(&region.join("resource"));
        if device.is_device_dax() {
            return Self {
                disk: None,
                start: 0,
                address: number(&entry.join("resource")),
                region,
                region_address,
            };
        }
        let entry = if device.is_volume() { part_in(&entry, &region) } else { entry };
        let part = entry.join("partition").exists();
        let start =
            if part { number(&entry.join("start")) * SECTOR } else { 0_u64.wrapping_sub(before) };
        let disk = if part { entry.parent().expect("a disk").to_owned() } else { entry };
        // A BTT has none of its own: where its sectors lie in the namespace only it knows.
        let address = match fs::read_to_string(disk.join("device/namespace")) {
            Ok(name) if !disk.join("device/resource").exists() => {
                number(&region.join(name.trim_end()).join("resource"))
            }
            _ => number(&disk.join("device/resource")),
        };
        Self { disk: Some(disk), start, address, region, region_address }
    }

    /// The physical address of a byte of the device.
    pub(crate) fn physical(&self, at: u64) -> u64 {
        self.address.wrapping_add(self.start).wrapping_add(at)
    }

    /// An attribute of the region's bus.
    fn of_bus(&self, name: &str) -> String {
        let path = self.region.join("..").join(name);
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.trim_end().to_owned()
    }

    /// Who made the bus.
    fn provider(&self) -> String {
        self.of_bus("provider")
    }

    /// Whether the region is one of NVDIMMs.
    pub(crate) fn is_nvdimm(&self) -> bool {
        self.provider() == "ACPI.NFIT"
    }

    /// The commands of its bus.
    pub(crate) fn commands(&self) -> String {
        self.of_bus("commands")
    }

    /// Whether its bus takes no commands: then the driver believes that every write clears what was
    /// bad.
    pub(crate) fn has_no_commands(&self) -> bool {
        ["e820", "virtio-pmem"].contains(&&*self.provider())
    }

    /// The disk's list, by bytes of the device, in order.
    pub(crate) fn disk_list(&self) -> Vec<(u64, u64)> {
        let disk = self.disk.as_ref().expect("a disk");
        list(&disk.join("badblocks"))
            .into_iter()
            .map(|(at, length)| (at.wrapping_sub(self.start), length))
            .collect()
    }

    /// The region's list, by bytes of the device: those of it that lie before it are far away.
    pub(crate) fn region_list(&self) -> Vec<(u64, u64)> {
        let shift = self.address.wrapping_add(self.start).wrapping_sub(self.region_address);
        let list = list(&self.region.join("badblocks"));
        list.into_iter().map(|(at, length)| (at.wrapping_sub(shift), length)).collect()
    }
}

/// The disk of a volume that lies in a region.
fn part_in(volume: &Path, region: &Path) -> PathBuf {
    let parts = fs::read_dir(volume.join("slaves")).expect("slaves").flatten();
    let mut parts = parts.map(|part| fs::canonicalize(part.path()).expect("a disk"));
    parts.find(|part| part.starts_with(region)).expect("a part of the volume")
}

/// Offsets and lengths in bytes: of the whole lines.
fn list(path: &Path) -> Vec<(u64, u64)> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let number = |word: &str| {
        word.parse::<u64>().unwrap_or_else(|error| panic!("{text:?}: {error}")) * SECTOR
    };
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| line.split_once(' ').expect("two numbers"))
        .map(|(a, b)| (number(a), number(b)))
        .collect()
}

/// Whether a list has all bytes of a range.
pub(crate) fn has(list: &[(u64, u64)], at: u64, length: u64) -> bool {
    (at..at + length)
        .step_by(512)
        .all(|byte| list.iter().any(|&(start, length)| (start..start + length).contains(&byte)))
}
