//! The lists of what a volume of device-mapper is made of. Its table says which sectors lie where,
//! and the kernel tells it to those who may administrate only: DM_TABLE_STATUS of linux/dm-ioctl.h.

use super::{
    list::{BadSectors, SECTORS},
    place::{Window, of_disk},
};
use crate::{
    Fail, Subject,
    linux::{
        place::numbered,
        sys::{blocks::Blocks, ioctl::VolumeTable},
        sysfs::decimal,
    },
};

/// DM_BUFFER_FULL_FLAG: there are more targets.
const BUFFER_FULL: u32 = 1 << 8;

/// `sizeof(struct dm_target_spec)`, behind which the target's parameters are.
const HEAD: usize = 40;

/// A part of a volume that lies on one device in one piece.
struct Target {
    /// In the volume.
    at: u64,
    count: u64,
    device: (u32, u32),
    /// On the device.
    first: u64,
}

/// Adds what is listed of the devices that a volume lies on.
#[inline(never)]
pub(super) fn add<S: Blocks>(
    sys: S,
    device: (u32, u32),
    list: &mut BadSectors,
) -> Result<(), Fail> {
    let os = |errno| Fail::Os(Subject::Volume, errno);
    let mut table = VolumeTable::of(device);
    let control = sys.open(c"/dev/mapper/control").map_err(os)?;
    sys.volume_table(&control, &mut table).map_err(os)?;
    drop(control);
    if table.flags & BUFFER_FULL != 0 {
        return Err(Fail::TooLarge(Subject::Volume));
    }
    let malformed = Fail::Malformed(Subject::Volume);
    let all = table.targets().ok_or(malformed)?;
    let mut rest = Some(all);
    // What is before this sector of the volume has a target: they begin at 0, and each where the
    // last one ended (dm_table_add_target of drivers/md/dm-table.c). Of sectors without one nothing
    // would be known.
    let mut known: u64 = 0;
    for _ in 0..table.target_count {
        let bytes = rest.ok_or(malformed)?;
        let (target, next) = Target::of(bytes)?;
        // The next one is counted from the first, and behind this one.
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
        of_disk(sys, target.device, window, false, list)?;
    }
    if known == 0 { Err(malformed) } else { Ok(()) }
}

impl Target {
    /// The first of these bytes as a target, and where the next one is. One that is not `linear`
    /// says too little of where its sectors lie.
    fn of(bytes: &[u8]) -> Result<(Self, u32), Fail> {
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

/// Up to the zero.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..bytes.iter().position(|&byte| byte == 0)?)
}

/// "259:3 2048": the device, and the first sector there.
fn linear(parameters: &[u8]) -> Option<((u32, u32), u64)> {
    let mut words = parameters.split(|&byte| byte == b' ');
    let (device, first) = (words.next()?, words.next()?);
    let colon = device.iter().position(|&byte| byte == b':')?;
    let (major, minor) = device.split_at_checked(colon)?;
    if words.next().is_some() {
        return None;
    }
    Some(((numbered(major, b"")?, numbered(minor, b":")?), decimal(first)?))
}
