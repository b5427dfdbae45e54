//! The ioctl(2)s of the backend: their structures and numbers, as linux/fiemap.h, linux/fs.h,
//! linux/dm-ioctl.h and linux/ndctl.h have them.

use rustix::ioctl::{self, Direction, Opcode, Updater, opcode};

use super::{borrow, errno};
use crate::Errno;

/// How many extents are asked for at a time.
pub(in crate::linux) const EXTENTS: usize = 32;

/// FIEMAP_FLAG_SYNC: what was written and not yet given a place gets one first.
pub(in crate::linux) const SYNC: u32 = 1;

/// `struct fiemap_extent`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::linux) struct Extent {
    /// Where it begins in the file, in bytes.
    pub(in crate::linux) logical: u64,
    /// Where it begins on the device, in bytes.
    pub(in crate::linux) physical: u64,
    pub(in crate::linux) length: u64,
    pub(in crate::linux) reserved64: [u64; 2],
    pub(in crate::linux) flags: u32,
    pub(in crate::linux) reserved: [u32; 3],
}

/// `struct fiemap`, with room for some extents.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(in crate::linux) struct ExtentMap {
    pub(in crate::linux) start: u64,
    pub(in crate::linux) length: u64,
    pub(in crate::linux) flags: u32,
    /// How many extents the kernel put there.
    pub(in crate::linux) mapped: u32,
    /// How many there is room for.
    count: u32,
    reserved: u32,
    pub(in crate::linux) extents: [Extent; EXTENTS],
}

impl ExtentMap {
    pub(in crate::linux) fn new(flags: u32) -> Self {
        Self {
            start: 0,
            length: 0,
            flags,
            mapped: 0,
            count: 0,
            reserved: 0,
            extents: [Extent::default(); EXTENTS],
        }
    }
}

/// `struct nd_cmd_ars_cap`. (Packed there, and without gaps here.)
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::linux) struct ArsCap {
    pub(in crate::linux) address: u64,
    pub(in crate::linux) length: u64,
    pub(in crate::linux) status: u32,
    pub(in crate::linux) max_ars_out: u32,
    /// Errors are cleared in units of so many bytes.
    pub(in crate::linux) clear_err_unit: u32,
    pub(in crate::linux) flags: u16,
    pub(in crate::linux) reserved: u16,
}

/// `struct nd_cmd_clear_error`. (Packed there, and without gaps here.)
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::linux) struct ClearError {
    pub(in crate::linux) address: u64,
    pub(in crate::linux) length: u64,
    pub(in crate::linux) status: u32,
    pub(in crate::linux) reserved: [u8; 4],
    /// How many bytes were.
    pub(in crate::linux) cleared: u64,
}

/// How many bytes of a volume's table there is room for: about 30 parts.
pub(in crate::linux) const TABLE: usize = 2048;

/// DM_STATUS_TABLE_FLAG: the table, and not how its targets are doing.
const STATUS_TABLE: u32 = 1 << 4;

/// `struct dm_ioctl`, and behind it what it brings.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(in crate::linux) struct VolumeTable {
    version: [u32; 3],
    data_size: u32,
    /// Where the first target is.
    pub(in crate::linux) data_start: u32,
    pub(in crate::linux) target_count: u32,
    open_count: i32,
    pub(in crate::linux) flags: u32,
    event_nr: u32,
    padding: u32,
    /// Of a type of 8 bytes that need not be aligned on every architecture.
    device: [u32; 2],
    name: [u8; 128],
    uuid: [u8; 129],
    data: [u8; 7],
    rest: [u8; TABLE - HEAD],
}

/// The size of `struct dm_ioctl`.
const HEAD: usize = 312;

const _: () = assert!(size_of::<VolumeTable>() == TABLE);

impl VolumeTable {
    /// The question for the table of the volume with this device number.
    pub(in crate::linux) fn of(device: (u32, u32)) -> Self {
        let number = rustix::fs::makedev(device.0, device.1).to_ne_bytes();
        let [a, b, c, d, e, f, g, h] = number;
        Self {
            version: [4, 0, 0],
            data_size: 0,
            data_start: 0,
            target_count: 0,
            open_count: 0,
            flags: STATUS_TABLE,
            event_nr: 0,
            padding: 0,
            device: [u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h])],
            name: [0; 128],
            uuid: [0; 129],
            data: [0; 7],
            rest: [0; TABLE - HEAD],
        }
    }

    /// The targets: all behind `data_start`.
    pub(in crate::linux) fn targets(&self) -> Option<&[u8]> {
        let start = usize::try_from(self.data_start).ok()?.checked_sub(HEAD)?;
        self.rest.get(start..)
    }

    #[cfg(any(test, fuzzing))]
    pub(in crate::linux) fn answer(&mut self, count: u32, flags: u32, start: u32, targets: &[u8]) {
        (self.target_count, self.flags, self.data_start) = (count, flags, start);
        self.rest[..targets.len()].copy_from_slice(targets);
    }

    #[cfg(test)]
    pub(in crate::linux) fn device(&self) -> (u32, u32) {
        let [low, high] = self.device.map(u32::to_ne_bytes);
        let mut number = [0; 8];
        number[..4].copy_from_slice(&low);
        number[4..].copy_from_slice(&high);
        let number = u64::from_ne_bytes(number);
        (rustix::fs::major(number), rustix::fs::minor(number))
    }
}

/// FS_IOC_FIEMAP. The size in the number is that of the structure without extents.
pub(in crate::linux) const FIEMAP: Opcode =
    opcode::from_components(Direction::ReadWrite, b'f', 11, 32);
/// FS_IOC_FSGETXATTR.
pub(in crate::linux) const FSGETXATTR: Opcode = opcode::read::<[u32; 7]>(b'X', 31);
/// DM_TABLE_STATUS.
pub(in crate::linux) const DM_TABLE_STATUS: Opcode =
    opcode::from_components(Direction::ReadWrite, 0xfd, 12, HEAD);
/// ND_IOCTL_ARS_CAP.
pub(in crate::linux) const ARS_CAP: Opcode = opcode::read_write::<ArsCap>(b'N', 1);
/// ND_IOCTL_CLEAR_ERROR.
pub(in crate::linux) const CLEAR_ERROR: Opcode = opcode::read_write::<ClearError>(b'N', 4);

pub(super) fn extents(fd: i32, map: &mut ExtentMap) -> Result<(), Errno> {
    // So many as there is room for, whoever made it.
    map.count = EXTENTS_COUNT;
    // SAFETY: Updater wants the structure that the kernel reads and writes for this number: the
    // head, and as many extents as its count says, all of which are in it. Any bytes are an
    // ExtentMap.
    unsafe { ioctl::ioctl(borrow(fd)?, Updater::<FIEMAP, _>::new(map)) }.map_err(errno)
}

/// The same, as the kernel counts.
#[expect(clippy::as_conversions, reason = "a small number")]
const EXTENTS_COUNT: u32 = EXTENTS as u32;

/// fsx_xflags of `struct fsxattr`.
pub(super) fn xflags(fd: i32) -> Result<u32, Errno> {
    // SAFETY: Getter wants the type that the kernel writes for this number: `struct fsxattr` is 28
    // bytes, five numbers and 8 bytes.
    let [flags, ..] =
        unsafe { ioctl::ioctl(borrow(fd)?, ioctl::Getter::<FSGETXATTR, [u32; 7]>::new()) }
            .map_err(errno)?;
    Ok(flags)
}

pub(super) fn volume_table(control: i32, table: &mut VolumeTable) -> Result<(), Errno> {
    table.data_size = TABLE_SIZE;
    // SAFETY: Updater wants the structure that the kernel reads and writes for this number: as many
    // bytes as its data_size says, all of which are in it. Any bytes are a VolumeTable.
    unsafe { ioctl::ioctl(borrow(control)?, Updater::<DM_TABLE_STATUS, _>::new(table)) }
        .map_err(errno)
}

#[expect(clippy::as_conversions, reason = "a small number")]
const TABLE_SIZE: u32 = TABLE as u32;

pub(super) fn ars_cap(bus: i32, cap: &mut ArsCap) -> Result<(), Errno> {
    // SAFETY: Updater wants the structure that the kernel reads and writes for this number: this
    // one, as a test compares with ndctl.h.
    unsafe { ioctl::ioctl(borrow(bus)?, Updater::<ARS_CAP, _>::new(cap)) }.map_err(errno)
}

pub(super) fn clear_error(bus: i32, clear: &mut ClearError) -> Result<(), Errno> {
    // SAFETY: Updater wants the structure that the kernel reads and writes for this number: this
    // one, as a test compares with ndctl.h.
    unsafe { ioctl::ioctl(borrow(bus)?, Updater::<CLEAR_ERROR, _>::new(clear)) }.map_err(errno)
}
