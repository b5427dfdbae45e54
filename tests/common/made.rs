//! Descriptors of every kind, made for a test.

use std::{
    any::Any,
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
    path::Path,
};

use rustix::{
    fs::{
        CWD, FileType, MemfdFlags, Mode, OFlags, ftruncate, makedev, memfd_create, mknodat, open,
    },
    io::Errno,
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
};
use tempfile::{NamedTempFile, TempDir};

use super::thread::{mount_new, with_own_mounts};

/// The size of the files that are made here, on purpose no multiple of anything.
pub(crate) const FILE_SIZE: u64 = 10_001;

/// A huge page of the sort that is asked for here.
pub(crate) const HUGE_PAGE: u64 = 2 << 20;

/// A directory on the disk: /tmp may be a tmpfs.
pub(crate) const DISK: &str = env!("CARGO_TARGET_TMPDIR");

/// A descriptor, and whatever has to be there as long as it is: the file's directory, the other
/// end.
pub(crate) struct Made {
    raw: RawFd,
    _beside: Vec<Box<dyn Any>>,
}

impl Made {
    /// A number that is no descriptor.
    pub(crate) fn number(raw: RawFd) -> Self {
        Self { raw, _beside: Vec::new() }
    }

    pub(crate) fn of(fd: impl Into<OwnedFd>) -> Self {
        let fd = fd.into();
        Self { raw: fd.as_raw_fd(), _beside: vec![Box::new(fd)] }
    }

    pub(crate) fn beside(mut self, other: impl Any) -> Self {
        self._beside.push(Box::new(other));
        self
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.raw
    }
}

pub(crate) type Making = io::Result<Made>;

/// The result of a system call of libc, as a descriptor.
pub(crate) fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let Some(raw) = RawFd::try_from(result).ok().filter(|&raw| raw >= 0) else {
        return Err(io::Error::last_os_error());
    };
    // SAFETY: the system call that `result` comes from made a new descriptor, which nobody else
    // has.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

pub(crate) fn path(path: impl AsRef<Path>, flags: OFlags) -> io::Result<OwnedFd> {
    let fd =
        open(path.as_ref(), flags | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::RUSR | Mode::WUSR)?;
    // SAFETY: F_GETFL only asks about the number.
    let opened = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) } & libc::O_ACCMODE;
    // Access mode 3, with which nothing can be read or written, is Linux's own: an emulation of it
    // may open for reading.
    if flags.contains(OFlags::RWMODE) && opened != libc::O_ACCMODE {
        Err(Errno::OPNOTSUPP.into())
    } else {
        Ok(fd)
    }
}

/// Errors of [`path`] where the kernel has no access mode 3.
pub(crate) const NO_MODE_3: &[Errno] = &[Errno::OPNOTSUPP];

/// The object that was made; `None` where this kernel makes none and says so with one of these
/// errors, after telling.
pub(crate) fn unless<T>(name: &str, making: io::Result<T>, missing: &[Errno]) -> Option<T> {
    match making {
        Ok(made) => Some(made),
        Err(error)
            if missing.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) =>
        {
            super::say(&format!("{name:?} is not tested: this kernel makes none: {error}"));
            None
        }
        Err(error) => panic!("{name:?}: {error}"),
    }
}

/// A file of [`FILE_SIZE`] bytes in `directory`.
pub(crate) fn file_in(directory: &str, flags: OFlags) -> Making {
    let file = NamedTempFile::new_in(directory)?;
    file.as_file().set_len(FILE_SIZE)?;
    Ok(Made::of(path(file.path(), flags)?).beside(file))
}

/// A file of [`FILE_SIZE`] bytes on the disk.
pub(crate) fn file(flags: OFlags) -> Making {
    file_in(DISK, flags)
}

pub(crate) fn sized(fd: OwnedFd, size: u64) -> io::Result<OwnedFd> {
    ftruncate(&fd, size)?;
    Ok(fd)
}

pub(crate) fn memfd(flags: MemfdFlags, size: u64) -> io::Result<OwnedFd> {
    sized(memfd_create("pmem2", flags | MemfdFlags::CLOEXEC)?, size)
}

/// A file of `size` bytes on a new file system of this type, which stays mounted nowhere but under
/// it.
pub(crate) fn file_on(kind: &str, options: &str, size: u64) -> Making {
    let place = TempDir::new_in(DISK)?;
    let target = place.path().to_str().expect("a path of text").to_owned();
    let fd = with_own_mounts(|| {
        mount_new(kind, &target, options);
        sized(path(format!("{target}/file"), OFlags::RDWR | OFlags::CREATE)?, size)
    })?;
    Ok(Made::of(fd).beside(place))
}

/// A file on an overlay over two directories of the disk.
pub(crate) fn overlay_file() -> Making {
    let layers = TempDir::new_in(DISK)?;
    let layer = |name: &str| -> io::Result<String> {
        let path = layers.path().join(name);
        std::fs::create_dir(&path)?;
        Ok(path.to_str().expect("a path of text").to_owned())
    };
    let (lower, upper, work) = (layer("lower")?, layer("upper")?, layer("work")?);
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    Ok(file_on("overlay", &options, FILE_SIZE)?.beside(layers))
}

pub(crate) fn deleted_file() -> Making {
    let file = NamedTempFile::new_in(DISK)?;
    file.as_file().set_len(FILE_SIZE)?;
    Ok(Made::of(file.into_file()))
}

/// A number that was a descriptor. Nobody reuses it on a thread with its own table.
pub(crate) fn closed() -> Making {
    let file = File::open("/dev/null")?;
    Ok(Made::number(file.as_raw_fd()))
}

/// A device file for the first block device there is that can be opened.
pub(crate) fn block_device() -> Making {
    let directory = TempDir::new_in(DISK)?;
    let node = directory.path().join("block");
    let mut last = io::Error::other("no block device in /sys/dev/block");
    for entry in std::fs::read_dir("/sys/dev/block")? {
        let name = entry?.file_name();
        let (major, minor) =
            name.to_str().and_then(|name| name.split_once(':')).expect("a name M:m");
        let device =
            makedev(major.parse().expect("a major number"), minor.parse().expect("a minor number"));
        mknodat(CWD, &node, FileType::BlockDevice, Mode::RUSR, device)?;
        let opened = path(&node, OFlags::RDONLY | OFlags::NONBLOCK);
        std::fs::remove_file(&node)?;
        match opened {
            Ok(fd) => return Ok(Made::of(fd).beside(directory)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A FIFO with both ends open; the one that is asked for comes first.
pub(crate) fn fifo(flags: OFlags) -> Making {
    let directory = TempDir::new_in(DISK)?;
    let name = directory.path().join("fifo");
    mknodat(CWD, &name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    let both = path(&name, OFlags::RDWR | OFlags::NONBLOCK)?;
    Ok(Made::of(path(&name, flags | OFlags::NONBLOCK)?).beside(both).beside(directory))
}

/// The link itself, not what it points to.
pub(crate) fn symbolic_link() -> Making {
    let directory = TempDir::new_in(DISK)?;
    let name = directory.path().join("link");
    std::os::unix::fs::symlink("/", &name)?;
    Ok(Made::of(path(&name, OFlags::PATH | OFlags::NOFOLLOW)?).beside(directory))
}

/// A pseudo-terminal: the master, of /dev/ptmx, has an entry in /sys/dev/char, the slave has none.
pub(crate) fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    grantpt(master.as_fd())?;
    unlockpt(master.as_fd())?;
    let slave = ioctl_tiocgptpeer(master.as_fd(), flags)?;
    Ok((master, slave))
}
