//! Regions and namespaces: by sysfs, but for the index of a label area.

use std::path::{Path, PathBuf};

use pmem2_guest::machine::{Bus, Device, Machine, Memory, Namespace};

use crate::{
    command::run,
    cxl,
    sysfs::{Failure, below, entries, has_driver, name, read, wait_for, write},
};

const DEVICES: &str = "/sys/bus/nd/devices";
const DRIVERS: &str = "/sys/bus/nd/drivers";

/// The region that the memory is.
fn region(machine: &Machine, memory: &Memory) -> Result<PathBuf, Failure> {
    match memory.bus {
        Bus::Nvdimm { .. } => {
            // QEMU's handle is the number of the slot, from 1.
            let handle = u64::from(machine.index(memory)) + 1;
            find("DIMM", |region| {
                first_dimm(region).is_some_and(|dimm| is_number(&dimm.join("nfit/handle"), handle))
            })
        }
        Bus::E820 => {
            let start = machine.taken_from(memory);
            find("e820 region", |region| is_number(&region.join("resource"), start))
        }
        Bus::VirtioPmem => {
            let slot = format!("0000:00:{:02x}.0", machine.pci_slot(memory));
            find("virtio-pmem", |region| region.iter().any(|part| part == slot.as_str()))
        }
        Bus::Cxl => {
            cxl::make_region(memory)?;
            let of_cxl = |region: &Path| {
                read(region.join("../provider")).is_ok_and(|provider| provider == "CXL")
            };
            let region = wait_for("CXL region", || Ok(find("CXL region", of_cxl).ok()))?;
            // It may have come after everything else was settled.
            settle()?;
            Ok(region)
        }
        Bus::Test { provider, dimms, .. } => {
            let mappings = dimms.len().to_string();
            find("test region", |region| {
                let is = |file, text: &str| read(region.join(file)).is_ok_and(|read| read == text);
                is("../provider", provider) && is("mappings", &mappings)
            })
        }
        Bus::VirtioBlk | Bus::SoftReserved => Err(format!("{:?} is in no region", memory.bus)),
    }
}

fn is_number(path: &Path, number: u64) -> bool {
    read(path)
        .is_ok_and(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16) == Ok(number))
}

/// The first DIMM of a region, if it has any.
fn first_dimm(region: &Path) -> Option<PathBuf> {
    let mapping = read(region.join("mapping0")).ok()?;
    Some(Path::new(DEVICES).join(mapping.split(',').next()?))
}

/// Waits until the drivers have looked at all devices that there are, and at those that doing so
/// has made.
fn settle() -> Result<(), Failure> {
    for bus in entries(DEVICES)?.iter().filter(|path| name(path).starts_with("ndbus")) {
        // It is reading that waits.
        read(bus.join("wait_probe"))?;
    }
    Ok(())
}

fn find(what: &str, wanted: impl Fn(&Path) -> bool) -> Result<PathBuf, Failure> {
    settle()?;
    let region =
        entries(DEVICES)?.into_iter().find(|path| name(path).starts_with("region") && wanted(path));
    region.ok_or_else(|| format!("no {what} is as QEMU was told"))
}

/// Where /sys lists the devices that namespaces of this mode become.
fn class(mode: Namespace) -> &'static str {
    if matches!(mode, Namespace::Devdax { .. }) {
        "/sys/bus/dax/devices"
    } else {
        "/sys/class/block"
    }
}

/// Makes the device's namespace on the memory, unless it boots `again` and has it. The entry in
/// /sys of what is then in /dev.
pub(crate) fn namespace(
    machine: &Machine,
    device: &Device,
    memory: &Memory,
    again: bool,
) -> Result<PathBuf, Failure> {
    let region = region(machine, memory)?;
    if again {
        // The kernel finds by itself what was made before.
        return below(class(device.namespace), &name(&region));
    }
    if read(region.join("read_only"))? != "0" {
        // An unarmed DIMM: to put anything on it, for now.
        write(region.join("read_only"), "0")?;
    }
    let namespace = match device.part_of_region {
        None => below(DEVICES, &format!("{}.0", name(&region).replace("region", "namespace")))?,
        Some(size) => {
            label(&region)?;
            part(&region, size)?
        }
    };
    claim(&region, &namespace, device.namespace)
}

/// Writes an index without entries into the label area of the region's DIMM, unless it has one:
/// then it can be divided.
fn label(region: &Path) -> Result<(), Failure> {
    /// ND_DEVICE_NAMESPACE_IO of linux/ndctl.h: one namespace, which no label describes.
    const WITHOUT_LABELS: &str = "4";
    if read(region.join("nstype"))? != WITHOUT_LABELS {
        return Ok(());
    }
    let dimm = first_dimm(region).ok_or("a region with labels has a DIMM")?;
    write(format!("{DRIVERS}/nd_region/unbind"), name(region))?;
    run("ndctl", &["init-labels", &name(&dimm)])?;
    write(format!("{DRIVERS}/nd_region/bind"), name(region))
}

/// A new namespace of this size in a region whose DIMMs have labels.
fn part(region: &Path, size: u64) -> Result<PathBuf, Failure> {
    let namespace = seed(region, "namespace_seed")?;
    // Before the size, without which it is not one yet.
    write(namespace.join("uuid"), uuid(&namespace))?;
    write(namespace.join("size"), size.to_string())?;
    Ok(namespace)
}

/// The device that the region has ready to be made something.
fn seed(region: &Path, attribute: &str) -> Result<PathBuf, Failure> {
    wait_for(attribute, || {
        let Some(name) = read(region.join(attribute)).ok().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        // The kernel names it before it is there: another thread adds it, and offers it to the
        // drivers as it is then.
        settle()?;
        let seed = Path::new(DEVICES).join(name);
        Ok(seed.exists().then_some(seed))
    })
}

/// Any, but another for each.
fn uuid(device: &Path) -> String {
    let number = name(device)
        .bytes()
        .fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("{number:08x}-0000-4000-8000-000000000001")
}

/// Gives the namespace to the driver of its mode.
fn claim(region: &Path, namespace: &Path, mode: Namespace) -> Result<PathBuf, Failure> {
    let bound = has_driver(namespace);
    if mode == Namespace::Raw {
        if !bound {
            write(format!("{DRIVERS}/nd_pmem/bind"), name(namespace))?;
        }
        return below(class(mode), &name(namespace));
    }
    if bound {
        write(format!("{DRIVERS}/nd_pmem/unbind"), name(namespace))?;
    }
    let (attribute, driver, settings) = match mode {
        Namespace::Fsdax => ("pfn_seed", "nd_pmem", vec![("mode", "ram".to_owned())]),
        Namespace::Devdax { align } => {
            ("dax_seed", "dax_pmem", vec![("mode", "ram".to_owned()), ("align", align.to_string())])
        }
        Namespace::Btt => ("btt_seed", "nd_pmem", vec![("sector_size", "4096".to_owned())]),
        Namespace::Raw => unreachable!("returned above"),
    };
    let seed = seed(region, attribute)?;
    for (attribute, value) in settings {
        write(seed.join(attribute), value)?;
    }
    write(seed.join("uuid"), uuid(&seed))?;
    write(seed.join("namespace"), name(namespace))?;
    write(format!("{DRIVERS}/{driver}/bind"), name(&seed))?;
    below(class(mode), &name(&seed))
}

/// Makes the region of a namespace's disk or device read-only.
pub(crate) fn make_read_only(entry: &Path) -> Result<(), Failure> {
    let region = entry
        .ancestors()
        .find(|path| path.join("read_only").exists())
        .ok_or("no region to make read-only")?;
    write(region.join("read_only"), "1")
}

/// Has the kernel look at a namespace's disk anew, by the entry of the disk in /sys.
pub(crate) fn rescan(disk: &Path) -> Result<(), Failure> {
    // .../pfn0.0/block/pmem0
    let namespace = disk.ancestors().nth(2).map(name).ok_or("a disk in a namespace")?;
    write(format!("{DRIVERS}/nd_pmem/unbind"), &namespace)?;
    write(format!("{DRIVERS}/nd_pmem/bind"), &namespace)?;
    below("/sys/class/block", &namespace).map(drop)
}
