//! The system calls about the blocks of files and devices.

use core::{
    ffi::CStr,
    ptr,
    sync::atomic::{
        AtomicPtr, AtomicU32,
        Ordering::{AcqRel, Acquire},
    },
};

use rustix::{
    fs::{FallocateFlags, Gid, OFlags, Uid},
    io,
    mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap},
    thread::futex,
};

use super::{
    Linux, Sys,
    fd::{borrow, errno, widen},
    ioctl::{self, ArsCap, ClearError, ExtentMap, VolumeTable},
    open::open,
};
use crate::errno::Errno;

/// The turns of the threads that clear a file. All zeros where no thread has one or waits, as in a
/// child of fork(2).
#[derive(Debug, Default)]
pub(in crate::linux) struct Turns {
    /// The number of threads that came.
    pub(in crate::linux) tickets: AtomicU32,
    /// The number of threads that left.
    pub(in crate::linux) left: AtomicU32,
}

/// The system calls about blocks.
pub(in crate::linux) trait Blocks: Sys {
    /// fstatfs(2): f_bsize.
    fn block_size(self, fd: i32) -> Result<u64, Errno>;
    /// The turns with this number, in this process's memory: the first time mmap(2), and madvise(2)
    /// with MADV_WIPEONFORK.
    fn turns(self, number: u16) -> Result<&'static Turns, Errno>;
    /// futex(2): waits while the word has this value, or shorter.
    fn wait(self, word: &AtomicU32, value: u32);
    /// futex(2): wakes all threads that wait.
    fn wake(self, word: &AtomicU32);
    /// open(2) with O_TMPFILE, for reading and writing.
    fn spare(self, directory: &CStr) -> Result<Self::File, Errno>;
    /// fchown(2) to this user and group.
    fn give(self, fd: i32, owner: (u32, u32)) -> Result<(), Errno>;
    /// The descriptor of a file.
    fn raw(self, file: &Self::File) -> i32;
    /// ioctl(2) with FS_IOC_FIEMAP.
    fn extents(self, fd: i32, map: &mut ExtentMap) -> Result<(), Errno>;
    /// pread64(2): the number of bytes read.
    fn read_at(self, fd: i32, buffer: &mut [u8], offset: u64) -> Result<usize, Errno>;
    /// pwrite64(2): the number of bytes written.
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

impl Blocks for Linux {
    fn block_size(self, fd: i32) -> Result<u64, Errno> {
        Ok(widen!(rustix::fs::fstatfs(borrow(fd)?).map_err(errno)?.f_bsize, u64))
    }

    fn turns(self, number: u16) -> Result<&'static Turns, Errno> {
        /// The turns with every number.
        type All = [Turns; 1 << 16];
        static ALL: AtomicPtr<All> = AtomicPtr::new(ptr::null_mut());
        let mut all = ALL.load(Acquire);
        if all.is_null() {
            let (access, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: mmap must not map over existing memory: without MAP_FIXED the kernel takes
            // free addresses.
            let made =
                unsafe { mmap_anonymous(ptr::null_mut(), size_of::<All>(), access, private) }
                    .map_err(errno)?;
            // SAFETY: this advice requires that a child of fork(2) expects nothing of the memory:
            // zeros are turns that nobody has or waits for.
            let advised = unsafe { madvise(made, size_of::<All>(), Advice::LinuxWipeOnFork) };
            let first = |()| ALL.compare_exchange(ptr::null_mut(), made.cast(), AcqRel, Acquire);
            let kept = advised.map(first).map_err(errno);
            if kept != Ok(Ok(ptr::null_mut())) {
                // SAFETY: munmap requires that nobody uses the memory: nobody else has its address.
                let _ = unsafe { munmap(made, size_of::<All>()) };
            }
            // Another thread may have been faster.
            all = kept?.map_or_else(|theirs| theirs, |_| made.cast());
        }
        // SAFETY: a reference requires memory that is mapped for its lifetime, aligned, with a
        // valid value: it is a mapping of that size, which is never undone, and was zeros.
        let all: &'static All = unsafe { &*all };
        all.get(usize::from(number)).ok_or(Errno::EINVAL)
    }

    fn wait(self, word: &AtomicU32, value: u32) {
        let _ = futex::wait(word, futex::Flags::PRIVATE, value, None);
    }

    fn wake(self, word: &AtomicU32) {
        let _ = futex::wake(word, futex::Flags::PRIVATE, i32::MAX.unsigned_abs());
    }

    fn spare(self, directory: &CStr) -> Result<Self::File, Errno> {
        open(directory, OFlags::RDWR | OFlags::TMPFILE | OFlags::EXCL)
    }

    fn give(self, fd: i32, (user, group): (u32, u32)) -> Result<(), Errno> {
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        rustix::fs::fchown(borrow(fd)?, Some(user), Some(group)).map_err(errno)
    }

    fn raw(self, file: &Self::File) -> i32 {
        file.0
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
        ioctl::volume_table(control.0, table)
    }

    fn ars_cap(self, bus: &Self::File, cap: &mut ArsCap) -> Result<(), Errno> {
        ioctl::ars_cap(bus.0, cap)
    }

    fn clear_error(self, bus: &Self::File, clear: &mut ClearError) -> Result<(), Errno> {
        ioctl::clear_error(bus.0, clear)
    }
}
