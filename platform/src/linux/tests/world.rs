//! A kernel of one descriptor and a few paths, which notes the calls that are made and can make one
//! of them fail.

use core::ffi::CStr;
use std::{
    borrow::ToOwned,
    cell::{Cell, RefCell},
    string::String,
    vec::Vec,
};

use rustix::fs::OFlags;

use super::{addresses::Addresses, disk::Disk, medium::Medium};
use crate::{
    Access, Errno, Facts,
    linux::{
        file_id::FileId,
        object::Object,
        sys::{Attributes, Stat, Sys},
    },
};

/// The one descriptor that is open.
pub(super) const FD: i32 = 7;

/// The descriptor of a spare file.
pub(super) const SPARE: i32 = 8;

/// The bytes that a file grows by.
pub(super) const GROWN: u8 = 0xAB;

pub(super) const READ_ONLY: u32 = 0;
pub(super) const WRITE_ONLY: u32 = 1;
pub(super) const READ_WRITE: u32 = 2;
pub(super) const MODE_3: u32 = 3;
/// O_PATH is not the same number everywhere.
pub(super) const PATH: u32 = OFlags::PATH.bits();
pub(super) const APPEND: u32 = OFlags::APPEND.bits();

/// File types of inode(7).
pub(super) const S_IFREG: u32 = 0o100_000;
pub(super) const S_IFCHR: u32 = 0o020_000;

/// The inode number of the device's directory.
pub(super) const ENTRY: u64 = 0x1_0000_2a2a;

/// The object that a descriptor refers to, as it was described.
pub(super) const fn object<S>(sys: S, fd: i32, facts: &Facts<FileId>) -> Object<'_, S> {
    Object { sys, fd, facts }
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Getfl,
    Fstat,
    Fstatfs,
    Readlink(String),
    Access(String),
    Open(String),
    Read,
    Inode(String),
    Entries,
    Attributes,
    /// The length, the access, and whether with MAP_SYNC.
    Map(usize, Access, bool),
    Msync(usize),
    /// At this offset, so many bytes.
    Pread(u64, usize),
    Pwrite(u64, usize),
    Fdatasync,
    Handler,
    Mapping {
        offset: u64,
        length: usize,
        writable: bool,
    },
    BlockSize,
    Turns,
    /// In this directory.
    Spare(String),
    /// The spare file, to this user and group.
    Give((u32, u32)),
    /// To the spare file: from this byte on, so many bytes.
    Take(u64, u64),
    Rehearse(u64, usize),
    /// From this byte on.
    Extents(u64),
    Xflags,
    Punch(u64, u64),
    Allocate(u64, u64),
    Fsync,
    OpenWritable(String),
    /// The number of the volume.
    Table((u32, u32)),
    /// Address and length.
    ArsCap(u64, u64),
    ClearError(u64, u64),
    /// mmap(2) with these flags, of anonymous memory where there is no offset.
    Mmap {
        offset: Option<u64>,
        hint: usize,
        length: usize,
        protection: u32,
        flags: u32,
    },
    /// Address and length; likewise below.
    Munmap(usize, usize),
    MsyncPages(usize, usize),
    /// And whether for stores.
    Populate(usize, usize, bool),
    /// fallocate(2) with no flag.
    Extend(u64, u64, bool),
    Seek(u64),
    Truncate(u64),
    /// write(2) of these bytes to a file of sysfs.
    Put(Vec<u8>),
    Close,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    /// The answers of fcntl, fstat and fstatfs for the descriptor.
    pub(super) flags: u32,
    pub(super) stat: Stat,
    pub(super) magic: u32,
    /// The paths that exist: links with their targets, files with their contents (for a directory
    /// its names, one a line), and whether there is a /sys.
    pub(super) links: Vec<(String, Vec<u8>)>,
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) sysfs: bool,
    /// The largest number of bytes that a read gives.
    pub(super) chunk: usize,
    pub(super) page: usize,
    /// The inode numbers of the directories of devices.
    pub(super) inodes: Vec<(String, u64)>,
    /// The answer of statx, and whether a mapping is granted or with which error it is refused:
    /// with MAP_SYNC, and without it for reading, for writing, and for no access from some length
    /// on.
    pub(super) attributes: Attributes,
    pub(super) map: Result<(), i32>,
    pub(super) shared: Result<(), i32>,
    pub(super) writable: Result<(), i32>,
    pub(super) driver: Result<usize, i32>,
    /// The contents that are read and written.
    pub(super) medium: Medium,
    /// The file's bytes.
    pub(super) disk: Disk,
    /// The mappings.
    pub(super) addresses: Addresses,
    /// A file that has other contents from when the bus was told to clear an error, or the file
    /// was synced.
    pub(super) then: Option<(String, Vec<u8>)>,
    /// The call with this number, counted from 0, fails so.
    pub(super) fault: Option<(usize, i32)>,
    calls: RefCell<Vec<Call>>,
    open_files: Cell<usize>,
}

impl World {
    /// A regular file of an ordinary file system.
    pub(super) fn file() -> Self {
        Self {
            flags: READ_ONLY,
            stat: Stat {
                dev: 0x801,
                ino: 42,
                rdev: 0,
                mode: S_IFREG | 0o644,
                size: 5000,
                blksize: 4096,
                blocks: 16,
                owner: (0, 0),
            },
            magic: 0xEF53,
            links: Vec::new(),
            files: Vec::new(),
            sysfs: true,
            chunk: usize::MAX,
            page: 4096,
            inodes: Vec::new(),
            attributes: Attributes { dax: Some(false), mount: None },
            map: Err(95),
            shared: Ok(()),
            writable: Ok(()),
            driver: Err(19),
            medium: Medium::default(),
            disk: Disk::default(),
            addresses: Addresses::default(),
            then: None,
            fault: None,
            calls: RefCell::default(),
            open_files: Cell::new(0),
        }
    }

    /// A character device 252:5 without an entry in sysfs.
    pub(super) fn device() -> Self {
        let file = Self::file();
        let stat = Stat {
            rdev: rustix::fs::makedev(252, 5),
            mode: S_IFCHR | 0o600,
            size: 0,
            blocks: 0,
            ..file.stat
        };
        Self { stat, magic: 0x0102_1994, ..file }
    }

    /// A device DAX with its files in sysfs.
    pub(super) fn dax() -> Self {
        let world = Self::device();
        world
            .with_link(b"../../../../../bus/dax")
            .with_inode("/sys/dev/char/252:5", ENTRY)
            .with_file("/sys/dev/char/252:5/size", "1073741824\n")
            .with_file("/sys/dev/char/252:5/align", "2097152\n")
    }

    pub(super) fn opened(self, flags: u32) -> Self {
        Self { flags, ..self }
    }

    pub(super) fn with_link(self, target: &[u8]) -> Self {
        self.linked("/sys/dev/char/252:5/subsystem", target)
    }

    /// The same with this link, whatever was there before.
    pub(super) fn linked(mut self, path: &str, target: impl AsRef<[u8]>) -> Self {
        put(&mut self.links, path, target.as_ref().to_vec());
        self
    }

    /// The same with this file, whatever was there before.
    pub(super) fn with_file(mut self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        put(&mut self.files, path, contents.as_ref().to_vec());
        self
    }

    pub(super) fn without_file(mut self, path: &str) -> Self {
        let before = self.files.len();
        self.files.retain(|(name, _)| name != path);
        assert_eq!(self.files.len() + 1, before, "{path} was there");
        self
    }

    pub(super) fn with_inode(mut self, path: &str, inode: u64) -> Self {
        put(&mut self.inodes, path, inode);
        self
    }

    /// The same, with `text` in every file of sysfs.
    pub(super) fn with_contents(mut self, text: &[u8]) -> Self {
        for (_, contents) in &mut self.files {
            *contents = text.to_vec();
        }
        self
    }

    pub(super) fn failing(&self, call: usize, errno: i32) -> Self {
        Self { fault: Some((call, errno)), ..self.clone() }
    }

    pub(super) fn sys(&self) -> Scripted<'_> {
        Scripted(self)
    }

    /// The calls since the last time this was asked. No file may be open any more.
    pub(super) fn calls(&self) -> Vec<Call> {
        assert_eq!(self.open_files.get(), 0, "every file that was opened is closed");
        self.calls.take()
    }

    /// Notes a call, and fails if it is the one that has to.
    pub(super) fn call(&self, call: Call) -> Result<(), Errno> {
        // Counted only where that matters: some worlds have many calls.
        let number = || self.calls.borrow().iter().filter(|call| **call != Call::Close).count();
        let fault = self.fault.filter(|&(at, _)| at == number());
        self.calls.borrow_mut().push(call);
        fault.map_or(Ok(()), |(_, errno)| Err(Errno::from_raw(errno)))
    }

    pub(super) fn opened_file(&self, path: &CStr) -> Result<Opened<'_>, Errno> {
        let cleared = || self.has(|call| matches!(call, Call::ClearError(..) | Call::Fsync));
        let contents = match &self.then {
            Some((name, contents)) if name.as_bytes() == path.to_bytes() && cleared() => contents,
            _ => found(&self.files, path)?,
        };
        self.open_files.set(self.open_files.get() + 1);
        Ok(Opened { world: self, contents: Cell::new(contents), spare: false })
    }

    pub(super) fn opened_spare(&self) -> Opened<'_> {
        self.open_files.set(self.open_files.get() + 1);
        self.disk.open_spare();
        Opened { world: self, contents: Cell::new(&[]), spare: true }
    }

    /// Whether such a call was made.
    pub(super) fn has(&self, call: impl Fn(&Call) -> bool) -> bool {
        self.calls.borrow().iter().any(call)
    }

    fn is_replaced(&self) -> bool {
        let stats =
            || self.calls.borrow().iter().filter(|call| matches!(call, Call::Fstat)).count();
        self.disk.replaced.is_some_and(|from| stats() > from)
    }

    /// Something was done to the file.
    pub(super) fn touched(&self) {
        if self.is_replaced() {
            self.disk.touched_after_replaced.set(self.disk.touched_after_replaced.get() + 1);
        }
    }

    pub(super) fn descriptor(&self, fd: i32, call: Call) -> Result<(), Errno> {
        self.call(call)?;
        let is_spare = fd == SPARE && self.disk.is_spare_open();
        if fd == FD || is_spare { Ok(()) } else { Err(Errno::EBADF) }
    }
}

/// One thing under one name.
fn put<T>(things: &mut Vec<(String, T)>, path: &str, thing: T) {
    things.retain(|(name, _)| name != path);
    things.push((path.to_owned(), thing));
}

pub(super) fn text(path: &CStr) -> String {
    path.to_str().unwrap().to_owned()
}

fn found<'w>(things: &'w [(String, Vec<u8>)], path: &CStr) -> Result<&'w [u8], Errno> {
    let found = things.iter().find(|(name, _)| name.as_bytes() == path.to_bytes());
    found.map(|(_, contents)| contents.as_slice()).ok_or(Errno::ENOENT)
}

/// As much of `from` as there is room for.
fn copy(from: &[u8], buffer: &mut [u8]) -> usize {
    let length = from.len().min(buffer.len());
    buffer[..length].copy_from_slice(&from[..length]);
    length
}

#[derive(Clone, Copy)]
pub(super) struct Scripted<'w>(pub(super) &'w World);

pub(super) struct Opened<'w> {
    world: &'w World,
    /// The rest that was not read yet.
    contents: Cell<&'w [u8]>,
    pub(super) spare: bool,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.world.calls.borrow_mut().push(Call::Close);
        if self.spare {
            self.world.disk.close_spare();
        }
        self.world.open_files.set(self.world.open_files.get() - 1);
    }
}

impl<'w> Sys for Scripted<'w> {
    type File = Opened<'w>;

    fn getfl(self, fd: i32) -> Result<OFlags, Errno> {
        self.0.descriptor(fd, Call::Getfl)?;
        Ok(OFlags::from_bits_retain(self.0.flags))
    }

    fn fstat(self, fd: i32) -> Result<Stat, Errno> {
        self.0.descriptor(fd, Call::Fstat)?;
        let number =
            || self.0.calls.borrow().iter().filter(|call| matches!(call, Call::Fstat)).count() - 1;
        let mut stat = self.0.stat;
        if fd == SPARE {
            stat.dev = self.0.disk.spare_dev.unwrap_or(stat.dev);
            stat.owner = (0, 0);
            return Ok(stat);
        }
        if let Some((_, size)) = self.0.disk.cut.filter(|(from, _)| number() >= *from) {
            self.0.disk.bytes.borrow_mut().resize(size as usize, GROWN);
            stat.size = size.cast_signed();
        }
        stat.ino += u64::from(self.0.is_replaced());
        Ok(stat)
    }

    fn fstatfs(self, fd: i32) -> Result<u32, Errno> {
        self.0.descriptor(fd, Call::Fstatfs)?;
        Ok(self.0.magic)
    }

    fn xflags(self, fd: i32) -> Result<u32, Errno> {
        self.0.descriptor(fd, Call::Xflags)?;
        Ok(self.0.disk.xflags)
    }

    fn readlink(self, path: &CStr, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.0.call(Call::Readlink(text(path)))?;
        Ok(copy(found(&self.0.links, path)?, buffer))
    }

    fn access(self, path: &CStr) -> Result<(), Errno> {
        self.0.call(Call::Access(text(path)))?;
        if self.0.sysfs { Ok(()) } else { Err(Errno::ENOENT) }
    }

    fn open(self, path: &CStr) -> Result<Opened<'w>, Errno> {
        self.0.call(Call::Open(text(path)))?;
        self.0.opened_file(path)
    }

    fn read(self, file: &Opened<'w>, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.0.call(Call::Read)?;
        let left = file.contents.get();
        let length = copy(&left[..left.len().min(self.0.chunk)], buffer);
        file.contents.set(&left[length..]);
        Ok(length)
    }

    fn inode(self, path: &CStr) -> Result<u64, Errno> {
        self.0.call(Call::Inode(text(path)))?;
        let found = self.0.inodes.iter().find(|(name, _)| name.as_bytes() == path.to_bytes());
        found.map(|&(_, inode)| inode).ok_or(Errno::ENOENT)
    }

    fn entries(self, directory: &Opened<'w>, visit: &mut dyn FnMut(&[u8])) -> Result<(), Errno> {
        self.0.call(Call::Entries)?;
        // The contents of a directory are its names.
        directory
            .contents
            .get()
            .split(|&byte| byte == b'\n')
            .filter(|name| !name.is_empty())
            .for_each(visit);
        Ok(())
    }

    fn attributes(self, fd: i32) -> Result<Attributes, Errno> {
        self.0.descriptor(fd, Call::Attributes)?;
        Ok(self.0.attributes)
    }

    fn try_map(
        self,
        fd: i32,
        length: usize,
        access: Access,
        synchronous: bool,
    ) -> Result<(), Errno> {
        self.0.descriptor(fd, Call::Map(length, access, synchronous))?;
        let granted = match access {
            _ if synchronous => self.0.map,
            Access::READ => self.0.shared,
            access if access.is_empty() => match self.0.driver {
                Ok(unit) if length.is_multiple_of(unit) => Ok(()),
                Ok(_) => Err(22),
                Err(errno) => Err(errno),
            },
            _ => self.0.writable,
        };
        granted.map_err(Errno::from_raw)
    }

    fn fdatasync(self, fd: i32) -> Result<(), Errno> {
        self.0.descriptor(fd, Call::Fdatasync)
    }

    fn msync_nothing(self, address: usize) -> Result<(), Errno> {
        self.0.call(Call::Msync(address))?;
        if address.is_multiple_of(self.0.page) { Ok(()) } else { Err(Errno::EINVAL) }
    }
}
