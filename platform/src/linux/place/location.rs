//! The location of an object: its device, and the regions of persistent memory below it.

use core::{cmp::Ordering, num::NonZeroU32};

use crate::{
    fail::{Fail, Subject},
    linux::sysfs::Class,
    place::{Backing, Mode},
    text::Text,
};

/// The largest number of regions of a volume.
const REGIONS: usize = 16;

/// The location of an object on a Linux system.
#[derive(Clone, Copy, Debug)]
pub struct Location {
    pub(in crate::linux) backing: Backing,
    pub(in crate::linux) entry: Option<Entry>,
    pub(in crate::linux) name: Text<32>,
    areas: [Option<Area>; REGIONS],
}

/// The entry of the device in /sys/dev.
#[derive(Clone, Copy, Debug)]
pub(in crate::linux) struct Entry {
    pub(in crate::linux) class: Class,
    pub(in crate::linux) device: (u32, u32),
    /// The low half of the inode number of its directory, where that is known.
    pub(in crate::linux) inode: Option<NonZeroU32>,
    /// Whether it is a partition of a disk.
    pub(in crate::linux) partition: bool,
}

/// A region, and the part of it that an object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linux) struct Area {
    pub(in crate::linux) bus: u32,
    pub(in crate::linux) region: u32,
    pub(in crate::linux) mode: Mode,
    /// The number of the namespace, or of the pfn, btt or dax device that it was made; `None` where
    /// there are several.
    pub(in crate::linux) index: Option<u32>,
    pub(in crate::linux) family: Family,
}

/// The driver that knows the DIMMs, by the directory that it adds to that of the DIMM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linux) enum Family {
    /// ACPI's NFIT.
    Nfit,
    /// CXL.
    Cxl,
    /// PowerPC's hypervisor.
    Papr,
}

impl Location {
    pub(super) const fn new(backing: Backing, entry: Option<Entry>, name: Text<32>) -> Self {
        Self { backing, entry, name, areas: [None; REGIONS] }
    }

    pub(in crate::linux) fn regions(&self) -> usize {
        match self.backing {
            Backing::Regions => self.areas.iter().flatten().count(),
            _ => 0,
        }
    }

    pub(in crate::linux) fn area(&self, index: usize) -> Option<Area> {
        self.areas.get(index).copied().flatten().filter(|_| self.backing == Backing::Regions)
    }

    /// Adds a region, in the order of buses and numbers.
    pub(super) fn add(&mut self, area: Area) -> Result<(), Fail> {
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
    /// Adds another namespace of the same region.
    fn merge(&mut self, other: Self) {
        if (self.mode, self.index) == (other.mode, other.index) {
            return;
        }
        self.index = None;
        // The mode that decides how the volume can be mapped, in any order of the two.
        self.mode = match (self.mode, other.mode) {
            (Mode::Sector, _) | (_, Mode::Sector) => Mode::Sector,
            (Mode::Raw, _) | (_, Mode::Raw) => Mode::Raw,
            (mode, _) => mode,
        };
    }
}
