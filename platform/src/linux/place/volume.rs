//! What a volume (device-mapper, md) is made of: its `slaves`, and theirs.

use super::{Location, On, found, numbered, whole};
use crate::{
    Backing, Errno, Fail, Subject, Text,
    linux::{sys::Sys, sysfs},
};

/// How many devices of a volume may be waiting to be looked at, and how many may be looked at in
/// all.
const PENDING: usize = 16;
const LOOKED_AT: usize = 64;

/// Follows a volume to everything below it. One device that is no persistent memory makes the
/// volume none. Its memory is on the stack only where there is a volume.
#[inline(never)]
pub(super) fn below<S: Sys>(
    sys: S,
    spot: &mut Location,
    volume: Text<32>,
    device: (u32, u32),
) -> Result<(), Fail> {
    let mut pending = [None; PENDING];
    // The volume itself; if it is made of nothing (a RAM disk, a loop device), it is the disk.
    let (mut next, mut number) = (Some(volume), Some(device));
    for _ in 0..LOOKED_AT {
        let Some(name) = next.take() else { break };
        if !slaves(sys, name, &mut pending)? {
            let (major, minor) = match number {
                Some(device) => device,
                None => device_number(sys, name)?,
            };
            spot.backing = Backing::Disk { major, minor };
            return Ok(());
        }
        number = None;
        // Of what is waiting, everything up to the next volume.
        while let Some(name) = pending.iter_mut().find_map(Option::take) {
            let path = sysfs::path(Subject::Volume, format_args!("/sys/class/block/{name}"))?;
            match found(sys, &path)?.on {
                On::Area(area) => spot.add(area)?,
                On::Volume(disk) => {
                    next = Some(disk);
                    break;
                }
                On::Other => {
                    let (major, minor) = device_number(sys, name)?;
                    spot.backing = Backing::Disk { major, minor };
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

/// Puts the names of the devices that `disk` is made of to those that are `pending`, and says
/// whether there were any.
fn slaves<S: Sys>(sys: S, disk: Text<32>, pending: &mut [Option<Text<32>>]) -> Result<bool, Fail> {
    let os = |errno| Fail::Os(Subject::Volume, errno);
    let path = sysfs::path(Subject::Volume, format_args!("/sys/class/block/{disk}/slaves"))?;
    let directory = match sys.open(path.as_c_str()) {
        Ok(directory) => directory,
        Err(Errno::ENOENT) => return Ok(false),
        Err(errno) => return Err(os(errno)),
    };
    let (mut any, mut result) = (false, Ok(()));
    let mut put = |name: &[u8]| {
        any = true;
        let place = pending.iter_mut().find(|place| place.is_none());
        match (place, whole(name)) {
            (Some(place), Ok(name)) => *place = Some(name),
            (None, Ok(_)) => result = Err(Fail::TooLarge(Subject::Volume)),
            (_, Err(fail)) => result = Err(fail),
        }
    };
    sys.entries(&directory, &mut put).map_err(os)?;
    result.map(|()| any)
}

/// The number of a block device by its name.
fn device_number<S: Sys>(sys: S, name: Text<32>) -> Result<(u32, u32), Fail> {
    let path = sysfs::path(Subject::Device, format_args!("/sys/class/block/{name}/dev"))?;
    let mut buffer = [0; 32];
    let text = sysfs::text(sys, &path, Subject::Device, &mut buffer)?;
    let colon = text.iter().position(|&byte| byte == b':').unwrap_or(text.len());
    let (major, minor) = text.split_at_checked(colon).unwrap_or_default();
    match (numbered(major, b""), numbered(minor, b":")) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(Fail::Malformed(Subject::Device)),
    }
}
