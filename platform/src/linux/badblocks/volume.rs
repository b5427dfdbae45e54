//! The lists of the devices that a volume of device-mapper lies on.
//!
//! The volume's table maps its sectors to devices. The kernel shows it only to administrators:
//! DM_TABLE_STATUS of linux/dm-ioctl.h.

use super::{
    disk::{self, Window},
    sectors::{BadSectors, SECTORS},
};
use crate::{
    fail::{Fail, Subject},
    linux::{
        place::listed::listed,
        sys::{blocks::Blocks, ioctl::VolumeTable},
        sysfs::{Class, decimal, device_number},
    },
};

/// DM_BUFFER_FULL_FLAG: there are more targets.
const BUFFER_FULL: u32 = 1 << 8;

/// `sizeof(struct dm_target_spec)`. The target's parameters follow it.
const HEAD: usize = 40;

/// A part of a volume that lies on one device in one piece.
struct Target {
    /// The first sector in the volume.
    at: u64,
    count: u64,
    device: (u32, u32),
    /// The first sector on the device.
    first: u64,
}

/// Adds the lists of the devices that a volume lies on.
#[inline(never)]
pub(super) fn add<S: Blocks>(
    sys: S,
    device: (u32, u32),
    list: &mut BadSectors,
) -> Result<(), Fail> {
    let failed = |errno| Fail::Os(Subject::Volume, errno);
    let mut table = VolumeTable::query(device);
    let control = sys.open(c"/dev/mapper/control").map_err(failed)?;
    sys.volume_table(&control, &mut table).map_err(failed)?;
    drop(control);
    if table.flags & BUFFER_FULL != 0 {
        return Err(Fail::TooLarge(Subject::Volume));
    }
    let malformed = Fail::Malformed(Subject::Volume);
    let all = table.targets().ok_or(malformed)?;
    let mut rest = Some(all);
    // Everything before this sector has a target: the first begins at 0, and each where the last
    // one ended (dm_table_add_target of drivers/md/dm-table.c).
    let mut known: u64 = 0;
    for _ in 0..table.target_count {
        let bytes = rest.ok_or(malformed)?;
        let (target, next) = Target::parse(bytes)?;
        // `next` is counted from the first target, and lies after this one.
        let passed = all.len().saturating_sub(bytes.len());
        rest = usize::try_from(next)
            .ok()
            .filter(|&next| next > passed)
            .and_then(|next| all.get(next..));
        if target.at != known || target.count == 0 {
            return Err(malformed);
        }
        let end = target.first.checked_add(target.count).ok_or(malformed)?;
        known =
            known.checked_add(target.count).filter(|&known| known <= SECTORS).ok_or(malformed)?;
        let window = Window { sectors: target.first..end, at: target.at };
        let disk = listed(sys, Class::Block, target.device)?;
        disk::add(sys, target.device, &disk, window, list)?;
    }
    if known == 0 { Err(malformed) } else { Ok(()) }
}

impl Target {
    /// Parses the first target, and returns the offset of the next one. Only a `linear` target has
    /// its sectors on one device in one piece.
    fn parse(bytes: &[u8]) -> Result<(Self, u32), Fail> {
        let parsed = || {
            let (head, parameters) = bytes.split_at_checked(HEAD)?;
            let (at, head) = head.split_first_chunk::<8>()?;
            let (count, head) = head.split_first_chunk::<8>()?;
            let (_status, head) = head.split_first_chunk::<4>()?;
            let (next, kind) = head.split_first_chunk::<4>()?;
            let numbers =
                (u64::from_ne_bytes(*at), u64::from_ne_bytes(*count), u32::from_ne_bytes(*next));
            Some((numbers, text(kind)?, text(parameters)?))
        };
        let ((at, count, next), kind, parameters) =
            parsed().ok_or(Fail::Malformed(Subject::Volume))?;
        if kind != b"linear" {
            return Err(Fail::Unsupported);
        }
        let (device, first) = linear(parameters).ok_or(Fail::Malformed(Subject::Volume))?;
        Ok((Self { at, count, device, first }, next))
    }
}

/// Returns the bytes before the zero.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..bytes.iter().position(|&byte| byte == 0)?)
}

/// Parses "259:3 2048": the device, and the first sector there.
fn linear(parameters: &[u8]) -> Option<((u32, u32), u64)> {
    let mut words = parameters.split(|&byte| byte == b' ');
    let (device, first) = (words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    Some((device_number(device)?, decimal(first)?))
}
