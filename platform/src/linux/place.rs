//! The place of an object: from its device number to the regions of persistent memory below.

pub(super) mod dax;
pub(super) mod file;
pub(super) mod listed;
pub(super) mod location;
pub(super) mod region;
mod volume;

use super::{
    file_id::{FileId, unchanged},
    object::Object,
    sys::{Linux, Sys},
    sysfs::{self, Class},
};
use crate::{
    facts::{Facts, Kind},
    fail::Fail,
    persist::PersistenceDomain,
    place::{Backing, DaxState, Locate, MapSync, Region},
    source::Borrowed,
    text::Text,
};
use file::named_device;
use listed::{On, listed};
use location::{Entry, Location};
use region::Dimm;

impl Locate for Linux {
    type Location = Location;
    type Dimm = Dimm;

    fn locate(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<Location, Fail> {
        locate(Object::new(handle, facts))
    }

    fn confirm(self, location: &Location) -> Result<u64, Fail> {
        confirm(self, location)
    }

    fn backing(self, location: &Location) -> Result<Backing, Fail> {
        Ok(location.backing)
    }

    fn device(self, location: &Location) -> Result<Text<32>, Fail> {
        Ok(location.name)
    }

    fn regions(self, location: &Location) -> Result<usize, Fail> {
        Ok(location.regions())
    }

    fn region(self, location: &Location, index: usize) -> Result<Option<Region>, Fail> {
        region::region(self, location, index)
    }

    fn domain(
        self,
        location: &Location,
        index: usize,
        synchronous: bool,
    ) -> Result<Option<PersistenceDomain>, Fail> {
        region::domain(self, location, index, synchronous)
    }

    fn read_only(self, location: &Location, index: usize) -> Result<Option<bool>, Fail> {
        region::read_only(self, location, index)
    }

    fn armed(self, location: &Location, index: usize) -> Result<Option<bool>, Fail> {
        region::armed(self, location, index)
    }

    fn numa_node(self, location: &Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        region::node(self, location, index, "/numa_node")
    }

    fn target_node(self, location: &Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        region::node(self, location, index, "/target_node")
    }

    fn dimm(self, location: &Location, region: usize, dimm: usize) -> Result<Option<Dimm>, Fail> {
        region::dimm(self, location, region, dimm)
    }

    fn dimm_number(self, dimm: Dimm) -> Result<u32, Fail> {
        Ok(dimm.number)
    }

    fn dimm_id(self, dimm: Dimm) -> Result<Text<32>, Fail> {
        region::dimm_id(self, dimm)
    }

    fn dimm_dirty_shutdowns(self, dimm: Dimm) -> Result<u64, Fail> {
        region::dirty_shutdowns(self, dimm)
    }

    fn dax_capable(self, location: &Location) -> Result<Option<bool>, Fail> {
        dax::capable(self, location)
    }

    fn synchronous(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<MapSync, Fail> {
        dax::map_sync(Object::new(handle, facts))
    }

    fn direct(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<DaxState, Fail> {
        dax::state(Object::new(handle, facts))
    }
}

pub(super) fn locate<S: Sys>(object: Object<'_, S>) -> Result<Location, Fail> {
    object.confirm()?;
    let (sys, id) = (object.sys, object.facts.id);
    let (class, device, inode) = match object.facts.kind {
        Kind::RegularFile => match named_device(object)? {
            Ok(_) => (Class::Block, id.device(), None),
            Err(backing) => return Ok(Location::new(backing, None, Text::new())),
        },
        Kind::BlockDevice => (Class::Block, id.represented_device(), None),
        Kind::DeviceDax => (Class::Char, id.represented_device(), id.entry()),
        _ => return Err(Fail::Unsupported),
    };
    let listed = listed(sys, class, device)?;
    let entry = Entry { class, device, inode, partition: listed.partition };
    // Filled in place: each move would be another copy on the stack.
    let mut location = Ok(Location::new(Backing::Regions, Some(entry), listed.name));
    if let Ok(found) = &mut location
        && let Err(fail) = found.fill(sys, listed.on, class, device)
    {
        location = Err(fail);
    }
    location
}

impl Location {
    /// Finds what the device is, or is made of.
    fn fill<S: Sys>(
        &mut self,
        sys: S,
        on: On,
        class: Class,
        device: (u32, u32),
    ) -> Result<(), Fail> {
        let (major, minor) = device;
        match on {
            On::Area(area) => return self.add(area),
            On::Volume(name) => return volume::fill(sys, self, name, device),
            On::Other if class == Class::Char => self.backing = Backing::DeviceDax,
            On::Other => self.backing = Backing::Disk { major, minor },
        }
        Ok(())
    }
}

/// Returns the inode number of the device's directory, if the device is still the same.
pub(super) fn confirm<S: Sys>(sys: S, location: &Location) -> Result<u64, Fail> {
    let Some(entry) = location.entry else { return Ok(0) };
    unchanged(sysfs::inode(sys, entry.class, entry.device)?, entry.inode)
}
