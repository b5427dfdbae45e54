//! Windows on memory of the heap.

use core::ptr::NonNull;
use std::{cell::RefCell, format, vec, vec::Vec};

use super::{
    mapped::{BASE, LENGTH, on, persist, region},
    tables::{Range, capabilities, hints, mapping, nfit},
};
use crate::{
    Cpu, Errno, Extent, Means, Nfit, PersistenceDomain, PhysicalRegion, RegionKind, Route,
    Undurable, WindowFault, bare::map::clamped,
};

fn cpu() -> Cpu {
    Cpu::detect().unwrap()
}

/// Offsets and lengths: aligned or not, over pages, of nothing, up to the end.
const RANGES: [(usize, usize); 9] = [
    (0, 1),
    (0, 64),
    (1, 63),
    (63, 2),
    (4095, 2),
    (100, 8192),
    (0, LENGTH),
    (LENGTH - 1, 1),
    (LENGTH, 0),
];

#[test]
fn what_was_written_is_read_and_is_there() {
    for (domain, route) in [
        (PersistenceDomain::MemoryController, Route::Flush(cpu())),
        (PersistenceDomain::CpuCache, Route::Fence),
        (PersistenceDomain::Host, Route::Call),
    ] {
        let region = region(domain);
        for (offset, length) in RANGES {
            let bytes: Vec<u8> = (0..length).map(|n| n.to_le_bytes()[0] | 1).collect();
            let after = on(Extent::new(&region), 0, |window| {
                let host = |_, _| Ok(());
                let mut window = window.flushed_by(cpu()).flushed_by_host(&host);
                assert_eq!((window.length(), window.extent().base()), (LENGTH, Some(BASE)));
                window.write(offset, &bytes).unwrap();
                persist(&window, route, offset, length).unwrap();
                let mut read = vec![0; length];
                window.read(offset, &mut read).unwrap();
                assert_eq!(read, bytes);
            });
            assert_eq!(after[offset..offset + length], bytes);
            // Nothing beside it.
            assert!(after[..offset].iter().chain(&after[offset + length..]).all(|&byte| byte == 0));
        }
    }
}

#[test]
fn beyond_the_end_nothing_is_done() {
    let region = region(PersistenceDomain::MemoryController);
    let part = Extent::new(&region).part(64, 128);
    for (extent, end) in [(Extent::new(&region), LENGTH), (part, 128)] {
        let after = on(extent, 7, |window| {
            let mut window = window.flushed_by(cpu());
            let ranges = [
                (end, 1),
                (end - 1, 2),
                (0, end + 1),
                (end + 1, 0),
                (usize::MAX, 0),
                (usize::MAX, 1),
                (1, usize::MAX),
            ];
            for (offset, length) in ranges {
                assert_eq!(
                    window.flush_by(Route::Flush(cpu()), offset, length),
                    Err(WindowFault::Outside),
                    "{offset} {length}"
                );
                assert_eq!(window.check_range(offset, length), Err(WindowFault::Outside));
                if length <= 2 * LENGTH {
                    let mut bytes = vec![1; length];
                    assert_eq!(window.write(offset, &bytes), Err(WindowFault::Outside));
                    assert_eq!(window.read(offset, &mut bytes), Err(WindowFault::Outside));
                    assert!(bytes.iter().all(|&byte| byte == 1));
                }
            }
            assert_eq!(persist(&window, Route::Flush(cpu()), 0, end), Ok(()));
        });
        assert!(after.iter().all(|&byte| byte == 7));
    }
}

#[test]
fn a_region_that_cannot_be_a_source_has_no_bytes() {
    let whole = region(PersistenceDomain::CpuCache);
    let wrapping = PhysicalRegion::new(u64::MAX, 2, RegionKind::Persistent);
    let table = [whole, whole];
    let extents = [
        Extent::new(&whole).part(0, 0),
        Extent::new(&whole).part(1, LENGTH as u64),
        Extent::new(&wrapping),
        Extent::in_table(&table, 1).unwrap(),
    ];
    for extent in extents {
        on(extent, 0, |mut window| {
            assert_eq!(window.length(), 0);
            assert_eq!(
                (window.read(0, &mut [0]), window.write(0, &[0])),
                (Err(WindowFault::Outside), Err(WindowFault::Outside))
            );
        });
    }
}

/// A region that is longer than the addresses of this processor has all of them, and not what is
/// left of its length.
#[test]
fn a_length_is_not_truncated() {
    assert_eq!(
        [16, u64::from(u32::MAX), (1 << 32) + 16, u64::MAX].map(|length| clamped(length, u32::MAX)),
        [16, u32::MAX, u32::MAX, u32::MAX]
    );
}

#[test]
fn the_host_is_asked_for_the_range() {
    let region = region(PersistenceDomain::Host);
    let asked = RefCell::new(Vec::new());
    let host = |address, length| {
        asked.borrow_mut().push((address, length));
        if length == 13 { Err(Errno::EIO) } else { Ok(()) }
    };
    on(Extent::new(&region).part(0x100, 0x200), 0, |window| {
        let window = window.flushed_by_host(&host);
        assert_eq!(persist(&window, Route::Call, 0x10, 0x20), Ok(()));
        assert_eq!(window.flush_by(Route::Call, 0, 0x200), Ok(()));
        assert_eq!(persist(&window, Route::Call, 1, 13), Err(WindowFault::Host(Errno::EIO)));
        assert_eq!(persist(&window, Route::Call, 1, 0), Ok(()));
        assert_eq!(persist(&window, Route::Call, 0x200, 1), Err(WindowFault::Outside));
        window.drain();
    });
    assert_eq!(asked.take(), [(BASE + 0x110, 0x20), (BASE + 0x100, 0x200), (BASE + 0x101, 13)]);
}

#[test]
fn a_region_that_can_only_be_read() {
    let region = region(PersistenceDomain::CpuCache).read_only();
    let after = on(Extent::new(&region), 3, |mut window| {
        let mut byte = [0];
        assert_eq!(
            (window.write(0, &[9]), window.read(0, &mut byte), byte),
            (Err(WindowFault::ReadOnly), Ok(()), [3])
        );
        assert_eq!(window.write(LENGTH, &[9]), Err(WindowFault::Outside));
    });
    assert!(after.iter().all(|&byte| byte == 3));
}

#[test]
fn hints_are_written_when_it_is_drained() {
    let region = region(PersistenceDomain::MemoryController);
    let mut registers = [0_u64; 3];
    let at = NonNull::new(registers.as_mut_ptr()).unwrap();
    // SAFETY: the third of three.
    let hints = [at, unsafe { at.add(2) }];
    on(Extent::new(&region), 0, |window| {
        // SAFETY: ordinary memory, aligned, in the place of registers; read only through the same
        // pointer meanwhile.
        let window = unsafe { window.flushed_by(cpu()).with_hints(&hints) };
        // SAFETY: as above.
        let written = || [0, 1, 2].map(|n| unsafe { at.add(n).read() } != 0);
        window.flush_by(Route::Flush(cpu()), 0, 64).unwrap();
        assert_eq!(written(), [false; 3]);
        window.drain();
        assert_eq!(written(), [true, false, true]);
    });
}

#[test]
fn what_it_says_of_itself() {
    let region = region(PersistenceDomain::CpuCache);
    on(Extent::new(&region), 0, |window| {
        let text = format!("{window:?}");
        assert!(
            text.starts_with("Window { extent: ExtentId {")
                && text.ends_with(", length: 12388, .. }"),
            "{text}"
        );
    });
    assert_eq!(
        format!("{}", WindowFault::Host(Errno::EIO)),
        format!("the host's flush failed: {}", Errno::EIO)
    );
    let why = [
        Undurable::Never,
        Undurable::Unarmed,
        Undurable::NoInstruction,
        Undurable::NoHints,
        Undurable::NoCall,
    ];
    let faults = why.map(WindowFault::NotDurable);
    let faults = [faults.as_slice(), &[WindowFault::Outside, WindowFault::ReadOnly]].concat();
    let texts: std::collections::HashSet<_> =
        faults.iter().map(|fault| format!("{fault}")).collect();
    assert_eq!(texts.len(), faults.len());
}

/// The facts, as the region's table and the program state them.
#[test]
fn what_there_is_to_make_a_store_durable_with() {
    let means = |region: &PhysicalRegion<'_>| {
        let mut means = None;
        on(Extent::new(region), 0, |window| means = Some(window.means()));
        means.unwrap()
    };
    let only = |domain| Means { cpu: Some(Cpu::fence_only()), ..Means::new(domain) };
    for domain in [
        PersistenceDomain::MemoryController,
        PersistenceDomain::CpuCache,
        PersistenceDomain::Host,
        PersistenceDomain::Never,
        PersistenceDomain::Unstated,
        PersistenceDomain::Volatile,
    ] {
        assert_eq!(means(&region(domain)), only(domain));
        let unarmed = Means { armed: false, ..only(domain) };
        assert_eq!(means(&region(domain).unarmed()), unarmed);
    }
    let never = only(PersistenceDomain::Never);
    // Other memory keeps nothing, whatever is said of it.
    for kind in [RegionKind::Volatile, RegionKind::VirtualDisk, RegionKind::Other] {
        let other = PhysicalRegion::new(BASE, 4096, kind).in_domain(PersistenceDomain::CpuCache);
        assert_eq!(means(&other), never, "{kind:?}");
    }
    on(Extent::new(&region(PersistenceDomain::Host)), 0, |window| {
        let window = window.flushed_by(cpu()).flushed_by_host(&|_, _| Ok(()));
        assert_eq!((window.means().cpu, window.means().call), (Some(cpu()), true));
    });
}

/// All flush hints of a table have to be given, where it does not state that they are not needed.
#[test]
fn flush_hints_that_were_not_given() {
    let devices =
        [mapping(1, 1, 1, 0), mapping(2, 1, 1, 0), hints(1, &[0x1000]), hints(2, &[0x2000])];
    let lacks = |more: &[Vec<u8>], given: usize| {
        let table = nfit(
            &[&[Range::persistent(1, BASE, 4096).structure()], &devices as &[_], more].concat(),
        );
        let regions: Vec<_> = Nfit::parse(&table).unwrap().regions().collect();
        let mut registers = [0_u64; 2];
        let at = NonNull::new(registers.as_mut_ptr()).unwrap();
        // SAFETY: the second of two.
        let registers = [at, unsafe { at.add(1) }];
        let mut result = None;
        on(Extent::new(&regions[0]), 0, |window| {
            // SAFETY: ordinary memory, aligned, in the place of registers.
            let window = unsafe { window.with_hints(&registers[..given]) };
            result = Some(window.means().lacks_hints);
        });
        result.unwrap()
    };
    assert_eq!([0, 1, 2].map(|given| lacks(&[], given)), [true, true, false]);
    // The capabilities say that the memory controllers, or the caches, are in the persistence
    // domain; or that nothing is known.
    for (bits, expected) in [(0b10, false), (0b11, false), (0, true)] {
        assert_eq!(lacks(&[capabilities(1, bits)], 0), expected, "{bits:#b}");
    }
}
