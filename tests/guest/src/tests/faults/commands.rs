//! A bus that has commands for bad memory (the kernel's own tests): it is told what shall be bad
//! (`ndctl inject-error`), a scrub finds that, and a command clears it for good.

use std::{ops::Range, os::fd::AsRawFd};

use pmem2::{
    Error,
    badblocks::ClearBy,
    error::{Errno, Subject},
};
use pmem2_guest::machine::{Device, MIB, Machine, PAGE};

use super::{
    bed::{Bed, bytes},
    ground::SECTOR,
    inject::wait_for,
    lists::listed,
};
use crate::{common::libpmem2::Libpmem2, kernel, programs::output};

/// The unit of a clear command, in bytes: no range is cleared that is not made of whole ones.
const UNIT: u64 = 256;

/// `ndctl`, which has to succeed; what it says goes to the console.
fn ndctl(arguments: &[&str]) {
    let (status, said, complaints) = output("/bin/ndctl", arguments);
    eprintln!("ndctl {arguments:?}: {said}{complaints}");
    assert_eq!(status, Some(0), "ndctl {arguments:?}: {said}{complaints}");
}

/// The device's bus and namespace.
struct Names {
    bus: String,
    namespace: String,
}

impl Names {
    fn of(machine: &Machine, device: &Device) -> Self {
        let regions = kernel::regions(machine, device);
        let [region] = &regions[..] else { panic!("{regions:?} is not one region") };
        let (bus, number) = region.numbers;
        Self {
            bus: format!("ndbus{bus}"),
            namespace: format!("namespace{number}.{}", region.namespace),
        }
    }

    /// Tells the bus that these sectors of the namespace are bad. Nobody else is told.
    fn inject(&self, sectors: &Range<u64>) {
        let (block, count) = (
            format!("--block={}", sectors.start),
            format!("--count={}", sectors.end - sectors.start),
        );
        ndctl(&["inject-error", "--no-notify", "--saturate", &block, &count, &self.namespace]);
    }

    /// Looks at all memory of the bus, and comes back when it is done.
    fn scrub(&self) {
        ndctl(&["wait-scrub", &self.bus]);
        ndctl(&["start-scrub", &self.bus]);
        ndctl(&["wait-scrub", &self.bus]);
    }
}

pub(crate) fn clear_for_good(machine: &Machine, device: &Device) {
    let (bed, names) = (Bed::new(machine, device), Names::of(machine, device));
    let commands = bed.ground.commands();
    for command in ["ars_cap", "ars_start", "ars_status", "clear_error"] {
        assert!(commands.split_whitespace().any(|word| word == command), "{commands}");
    }
    names.scrub();
    assert_eq!(bed.bad(), Ok(vec![]));

    let start = bed.range.start;
    let bad = [
        start + 3 * SECTOR..start + 4 * SECTOR,
        start + 4 * PAGE..start + 6 * PAGE,
        start + MIB - SECTOR..start + MIB + SECTOR,
        bed.range.end - PAGE..bed.range.end,
    ];
    for range in &bad {
        let length = range.end - range.start;
        let sector = bed.place(range.start) / SECTOR;
        names.inject(&(sector..sector + length / SECTOR));
    }
    assert_eq!(bed.bad(), Ok(vec![]), "nobody has looked yet");
    names.scrub();
    // The driver of the disk is told when the scrub is done.
    wait_for("the list", || bed.where_listed(&listed(&bed.ground)) == bad);
    assert_eq!(bed.bad(), Ok(bad.to_vec()));
    // Theirs are the blocks of the file system.
    let blocks = |range: &Range<u64>| {
        if device.is_file() { whole_pages(range) } else { range.clone() }
    };
    beside_libpmem2(&bed, &bad.each_ref().map(blocks));

    if device.is_file() {
        by_allocation(&bed, &bad);
    } else {
        by_command(&bed, &bad);
    }
    assert_eq!(bed.bad(), Ok(vec![]));
    beside_libpmem2(&bed, &[]);
    names.scrub();
    assert_eq!(bed.bad(), Ok(vec![]), "cleared for good");
    beside_libpmem2(&bed, &[]);
}

fn whole_pages(range: &Range<u64>) -> Range<u64> {
    range.start / PAGE * PAGE..range.end.next_multiple_of(PAGE)
}

/// Asserts on libpmem2's list of the test's bytes.
fn beside_libpmem2(bed: &Bed, bad: &[Range<u64>]) {
    let library = Libpmem2::load();
    let peer = library.source(bed.file.as_raw_fd()).expect("a source");
    let (mut found, end) = peer.bad_blocks();
    found.retain(|found| bed.range.contains(&found.start));
    assert_eq!((&found[..], end), (bad, None));
    peer.delete();
}

/// By the command that the bus has for it: the last one by libpmem2's call.
fn by_command(bed: &Bed, bad: &[Range<u64>; 4]) {
    let source = bed.source();
    let refused = |range: Range<u64>, by, expected: Error| {
        assert_eq!(source.clear_bad_blocks(range.clone(), by), Err(expected), "{range:?}");
        assert_eq!(bed.bad(), Ok(bad.to_vec()));
    };
    let by = ClearBy::DeviceCommand;
    let [sector, pages, across, last] = bad;
    let invalid = Error::Os { subject: Subject::ClearBadBlock, errno: Errno::EINVAL };
    refused(sector.start..sector.start + UNIT / 2, by, invalid);
    refused(sector.start..sector.end + UNIT, by, Error::NotBad);
    refused(pages.end..pages.end + PAGE, by, Error::NotBad);
    refused(sector.clone(), ClearBy::Allocation, Error::Unsupported(Subject::ClearBadBlock));
    refused(sector.clone(), ClearBy::LossyAllocation, Error::Unsupported(Subject::ClearBadBlock));

    assert_eq!(source.clear_bad_blocks(sector.clone(), by), Ok(()));
    assert_eq!(bed.bad(), Ok(bad[1..].to_vec()));
    // A part of one.
    assert_eq!(source.clear_bad_blocks(pages.start..pages.start + PAGE, by), Ok(()));
    let rest = pages.start + PAGE..pages.end;
    assert_eq!(bed.bad(), Ok(vec![rest.clone(), across.clone(), last.clone()]));
    for range in [rest, across.clone()] {
        assert_eq!(source.clear_bad_blocks(range, by), Ok(()));
    }
    let library = Libpmem2::load();
    let peer = library.source(bed.file.as_raw_fd()).expect("a source");
    assert_eq!(peer.clear_bad_blocks(last), Ok(()));
    peer.delete();
    // These DIMMs have all their bytes still, the bad ones too.
    let mut buffer = vec![0; (bed.range.end - bed.range.start) as usize];
    assert_eq!(source.read_at(bed.range.start, &mut buffer), Ok(()));
    assert!(buffer == bytes(bed.range.clone()), "changed");
}

/// By other memory, or the same that a write has cleared.
fn by_allocation(bed: &Bed, bad: &[Range<u64>; 4]) {
    let source = bed.source();
    let mut expected = bytes(bed.range.clone());
    for range in bad {
        let mut buffer = [0; SECTOR as usize];
        source.read_at(range.start, &mut buffer).expect_err("bad memory");
        let cleared = source.clear_bad_blocks(range.clone(), ClearBy::LossyAllocation);
        assert_eq!(cleared, Ok(()), "{range:?}");
        let pages = whole_pages(range);
        expected[pages.start as usize..pages.end as usize].fill(0);
    }
    let mut buffer = vec![0; expected.len()];
    assert_eq!(source.read_at(0, &mut buffer), Ok(()));
    let differs =
        buffer.chunks(512).zip(expected.chunks(512)).position(|(found, wanted)| found != wanted);
    assert_eq!(differs, None, "the sector");
}
