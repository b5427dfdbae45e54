//! The entry of a device in sysfs.
//!
//! `/sys/dev/block/M:m` and `/sys/dev/char/M:m` are links to the device's directory. It lies in
//! the directories of everything that the device is a part of:
//! `…/ndbus0/region1/pfn1.0/block/pmem1/pmem1p2`. A volume (device-mapper, md) lies nowhere.

use core::str::from_utf8;

use super::location::{Area, Family};
use crate::{
    errno::Errno,
    fail::{Fail, Subject},
    linux::{
        sys::Sys,
        sysfs::{Class, LINK, Path, decimal, numbered},
    },
    place::Mode,
    text::Text,
};

/// The facts in the path of a device's directory.
pub(in crate::linux) struct Listed {
    pub(in crate::linux) on: On,
    pub(super) name: Text<32>,
    pub(in crate::linux) partition: bool,
}

/// The thing that a device lies on.
pub(in crate::linux) enum On {
    Area(Area),
    /// A disk that is made of others, by its name.
    Volume(Text<32>),
    Other,
}

/// Reads the entry of a device. Not inlined: its buffers leave the stack on return.
#[inline(never)]
pub(in crate::linux) fn listed<S: Sys>(
    sys: S,
    class: Class,
    device: (u32, u32),
) -> Result<Listed, Fail> {
    follow(sys, &Path::device(class, device, "")).map_err(|fail| match fail {
        // The device is missing, or all of sysfs is.
        Fail::Os(_, Errno::ENOENT | Errno::ENOTDIR) => match sys.access(c"/sys/dev") {
            Err(Errno::ENOENT | Errno::ENOTDIR) => Fail::Absent(Subject::Sysfs),
            _ => Fail::Absent(Subject::Device),
        },
        fail => fail,
    })
}

/// Reads where a link in sysfs leads. Not inlined: the buffer leaves the stack before volumes are
/// followed.
#[inline(never)]
pub(super) fn follow<S: Sys>(sys: S, path: &Path) -> Result<Listed, Fail> {
    let mut buffer = [0; LINK];
    match path.target(sys, Subject::Device, &mut buffer) {
        // No link, or one that may have been cut.
        Err(Fail::Os(subject, Errno::EINVAL)) => Err(Fail::Malformed(subject)),
        Ok(target) if target.len() >= LINK => Err(Fail::Malformed(Subject::Device)),
        target => Listed::parse(target?),
    }
}

impl Listed {
    fn parse(target: &[u8]) -> Result<Self, Fail> {
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
            (None, Some(disk)) if is_virtual => On::Volume(whole_name(disk)?),
            (None, _) => On::Other,
        };
        Ok(Self { on, name: cut_name(name), partition: is_partition(name, parent) })
    }
}

/// Whether a device is a partition of the disk in whose directory it lies: `sda1` of `sda`,
/// `nvme0n1p1` of `nvme0n1`. (The boot areas of an MMC lie there, too, `mmcblk0boot0`, and are
/// disks.)
fn is_partition(name: &[u8], disk: &[u8]) -> bool {
    let number = name.strip_prefix(disk).map(|number| number.strip_prefix(b"p").unwrap_or(number));
    number.is_some_and(|number| decimal(number).is_some())
}

/// Returns a name that is used in paths: all of it.
pub(super) fn whole_name(name: &[u8]) -> Result<Text<32>, Fail> {
    from_utf8(name).ok().and_then(Text::fit).ok_or(Fail::Malformed(Subject::Device))
}

/// Returns a name that is only shown: as much of it as there is room for.
pub(in crate::linux) fn cut_name<const N: usize>(name: &[u8]) -> Text<N> {
    Text::cut_of(name.utf8_chunks().map(|chunk| chunk.valid()))
}

/// Returns the mode of a namespace of `region` and its number, from the name of the device that
/// carries it: `pfn0.1`.
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
