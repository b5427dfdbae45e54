//! Where sources lie, with the real code on real descriptors: a made-up /sys says that the disk
//! which the tests' files are on is persistent memory, or that /dev/null is a device DAX on it.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;

mod broken;
mod gone;
mod identity;
mod kinds;
mod volumes;

use std::{fs::File, io, os::fd::AsRawFd, ptr::null_mut};

use common::{
    device_dax::{Sysfs, with_sysfs},
    made::DISK,
    nd::Bus,
};
use pmem2::{
    Error, Source,
    error::{Errno, Subject},
    place::{Place, Reason, Region},
};

/// Runs `body` where /sys has a bus and nothing else.
fn with_bus<T: Send>(body: impl FnOnce(&Sysfs, &Bus) -> T + Send) -> T {
    with_sysfs(|sysfs| body(sysfs, &Bus::new(sysfs)))
}

/// A file on the disk.
fn file() -> File {
    let file = tempfile::tempfile_in(DISK).expect("a file");
    file.set_len(1 << 20).expect("its size");
    file
}

fn source() -> Source<File> {
    Source::new(file()).expect("a source")
}

fn regions(place: &Place) -> Vec<Region> {
    place.regions().copied().collect()
}

/// `reason`, or that the kernel is too old: one that does not know MAP_SHARED_VALIDATE (Linux
/// before 4.15, qemu-user 7.2) grants no synchronous mapping, and nothing else is asked then.
fn because(reason: Reason) -> Reason {
    let file = file();
    let (flags, page) = (libc::MAP_SHARED_VALIDATE, 4096);
    // SAFETY: a new mapping at no particular address touches no memory that anybody has.
    let mapped =
        unsafe { libc::mmap(null_mut(), page, libc::PROT_READ, flags, file.as_raw_fd(), 0) };
    if mapped == libc::MAP_FAILED {
        assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EINVAL));
        return Reason::KernelTooOld;
    }
    // SAFETY: the mapping was made above, with this length, and nothing refers to it.
    assert_eq!(unsafe { libc::munmap(mapped, page) }, 0);
    reason
}

const fn os(what: Subject, errno: Errno) -> Error {
    Error::Os { subject: what, errno }
}
