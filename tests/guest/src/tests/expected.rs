//! What pmem2 has to answer, in its own words: from the table, and, for names and numbers that the
//! kernel gives as it likes, from the kernel.

use std::os::unix::fs::MetadataExt;

use pmem2::{Backing, Error, FileSystem, Persistence, Warning, What};
use pmem2_guest::machine::{self, Contents, Device, Machine};

use crate::kernel::{self, Found};

/// TMPFS_MAGIC and OVERLAYFS_SUPER_MAGIC of linux/magic.h.
const TMPFS: u32 = 0x0102_1994;
const OVERLAYFS: u32 = 0x794c_7630;

pub(crate) fn backing(machine: &Machine, device: &Device) -> Backing {
    match device.backing(machine) {
        machine::Backing::Regions => Backing::Regions,
        machine::Backing::DeviceDax => Backing::DeviceDax,
        machine::Backing::Disk => disk(device),
        machine::Backing::Memory => Backing::Memory(FileSystem::from_magic(TMPFS)),
        machine::Backing::Hidden => Backing::Hidden(FileSystem::from_magic(OVERLAYFS)),
    }
}

/// The disk that is not persistent memory: of a volume the one of it, whose name the kernel's
/// driver gave.
fn disk(device: &Device) -> Backing {
    if device.is_volume() {
        let slaves = kernel::entry(device).expect("a volume").join("slaves");
        let disk = std::fs::read_dir(slaves).expect("slaves").flatten().map(|slave| slave.path());
        let disk = disk
            .into_iter()
            .find(|path| path.to_string_lossy().contains("/vd"))
            .expect("a virtio disk");
        let number = std::fs::read_to_string(disk.join("dev")).expect("a number");
        let (major, minor) = number.trim_end().split_once(':').expect("two numbers");
        return Backing::Disk {
            major: major.parse().expect("a number"),
            minor: minor.parse().expect("a number"),
        };
    }
    let metadata = std::fs::metadata(device.path()).expect("stat");
    let number = if device.is_file() { metadata.dev() } else { metadata.rdev() };
    Backing::Disk { major: libc::major(number), minor: libc::minor(number) }
}

pub(crate) fn persistence(region: &Found<'_>) -> Persistence {
    match (region.told.provider, region.told.domain) {
        ("virtio-pmem", None) => Persistence::Host,
        (_, Some("cpu_cache")) => Persistence::CpuCache,
        (_, Some("memory_controller")) => Persistence::MemoryController,
        (_, None) => Persistence::Unstated,
        (_, Some(other)) => panic!("{other} is no persistence domain"),
    }
}

pub(crate) fn warnings(machine: &Machine, device: &Device) -> Vec<Warning> {
    if device.backing(machine) == machine::Backing::DeviceDax {
        return vec![Warning::NoRegion];
    }
    let of = |found: &Found<'_>| {
        let region = found.numbers.1;
        // Who would not keep data is made read-only by the kernel.
        let unarmed = [Warning::Unarmed { region }, Warning::ReadOnly { region }];
        let declared = [Warning::Declared { region }];
        match (found.told.unarmed, found.told.provider) {
            (true, _) => unarmed.to_vec(),
            (_, "e820") => declared.to_vec(),
            _ => vec![],
        }
    };
    regions(machine, device).iter().flat_map(of).collect()
}

/// Those that the source lies on: none of a volume that is in part on a disk.
pub(crate) fn regions<'m>(machine: &'m Machine, device: &Device) -> Vec<Found<'m>> {
    match device.backing(machine) {
        machine::Backing::Regions => kernel::regions(machine, device),
        _ => vec![],
    }
}

pub(crate) fn dax_capable(machine: &Machine, device: &Device) -> Option<bool> {
    match device.contents {
        Contents::Tmpfs | Contents::Overlay(_) => None,
        _ => Some(device.is_dax_capable(machine)),
    }
}

pub(crate) fn numa_node(machine: &Machine, device: &Device) -> Result<Option<u32>, Error> {
    let on = backing(machine, device);
    match on {
        Backing::Regions => {
            let mut nodes: Vec<_> =
                device.regions(machine).iter().map(|region| region.node).collect();
            nodes.dedup();
            if let [node] = nodes[..] { Ok(node) } else { Err(Error::SeveralNumaNodes) }
        }
        // Its memory was taken from the main memory of the first.
        Backing::DeviceDax => Ok(Some(0)),
        Backing::Hidden(_) => Err(Error::NotPersistentMemory { asked: What::NumaNode, on }),
        on => Err(Error::DaxRegionNotFound(on)),
    }
}

/// The ids of the DIMMs, joined.
pub(crate) fn device_id(machine: &Machine, device: &Device) -> Result<String, Error> {
    let on = backing(machine, device);
    if on != Backing::Regions {
        return Err(Error::NotPersistentMemory { asked: What::DeviceId, on });
    }
    if let Some(wrong) = device.wrong_id {
        return Ok(wrong.to_owned());
    }
    let ids = regions(machine, device).into_iter().filter_map(|region| region.told.dimm);
    ids.map(|id| id.ok_or(Error::Unsupported(What::DeviceId))).collect()
}

/// No DIMM of QEMU's counts.
pub(crate) fn device_usc(machine: &Machine, device: &Device) -> Result<u64, Error> {
    let on = backing(machine, device);
    if on != Backing::Regions {
        return Err(Error::NotPersistentMemory { asked: What::UnsafeShutdowns, on });
    }
    let any = device.regions(machine).iter().any(|region| region.dimm.is_some());
    if any { Err(Error::Unsupported(What::UnsafeShutdowns)) } else { Ok(0) }
}
