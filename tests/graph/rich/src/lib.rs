//! Uses pmem2 with std: files are handles, errors become `std::io::Error`.

use std::{fs::File, io, os::fd::OwnedFd, path::Path, sync::Arc};

use pmem2::{Fd, Source};
use rustix::fs::{Mode, OFlags};

/// The size of the file at `path`, asked in each way that std allows.
///
/// # Errors
///
/// Those of opening, and pmem2's as `io::Error`.
pub fn sizes(path: &Path) -> io::Result<[u64; 6]> {
    // A descriptor from rustix is std's where rustix has std.
    let opened: OwnedFd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let shared = Arc::new(File::open(path)?);
    let file = File::open(path)?;
    let fd: Fd<'_> = (&opened).into();
    Ok([
        Source::new(fd)?.size()?,
        Source::new(&file)?.size()?,
        Source::from_fd(&file)?.size()?,
        Source::new(Arc::clone(&shared))?.size()?,
        Source::boxed(File::from(opened.try_clone()?))?.size()?,
        Source::new(opened)?.size()?,
    ])
}
