//! The answers that pmem2 has to give, in its own words: from the table, and, for names and numbers
//! that the kernel gives as it likes, from the kernel.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::MetadataExt,
};

use pmem2::{
    Error,
    error::Subject,
    persist::PersistenceDomain,
    place::{Backing, DimmState, FileSystem, Warning},
};
use pmem2_guest::machine::{self, Contents, Device, Machine};

use crate::kernel::{self, Found};

/// TMPFS_MAGIC and the like of linux/magic.h.
const TMPFS: u32 = 0x0102_1994;
const OVERLAYFS: u32 = 0x794c_7630;
const F2FS: u32 = 0xF2F5_2010;
const EROFS: u32 = 0xE0F5_E1E2;
const XFS: u32 = 0x5846_5342;

pub(crate) fn backing(machine: &Machine, device: &Device) -> Backing {
    match device.backing(machine) {
        machine::Backing::Regions => Backing::Regions,
        machine::Backing::DeviceDax => Backing::DeviceDax,
        machine::Backing::Disk => disk(device),
        machine::Backing::Memory => Backing::Memory(FileSystem::from_magic(TMPFS)),
        machine::Backing::Hidden => {
            Backing::Hidden(FileSystem::from_magic(match device.contents {
                Contents::XfsRealtime(_) => XFS,
                Contents::F2fs => F2FS,
                Contents::Erofs(_) => EROFS,
                _ => OVERLAYFS,
            }))
        }
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

pub(crate) fn persistence(region: &Found<'_>) -> PersistenceDomain {
    if region.told.volatile {
        return PersistenceDomain::Volatile;
    }
    match (region.told.provider, region.told.domain) {
        ("virtio-pmem", None) => PersistenceDomain::Host,
        (_, Some("cpu_cache")) => PersistenceDomain::CpuCache,
        (_, Some("memory_controller")) => PersistenceDomain::MemoryController,
        (_, None) => PersistenceDomain::Unstated,
        (_, Some(other)) => panic!("{other} is no persistence domain"),
    }
}

pub(crate) fn warnings(machine: &Machine, device: &Device) -> Vec<Warning> {
    if device.backing(machine) == machine::Backing::DeviceDax {
        return vec![Warning::NoRegion];
    }
    let of = |found: &Found<'_>| {
        let region = found.numbers.1;
        let reports = |&(word, state)| {
            let warning = Warning::Dimm { region, state };
            found.told.state.contains(&word).then_some(warning)
        };
        // Who would not keep data is made read-only by the kernel.
        let unarmed = found.told.unarmed;
        let mut warnings = Vec::from_iter(unarmed.then_some(Warning::Unarmed { region }));
        warnings.extend(STATES.iter().filter_map(reports));
        warnings.extend(unarmed.then_some(Warning::ReadOnly { region }));
        let is_declared = found.told.provider == "e820";
        warnings.extend(is_declared.then_some(Warning::Declared { region }));
        warnings
    };
    let regions = regions(machine, device);
    let volatile = regions.iter().any(|region| region.told.volatile);
    volatile.then_some(Warning::NoRegion).into_iter().chain(regions.iter().flat_map(of)).collect()
}

/// The kernel's words for what a DIMM reports, in the order of the warnings.
const STATES: [(&str, DimmState); 5] = [
    ("save_fail", DimmState::SAVE_FAILED),
    ("restore_fail", DimmState::RESTORE_FAILED),
    ("flush_fail", DimmState::FLUSH_FAILED),
    ("smart_event", DimmState::SMART_EVENT),
    ("map_fail", DimmState::MAP_FAILED),
];

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
        _ if device.has_members() => None,
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
        Backing::Hidden(_) => Err(Error::NotPersistentMemory { asked: Subject::NumaNode, on }),
        on => Err(Error::DaxRegionNotFound(on)),
    }
}

/// Likewise the node that the kernel gives the memory where it is taken for ordinary memory.
pub(crate) fn target_node(machine: &Machine, device: &Device) -> Result<Option<u32>, Error> {
    let numa_node = numa_node(machine, device)?;
    let found = regions(machine, device);
    let entry = kernel::entry(device);
    let nodes = match found.first() {
        Some(_) => found.iter().map(|region| kernel::node(&region.path, "target_node")).collect(),
        None => Vec::from_iter(entry.map(|entry| kernel::node(&entry, "target_node"))),
    };
    let first = nodes.first().copied().flatten();
    assert!(nodes.iter().all(|node| *node == first), "{nodes:?}, of node {numa_node:?}");
    Ok(first)
}

/// The ids of the DIMMs, joined.
pub(crate) fn device_id(machine: &Machine, device: &Device) -> Result<String, Error> {
    let on = backing(machine, device);
    if on != Backing::Regions {
        return Err(Error::NotPersistentMemory { asked: Subject::DeviceId, on });
    }
    if let Some(wrong) = device.wrong_id {
        return Ok(wrong.to_owned());
    }
    let mut ids: Vec<_> =
        regions(machine, device).into_iter().flat_map(|region| region.told.dimms).collect();
    let mut known = BTreeSet::new();
    // Those that are not known are no less many.
    ids.retain(|id| id.is_none() || known.insert(id.clone()));
    ids.into_iter().map(|id| id.ok_or(Error::Unsupported(Subject::DeviceId))).collect()
}

/// The sum; no DIMM of QEMU's counts.
pub(crate) fn device_usc(machine: &Machine, device: &Device) -> Result<u64, Error> {
    let on = backing(machine, device);
    if on != Backing::Regions {
        return Err(Error::NotPersistentMemory { asked: Subject::UnsafeShutdowns, on });
    }
    let regions = device.regions(machine);
    let counts = regions
        .iter()
        .flat_map(|region| region.dimms.iter().map(|id| (id.clone(), region.shutdowns)));
    // By id: one that is in several regions counts once.
    let counts: BTreeMap<_, _> = counts.collect();
    counts.into_values().sum::<Option<u64>>().ok_or(Error::Unsupported(Subject::UnsafeShutdowns))
}
