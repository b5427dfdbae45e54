//! A device DAX that is taken away while it is read: its mapping is no more, and every load from it
//! a SIGBUS.

use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use pmem2::{Error, transfer::Reader};
use pmem2_guest::machine::{Device, Machine, PAGE};

use super::bed::{Bed, bytes};
use crate::{gone::disable, kernel};

const THREADS: usize = 8;

pub(crate) fn while_it_is_read(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    let reader = Reader::new(bed.source()).expect("a reader");
    let entry = kernel::entry(device).expect("a device");
    let started = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (reader, started, start) =
                (&reader, &started, bed.range.start + 8 * PAGE * thread as u64);
            scope.spawn(move || {
                let (expected, mut buffer) =
                    (bytes(start..start + 8 * PAGE), vec![0; 8 * PAGE as usize]);
                let mut read = 0;
                let stopped = loop {
                    match reader.read_at(start, &mut buffer) {
                        Ok(()) => assert!(buffer == expected, "other bytes"),
                        Err(error) => break error,
                    }
                    read += 1;
                    if read == 1 {
                        started.fetch_add(1, SeqCst);
                    }
                };
                assert!(buffer[..stopped.done()] == expected[..stopped.done()], "other bytes");
                let offset = start + stopped.done() as u64;
                assert_eq!(stopped.error(), Error::IoFail { offset, length: 1 });
            });
        }
        while started.load(SeqCst) < THREADS {
            thread::yield_now();
        }
        disable(&entry).expect("a namespace");
    });
    // Nothing comes back.
    let mut buffer = [0; 64];
    let failed = reader.read_at(bed.range.start, &mut buffer).expect_err("no memory");
    assert_eq!(
        (failed.done(), failed.error()),
        (0, Error::IoFail { offset: bed.range.start, length: 1 })
    );
}
