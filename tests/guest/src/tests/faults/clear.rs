//! Other memory for what is bad: zeros in the place of it, and the bytes around as they were.

use std::{fs::File, ops::Range, os::unix::fs::FileExt};

use pmem2::{
    Error, Source,
    badblocks::ClearBy,
    error::{Errno, Subject, WriteFault},
};
use pmem2_guest::machine::{Contents, Device, MIB, Machine, PAGE};

use super::{
    bed::{Bed, bytes},
    ground::SECTOR,
    inject::Way,
    transfers::drop_caches,
};

/// Makes a page bad.
pub(crate) fn lose_page(bed: &Bed, page: u64) {
    for sector in (0..PAGE).step_by(SECTOR as usize) {
        Way::Listed.inject(&bed.ground, bed.place(page) + sector);
    }
}

/// Asserts that all can be read, and these are zeros.
fn zeros_are(bed: &Bed, zeros: &[Range<u64>]) {
    let length = bed.range.end - bed.range.start;
    let mut buffer = vec![0; length as usize];
    assert_eq!(bed.source().read_at(0, &mut buffer), Ok(()));
    let mut expected = bytes(bed.range.clone());
    for range in zeros {
        expected[range.start as usize..range.end as usize].fill(0);
    }
    let wrong = buffer
        .chunks(512)
        .zip(expected.chunks(512))
        .position(|(found, expected)| found != expected);
    assert_eq!(wrong, None, "the sector; {zeros:?}");
}

pub(crate) fn other_memory(machine: &Machine, device: &Device) {
    if !device.is_file() {
        by_command(machine, device);
        return;
    }
    if device.block_size < PAGE {
        in_the_cache(machine, device);
        return;
    }
    let bed = Bed::new(machine, device);
    if bed.ground.is_nvdimm() {
        // What files give up stays bad (`hold_writes_back`).
        let commands = bed.ground.commands();
        let names: Vec<_> = commands.split_whitespace().collect();
        assert!(!names.is_empty() && !names.contains(&"clear_error"), "{names:?}");
    }
    let source = bed.source();
    let pages = [10 * PAGE, 11 * PAGE, MIB / 2, MIB];
    for page in pages {
        lose_page(&bed, page);
    }
    let bad = vec![pages[0]..pages[1] + PAGE, pages[2]..pages[2] + PAGE, pages[3]..pages[3] + PAGE];
    assert_eq!(bed.bad(), Ok(bad.clone()));
    let as_it_was = || assert_eq!(bed.bad(), Ok(bad.clone()));
    // What is not bad, or not all of it.
    let page = pages[2];
    for range in [
        0..PAGE,
        page - SECTOR..page + PAGE,
        page..page + PAGE + 1,
        page + PAGE..page + 2 * PAGE,
        page..page,
    ] {
        assert_eq!(
            source.clear_bad_blocks(range.clone(), ClearBy::Allocation),
            Err(Error::NotBad),
            "{range:?}"
        );
        as_it_was();
    }
    let size = bed.range.end;
    let beyond = Error::LengthOutOfRange { end: size + 1, size };
    assert_eq!(source.clear_bad_blocks(page..size + 1, ClearBy::Allocation), Err(beyond));
    let by_command = source.clear_bad_blocks(page..page + PAGE, ClearBy::DeviceCommand);
    assert!(matches!(by_command, Err(Error::Unsupported(_))), "{by_command:?}");
    let reader =
        File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&bed.file)))
            .expect("opened");
    let cleared = Source::new(&reader)
        .expect("a source")
        .clear_bad_blocks(page..page + PAGE, ClearBy::Allocation);
    assert_eq!(cleared, Err(Error::NotWritable(WriteFault::ReadOnly)));
    as_it_was();
    // A whole one; a part of one that is larger.
    assert_eq!(source.clear_bad_blocks(page..page + PAGE, ClearBy::Allocation), Ok(()));
    assert_eq!(bed.bad(), Ok(vec![bad[0].clone(), bad[2].clone()]));
    assert_eq!(source.clear_bad_blocks(pages[1]..pages[1] + PAGE, ClearBy::Allocation), Ok(()));
    assert_eq!(bed.bad(), Ok(vec![pages[0]..pages[0] + PAGE, bad[2].clone()]));
    // While one goes through them: each once.
    let mut cleared = Vec::new();
    for range in source.bad_blocks().expect("a list") {
        let range = range.expect("a range");
        assert_eq!(
            source.clear_bad_blocks(range.clone(), ClearBy::Allocation),
            Ok(()),
            "{range:?}"
        );
        cleared.push(range);
    }
    assert_eq!(cleared, [pages[0]..pages[0] + PAGE, bad[2].clone()]);
    assert_eq!(bed.bad(), Ok(vec![]));
    let zeros: Vec<_> = pages.iter().map(|&page| page..page + PAGE).collect();
    zeros_are(&bed, &zeros);
    a_sector(machine, device);
    in_turn(machine, device);
    if matches!(device.contents, Contents::Ext4("dax=never")) {
        in_the_cache(machine, device);
    }
}

/// Three files, each of which frees what the next one may be given: what stays bad (on NVDIMMs that
/// cannot clear it) would not be written to.
fn in_turn(machine: &Machine, device: &Device) {
    const PAGES: u64 = 16;
    let range = MIB..MIB + PAGES * PAGE;
    let beds = [(); 3].map(|()| Bed::new(machine, device));
    for bed in &beds {
        for page in 0..PAGES {
            lose_page(bed, range.start + page * PAGE);
        }
        assert_eq!(bed.bad(), Ok(vec![range.clone()]));
    }
    for bed in &beds {
        let cleared = bed.source().clear_bad_blocks(range.clone(), ClearBy::Allocation);
        assert_eq!((cleared, bed.bad()), (Ok(()), Ok(vec![])));
        zeros_are(bed, core::slice::from_ref(&range));
        bed.file.write_all_at(&bytes(range.clone()), range.start).expect("good memory");
        drop_caches(bed);
        zeros_are(bed, &[]);
    }
}

/// One sector of a page that the cache has: it is not stored where it is bad.
fn in_the_cache(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let at = 20 * PAGE + 3 * SECTOR;
    Way::Listed.inject(&bed.ground, bed.place(at));
    let sector = at..at + SECTOR;
    assert_eq!(bed.bad(), Ok(vec![sector.clone()]));
    assert_eq!(bed.source().clear_bad_blocks(sector.clone(), ClearBy::Allocation), Ok(()));
    assert_eq!(bed.bad(), Ok(vec![]));
    zeros_are(&bed, core::slice::from_ref(&sector));
    drop_caches(&bed);
    zeros_are(&bed, &[sector]);
}

/// One sector of a page.
fn a_sector(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let at = 20 * PAGE + 3 * SECTOR;
    Way::Listed.inject(&bed.ground, bed.place(at));
    drop_caches(&bed);
    // The kernel does not read the others of the page: where they may not be given up, nothing is
    // touched.
    let sector = at..at + SECTOR;
    let cleared = bed.source().clear_bad_blocks(sector.clone(), ClearBy::Allocation);
    assert_eq!(cleared, Err(Error::Os { subject: Subject::ClearBadBlock, errno: Errno::EIO }));
    assert_eq!(bed.bad(), Ok(vec![sector.clone()]));
    assert_eq!(bed.source().clear_bad_blocks(sector, ClearBy::LossyAllocation), Ok(()));
    assert_eq!(bed.bad(), Ok(vec![]));
    let page = 20 * PAGE..21 * PAGE;
    zeros_are(&bed, &[page]);
}

/// QEMU's NVDIMMs have no such command.
fn by_command(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let page = bed.range.start + 16 * PAGE;
    let way = Way::LoggedPage;
    let cleared = bed.source().clear_bad_blocks(page..page + PAGE, ClearBy::DeviceCommand);
    assert_eq!(cleared, Err(Error::NotBad));
    if !bed.ground.is_nvdimm() {
        // Nothing here makes a page of it bad.
        return;
    }
    way.inject(&bed.ground, bed.place(page));
    let bad = page..page + PAGE;
    assert_eq!(bed.bad(), Ok(vec![bad.clone()]));
    let cleared = bed.source().clear_bad_blocks(bad.clone(), ClearBy::DeviceCommand);
    assert_eq!(cleared, Err(Error::Unsupported(Subject::ClearBadBlock)));
    let cleared = bed.source().clear_bad_blocks(bad.clone(), ClearBy::Allocation);
    assert!(matches!(cleared, Err(Error::Unsupported(_))), "{cleared:?}");
    let cleared = bed.source().clear_bad_blocks(page - PAGE..page, ClearBy::DeviceCommand);
    assert_eq!(cleared, Err(Error::NotBad));
    assert_eq!(bed.bad(), Ok(vec![bad]));
    let mut buffer = vec![0; (bed.range.end - bed.range.start) as usize];
    assert_eq!(bed.source().read_at(bed.range.start, &mut buffer), Ok(()));
    assert!(buffer == bytes(bed.range.clone()), "changed");
}
