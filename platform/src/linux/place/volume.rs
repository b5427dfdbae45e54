//! The devices that a volume (device-mapper, md) is made of: its `slaves` in sysfs, and theirs.

use super::{
    listed::{On, follow, whole_name},
    location::Location,
};
use crate::{
    errno::Errno,
    fail::{Fail, Subject},
    linux::{
        sys::Sys,
        sysfs::{self, Path, device_number},
    },
    place::Backing,
    text::Text,
};

/// The largest number of devices of a volume that wait to be looked at.
const PENDING: usize = 16;

/// The largest number of disks of a volume that are looked at.
const LOOKED_AT: usize = 64;

/// Follows a volume to everything below it.
///
/// One device that is no persistent memory makes the volume none. Not inlined: its memory is on
/// the stack only where there is a volume.
#[inline(never)]
pub(super) fn fill<S: Sys>(
    sys: S,
    location: &mut Location,
    volume: Text<32>,
    device: (u32, u32),
) -> Result<(), Fail> {
    let mut pending = [None; PENDING];
    // The volume itself. One that is made of nothing (a RAM disk, a loop device) is a disk.
    let (mut next, mut number) = (Some(volume), Some(device));
    for _ in 0..LOOKED_AT {
        let Some(name) = next.take() else { break };
        if !slaves(sys, name, &mut pending)? {
            let (major, minor) = match number {
                Some(device) => device,
                None => number_of(sys, name)?,
            };
            location.backing = Backing::Disk { major, minor };
            return Ok(());
        }
        number = None;
        // Everything that waits, up to the next volume.
        while let Some(name) = pending.iter_mut().find_map(Option::take) {
            match follow(sys, &Path::block(&name, ""))?.on {
                On::Area(area) => location.add(area)?,
                On::Volume(disk) => {
                    next = Some(disk);
                    break;
                }
                On::Other => {
                    let (major, minor) = number_of(sys, name)?;
                    location.backing = Backing::Disk { major, minor };
                    return Ok(());
                }
            }
        }
    }
    match next {
        None => Ok(()),
        Some(_) => Err(Fail::TooLarge(Subject::Volume)),
    }
}

/// Adds the names of the devices that `disk` is made of to `pending`, and returns whether there
/// were any.
fn slaves<S: Sys>(sys: S, disk: Text<32>, pending: &mut [Option<Text<32>>]) -> Result<bool, Fail> {
    let directory = match Path::block(&disk, "/slaves").open(sys, Subject::Volume) {
        Err(Fail::Os(_, Errno::ENOENT)) => return Ok(false),
        directory => directory?,
    };
    let (mut any, mut result) = (false, Ok(()));
    let mut put = |name: &[u8]| {
        any = true;
        let place = pending.iter_mut().find(|place| place.is_none());
        match (place, whole_name(name)) {
            (Some(place), Ok(name)) => *place = Some(name),
            (None, Ok(_)) => result = Err(Fail::TooLarge(Subject::Volume)),
            (_, Err(fail)) => result = Err(fail),
        }
    };
    sys.entries(&directory, &mut put).map_err(|errno| Fail::Os(Subject::Volume, errno))?;
    result.map(|()| any)
}

/// Reads the number of a block device.
fn number_of<S: Sys>(sys: S, name: Text<32>) -> Result<(u32, u32), Fail> {
    let mut buffer = [0; 32];
    let text = sysfs::text(sys, &Path::block(&name, "/dev"), Subject::Device, &mut buffer)?;
    device_number(text).ok_or(Fail::Malformed(Subject::Device))
}
