//! What sysfs says of a region of persistent memory and of its DIMMs:
//! <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-nvdimm>,
//! <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-nfit>,
//! <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-papr-pmem>.

use super::{Area, Family, Location, carrier, cut, numbered};
use crate::{
    Backing, DimmState, Errno, Fail, Mode, Persistence, Region, Subject, Text,
    linux::{
        sys::Sys,
        sysfs::{self, Path},
    },
};

/// The provider of virtio-pmem's bus (drivers/nvdimm/virtio_pmem.c).
const VIRTIO: &str = "virtio-pmem";

/// How many mappings a region has at most: ND_MAX_MAPPINGS of linux/libnvdimm.h is 32.
const MAPPINGS: usize = 64;

/// A DIMM, as a Linux system numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimm {
    number: u32,
    family: Family,
}

impl Dimm {
    pub(in crate::linux) const fn number(self) -> u32 {
        self.number
    }

    /// A file that the driver of the DIMM's family adds.
    fn file(self, name: &str, what: Subject) -> Result<Path, Fail> {
        let (number, family) = (self.number, self.family.directory());
        sysfs::path(what, format_args!("/sys/bus/nd/devices/nmem{number}/{family}/{name}"))
    }
}

impl Family {
    /// What a word of `flags` says. PowerPC's hypervisor has `smart_notify` for an event; in an
    /// NFIT it only says that there would be a notice of one.
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
    /// A file of the region.
    fn file(self, name: &str, what: Subject) -> Result<Path, Fail> {
        sysfs::path(what, format_args!("/sys/bus/nd/devices/region{}/{name}", self.region))
    }

    /// The node in one of the region's files.
    #[inline(never)]
    fn node<S: Sys>(self, sys: S, name: &str) -> Result<Option<u32>, Fail> {
        node(sys, &self.file(name, Subject::NumaNode)?)
    }

    /// A file of the device that carries the namespace.
    fn carrier_file(self, index: u32, name: &str) -> Result<Path, Fail> {
        let carrier = match self.mode {
            Mode::Fsdax => "pfn",
            Mode::Devdax => "dax",
            Mode::Sector => "btt",
            // None is whole.
            Mode::Raw | Mode::Whole => "namespace",
        };
        let region = self.region;
        sysfs::path(
            Subject::Region,
            format_args!("/sys/bus/nd/devices/{carrier}{region}.{index}/{name}"),
        )
    }
}

/// Nothing where there is no such file.
fn if_there<T>(answer: Result<T, Fail>) -> Result<Option<T>, Fail> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Fail::Os(_, Errno::ENOENT)) => Ok(None),
        Err(fail) => Err(fail),
    }
}

pub(in crate::linux) fn region<S: Sys>(
    sys: S,
    spot: &Location,
    index: usize,
) -> Result<Option<Region>, Fail> {
    let Some(area) = spot.area(index) else { return Ok(None) };
    let mut region = Region::new(area.bus, area.region, area.mode);
    region.numa_node = area.node(sys, "numa_node")?;
    region.target_node = area.node(sys, "target_node")?;
    provider(sys, area, &mut region)?;
    region.persistence = persistence(sys, area, &region.provider)?;
    region.read_only = is_read_only(sys, area)?;
    region.namespace = namespace(sys, area)?;
    let mut n = 0;
    while let Some(dimm) = dimm(sys, spot, index, n)? {
        region.state |= state(sys, dimm)?;
        n = n.saturating_add(1);
    }
    Ok(Some(region))
}

/// The node in the file with this name, `numa_node` or `target_node`.
pub(in crate::linux) fn node_of<S: Sys>(
    sys: S,
    spot: &Location,
    index: usize,
    name: &str,
) -> Result<Option<Option<u32>>, Fail> {
    let path = match (spot.area(index), spot.backing(), spot.entry()) {
        (Some(area), ..) => return area.node(sys, name).map(Some),
        // No region: the driver of the device says where it is.
        (None, Backing::DeviceDax, Some(entry)) if index == 0 => {
            let (major, minor) = entry.device;
            sysfs::path(Subject::NumaNode, format_args!("/sys/dev/char/{major}:{minor}/{name}"))?
        }
        _ => return Ok(None),
    };
    node(sys, &path).map(Some)
}

/// -1 stands for a node that is not known. A kernel without NUMA (`CONFIG_NUMA`) has no such file,
/// nor has one before Linux 5.1 that of the target.
fn node<S: Sys>(sys: S, path: &Path) -> Result<Option<u32>, Fail> {
    match if_there(sysfs::text(sys, path, Subject::NumaNode, &mut [0; 32]))? {
        None | Some(b"-1") => Ok(None),
        Some(node) => numbered(node, b"").map(Some).ok_or(Fail::Malformed(Subject::NumaNode)),
    }
}

/// Who made the bus. On its own, as those below, so that its buffer is on the stack only while it
/// is needed.
#[inline(never)]
fn provider<S: Sys>(sys: S, area: Area, region: &mut Region) -> Result<(), Fail> {
    let mut buffer = [0; 256];
    let path = area.file("../provider", Subject::Region)?;
    region.provider = cut(sysfs::text(sys, &path, Subject::Region, &mut buffer)?);
    Ok(())
}

#[inline(never)]
fn is_read_only<S: Sys>(sys: S, area: Area) -> Result<bool, Fail> {
    match sysfs::number(sys, &area.file("read_only", Subject::Region)?, Subject::Region)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fail::Malformed(Subject::Region)),
    }
}

/// Whether the platform made the region of volatile memory. A file system on it can be mapped
/// directly all the same.
#[inline(never)]
fn is_volatile<S: Sys>(sys: S, area: Area) -> Result<bool, Fail> {
    let mut buffer = [0; 32];
    let path = area.file("devtype", Subject::Region)?;
    let kind = if_there(sysfs::text(sys, &path, Subject::Region, &mut buffer))?;
    Ok(kind == Some(b"nd_volatile"))
}

/// Whether a driver has to call the host or the hypervisor to make stores durable (it gave the
/// region a `flush` of its own, ND_REGION_ASYNC of linux/libnvdimm.h), whatever the persistence
/// domain says.
///
/// The kernel tells of that by refusing MAP_SYNC, of files only: of a device DAX nothing says so,
/// and `deep_flush`, `write_cache` and `fua` are the same with flush hints or without DIMMs. What
/// is to be seen is why a driver has to call: that the region's memory is a device of virtio
/// (drivers/nvdimm/virtio_pmem.c), or that the devicetree demands it
/// (arch/powerpc/platforms/pseries/papr_scm.c).
fn is_flushed_by_call<S: Sys>(sys: S, area: Area, provider: &str) -> Result<bool, Fail> {
    let what = Subject::Persistence;
    let demand = sys.open(area.file("of_node/ibm,hcall-flush-required", what)?.as_c_str());
    let demand = if_there(demand.map_err(|errno| Fail::Os(what, errno)))?;
    Ok(demand.is_some() || provider == VIRTIO)
}

#[inline(never)]
fn persistence<S: Sys>(sys: S, area: Area, provider: &str) -> Result<Persistence, Fail> {
    if is_volatile(sys, area)? {
        return Ok(Persistence::Volatile);
    }
    if is_flushed_by_call(sys, area, provider)? {
        return Ok(Persistence::Host);
    }
    let what = Subject::Persistence;
    match if_there(sysfs::text(sys, &area.file("persistence_domain", what)?, what, &mut [0; 32]))? {
        Some(b"cpu_cache") => Ok(Persistence::CpuCache),
        Some(b"memory_controller") => Ok(Persistence::MemoryController),
        None | Some(b"") => Ok(Persistence::Unstated),
        Some(_) => Err(Fail::Malformed(what)),
    }
}

/// The number of the namespace: that of the device itself, or, of a pfn, btt or dax device, of the
/// namespace in it.
#[inline(never)]
fn namespace<S: Sys>(sys: S, area: Area) -> Result<Option<u32>, Fail> {
    let Some(index) = area.index else { return Ok(None) };
    if area.mode == Mode::Raw {
        return Ok(Some(index));
    }
    let mut buffer = [0; 64];
    let name =
        sysfs::text(sys, &area.carrier_file(index, "namespace")?, Subject::Region, &mut buffer)?;
    match carrier(name, area.region) {
        Some((Mode::Raw, number)) => Ok(Some(number)),
        _ => Err(Fail::Malformed(Subject::Region)),
    }
}

pub(in crate::linux) fn dimm<S: Sys>(
    sys: S,
    spot: &Location,
    region: usize,
    dimm: usize,
) -> Result<Option<Dimm>, Fail> {
    let Some(area) = spot.area(region) else { return Ok(None) };
    let path = sysfs::path(
        Subject::Dimm,
        format_args!("/sys/bus/nd/devices/region{}/mapping{dimm}", area.region),
    )?;
    // "nmem0,0,134217728,0": the DIMM, the place in it, the size, the position in the interleaved
    // set.
    let mut buffer = [0; 128];
    let Some(mapping) = if_there(sysfs::text(sys, &path, Subject::Dimm, &mut buffer))? else {
        return Ok(None);
    };
    // Else a made-up /sys that has every file would have DIMMs without end.
    if dimm >= MAPPINGS {
        return Err(Fail::TooLarge(Subject::Dimm));
    }
    let name = mapping.split(|&byte| byte == b',').next().unwrap_or_default();
    let number = numbered(name, b"nmem").ok_or(Fail::Malformed(Subject::Dimm))?;
    Ok(Some(Dimm { number, family: area.family }))
}

pub(in crate::linux) fn dimm_id<S: Sys>(sys: S, dimm: Dimm) -> Result<Text<32>, Fail> {
    let what = Subject::DeviceId;
    let mut buffer = [0; 64];
    let id = if_there(sysfs::text(sys, &dimm.file("id", what)?, what, &mut buffer))?
        .ok_or(Fail::Unsupported)?;
    if id.is_empty() || !id.iter().all(u8::is_ascii_graphic) {
        return Err(Fail::Malformed(what));
    }
    core::str::from_utf8(id).ok().and_then(Text::fit).ok_or(Fail::Malformed(what))
}

pub(in crate::linux) fn dirty_shutdowns<S: Sys>(sys: S, dimm: Dimm) -> Result<u64, Fail> {
    let what = Subject::UnsafeShutdowns;
    if_there(sysfs::number(sys, &dimm.file("dirty_shutdown", what)?, what))?
        .ok_or(Fail::Unsupported)
}

/// What the DIMM reports of itself. A family without flags has nothing to say.
#[inline(never)]
fn state<S: Sys>(sys: S, dimm: Dimm) -> Result<DimmState, Fail> {
    let mut buffer = [0; 256];
    let flags = if_there(sysfs::text(
        sys,
        &dimm.file("flags", Subject::Dimm)?,
        Subject::Dimm,
        &mut buffer,
    ))?;
    let words = flags.unwrap_or_default().split(|&byte| byte == b' ');
    Ok(words.map(|word| dimm.family.state(word)).collect())
}
