//! A write to a device DAX (the stand-in of the module beside this) is durable when the
//! call returns, or fails: seen by single steps. It needs ptrace(2), and knows the instructions of
//! x86-64 only.
#![cfg(target_arch = "x86_64")]

use std::{collections::BTreeSet, fs::File};

use pmem2::{
    Error, Source,
    persist::Cpu,
    transfer::{SigbusHandler, Writer},
};
use rustix::fs::OFlags;

use crate::{
    bytes,
    common::device_dax::with_sysfs,
    device::{ALIGN, SIZE, device, open},
    instructions::{LINE, durable, flushed, stepped},
    stopped,
};

/// Runs `body` with a source on a device.
fn on_device(body: impl FnOnce(Source<&File>) + Send) {
    // Once in a process, and not while it is looked at.
    SigbusHandler::install().expect("a handler of SIGBUS");
    assert_eq!(Cpu::detect().map(Cpu::line), Ok(LINE));
    with_sysfs(|sysfs| {
        device(sysfs);
        let file = open(OFlags::RDWR);
        body(Source::new(&file).expect("a device DAX"));
    });
}

/// The lines of these bytes.
fn lines(offset: usize, length: usize) -> BTreeSet<usize> {
    (offset..offset + length).map(|at| at / LINE).collect()
}

/// A stored zero could not be told from what was there.
fn no_zeros(length: usize) -> Vec<u8> {
    bytes(length).into_iter().map(|byte| byte | 1).collect()
}

/// A few bytes go by other instructions than many.
const RANGES: [(usize, usize); 10] = [
    (0, 1),
    (0, 64),
    (63, 2),
    (1, 64),
    (60, 8),
    (8, 15),
    (100, 300),
    (4090, 512),
    (4091, 513),
    (130, 1200),
];

/// So much before and behind is looked at as well.
const AROUND: usize = 2 * LINE;

#[test]
fn by_a_writer() {
    needs_root!();
    on_device(|source| {
        for (offset, length) in RANGES {
            let new = no_zeros(length);
            let watched = offset.saturating_sub(AROUND)..offset + length + AROUND;
            let steps = stepped(watched, || {
                let writer = Writer::new(source).expect("a writer");
                assert_eq!(writer.write_at(offset as u64, &new), Ok(()));
            });
            assert_eq!(
                durable(&steps),
                Ok(lines(offset, length)),
                "{length} at {offset}: {steps:?}"
            );
            assert_eq!(flushed(&steps), lines(offset, length), "{length} at {offset}");
        }
    });
}

/// Each is durable before the next one begins.
#[test]
fn by_a_writer_again() {
    needs_root!();
    on_device(|source| {
        let new = no_zeros(100);
        let one = || {
            stepped(0..1000, || {
                assert_eq!(Writer::new(source).expect("a writer").write_at(70, &new), Ok(()));
            })
        };
        let both = stepped(0..1000, || {
            let writer = Writer::new(source).expect("a writer");
            assert_eq!((writer.write_at(70, &new), writer.write_at(500, &new)), (Ok(()), Ok(())));
        });
        let (first, second) = both.split_at(one().len());
        assert_eq!(first, one());
        assert_eq!((durable(first), durable(second)), (Ok(lines(70, 100)), Ok(lines(500, 100))));
    });
}

/// By a mapping of the call's own, which is of the unit that the bytes are in, or the two.
#[test]
fn by_one_call() {
    needs_root!();
    on_device(|source| {
        for (offset, length) in [(0, 1), (60, 8), (100, 600)] {
            let new = no_zeros(length);
            let steps = stepped(0..offset + length + AROUND, || {
                assert_eq!(source.write_at(offset as u64, &new), Ok(()));
            });
            assert_eq!(
                durable(&steps),
                Ok(lines(offset, length)),
                "{length} at {offset}: {steps:?}"
            );
            assert_eq!(flushed(&steps), lines(offset, length), "{length} at {offset}");
        }
    });
}

/// The bytes written before the memory failed: of two units that are mapped, the second one and the
/// third, one is there.
#[test]
fn what_came_before_a_failure() {
    needs_root!();
    on_device(|source| {
        let unit = usize::try_from(ALIGN).expect("a unit fits");
        assert_eq!(SIZE, 4 * ALIGN);
        for (before, length) in [(1, 65), (100, 200), (64, 128), (150, 600)] {
            let new = no_zeros(length);
            let offset = unit - before;
            let steps = stepped(offset - AROUND..unit, || {
                let end = Error::IoFail { offset: 2 * ALIGN, length: 1 };
                let written = source.write_at(ALIGN + offset as u64, &new);
                assert_eq!(stopped(written), Err((before, end)));
            });
            assert_eq!(
                durable(&steps),
                Ok(lines(offset, before)),
                "{before} of {length}: {steps:?}"
            );
            assert_eq!(flushed(&steps), lines(offset, before), "{before} of {length}");
        }
    });
}
