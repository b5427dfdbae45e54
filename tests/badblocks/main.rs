//! Bad blocks with the real code on real descriptors: files of real file systems on a loop device,
//! of which a made-up /sys says that it is persistent memory and what of it is bad; /dev/null as a
//! device DAX.
#![cfg(target_os = "linux")]
#![allow(clippy::single_range_in_vec_init, reason = "lists of one range are meant as such")]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;

mod clearing;
mod devices;
mod files;
mod hazards;
mod image;
mod peer;
mod refused;
mod storing;

use std::ops::Range;

use common::{
    device_dax::{Entry, with_sysfs},
    nd::Bus,
};
use image::{Image, Mounted};
use pmem2::{Error, Handle, Source, badblocks::BadBlocks, platform};

/// The yield of an iterator: ranges, and the error at its end if there is one.
type Walked = (Vec<Range<u64>>, Option<Error>);

fn walk<H: Handle<P: platform::BadBlocks>>(source: &Source<H>) -> Walked {
    match source.bad_blocks() {
        Ok(blocks) => collect(blocks),
        Err(error) => (Vec::new(), Some(error)),
    }
}

fn collect<H: Handle<P: platform::BadBlocks>>(blocks: BadBlocks<H>) -> Walked {
    let mut found = Vec::new();
    for range in blocks {
        match range {
            Ok(range) => found.push(range),
            Err(error) => return (found, Some(error)),
        }
    }
    (found, None)
}

/// Runs `body` where this file system is mounted, and /sys says that its disk is the pmem disk that
/// the entry is of.
fn on_pmem<T: Send>(image: &Image, body: impl FnOnce(&Mounted, &Entry) -> T + Send) -> T {
    with_sysfs(|sysfs| {
        let mounted = image.mount();
        let bus = Bus::new(sysfs);
        bus.dimm(0, "8680-1", "1");
        let disk = bus.region(0, &[0]).fsdax("pmem0", mounted.device());
        body(&mounted, &disk)
    })
}

/// The text of the kernel for these sectors.
fn listed(sectors: impl IntoIterator<Item = Range<u64>>) -> String {
    sectors.into_iter().map(|bad| format!("{} {}\n", bad.start, bad.end - bad.start)).collect()
}
