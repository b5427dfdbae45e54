//! A disk of atomic sectors (BTT): where they lie in its namespace only the driver knows, and it
//! keeps no list of those that are bad.

use std::os::unix::fs::FileExt;

use pmem2::{Error, Source, badblocks::ClearBy, error::Subject, transfer::Reader};
use pmem2_guest::machine::{Device, Machine, PAGE};

use super::{
    bed::{Bed, bytes},
    ground::Ground,
    inject::Way,
};

pub(crate) fn without_a_list(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let no_list = Error::Unsupported(Subject::BadBlocks);
    assert_eq!(bed.bad(), Err(no_list));
    let cleared = bed.source().clear_bad_blocks(0..PAGE, ClearBy::Allocation);
    assert_eq!(cleared, Err(no_list), "that is the cause, whichever way was asked for");
    // Nothing may be written from here on: the driver would write to the sector that it has in
    // reserve, for ever if it is bad.
    std::fs::write("/proc/sys/vm/drop_caches", "1").expect("dropped");
    let ground = Ground::of(machine, device, 0);
    // Sectors move by one when they are written in order, each to where the one before it was. Its
    // own information takes two pages.
    let (first, count) = (100, 4);
    for page in 0..count {
        Way::LoggedPage.inject_into_region(&ground, bed.place((first + page) * PAGE) + 2 * PAGE);
    }
    let source = Source::new(&bed.file).expect("a source");
    let reader = Reader::new(bed.source()).expect("a reader");
    let pages = bed.range.end / PAGE;
    let mut failed = Vec::new();
    for page in 0..pages {
        let mut buffer = vec![0; PAGE as usize];
        match source.read_at(page * PAGE, &mut buffer) {
            Ok(()) => assert!(buffer == bytes(page * PAGE..(page + 1) * PAGE), "{page}"),
            Err(error) => {
                assert_eq!(
                    (error.done(), error.error()),
                    (0, Error::IoFail { offset: page * PAGE, length: PAGE })
                );
                failed.push(page);
            }
        }
    }
    assert_eq!(failed.len() as u64, count, "{failed:?}");
    assert!(failed.windows(2).all(|pair| pair[1] == pair[0] + 1), "{failed:?}");
    // Up to them.
    let mut buffer = vec![0; (failed[0] * PAGE) as usize + 1];
    let stopped = reader.read_at(0, &mut buffer).expect_err("bad memory");
    assert_eq!(stopped.done() as u64, failed[0] * PAGE);
    assert!(bed.file.read_at(&mut buffer[..1], 0).is_ok());
}
