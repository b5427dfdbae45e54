//! A region of persistent memory and its DIMMs in sysfs:
//! <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-nvdimm>,
//! <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-nfit>,
//! <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-papr-pmem>.

use super::{
    listed::{carrier, cut_name},
    location::{Area, Family, Location},
};
use crate::{
    errno::Errno,
    fail::{Fail, Subject},
    linux::{
        sys::Sys,
        sysfs::{self, Class, Path, numbered},
    },
    persist::PersistenceDomain,
    place::{Backing, DimmState, Mode, Region},
    text::Text,
};

/// The provider of virtio-pmem's bus (drivers/nvdimm/virtio_pmem.c).
const VIRTIO: &str = "virtio-pmem";

/// The largest number of mappings of a region. ND_MAX_MAPPINGS of linux/libnvdimm.h is 32.
const MAPPINGS: usize = 64;

/// A DIMM, as a Linux system numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimm {
    pub(in crate::linux) number: u32,
    family: Family,
}

impl Dimm {
    /// Returns the path of a file that the driver of the DIMM's family adds.
    fn file(self, name: &str) -> Path {
        let family = match self.family {
            Family::Nfit => "/nfit/",
            Family::Cxl => "/cxl/",
            Family::Papr => "/papr/",
        };
        let mut path = Path::new("/sys/bus/nd/devices/nmem", self.number, family);
        path.text(name);
        path
    }
}

impl Family {
    /// Translates a word of `flags`. On PowerPC `smart_notify` is an event. In an NFIT it says that
    /// an event would be notified.
    fn state(self, word: &[u8]) -> DimmState {
        match (word, self) {
            (b"save_fail", _) => DimmState::SAVE_FAILED,
            (b"restore_fail", _) => DimmState::RESTORE_FAILED,
            (b"flush_fail", _) => DimmState::FLUSH_FAILED,
            (b"not_armed", _) => DimmState::NOT_ARMED,
            (b"smart_event", _) | (b"smart_notify", Self::Papr) => DimmState::SMART_EVENT,
            (b"map_fail", _) => DimmState::MAP_FAILED,
            _ => DimmState::empty(),
        }
    }
}

impl Area {
    /// Returns the path of a file of the region.
    fn file(self, name: &str) -> Path {
        Path::new(sysfs::REGION, self.region, name)
    }

    /// Returns the path of a file of the device that carries the namespace.
    fn carrier_file(self, index: u32, name: &str) -> Path {
        let carrier = match self.mode {
            Mode::Fsdax => "/sys/bus/nd/devices/pfn",
            Mode::Devdax => "/sys/bus/nd/devices/dax",
            Mode::Sector => "/sys/bus/nd/devices/btt",
            // No region has the mode whole.
            Mode::Raw | Mode::Whole => "/sys/bus/nd/devices/namespace",
        };
        let mut path = Path::new(carrier, self.region, ".");
        path.number(index);
        path.text(name);
        path
    }
}

/// Turns ENOENT into `None`.
fn if_there<T>(answer: Result<T, Fail>) -> Result<Option<T>, Fail> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Fail::Os(_, Errno::ENOENT)) => Ok(None),
        Err(fail) => Err(fail),
    }
}

pub(in crate::linux) fn region<S: Sys>(
    sys: S,
    location: &Location,
    index: usize,
) -> Result<Option<Region>, Fail> {
    let Some(area) = location.area(index) else { return Ok(None) };
    let mut region = Region::new(area.bus, area.region, area.mode);
    region.numa_node = read_node(sys, &area.file("/numa_node"))?;
    region.target_node = read_node(sys, &area.file("/target_node"))?;
    region.provider = provider(sys, area)?;
    region.domain = persistence(sys, area, &region.provider)?;
    region.read_only = is_read_only(sys, area)?;
    region.namespace = namespace(sys, area)?;
    let mut n = 0;
    while let Some(dimm) = dimm(sys, location, index, n)? {
        region.state |= state(sys, dimm)?;
        n = n.saturating_add(1);
    }
    Ok(Some(region))
}

/// Reads the domain of a region.
///
/// The kernel grants MAP_SYNC only where all memory below is synchronous (dax_synchronous of
/// drivers/dax/super.c): it has asked what [`is_flushed_by_call`] asks. Volatile memory is
/// synchronous for it.
pub(in crate::linux) fn domain<S: Sys>(
    sys: S,
    location: &Location,
    index: usize,
    synchronous: bool,
) -> Result<Option<PersistenceDomain>, Fail> {
    let Some(area) = location.area(index) else { return Ok(None) };
    if !synchronous {
        let provider = provider(sys, area)?;
        return persistence(sys, area, &provider).map(Some);
    }
    let domain = stated(sys, area)?;
    // The firmware states one for volatile memory, too.
    let volatile = domain == PersistenceDomain::CpuCache && is_volatile(sys, area)?;
    Ok(Some(if volatile { PersistenceDomain::Volatile } else { domain }))
}

pub(in crate::linux) fn read_only<S: Sys>(
    sys: S,
    location: &Location,
    index: usize,
) -> Result<Option<bool>, Fail> {
    location.area(index).map(|area| is_read_only(sys, area)).transpose()
}

/// Reads whether all DIMMs of a region are armed, up to the first that is not.
///
/// `read_only` does not say so: the kernel sets it where one is not armed, and root may take it
/// away again.
pub(in crate::linux) fn armed<S: Sys>(
    sys: S,
    location: &Location,
    index: usize,
) -> Result<Option<bool>, Fail> {
    if location.area(index).is_none() {
        return Ok(None);
    }
    let mut n = 0;
    while let Some(dimm) = dimm(sys, location, index, n)? {
        if state(sys, dimm)?.contains(DimmState::NOT_ARMED) {
            return Ok(Some(false));
        }
        n = n.saturating_add(1);
    }
    Ok(Some(true))
}

/// Reads a node of a region, or of a device DAX in no region, whose driver states it. `name` is
/// `/numa_node` or `/target_node`.
pub(in crate::linux) fn node<S: Sys>(
    sys: S,
    location: &Location,
    index: usize,
    name: &str,
) -> Result<Option<Option<u32>>, Fail> {
    let path = match (location.area(index), location.backing, location.entry) {
        (Some(area), ..) => area.file(name),
        (None, Backing::DeviceDax, Some(entry)) if index == 0 => {
            Path::device(Class::Char, entry.device, name)
        }
        _ => return Ok(None),
    };
    read_node(sys, &path).map(Some)
}

/// Reads a node; -1 is an unknown one.
///
/// A kernel without NUMA (`CONFIG_NUMA`) has no such file. Before Linux 5.1 there is no
/// `target_node`.
#[inline(never)]
fn read_node<S: Sys>(sys: S, path: &Path) -> Result<Option<u32>, Fail> {
    match if_there(sysfs::text(sys, path, Subject::NumaNode, &mut [0; 32]))? {
        None | Some(b"-1") => Ok(None),
        Some(node) => numbered(node, b"").map(Some).ok_or(Fail::Malformed(Subject::NumaNode)),
    }
}

/// Reads the provider of the bus. Not inlined, like those below: its buffer is on the stack only
/// while it is needed.
#[inline(never)]
fn provider<S: Sys>(sys: S, area: Area) -> Result<Text<24>, Fail> {
    let mut buffer = [0; 256];
    let path = area.file("/../provider");
    sysfs::text(sys, &path, Subject::Region, &mut buffer).map(cut_name)
}

#[inline(never)]
fn is_read_only<S: Sys>(sys: S, area: Area) -> Result<bool, Fail> {
    match sysfs::number(sys, &area.file("/read_only"), Subject::Region)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fail::Malformed(Subject::Region)),
    }
}

/// Whether the region is volatile memory. A file system on it can be mapped directly nevertheless.
#[inline(never)]
fn is_volatile<S: Sys>(sys: S, area: Area) -> Result<bool, Fail> {
    let mut buffer = [0; 32];
    let path = area.file("/devtype");
    let kind = if_there(sysfs::text(sys, &path, Subject::Region, &mut buffer))?;
    Ok(kind == Some(b"nd_volatile"))
}

/// Whether a driver has to call the host or the hypervisor to make stores durable (the region has
/// a `flush` of its own, ND_REGION_ASYNC of linux/libnvdimm.h), whatever the persistence domain is.
///
/// For a file the kernel shows that by refusing MAP_SYNC. For a device DAX it shows nothing:
/// `deep_flush`, `write_cache` and `fua` are the same with flush hints or without DIMMs. sysfs
/// shows the reasons for such a call: the region's memory is a device of virtio
/// (drivers/nvdimm/virtio_pmem.c), or the devicetree demands it
/// (arch/powerpc/platforms/pseries/papr_scm.c).
fn is_flushed_by_call<S: Sys>(sys: S, area: Area, provider: &str) -> Result<bool, Fail> {
    let subject = Subject::PersistenceDomain;
    let demand = if_there(area.file("/of_node/ibm,hcall-flush-required").open(sys, subject))?;
    Ok(demand.is_some() || provider == VIRTIO)
}

#[inline(never)]
fn persistence<S: Sys>(sys: S, area: Area, provider: &str) -> Result<PersistenceDomain, Fail> {
    if is_volatile(sys, area)? {
        return Ok(PersistenceDomain::Volatile);
    }
    if is_flushed_by_call(sys, area, provider)? {
        return Ok(PersistenceDomain::Host);
    }
    stated(sys, area)
}

/// Reads the domain that the platform states.
#[inline(never)]
fn stated<S: Sys>(sys: S, area: Area) -> Result<PersistenceDomain, Fail> {
    let subject = Subject::PersistenceDomain;
    match if_there(sysfs::text(sys, &area.file("/persistence_domain"), subject, &mut [0; 32]))? {
        Some(b"cpu_cache") => Ok(PersistenceDomain::CpuCache),
        Some(b"memory_controller") => Ok(PersistenceDomain::MemoryController),
        None | Some(b"") => Ok(PersistenceDomain::Unstated),
        Some(_) => Err(Fail::Malformed(subject)),
    }
}

/// Reads the number of the namespace: the device's own, or for a pfn, btt or dax device the number
/// of the namespace in it.
#[inline(never)]
fn namespace<S: Sys>(sys: S, area: Area) -> Result<Option<u32>, Fail> {
    let Some(index) = area.index else { return Ok(None) };
    if area.mode == Mode::Raw {
        return Ok(Some(index));
    }
    let mut buffer = [0; 64];
    let name =
        sysfs::text(sys, &area.carrier_file(index, "/namespace"), Subject::Region, &mut buffer)?;
    match carrier(name, area.region) {
        Some((Mode::Raw, number)) => Ok(Some(number)),
        _ => Err(Fail::Malformed(Subject::Region)),
    }
}

pub(in crate::linux) fn dimm<S: Sys>(
    sys: S,
    location: &Location,
    region: usize,
    dimm: usize,
) -> Result<Option<Dimm>, Fail> {
    let Some(area) = location.area(region) else { return Ok(None) };
    let number = u32::try_from(dimm).map_err(|_| Fail::TooLarge(Subject::Dimm))?;
    let mut path = area.file("/mapping");
    path.number(number);
    // "nmem0,0,134217728,0": the DIMM, the offset in it, the size, the position in the interleave
    // set.
    let mut buffer = [0; 128];
    let Some(mapping) = if_there(sysfs::text(sys, &path, Subject::Dimm, &mut buffer))? else {
        return Ok(None);
    };
    // A made-up /sys that has every file would have DIMMs without end.
    if dimm >= MAPPINGS {
        return Err(Fail::TooLarge(Subject::Dimm));
    }
    let name = mapping.split(|&byte| byte == b',').next().unwrap_or_default();
    let number = numbered(name, b"nmem").ok_or(Fail::Malformed(Subject::Dimm))?;
    Ok(Some(Dimm { number, family: area.family }))
}

pub(in crate::linux) fn dimm_id<S: Sys>(sys: S, dimm: Dimm) -> Result<Text<32>, Fail> {
    let subject = Subject::DeviceId;
    let mut buffer = [0; 64];
    let id = if_there(sysfs::text(sys, &dimm.file("id"), subject, &mut buffer))?
        .ok_or(Fail::Unsupported)?;
    if id.is_empty() || !id.iter().all(u8::is_ascii_graphic) {
        return Err(Fail::Malformed(subject));
    }
    core::str::from_utf8(id).ok().and_then(Text::fit).ok_or(Fail::Malformed(subject))
}

pub(in crate::linux) fn dirty_shutdowns<S: Sys>(sys: S, dimm: Dimm) -> Result<u64, Fail> {
    let subject = Subject::UnsafeShutdowns;
    if_there(sysfs::number(sys, &dimm.file("dirty_shutdown"), subject))?.ok_or(Fail::Unsupported)
}

/// Reads the DIMM's flags. A family without flags reports nothing.
#[inline(never)]
fn state<S: Sys>(sys: S, dimm: Dimm) -> Result<DimmState, Fail> {
    let mut buffer = [0; 256];
    let flags = if_there(sysfs::text(sys, &dimm.file("flags"), Subject::Dimm, &mut buffer))?;
    let words = flags.unwrap_or_default().split(|&byte| byte == b' ');
    Ok(words.map(|word| dimm.family.state(word)).collect())
}
