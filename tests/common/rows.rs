//! The answer to each kind of descriptor, as the guide's page about Linux lists them, with a real
//! descriptor for each row. This file has the descriptors that are sources, `rows_refused.rs` the
//! others.

use std::{io, os::fd::OwnedFd};

use pmem2::{Access, Error};
use rustix::{
    fs::{MemfdFlags, OFlags},
    io::Errno,
};

use super::made::{
    self, FILE_SIZE, HUGE_PAGE, Made, Making, file, file_in, file_on, memfd, owned, path, sized,
};

/// A kind of descriptor and what has to come of it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) make: fn() -> Making,
    /// With what errors a kernel may decline to make one at all: an old one, or one that was built
    /// without it. Such a row is said to be missing.
    pub(crate) may_be_missing: &'static [Errno],
    pub(crate) expected: Expected,
}

#[derive(Clone, Copy)]
pub(crate) enum Expected {
    Source {
        access: Access,
        size: u64,
        alignment: u64,
        /// The name of its file system; `None` for the one that the build directory happens to be
        /// on.
        file_system: Option<&'static str>,
    },
    Refused {
        error: Error,
        /// The number that C sees, from `<libpmem2/base.h>` and not from pmem2.
        code: i32,
        /// A part of the sentence, that names the cause.
        word: &'static str,
    },
}

impl Row {
    /// The descriptor; `None` where this kernel has none, after saying so.
    pub(crate) fn descriptor(&self) -> Option<Made> {
        made::unless(self.name, (self.make)(), self.may_be_missing)
    }

    pub(crate) const fn unless(mut self, may_be_missing: &'static [Errno]) -> Self {
        self.may_be_missing = may_be_missing;
        self
    }
}

/// Every row.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = sources();
    rows.extend(super::rows_refused::bad_handles());
    rows.extend(super::rows_refused::bad_types());
    rows
}

const READ: Access = Access::READ;
const BOTH: Access = Access::READ.union(Access::WRITE);
const PAGE: u64 = 4096;

fn source(
    name: &'static str,
    file_system: Option<&'static str>,
    access: Access,
    make: fn() -> Making,
) -> Row {
    let expected = Expected::Source { access, size: FILE_SIZE, alignment: PAGE, file_system };
    Row { name, make, may_be_missing: &[], expected }
}

impl Row {
    fn with(mut self, bytes: u64, alignment: u64) -> Self {
        if let Expected::Source { size, alignment: aligned, .. } = &mut self.expected {
            (*size, *aligned) = (bytes, alignment);
        }
        self
    }
}

const DISK: Option<&str> = None;
const TMPFS: Option<&str> = Some("tmpfs");
const HUGETLBFS: Option<&str> = Some("hugetlbfs");

fn sources() -> Vec<Row> {
    vec![
        source("file, O_RDONLY", DISK, READ, || file(OFlags::RDONLY)),
        source("file, O_RDWR", DISK, BOTH, || file(OFlags::RDWR)),
        source("file, O_RDWR and O_APPEND", DISK, BOTH.union(Access::APPEND), || {
            file(OFlags::RDWR | OFlags::APPEND)
        }),
        source("file, O_RDONLY and O_APPEND", DISK, READ.union(Access::APPEND), || {
            file(OFlags::APPEND)
        }),
        source("file, O_NONBLOCK and O_SYNC", DISK, BOTH, || {
            file(OFlags::RDWR | OFlags::NONBLOCK | OFlags::SYNC)
        }),
        source("file, O_DIRECT", DISK, BOTH, || file(OFlags::RDWR | OFlags::DIRECT)),
        source("empty file", DISK, BOTH, || {
            made::path(made::DISK, OFlags::RDWR | OFlags::TMPFILE).map(Made::of)
        })
        .with(0, PAGE),
        source("O_TMPFILE", DISK, BOTH, || {
            Ok(Made::of(sized(path(made::DISK, OFlags::RDWR | OFlags::TMPFILE)?, FILE_SIZE)?))
        }),
        source("deleted file", DISK, BOTH, made::deleted_file),
        source("file on tmpfs, O_RDONLY", TMPFS, READ, || file_in("/dev/shm", OFlags::RDONLY)),
        source("file on tmpfs, O_RDWR", TMPFS, BOTH, || file_in("/dev/shm", OFlags::RDWR)),
        // Whole megabytes as st_blksize, and all the same not hugetlbfs.
        source("file on tmpfs with huge pages", TMPFS, BOTH, || {
            file_on("tmpfs", "huge=always", FILE_SIZE)
        }),
        source("file on ramfs", Some("ramfs"), BOTH, || file_on("ramfs", "", FILE_SIZE)),
        source("file on overlayfs", Some("overlay"), BOTH, made::overlay_file),
        source("file on hugetlbfs", HUGETLBFS, BOTH, || {
            file_on("hugetlbfs", "pagesize=2M", 3 * HUGE_PAGE)
        })
        .with(3 * HUGE_PAGE, HUGE_PAGE),
        source("memfd", TMPFS, BOTH, || memfd(MemfdFlags::empty(), FILE_SIZE).map(Made::of)),
        source("memfd of huge pages", HUGETLBFS, BOTH, || {
            memfd(MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB, HUGE_PAGE).map(Made::of)
        })
        .with(HUGE_PAGE, HUGE_PAGE),
        source("memfd_secret", Some("secretmem"), BOTH, || {
            Ok(Made::of(sized(memfd_secret()?, FILE_SIZE)?))
        })
        .unless(&[Errno::NOSYS]),
        source("file in /proc", Some("proc"), READ, || {
            path("/proc/self/status", OFlags::RDONLY).map(Made::of)
        })
        .with(0, PAGE),
        source("file in /sys", Some("sysfs"), READ, || {
            path("/sys/devices/virtual/mem/null/dev", OFlags::RDONLY).map(Made::of)
        })
        .with(4096, PAGE),
        source("name space", Some("nsfs"), READ, || {
            path("/proc/self/ns/mnt", OFlags::RDONLY).map(Made::of)
        })
        .with(0, PAGE),
    ]
}

fn memfd_secret() -> io::Result<OwnedFd> {
    // SAFETY: memfd_secret takes flags, of which CLOEXEC is one, and touches no memory.
    owned(unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) })
}
