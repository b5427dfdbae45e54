//! Transfers through windows on memory of the heap.

use core::ptr::NonNull;
use std::{cell::RefCell, vec, vec::Vec};

use crate::{
    Bare, Errno, Extent, Fail, Partial, PersistenceDomain, PhysicalRegion, Platform, RegionKind,
    Route, Subject, Transfer, Window,
};

const BASE: u64 = 0x12_3400_0000;
const LENGTH: usize = 3 * 4096;

fn region(durability: PersistenceDomain) -> PhysicalRegion<'static> {
    PhysicalRegion::new(BASE, LENGTH as u64, RegionKind::Persistent).in_domain(durability)
}

/// Calls `test` with a window on memory that counts upwards; the bytes afterwards.
fn on<'t>(extent: Extent<'t>, test: impl FnOnce(Window<'t>)) -> Vec<u8> {
    let mut memory = pattern();
    let at = NonNull::new(memory.as_mut_ptr()).unwrap();
    // SAFETY: the memory is there for as long as the window is used, which is in `test`; no extent
    // here is longer, and nobody else uses it meanwhile.
    test(unsafe { extent.mapped(at) });
    memory
}

fn pattern() -> Vec<u8> {
    (0..LENGTH).map(|at| (at % 251) as u8).collect()
}

type Range64 = core::ops::Range<u64>;

/// Makes a channel for these bytes of the source through this window.
fn admitted(
    source: Extent<'_>,
    window: Option<&Window<'_>>,
    range: Range64,
    writable: bool,
) -> Result<(), Fail> {
    let facts = Bare::describe((&source).into()).unwrap();
    let channel = Bare::channel((&source).into(), &facts, window, range, writable)?;
    // The facts are the window's own, whatever the source's region is.
    assert_eq!(Some(Bare::means(&channel)), window.map(|window| window.means()));
    Ok(())
}

fn read(
    source: Extent<'_>,
    window: &Window<'_>,
    offset: u64,
    length: usize,
) -> (Result<(), Partial>, Vec<u8>) {
    let facts = Bare::describe((&source).into()).unwrap();
    let channel =
        Bare::channel((&source).into(), &facts, Some(window), 0..source.length(), false).unwrap();
    let mut bytes = vec![0xEE; length];
    (Bare::read_at((&source).into(), &channel, offset, bytes.as_mut_slice().into()), bytes)
}

fn write(
    source: Extent<'_>,
    window: &Window<'_>,
    route: Route,
    offset: u64,
    bytes: &[u8],
) -> Result<(), Partial> {
    let facts = Bare::describe((&source).into()).unwrap();
    let mut channel =
        Bare::channel((&source).into(), &facts, Some(window), 0..source.length(), true).unwrap();
    Bare::set_route(&mut channel, route);
    Bare::write_at((&source).into(), &channel, offset, bytes.into())
}

#[test]
fn bytes_come_and_go() {
    let region = region(PersistenceDomain::CpuCache);
    let whole = Extent::new(&region);
    let after = on(whole, |window| {
        for (offset, length) in [(0, 1), (0, LENGTH), (4095, 2), (LENGTH - 1, 1), (LENGTH, 0)] {
            let (result, bytes) = read(whole, &window, offset as u64, length);
            assert_eq!((result, bytes.as_slice()), (Ok(()), &pattern()[offset..offset + length]));
        }
        assert_eq!(write(whole, &window, Route::Fence, 4090, &[9; 10]), Ok(()));
    });
    let mut expected = pattern();
    expected[4090..4100].fill(9);
    assert_eq!(after, expected);
}

/// A part of a region is read through a window on all of it, and on exactly the part; through one
/// on less it is not.
#[test]
fn a_part_of_a_region() {
    let region = region(PersistenceDomain::CpuCache);
    let whole = Extent::new(&region);
    let part = whole.part(4096, 512);
    let after = on(whole, |window| {
        assert_eq!(read(part, &window, 10, 3), (Ok(()), pattern()[4106..4109].to_vec()));
        assert_eq!(write(part, &window, Route::Fence, 511, &[1]), Ok(()));
    });
    assert_eq!((after[4607], after[4606], after[4608]), (1, pattern()[4606], pattern()[4608]));
    on(part, |window| {
        // Its memory begins with the part.
        assert_eq!(read(part, &window, 10, 3), (Ok(()), pattern()[10..13].to_vec()));
        let absent = Err(Fail::Absent(Subject::Mapping));
        for (source, range, expected) in [
            (part, 0..512, Ok(())),
            (part.part(1, 511), 0..511, Ok(())),
            (whole, 0..1, absent),
            (whole.part(4095, 2), 0..2, absent),
            (whole.part(4096, 513), 0..513, absent),
            (whole.part(4096, 513), 0..512, Ok(())),
            (whole.part(4607, 2), 0..2, absent),
            (whole.part(4607, 2), 0..1, Ok(())),
            (whole.part(4607, 2), 0..u64::MAX, absent),
            (whole.part(8192, 1), 0..1, absent),
        ] {
            for writable in [false, true] {
                assert_eq!(
                    admitted(source, Some(&window), range.clone(), writable),
                    expected,
                    "{source:?}, {range:?}"
                );
            }
        }
    });
}

#[test]
fn without_a_window_there_is_nothing() {
    let region = region(PersistenceDomain::CpuCache);
    for writable in [false, true] {
        assert_eq!(admitted(Extent::new(&region), None, 0..1, writable), Err(Fail::Unsupported));
    }
    // One that has no bytes, since its region can be no source.
    let table = [region, region];
    let overlapping = Extent::in_table(&table, 1).unwrap();
    on(overlapping, |window| {
        assert_eq!(
            admitted(Extent::new(&region), Some(&window), 0..1, false),
            Err(Fail::Absent(Subject::Mapping))
        );
    });
}

/// In C a table may have been changed.
#[test]
fn another_region_is_noticed() {
    let (one, other) = (
        region(PersistenceDomain::CpuCache),
        PhysicalRegion::new(BASE, 4096, RegionKind::Persistent),
    );
    let facts = Bare::describe((&Extent::new(&other)).into()).unwrap();
    on(Extent::new(&one), |window| {
        let channel =
            Bare::channel((&Extent::new(&one)).into(), &facts, Some(&window), 0..1, false)
                .map(drop);
        assert_eq!(
            (channel, Bare::sync((&Extent::new(&one)).into(), &facts)),
            (Err(Fail::Replaced), Err(Fail::Replaced))
        );
        assert_eq!(Bare::sync((&Extent::new(&other)).into(), &facts), Ok(()));
    });
}

/// Nothing is written before the core has decided how it becomes durable, or to what can only be
/// read.
#[test]
fn a_channel_without_a_route() {
    let region = region(PersistenceDomain::CpuCache);
    let facts = Bare::describe((&Extent::new(&region)).into()).unwrap();
    let refused = Fail::Os(Subject::Write, Errno::EROFS);
    let after = on(Extent::new(&region), |window| {
        let extent = Extent::new(&region);
        for writable in [false, true] {
            let channel =
                Bare::channel((&extent).into(), &facts, Some(&window), 0..9, writable).unwrap();
            assert_eq!(
                Bare::write_at((&extent).into(), &channel, 0, [9_u8].as_slice().into()),
                Err(refused.into())
            );
        }
    });
    assert_eq!(after, pattern());
    let locked = self::region(PersistenceDomain::CpuCache).read_only();
    on(Extent::new(&locked), |window| {
        assert_eq!(admitted(Extent::new(&locked), Some(&window), 0..1, true), Err(refused));
        assert_eq!(read(Extent::new(&locked), &window, 1, 2), (Ok(()), vec![1, 2]));
    });
}

/// The host is told what to make durable, and what it says comes back.
#[test]
fn the_host() {
    let told = RefCell::new(Vec::new());
    for answer in [Ok(()), Err(Errno::EIO), Err(Errno::ENOSPC)] {
        let host = |at, length| {
            told.borrow_mut().push((at, length));
            answer
        };
        let region = region(PersistenceDomain::Host);
        on(Extent::new(&region), |window| {
            let written = write(
                Extent::new(&region).part(4096, 512),
                &window.flushed_by_host(&host),
                Route::Call,
                3,
                &[7; 9],
            );
            let failed = |errno| Partial::from(Fail::unsynced(errno));
            assert_eq!(written, answer.map_err(failed));
        });
        assert_eq!(told.take(), [(BASE + 4099, 9)]);
    }
}

/// Offsets that the core never asks for.
#[test]
fn beyond_the_source() {
    let region = region(PersistenceDomain::CpuCache);
    let part = Extent::new(&region).part(4096, 512);
    let after = on(part, |window| {
        let absent = Partial { done: 0, fail: Fail::Absent(Subject::Mapping) };
        for (offset, length) in [(512, 1), (511, 2), (513, 0), (u64::MAX, 1), (u64::MAX - 4096, 1)]
        {
            assert_eq!(
                read(part, &window, offset, length),
                (Err(absent), vec![0xEE; length]),
                "{offset}"
            );
            assert_eq!(write(part, &window, Route::Fence, offset, &vec![1; length]), Err(absent));
        }
    });
    assert_eq!(after, pattern());
}
