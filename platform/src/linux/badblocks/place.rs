//! Which list of the kernel's is about an object, and which of its sectors are those of the
//! object's device.

use core::ops::Range;

use super::{
    list::{BadSectors, SECTOR, SECTORS},
    text::{End, Lines},
    volume,
};
use crate::{
    Errno, Facts, Fail, FileSystem, Kind, Mode, Subject,
    linux::{
        FileId,
        place::{On, listed, named_device},
        source::same,
        sys::blocks::Blocks,
        sysfs::{self, Class, Path},
    },
};

/// The list of what the object lies on.
pub(in crate::linux) fn list<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
) -> Result<BadSectors, Fail> {
    same(sys, fd, facts)?;
    let mut list = BadSectors::new();
    match facts.kind {
        Kind::RegularFile => {
            // Of the others it is not known that what FIEMAP gives are bytes of that device.
            match named_device(sys, fd, facts)?.map(FileSystem::name) {
                Ok(Some("ext2/ext3/ext4" | "xfs")) => {}
                _ => return Err(Fail::Unsupported),
            }
            of_disk(sys, facts.id.device(), Window::ALL, true, &mut list)?;
        }
        Kind::DeviceDax => of_device_dax(sys, facts.id, &mut list)?,
        _ => return Err(Fail::Unsupported),
    }
    Ok(list)
}

/// Which sectors of a list are wanted, and the number that the first of them gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) sectors: Range<u64>,
    pub(super) at: u64,
}

impl Window {
    const ALL: Self = Self { sectors: 0..SECTORS, at: 0 };

    /// What is wanted of these.
    fn of(&self, bad: &Range<u64>) -> Range<u64> {
        let place = |sector: u64| {
            let sector = sector.clamp(self.sectors.start, self.sectors.end);
            sector.saturating_sub(self.sectors.start).saturating_add(self.at)
        };
        place(bad.start)..place(bad.end)
    }
}

/// Adds what is listed of a disk or a part of one, or, if that is meant too, of a volume.
pub(super) fn of_disk<S: Blocks>(
    sys: S,
    device: (u32, u32),
    window: Window,
    volumes: bool,
    list: &mut BadSectors,
) -> Result<(), Fail> {
    let (major, minor) = device;
    let place = listed(sys, Class::Block, device)?;
    match place.on {
        // Of all disks, the kernel keeps lists of persistent memory only.
        On::Area(_) => {}
        On::Volume(name) if volumes && name.starts_with("dm-") => {
            return volume::add(sys, device, list);
        }
        On::Volume(_) | On::Other => return Err(Fail::Unsupported),
    }
    if !place.partition {
        let path = sysfs::path(
            Subject::BadBlocks,
            format_args!("/sys/dev/block/{major}:{minor}/badblocks"),
        )?;
        return read(sys, &path, &window, list);
    }
    let path =
        sysfs::path(Subject::BadBlocks, format_args!("/sys/dev/block/{major}:{minor}/start"))?;
    let start = sysfs::number(sys, &path, Subject::BadBlocks)?;
    let shifted =
        |sector: u64| sector.checked_add(start).ok_or(Fail::Malformed(Subject::BadBlocks));
    // The list is that of the disk, in whose directory the part lies.
    let sectors = shifted(window.sectors.start)?..window.sectors.end.saturating_add(start);
    let path = sysfs::path(
        Subject::BadBlocks,
        format_args!("/sys/dev/block/{major}:{minor}/../badblocks"),
    )?;
    read(sys, &path, &Window { sectors, ..window }, list)
}

/// Adds what is listed of the region that a device DAX lies in.
fn of_device_dax<S: Blocks>(sys: S, id: FileId, list: &mut BadSectors) -> Result<(), Fail> {
    let place = DaxPlace::of(sys, id)?;
    let path = sysfs::path(
        Subject::BadBlocks,
        format_args!("/sys/bus/nd/devices/region{}/badblocks", place.region),
    )?;
    read(sys, &path, &place.window()?, list)?;
    // Asked afterwards: it has been there all the time if it is there now.
    id.confirm(sys)
}

/// Where a device DAX lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DaxPlace {
    pub(super) bus: u32,
    pub(super) region: u32,
    /// The physical address of the region's first byte, and those of the device.
    base: u64,
    pub(super) addresses: Range<u64>,
}

impl DaxPlace {
    pub(super) fn of<S: Blocks>(sys: S, id: FileId) -> Result<Self, Fail> {
        let device = id.represented_device();
        let On::Area(area) = listed(sys, Class::Char, device)?.on else {
            return Err(Fail::Unsupported);
        };
        if area.mode != Mode::Devdax {
            return Err(Fail::Malformed(Subject::Region));
        }
        let (major, minor) = device;
        let base =
            address(sys, format_args!("/sys/bus/nd/devices/region{}/resource", area.region))?;
        let start = address(sys, format_args!("/sys/dev/char/{major}:{minor}/resource"))?;
        let path = sysfs::path(Subject::Size, format_args!("/sys/dev/char/{major}:{minor}/size"))?;
        let end = start.checked_add(sysfs::number(sys, &path, Subject::Size)?);
        let addresses = start..end.ok_or(Fail::Malformed(Subject::Size))?;
        Ok(Self { bus: area.bus, region: area.region, base, addresses })
    }

    /// The device's sectors of the region's.
    fn window(&self) -> Result<Window, Fail> {
        let sector = |address: u64| {
            let offset = address.checked_sub(self.base)?;
            offset.is_multiple_of(SECTOR).then(|| offset.wrapping_div(SECTOR))
        };
        match (sector(self.addresses.start), sector(self.addresses.end)) {
            (Some(start), Some(end)) => Ok(Window { sectors: start..end, at: 0 }),
            _ => Err(Fail::Malformed(Subject::BadBlocks)),
        }
    }
}

/// A physical address, which the kernel tells root only.
fn address<S: Blocks>(sys: S, path: core::fmt::Arguments<'_>) -> Result<u64, Fail> {
    let mut buffer = [0; 32];
    let text =
        sysfs::text(sys, &sysfs::path(Subject::BadBlocks, path)?, Subject::BadBlocks, &mut buffer);
    let number = match text.map_err(unlisted)?.strip_prefix(b"0x") {
        Some(digits) => hexadecimal(digits),
        None => None,
    };
    number.ok_or(Fail::Malformed(Subject::BadBlocks))
}

/// A hexadecimal number as the kernel prints it.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if !(1..=16).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = match byte {
            b'0'..=b'9' => byte.wrapping_sub(b'0'),
            b'a'..=b'f' => byte.wrapping_sub(b'a').wrapping_add(10),
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}

/// Where there is no such file, the kernel keeps no list, or does not say where the device lies.
fn unlisted(fail: Fail) -> Fail {
    match fail {
        Fail::Os(Subject::BadBlocks, Errno::ENOENT) => Fail::Unsupported,
        fail => fail,
    }
}

/// Adds what is wanted of the list in a file.
#[inline(never)]
fn read<S: Blocks>(
    sys: S,
    path: &Path,
    window: &Window,
    list: &mut BadSectors,
) -> Result<(), Fail> {
    let os = |errno| unlisted(Fail::Os(Subject::BadBlocks, errno));
    let file = sys.open(path.as_c_str()).map_err(os)?;
    let (mut lines, mut buffer) = (Lines::default(), [0; 1024]);
    loop {
        // What the kernel made at the first read is handed out by those behind it too.
        let length = sys.read(&file, &mut buffer).map_err(os)?;
        for &byte in buffer.get(..length).unwrap_or_default() {
            if let Some(bad) = lines.take(byte)? {
                list.add(window.of(&bad));
            }
        }
        if length == 0 || lines.is_too_long() {
            break;
        }
    }
    match lines.end() {
        End::Whole if !lines.is_too_long() => {}
        End::NoList => return Err(Fail::Unsupported),
        End::Cut | End::Whole => list.cut(),
    }
    Ok(())
}
