//! Scans of files and systems that answer in odd ways.

#![allow(clippy::single_range_in_vec_init, reason = "lists of one range are meant as such")]

use std::{cell::Cell, convert::Infallible, fs::File, io::Write, sync::atomic::Ordering::Relaxed};

use pmem2::{
    Access, Kind,
    platform::{Alignment, Borrowed, Facts, Fail, Platform},
    transfer::{Partial, ReadBuffer, WriteBuffer},
};

use super::*;

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn scanner() -> Scanner {
    Scanner { interrupted: Arc::default() }
}

/// A system that finds data, but no bytes of it, again and again.
#[test]
fn a_question_can_be_interrupted() {
    let (scanner, asked) = (scanner(), Cell::new(0));
    let scan = scanner.scan(file(&[1; 100]), "", &|offset| {
        asked.set(asked.get() + 1);
        assert!(asked.get() <= 3, "interrupted");
        scanner.interrupted.store(asked.get() == 3, Relaxed);
        Some(offset..offset)
    });
    assert_eq!((scan.end, scan.scanned, asked.get()), (End::Interrupted, 0, 3));
}

#[test]
fn what_is_told_of_data() {
    // Data in the file, beyond it and before the position; the bytes that are never written.
    type Row<'r> = (&'r [Range<u64>], u64);
    let rows: &[Row] = &[
        (&[], 100),
        (&[0..100], 0),
        (&[0..u64::MAX], 0),
        (&[10..20, 30..40], 80),
        (&[200..300], 100),
        (&[0..50, 0..60], 40),
    ];
    for &(data, never_written) in rows {
        let mut told = data.iter().cloned();
        let told = Cell::new(Some(&mut told));
        let scan = scanner().scan(file(&[1; 100]), "", &|_| {
            let ranges = told.take()?;
            let next = ranges.next();
            told.set(Some(ranges));
            next
        });
        assert_eq!(
            (scan.end, scan.scanned, scan.never_written),
            (End::Complete, 100, never_written),
            "{data:?}"
        );
    }
}

#[test]
fn names_fit() {
    assert_eq!(shortened("/dev/dax0.0"), "/dev/dax0.0");
    assert_eq!(shortened("/mnt/pmem/twenty/col"), "/mnt/pmem/twenty/col");
    assert_eq!(shortened("/mnt/pmem/twenty/cols"), ".../pmem/twenty/cols");
    assert_eq!(shortened("/mnt/数据数据数据数据数据"), "...数据数据数据数据");
}

/// A device that is gone after so many questions for its size. No byte of it can be read.
struct Device(Cell<usize>);

impl Platform for &Device {
    type Raw = ();
    type Id = u8;

    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<u8>, Fail> {
        Ok(Facts::new(0, Kind::DeviceDax, Access::READ, Alignment::new(4096)))
    }

    fn size(handle: Borrowed<'_, Self>, _: &Facts<u8>) -> Result<u64, Fail> {
        let Device(left_over) = handle.platform();
        let left = left_over.get().checked_sub(1).ok_or(Fail::Os(Subject::Size, Errno::ENOENT))?;
        left_over.set(left);
        Ok(10)
    }
}

impl Transfer for &Device {
    type Guard = Infallible;
    type Channel = ();

    fn channel(
        _: Borrowed<'_, Self>,
        _: &Facts<u8>,
        _: Option<Infallible>,
        _: Range<u64>,
        _: bool,
    ) -> Result<(), Fail> {
        Ok(())
    }

    fn read_at(_: Borrowed<'_, Self>, (): &(), _: u64, _: ReadBuffer<'_>) -> Result<(), Partial> {
        Err(Partial { done: 0, fail: Fail::bad_memory(1) })
    }

    fn write_at(_: Borrowed<'_, Self>, (): &(), _: u64, _: WriteBuffer<'_>) -> Result<(), Partial> {
        unreachable!("a scan writes nothing")
    }
}

struct Opened<'d>(&'d Device);

// SAFETY: there is one object, which stays the same.
#[allow(unsafe_code, reason = "a handle of an object that no system has")]
unsafe impl<'d> Handle for Opened<'d> {
    type P = &'d Device;

    fn platform(&self) -> &'d Device {
        self.0
    }

    fn raw(&self) {}
}

#[test]
fn a_device_that_is_taken_away() {
    let all = |_| Some(0..u64::MAX);
    let scan = scanner().scan(Opened(&Device(Cell::new(100))), "", &all);
    assert_eq!(
        (scan.end, scan.scanned, scan.unreadable.bytes()),
        (End::Complete, 10, 10),
        "it is there, and bad"
    );
    // One question is for the channel and one for the scan: the third one comes after the first
    // byte.
    let gone = Error::Os { subject: Subject::Size, errno: Errno::ENOENT };
    for (questions, scanned) in [(3, 0), (4, 1), (5, 2)] {
        let scan = scanner().scan(Opened(&Device(Cell::new(questions - 1))), "", &all);
        assert_eq!((scan.end, scan.scanned), (End::Failed(gone), scanned), "{questions}");
    }
}
