//! Memory that is poisoned while it is read.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use pmem2::{Error, transfer::Reader};
use pmem2_guest::machine::{Device, MIB, Machine, PAGE};

use super::{
    bed::{Bed, bytes},
    inject::{EarlyKill, consumed},
    noted::noted,
    rows::{directly, poison},
};

/// How often it is tried, at most, to hit the copy.
const ROUNDS: usize = 100;

pub(crate) fn while_it_is_read(machine: &Machine, device: &Device) {
    if !directly(device) {
        return;
    }
    by_a_thread(machine, device);
    by_another_process(machine, device);
    if device.is_device_dax() {
        in_the_copy(machine, device);
    }
}

/// Another thread poisons a page (MADV_HWPOISON): the signal is its own, and who reads is not
/// disturbed.
fn by_a_thread(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let reader = Reader::new(bed.source()).expect("a reader");
    let (before, done) = (noted(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..4 {
                poison(&bed, MIB);
            }
            done.store(true, SeqCst);
        });
        while !done.load(SeqCst) {
            reads_well(&bed, &reader);
        }
    });
    assert_eq!(noted().used, before.used + 4);
    reads_well(&bed, &reader);
}

fn reads_well(bed: &Bed, reader: &Reader<&std::fs::File>) {
    let mut buffer = vec![0; 16 * PAGE as usize];
    let at = bed.range.start + MIB - 8 * PAGE;
    assert_eq!(reader.read_at(at, &mut buffer), Ok(()));
    assert!(buffer == bytes(at..at + 16 * PAGE), "other bytes");
}

/// Another process poisons the page, and this one is to be told early: the program's own handler
/// is, whoever reads at the time.
fn by_another_process(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let reader = Reader::new(bed.source()).expect("a reader");
    // Of a file nothing is mapped while it is read: that does who wants to be told.
    let mapping = bed.mapping(false);
    let _early = EarlyKill::on();
    let before = noted();
    for round in 1..=4 {
        assert_eq!(mapping.read(MIB, &mut [0]), Ok(()));
        // SAFETY: the child has the only thread of this process, and does not come back.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
        if child == 0 {
            poison(&bed, MIB);
            // SAFETY: _exit takes any number and does not return.
            unsafe { libc::_exit(0) };
        }
        while noted().told < before.told + round {
            reads_well(&bed, &reader);
        }
        let mut status = 0;
        // SAFETY: a place for an int, and a child that nobody else waits for.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
    }
    assert_eq!(noted().used, before.used);
}

/// A machine check for what the processor is just reading: the copy ends, and says where.
fn in_the_copy(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let reader = Reader::new(bed.source()).expect("a reader");
    let start = bed.range.start + MIB;
    let mut buffer = vec![0; PAGE as usize];
    assert_eq!(reader.read_at(start, &mut buffer), Ok(()));
    for _ in 0..ROUNDS {
        let used = noted().used;
        consumed(bed.ground.physical(bed.place(start)));
        let asked = Instant::now();
        let found = loop {
            if let Err(error) = reader.read_at(start, &mut buffer) {
                break Some(error);
            }
            if noted().used != used {
                // It was between two copies.
                break None;
            }
            assert!(asked.elapsed() < Duration::from_secs(60), "no machine check");
        };
        let Some(error) = found else { continue };
        let unit = device.alignment;
        let offset = start + error.done() as u64;
        assert_eq!(error.error(), Error::IoFail { offset, length: unit - offset % unit });
        assert!(buffer[..error.done()] == bytes(start..offset), "other bytes");
        reads_well(&bed, &reader);
        return;
    }
    panic!("in none of {ROUNDS} rounds the copy was hit");
}
