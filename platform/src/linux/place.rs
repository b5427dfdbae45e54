//! Where an object lies: from its device number to the regions of persistent memory below.
//!
//! `/sys/dev/block/M:m` and `/sys/dev/char/M:m` are links to the device's directory, and this lies
//! in the directories of everything that the device is a part of:
//! `…/ndbus0/region1/pfn1.0/block/pmem1/pmem1p2`. A volume (device-mapper, md) lies nowhere; its
//! `slaves` say what it is made of.

pub(super) mod dax;
pub(super) mod region;
mod volume;

use core::{cmp::Ordering, num::NonZeroU32, str::from_utf8};

use super::{
    FileId, low_half,
    source::{no_file_system, same},
    sys::Sys,
    sysfs::{self, Class, LINK, Path},
};
use crate::{Access, Backing, Errno, Facts, Fail, FileSystem, Kind, Mode, Subject, Text};

/// FS_XFLAG_REALTIME of linux/fs.h.
const REALTIME: u32 = 1;

/// How many regions a volume may have.
const REGIONS: usize = 16;

/// Where an object of a Linux system lies.
#[derive(Clone, Copy, Debug)]
pub struct Location {
    backing: Backing,
    entry: Option<Entry>,
    name: Text<32>,
    areas: [Option<Area>; REGIONS],
}

/// The entry of the device in /sys/dev.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) class: Class,
    pub(super) device: (u32, u32),
    /// What the inode number of its directory has to end with, where that is known.
    inode: Option<NonZeroU32>,
    /// Whether it is a part of a disk.
    pub(super) partition: bool,
}

/// A region, and what an object has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) bus: u32,
    pub(super) region: u32,
    pub(super) mode: Mode,
    /// The number of the namespace, or of the pfn, btt or dax device that it was made; `None` where
    /// there are several.
    pub(super) index: Option<u32>,
    pub(super) family: Family,
}

/// Who knows the DIMMs: the directory that the driver adds to that of the DIMM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// ACPI's NFIT.
    Nfit,
    /// CXL.
    Cxl,
    /// PowerPC's hypervisor.
    Papr,
}

impl Family {
    /// The name of the directory.
    pub(super) const fn directory(self) -> &'static str {
        match self {
            Self::Nfit => "nfit",
            Self::Cxl => "cxl",
            Self::Papr => "papr",
        }
    }
}

impl Location {
    pub(super) const fn backing(&self) -> Backing {
        self.backing
    }

    pub(super) const fn name(&self) -> Text<32> {
        self.name
    }

    pub(super) const fn entry(&self) -> Option<Entry> {
        self.entry
    }

    pub(super) fn regions(&self) -> usize {
        match self.backing {
            Backing::Regions => self.areas.iter().flatten().count(),
            _ => 0,
        }
    }

    pub(super) fn area(&self, index: usize) -> Option<Area> {
        self.areas.get(index).copied().flatten().filter(|_| self.backing == Backing::Regions)
    }

    /// A file whose file system has no device of its own.
    const fn without_device(backing: Backing) -> Self {
        Self { backing, entry: None, name: Text::new(), areas: [None; REGIONS] }
    }
}

impl FileId {
    /// Whether a device DAX is still the one that was described, as far as that is known.
    pub(super) fn confirm<S: Sys>(self, sys: S) -> Result<(), Fail> {
        still(sysfs::inode(sys, Class::Char, self.represented_device())?, self.entry)?;
        Ok(())
    }
}

/// Where the object lies that `facts` are about.
pub(super) fn locate<S: Sys>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<Location, Fail> {
    same(sys, fd, facts)?;
    let id = facts.id;
    let (class, device, inode) = match facts.kind {
        Kind::RegularFile => match named_device(sys, fd, facts)? {
            Ok(_) => (Class::Block, id.device(), None),
            Err(backing) => return Ok(Location::without_device(backing)),
        },
        Kind::BlockDevice => (Class::Block, id.represented_device(), None),
        Kind::DeviceDax => (Class::Char, id.represented_device(), id.entry),
        _ => return Err(Fail::Unsupported),
    };
    let place = listed(sys, class, device)?;
    // Where it is to stay from the first: each move of it would be another copy on the stack.
    let mut spot = Ok(Location {
        backing: Backing::Regions,
        entry: Some(Entry { class, device, inode, partition: place.partition }),
        name: place.name,
        areas: [None; REGIONS],
    });
    if let Ok(found) = &mut spot
        && let Err(fail) = found.stand_on(sys, place.on, class, device)
    {
        spot = Err(fail);
    }
    spot
}

/// The file system of a file, if the file lies on the block device that stat(2) names, and on no
/// other; else what is known of where it lies. Places and bad blocks are told of no other file.
///
/// stat(2) names the first device of a file system, and a file may lie on another: on the realtime
/// device of XFS (a flag of the file says so), on any device of f2fs, on a second one of EROFS, on
/// whatever a FUSE server likes. Neither /sys nor statfs(2) nor the options of the mount say how many
/// devices f2fs and EROFS have. So only those file systems are taken at their word that have one.
pub(super) fn named_device<S: Sys>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
) -> Result<Result<FileSystem, Backing>, Fail> {
    let system = sys.fstatfs(fd).map(FileSystem::from_magic).map_err(no_file_system)?;
    if facts.id.device().0 == 0 {
        return Ok(Err(without_device(system)));
    }
    let is_named = match system.name() {
        Some("ext2/ext3/ext4" | "exfat" | "iso9660" | "ntfs3" | "squashfs" | "vfat") => true,
        // A descriptor that only names the file cannot be asked for its flags.
        Some("xfs") if !facts.access.contains(Access::PATH) => {
            sys.xflags(fd).map_err(|errno| Fail::Os(Subject::Device, errno))? & REALTIME == 0
        }
        _ => false,
    };
    Ok(if is_named { Ok(system) } else { Err(Backing::Hidden(system)) })
}

/// Whether the object's device is still there, and the inode number of its directory.
pub(super) fn confirm<S: Sys>(sys: S, spot: &Location) -> Result<u64, Fail> {
    let Some(entry) = spot.entry else { return Ok(0) };
    let now = sysfs::inode(sys, entry.class, entry.device)?;
    still(now, entry.inode)
}

/// The inode number of an entry, if it is the one that it was.
fn still(now: u64, then: Option<NonZeroU32>) -> Result<u64, Fail> {
    match then {
        Some(_) if then != low_half(now) => Err(Fail::DeviceReplaced),
        _ => Ok(now),
    }
}

/// What a file system is on that has no device number of its own.
fn without_device(system: FileSystem) -> Backing {
    match system.name() {
        Some("tmpfs" | "ramfs" | "hugetlbfs" | "secretmem") => Backing::Memory(system),
        _ if system.is_storage() || system.name().is_none() => Backing::Hidden(system),
        // Interfaces of the kernel.
        _ => Backing::Memory(system),
    }
}

/// Why there is no entry.
fn absent<S: Sys>(sys: S) -> Fail {
    match sys.access(c"/sys/dev") {
        Err(Errno::ENOENT | Errno::ENOTDIR) => Fail::Absent(Subject::Sysfs),
        _ => Fail::Absent(Subject::Device),
    }
}

/// What the entry of a device says. On its own, like the next.
#[inline(never)]
pub(super) fn listed<S: Sys>(sys: S, class: Class, device: (u32, u32)) -> Result<Place, Fail> {
    found(sys, &sysfs::entry(class, device)?).map_err(|fail| match fail {
        // No sysfs at all is another cause than no device.
        Fail::Os(_, Errno::ENOENT | Errno::ENOTDIR) => absent(sys),
        fail => fail,
    })
}

/// What the path says that a link in sysfs leads to. On its own, so that the buffer is not on the
/// stack any more when volumes are followed.
#[inline(never)]
fn found<S: Sys>(sys: S, path: &Path) -> Result<Place, Fail> {
    let mut buffer = [0; LINK];
    let length = sys.readlink(path.as_c_str(), &mut buffer).map_err(|errno| match errno {
        // Not a link.
        Errno::EINVAL => Fail::Malformed(Subject::Device),
        errno => Fail::Os(Subject::Device, errno),
    })?;
    // A target that fills the buffer may have been cut off.
    if length >= buffer.len() {
        return Err(Fail::Malformed(Subject::Device));
    }
    Place::of(buffer.get(..length).unwrap_or_default())
}

/// A name that goes on to be used.
fn whole(name: &[u8]) -> Result<Text<32>, Fail> {
    from_utf8(name).ok().and_then(Text::fit).ok_or(Fail::Malformed(Subject::Device))
}

/// A name that is only shown: as much of it as there is room for.
pub(super) fn cut<const N: usize>(name: &[u8]) -> Text<N> {
    Text::cut_of(name.utf8_chunks().map(|chunk| chunk.valid()))
}

/// What the path of a device's directory says.
pub(super) struct Place {
    pub(super) on: On,
    pub(super) name: Text<32>,
    pub(super) partition: bool,
}

pub(super) enum On {
    Area(Area),
    /// A disk that is made of others: its name.
    Volume(Text<32>),
    Other,
}

impl Place {
    fn of(target: &[u8]) -> Result<Self, Fail> {
        let mut components = target.split(|&byte| byte == b'/').peekable();
        let (mut family, mut is_virtual) = (Family::Nfit, false);
        let (mut area, mut disk, mut name, mut parent) = (None, None, [].as_slice(), [].as_slice());
        while let Some(component) = components.next() {
            (parent, name) = (name, component);
            if component.starts_with(b"nvdimm-bridge") {
                family = Family::Cxl;
            } else if component.starts_with(b"ibm,persistent-memory") {
                family = Family::Papr;
            } else if let (Some(bus), None) = (numbered(component, b"ndbus"), area) {
                let region = components.next().and_then(|region| numbered(region, b"region"));
                let device = region
                    .zip(components.next())
                    .and_then(|(region, device)| carrier(device, region));
                let (Some(region), Some((mode, index))) = (region, device) else {
                    return Err(Fail::Malformed(Subject::Region));
                };
                area = Some(Area { bus, region, mode, index: Some(index), family });
            } else if component == b"block" && disk.is_none() {
                disk = components.peek().copied();
            } else if component == b"virtual" {
                is_virtual = true;
            }
        }
        let on = match (area, disk) {
            (Some(area), _) => On::Area(area),
            (None, Some(disk)) if is_virtual => On::Volume(whole(disk)?),
            (None, _) => On::Other,
        };
        Ok(Self { on, name: cut(name), partition: is_partition(name, parent) })
    }
}

/// Whether a device is a partition of the disk in whose directory it lies: `sda1` of `sda`,
/// `nvme0n1p1` of `nvme0n1`. (The boot areas of an MMC lie there too, `mmcblk0boot0`, and are
/// disks.)
fn is_partition(name: &[u8], disk: &[u8]) -> bool {
    let number = name.strip_prefix(disk).map(|number| number.strip_prefix(b"p").unwrap_or(number));
    number.is_some_and(|number| sysfs::decimal(number).is_some())
}

/// The number N of a component that is `prefix` and N.
pub(super) fn numbered(component: &[u8], prefix: &[u8]) -> Option<u32> {
    u32::try_from(sysfs::decimal(component.strip_prefix(prefix)?)?).ok()
}

/// What a namespace of `region` was made, from the name of the device that carries it, and the K of
/// its name: `pfn0.1`.
pub(super) fn carrier(component: &[u8], region: u32) -> Option<(Mode, u32)> {
    let modes: [(&[u8], Mode); 4] = [
        (b"namespace", Mode::Raw),
        (b"pfn", Mode::Fsdax),
        (b"btt", Mode::Sector),
        (b"dax", Mode::Devdax),
    ];
    let (rest, mode) = modes
        .into_iter()
        .find_map(|(prefix, mode)| Some((component.strip_prefix(prefix)?, mode)))?;
    let dot = rest.iter().position(|&byte| byte == b'.')?;
    let (number, index) = rest.split_at_checked(dot)?;
    let index = numbered(index, b".")?;
    (numbered(number, b"") == Some(region)).then_some((mode, index))
}

impl Location {
    /// What the device is, or is made of.
    fn stand_on<S: Sys>(
        &mut self,
        sys: S,
        on: On,
        class: Class,
        device: (u32, u32),
    ) -> Result<(), Fail> {
        let (major, minor) = device;
        match on {
            On::Area(area) => return self.add(area),
            On::Volume(name) => return volume::below(sys, self, name, device),
            On::Other if class == Class::Char => self.backing = Backing::DeviceDax,
            On::Other => self.backing = Backing::Disk { major, minor },
        }
        Ok(())
    }

    /// Adds a region, in its place: by bus and number.
    fn add(&mut self, area: Area) -> Result<(), Fail> {
        let order = |area: &Area| (area.bus, area.region);
        let mut next = area;
        for place in &mut self.areas {
            let Some(known) = place else {
                *place = Some(next);
                return Ok(());
            };
            match order(&next).cmp(&order(known)) {
                Ordering::Less => core::mem::swap(known, &mut next),
                Ordering::Equal => {
                    known.merge(next);
                    return Ok(());
                }
                Ordering::Greater => {}
            }
        }
        Err(Fail::TooLarge(Subject::Volume))
    }
}

impl Area {
    /// Makes it that of another namespace of the region too.
    fn merge(&mut self, other: Self) {
        if (self.mode, self.index) == (other.mode, other.index) {
            return;
        }
        self.index = None;
        // The one that says most about how the volume can be mapped, whichever comes first.
        self.mode = match (self.mode, other.mode) {
            (Mode::Sector, _) | (_, Mode::Sector) => Mode::Sector,
            (Mode::Raw, _) | (_, Mode::Raw) => Mode::Raw,
            (mode, _) => mode,
        };
    }
}
