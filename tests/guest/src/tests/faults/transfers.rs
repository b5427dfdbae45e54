//! Reading and writing where memory is bad: how far it got, and where the bad bytes are, as exactly
//! as the system tells.

use std::{os::unix::fs::FileExt, sync::Barrier, thread};

use pmem2::{
    Error,
    transfer::{Reader, TransferError, Writer},
};
use pmem2_guest::machine::{Device, Machine, PAGE};

use super::{
    bed::{Bed, byte, bytes},
    inject::{EarlyKill, Way, machine_check, wait_for},
    noted::noted,
    rows::directly,
};

/// So often does each thread read.
const ROUNDS: u64 = 32;

pub(crate) fn survive(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    for (number, way) in Way::of(&bed.ground).into_iter().enumerate() {
        let page = bed.range.start + 16 * (number as u64 + 1) * PAGE;
        way.inject(&bed.ground, bed.place(page + 1024));
        drop_caches(&bed);
        read(&bed, device, page, way);
        write(&bed, device, page, way);
    }
    together(&bed, device);
    if device.is_file() && directly(device) && !bed.ground.is_nvdimm() {
        listed_by_nobody(machine, device);
    }
}

/// A machine check of memory of which the kernel keeps no list: it takes the page from its own map,
/// and then calls it a bad buffer of the program's, of which nothing can be read or written.
fn listed_by_nobody(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let (mapping, page) = (bed.mapping(false), 64 * PAGE);
    assert_eq!(mapping.read(page, &mut [0]), Ok(()));
    let _early = EarlyKill::on();
    let told = noted().told;
    machine_check(bed.ground.physical(bed.place(page)));
    wait_for("a signal", || noted().told > told);
    let raw = || bed.file.read_at(&mut [0; 4096], page).map_err(|error| error.raw_os_error());
    // Only after the signal.
    wait_for("the kernel's own map", || raw().is_err());
    assert_eq!(raw(), Err(Some(libc::EFAULT)));
    let mut buffer = [0; 4096];
    let source = bed.source();
    for at in [page - 100, page, page + 1, page + PAGE - 1] {
        let length = buffer.len();
        assert_eq!(failure(source.read_at(at, &mut buffer)), Some(stopped(at, page)), "{at}");
        assert_eq!(
            failure(source.write_at(at, &bytes(at..at + length as u64))),
            Some(stopped(at, page)),
            "{at}"
        );
    }
    for at in [page - PAGE, page + PAGE] {
        assert_eq!(source.read_at(at, &mut buffer), Ok(()));
        assert!(buffer[..] == bytes(at..at + PAGE), "other bytes");
    }
    assert_eq!(bed.bad(), Ok(vec![]));
}

/// Drops the page cache: bytes that were read before they went bad would not be reported.
pub(crate) fn drop_caches(bed: &Bed) {
    if bed.ground.disk.is_some() {
        bed.file.sync_all().expect("synced");
    }
    std::fs::write("/proc/sys/vm/drop_caches", "1").expect("dropped");
}

/// The result of a transfer of `length` bytes at `at`, if bytes of the page were in it.
fn stopped(at: u64, page: u64) -> (usize, Error) {
    let first = at.max(page);
    ((first - at) as usize, Error::IoFail { offset: first, length: page + PAGE - first })
}

fn failure(result: Result<(), TransferError>) -> Option<(usize, Error)> {
    result.err().map(|error| (error.done(), error.error()))
}

fn read(bed: &Bed, device: &Device, page: u64, way: Way) {
    let source = bed.source();
    let reader = Reader::new(bed.source()).expect("a reader");
    let around = [
        (page - 2 * PAGE, 4 * PAGE),
        (page - 2 * PAGE, 2 * PAGE),
        (page - 1, 1),
        (page - 1, 2),
        (page - 700, 1300),
        (page, 1),
        (page + 1024, 512),
        (page + 1500, PAGE),
        (page + PAGE - 1, 2),
        (page + PAGE, PAGE),
    ];
    for (at, length) in around {
        let is_bad = at < page + PAGE && at + length > page;
        // Of a device DAX the list is known, and the memory is as good here as it was: only QEMU's
        // processor could tell.
        let expected = (is_bad && is_refused(device)).then(|| stopped(at, page));
        for kept in [false, true] {
            let mut buffer = vec![0x55; length as usize];
            let result = if kept {
                reader.read_at(at, &mut buffer)
            } else {
                source.read_at(at, &mut buffer)
            };
            let found = failure(result);
            assert_eq!(
                found, expected,
                "{way:?}: {length} bytes at {at}, of {page} are bad; kept: {kept}"
            );
            let good = found.map_or(buffer.len(), |(done, _)| done);
            assert_eq!(
                buffer[..good],
                bytes(at..at + good as u64),
                "{way:?}: {length} bytes at {at}"
            );
        }
    }
}

/// Whether the kernel refuses what it has listed as bad.
fn is_refused(device: &Device) -> bool {
    device.is_file()
}

fn write(bed: &Bed, device: &Device, page: u64, way: Way) {
    let writer = Writer::new(bed.source()).expect("a writer");
    let old = |range: std::ops::Range<u64>| bytes(range);
    for (at, length) in
        [(page + 1024, 512), (page - PAGE, PAGE), (page - 700, 900), (page + PAGE, 10)]
    {
        let is_bad = at < page + PAGE && at + length > page;
        let expected = (is_bad && is_refused(device)).then(|| stopped(at, page));
        // What is there already: where it is written, nothing changes for who reads.
        assert_eq!(
            failure(writer.write_at(at, &old(at..at + length))),
            expected,
            "{way:?}: {length} bytes at {at}"
        );
    }
    if !directly(device) {
        // A whole page is in the cache first, and the failure comes when it is written to the disk.
        assert_eq!(writer.write_at(page, &old(page..page + PAGE)), Ok(()));
        assert_eq!(writer.source().sync(), Err(Error::NotSynced), "{way:?}");
        return;
    }
    // A whole page: the driver of what has no commands for that takes it for cleared.
    let clears = bed.ground.has_no_commands();
    let expected = (!clears && is_refused(device)).then(|| stopped(page, page));
    assert_eq!(
        failure(writer.write_at(page, &old(page..page + PAGE))),
        expected,
        "{way:?}: the page"
    );
    let mut buffer = [0; 4096];
    assert_eq!(failure(writer.read_at(page, &mut buffer)), expected, "{way:?}: the page");
    assert_eq!(
        bed.bad().expect("a list").iter().any(|bad| bad.contains(&(page + 1024))),
        !clears,
        "{way:?}"
    );
    // It goes on with what is good.
    let other = page + 4 * PAGE;
    assert_eq!(writer.write_at(other, &[0xA5; 100]), Ok(()));
    let mut buffer = [0; 101];
    assert_eq!(writer.read_at(other, &mut buffer), Ok(()));
    assert!(buffer[..100].iter().all(|&byte| byte == 0xA5) && buffer[100] == byte(other + 100));
    assert_eq!(writer.write_at(other, &old(other..other + 100)), Ok(()));
    assert_eq!(writer.source().sync(), Ok(()));
}

/// Threads that read what is bad beside threads that read what is good.
fn together(bed: &Bed, device: &Device) {
    let page = bed.range.start + 200 * PAGE;
    if bed.ground.disk.is_some() {
        Way::Listed.inject(&bed.ground, bed.place(page));
    } else if bed.ground.is_nvdimm() {
        Way::LoggedPage.inject(&bed.ground, bed.place(page));
    }
    drop_caches(bed);
    let reader = Reader::new(bed.source()).expect("a reader");
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (reader, barrier) = (&reader, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for round in 0..ROUNDS {
                    let at = page - PAGE + if thread % 2 == 0 { 0 } else { 16 * PAGE } + 8 * round;
                    let mut buffer = [0; 6000];
                    let expected =
                        (thread % 2 == 0 && is_refused(device)).then(|| stopped(at, page));
                    let found = failure(reader.read_at(at, &mut buffer));
                    assert_eq!(found, expected);
                    let good = found.map_or(buffer.len(), |(done, _)| done);
                    assert_eq!(buffer[..good], bytes(at..at + good as u64));
                }
            });
        }
    });
}
