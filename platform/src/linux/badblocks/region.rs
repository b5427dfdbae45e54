//! The list of the region that a device DAX lies in, for the device's own sectors.

use core::ops::Range;

use super::{
    disk::{Window, read, unlisted},
    sectors::BadSectors,
};
use crate::{
    fail::{Fail, Subject},
    linux::{
        file_id::FileId,
        place::listed::{On, listed},
        sys::blocks::Blocks,
        sysfs::{self, Class, Path},
    },
    place::Mode,
    transfer::pieces::SECTOR,
};

/// Adds the list of the region that a device DAX lies in.
pub(super) fn add<S: Blocks>(sys: S, id: FileId, list: &mut BadSectors) -> Result<(), Fail> {
    let device = DaxRange::find(sys, id)?;
    let path = Path::new(sysfs::REGION, device.region, "/badblocks");
    read(sys, &path, &device.window()?, list)?;
    // Confirmed afterwards: a device that is there now was there all the time.
    id.confirm(sys)
}

/// The physical addresses of a device DAX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DaxRange {
    pub(super) bus: u32,
    region: u32,
    /// The physical address of the region's first byte.
    base: u64,
    pub(super) addresses: Range<u64>,
}

impl DaxRange {
    pub(super) fn find<S: Blocks>(sys: S, id: FileId) -> Result<Self, Fail> {
        let device = id.represented_device();
        let On::Area(area) = listed(sys, Class::Char, device)?.on else {
            return Err(Fail::Unsupported);
        };
        if area.mode != Mode::Devdax {
            return Err(Fail::Malformed(Subject::Region));
        }
        let base = address(sys, &Path::new(sysfs::REGION, area.region, "/resource"))?;
        let start = address(sys, &Path::device(Class::Char, device, "/resource"))?;
        let size = Path::device(Class::Char, device, "/size");
        let end = start.checked_add(sysfs::number(sys, &size, Subject::Size)?);
        let addresses = start..end.ok_or(Fail::Malformed(Subject::Size))?;
        Ok(Self { bus: area.bus, region: area.region, base, addresses })
    }

    /// Returns the device's sectors, as the region numbers them.
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

/// Reads a physical address, which the kernel shows only to root.
fn address<S: Blocks>(sys: S, path: &Path) -> Result<u64, Fail> {
    let mut buffer = [0; 32];
    let text = sysfs::text(sys, path, Subject::BadBlocks, &mut buffer).map_err(unlisted)?;
    let address = text.strip_prefix(b"0x").and_then(hexadecimal);
    address.ok_or(Fail::Malformed(Subject::BadBlocks))
}

/// Parses a hexadecimal number as the kernel prints it.
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
