//! The ioctl(2)s of the backend, with the structures and numbers of linux/fiemap.h, linux/fs.h,
//! linux/dm-ioctl.h and linux/ndctl.h.

use rustix::ioctl::{self, Direction, Opcode, Updater, opcode};

use super::fd::{borrow, errno};
use crate::errno::Errno;

/// The number of extents in one call.
pub(in crate::linux) const EXTENTS: usize = 32;

/// FIEMAP_FLAG_SYNC: written bytes without a place get one first.
pub(in crate::linux) const SYNC: u32 = 1;

/// `struct fiemap_extent`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::linux) struct Extent {
    /// The offset in the file, in bytes.
    pub(in crate::linux) logical: u64,
    /// The offset on the device, in bytes.
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
    /// The number of extents that the kernel wrote.
    pub(in crate::linux) mapped: u32,
    /// The number of extents that there is room for.
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

/// `struct nd_cmd_ars_cap`. (Packed there. It has no gaps here.)
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::linux) struct ArsCap {
    pub(in crate::linux) address: u64,
    pub(in crate::linux) length: u64,
    pub(in crate::linux) status: u32,
    pub(in crate::linux) max_ars_out: u32,
    /// The unit of clearing in bytes.
    pub(in crate::linux) clear_err_unit: u32,
    pub(in crate::linux) flags: u16,
    pub(in crate::linux) reserved: u16,
}

/// `struct nd_cmd_clear_error`. (Packed there. It has no gaps here.)
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::linux) struct ClearError {
    pub(in crate::linux) address: u64,
    pub(in crate::linux) length: u64,
    pub(in crate::linux) status: u32,
    pub(in crate::linux) reserved: [u8; 4],
    /// The number of bytes that were cleared.
    pub(in crate::linux) cleared: u64,
}

/// The room for a volume's table in bytes: about 30 targets.
pub(in crate::linux) const TABLE: usize = 2048;

/// DM_STATUS_TABLE_FLAG: the table, not the status of its targets.
const STATUS_TABLE: u32 = 1 << 4;

/// `struct dm_ioctl` and the data after it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(in crate::linux) struct VolumeTable {
    version: [u32; 3],
    data_size: u32,
    /// The offset of the first target.
    pub(in crate::linux) data_start: u32,
    pub(in crate::linux) target_count: u32,
    open_count: i32,
    pub(in crate::linux) flags: u32,
    event_nr: u32,
    padding: u32,
    /// A number of 8 bytes, which on some architectures is not aligned.
    pub(in crate::linux) device: [u32; 2],
    name: [u8; 128],
    uuid: [u8; 129],
    data: [u8; 7],
    pub(in crate::linux) rest: [u8; TABLE - HEAD],
}

/// The size of `struct dm_ioctl`.
const HEAD: usize = 312;

const _: () = assert!(size_of::<VolumeTable>() == TABLE);

impl VolumeTable {
    /// Prepares a query for the table of the volume with this device number.
    pub(in crate::linux) fn query(device: (u32, u32)) -> Self {
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

    /// The targets: all bytes from `data_start` on.
    pub(in crate::linux) fn targets(&self) -> Option<&[u8]> {
        let start = usize::try_from(self.data_start).ok()?.checked_sub(HEAD)?;
        self.rest.get(start..)
    }
}

/// FS_IOC_FIEMAP. The size in the number is without the extents.
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
    // Set here, since the safety of the call depends on it.
    map.count = EXTENTS_COUNT;
    // SAFETY: Updater requires the structure that the kernel reads and writes for this number: the
    // head, and `count` extents, all of which are in it. Any bytes are an ExtentMap.
    unsafe { ioctl::ioctl(borrow(fd)?, Updater::<FIEMAP, _>::new(map)) }.map_err(errno)
}

/// [`EXTENTS`], as the kernel counts.
#[expect(clippy::as_conversions, reason = "a small number")]
const EXTENTS_COUNT: u32 = EXTENTS as u32;

/// fsx_xflags of `struct fsxattr`.
pub(super) fn xflags(fd: i32) -> Result<u32, Errno> {
    // SAFETY: Getter requires the type that the kernel writes for this number: `struct fsxattr` is
    // 28 bytes, five numbers and 8 bytes.
    let [flags, ..] =
        unsafe { ioctl::ioctl(borrow(fd)?, ioctl::Getter::<FSGETXATTR, [u32; 7]>::new()) }
            .map_err(errno)?;
    Ok(flags)
}

pub(super) fn volume_table(control: i32, table: &mut VolumeTable) -> Result<(), Errno> {
    table.data_size = TABLE_SIZE;
    // SAFETY: Updater requires the structure that the kernel reads and writes for this number:
    // `data_size` bytes, all of which are in it. Any bytes are a VolumeTable.
    unsafe { ioctl::ioctl(borrow(control)?, Updater::<DM_TABLE_STATUS, _>::new(table)) }
        .map_err(errno)
}

#[expect(clippy::as_conversions, reason = "a small number")]
const TABLE_SIZE: u32 = TABLE as u32;

pub(super) fn ars_cap(bus: i32, cap: &mut ArsCap) -> Result<(), Errno> {
    // SAFETY: Updater requires the structure that the kernel reads and writes for this number: a
    // test compares this one with ndctl.h.
    unsafe { ioctl::ioctl(borrow(bus)?, Updater::<ARS_CAP, _>::new(cap)) }.map_err(errno)
}

pub(super) fn clear_error(bus: i32, clear: &mut ClearError) -> Result<(), Errno> {
    // SAFETY: Updater requires the structure that the kernel reads and writes for this number: a
    // test compares this one with ndctl.h.
    unsafe { ioctl::ioctl(borrow(bus)?, Updater::<CLEAR_ERROR, _>::new(clear)) }.map_err(errno)
}
