//! Where sources lie, with the real code on real descriptors: a made-up /sys says that the disk which the tests' files are on
//! is persistent memory, or that /dev/null is a device DAX on it.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod broken;
mod gone;
mod kinds;
mod volumes;

use std::fs::File;

use common::{
    device_dax::{Sysfs, with_sysfs},
    made::DISK,
    nd::Bus,
};
use pmem2::{Errno, Error, Place, Region, Source, What};

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

const fn os(what: What, errno: Errno) -> Error {
    Error::Os { what, errno }
}
