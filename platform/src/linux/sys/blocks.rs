//! The system calls that are about the blocks of files and devices.

use core::ffi::CStr;

use rustix::{
    fd::AsRawFd,
    fs::{FallocateFlags, OFlags},
    io,
    thread::Timespec,
};

use super::{
    Kernel, Sys, borrow, errno,
    ioctl::{self, ArsCap, ClearError, ExtentMap, VolumeTable},
    open, widen,
};
use crate::{Errno, linux::mcsafe::process};

/// What a file system says of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linux) struct Space {
    /// In bytes.
    pub(in crate::linux) block: u64,
    /// How many are free for everybody.
    pub(in crate::linux) available: u64,
}

/// The calls that are about blocks.
pub(in crate::linux) trait Blocks: Sys {
    /// fstatfs(2).
    fn space(self, fd: i32) -> Result<Space, Errno>;
    /// getpid(2), or 1 where it cannot be had.
    fn process(self) -> u32;
    /// nanosleep(2): a millisecond, or less.
    fn pause(self);
    /// ioctl(2) with FS_IOC_FIEMAP.
    fn extents(self, fd: i32, map: &mut ExtentMap) -> Result<(), Errno>;
    /// pread64(2): how much of the buffer was filled.
    fn read_at(self, fd: i32, buffer: &mut [u8], offset: u64) -> Result<usize, Errno>;
    /// pwrite64(2): how much of the buffer was written.
    fn write_at(self, fd: i32, buffer: &[u8], offset: u64) -> Result<usize, Errno>;
    /// fallocate(2) with FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE.
    fn punch(self, fd: i32, offset: u64, length: u64) -> Result<(), Errno>;
    /// fallocate(2) with FALLOC_FL_KEEP_SIZE.
    fn allocate(self, fd: i32, offset: u64, length: u64) -> Result<(), Errno>;
    /// fsync(2).
    fn fsync(self, fd: i32) -> Result<(), Errno>;
    /// open(2), for reading and writing.
    fn open_writable(self, path: &CStr) -> Result<Self::File, Errno>;
    /// ioctl(2) with DM_TABLE_STATUS.
    fn volume_table(self, control: &Self::File, table: &mut VolumeTable) -> Result<(), Errno>;
    /// ioctl(2) with ND_IOCTL_ARS_CAP.
    fn ars_cap(self, bus: &Self::File, cap: &mut ArsCap) -> Result<(), Errno>;
    /// ioctl(2) with ND_IOCTL_CLEAR_ERROR.
    fn clear_error(self, bus: &Self::File, clear: &mut ClearError) -> Result<(), Errno>;
}

impl Blocks for Kernel {
    fn space(self, fd: i32) -> Result<Space, Errno> {
        let said = rustix::fs::fstatfs(borrow(fd)?).map_err(errno)?;
        Ok(Space { block: widen!(said.f_bsize, u64), available: widen!(said.f_bavail, u64) })
    }

    fn process(self) -> u32 {
        // Not rustix's, which takes what a filter says instead for a number, or panics.
        process().unwrap_or(1)
    }

    fn pause(self) {
        // Shorter, if a signal comes.
        let _ = rustix::thread::nanosleep(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 });
    }

    fn extents(self, fd: i32, map: &mut ExtentMap) -> Result<(), Errno> {
        ioctl::extents(fd, map)
    }

    fn read_at(self, fd: i32, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        io::pread(borrow(fd)?, buffer, offset).map_err(errno)
    }

    fn write_at(self, fd: i32, buffer: &[u8], offset: u64) -> Result<usize, Errno> {
        io::pwrite(borrow(fd)?, buffer, offset).map_err(errno)
    }

    fn punch(self, fd: i32, offset: u64, length: u64) -> Result<(), Errno> {
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(borrow(fd)?, how, offset, length).map_err(errno)
    }

    fn allocate(self, fd: i32, offset: u64, length: u64) -> Result<(), Errno> {
        rustix::fs::fallocate(borrow(fd)?, FallocateFlags::KEEP_SIZE, offset, length).map_err(errno)
    }

    fn fsync(self, fd: i32) -> Result<(), Errno> {
        rustix::fs::fsync(borrow(fd)?).map_err(errno)
    }

    fn open_writable(self, path: &CStr) -> Result<Self::File, Errno> {
        open(path, OFlags::RDWR)
    }

    fn volume_table(self, control: &Self::File, table: &mut VolumeTable) -> Result<(), Errno> {
        ioctl::volume_table(control.0.as_raw_fd(), table)
    }

    fn ars_cap(self, bus: &Self::File, cap: &mut ArsCap) -> Result<(), Errno> {
        ioctl::ars_cap(bus.0.as_raw_fd(), cap)
    }

    fn clear_error(self, bus: &Self::File, clear: &mut ClearError) -> Result<(), Errno> {
        ioctl::clear_error(bus.0.as_raw_fd(), clear)
    }
}
