//! Regions that a board's code declares, parts of them, and what is asked of both.

use std::format;

use super::tables::{answers, ids};
use crate::{
    Access, Alignment, Backing, Bare, BoardDimm, DimmState, Extent, Fail, Kind, Locate, Mode,
    PersistenceDomain, PhysicalRegion, Platform, RegionFault, RegionKind, Subject,
};

static CHIPS: [BoardDimm<'_>; 3] = [
    BoardDimm { id: "MB85R4M2T-0007", dirty_shutdowns: Some(5) },
    BoardDimm { id: "", dirty_shutdowns: None },
    BoardDimm { id: "a chip's name of thirty-three by.", dirty_shutdowns: None },
];

static FRAM: PhysicalRegion<'_> =
    PhysicalRegion::new(0x6000_0000, 0x8_0000, RegionKind::Persistent)
        .in_domain(PersistenceDomain::CpuCache)
        .numbered(4, "FRAM on the board's second bus")
        .aligned_to(32)
        .on_node(2)
        .made_of(&CHIPS);

fn kind(extent: Extent<'_>) -> Kind {
    Bare::describe((&extent).into()).unwrap().kind
}

fn region(base: u64, length: u64) -> PhysicalRegion<'static> {
    PhysicalRegion::new(base, length, RegionKind::Persistent)
}

#[test]
fn a_declared_region_says_what_was_declared() {
    let extent = Extent::new(&FRAM);
    let (facts, there) = answers(extent);
    assert_eq!((facts.kind, facts.access), (Kind::Region, Access::READ | Access::WRITE));
    assert_eq!(
        (facts.alignment, Bare::size((&extent).into(), &facts)),
        (Alignment::new(32), Ok(0x8_0000))
    );
    assert_eq!(
        (there.number, there.mode, there.numa_node, there.domain),
        (4, Mode::Whole, Some(2), PersistenceDomain::CpuCache)
    );
    assert_eq!(&*there.provider, "FRAM on the board's s…", "24 bytes");
    assert_eq!(
        format!("{} | {extent:?}", facts.id),
        "physical address 0x60000000, 0x80000 bytes | \
         ExtentId { base: 0x60000000, length: 0x80000 }"
    );
    assert_eq!(
        (FRAM.base(), FRAM.length(), FRAM.number(), FRAM.domain()),
        (0x6000_0000, 0x8_0000, 4, PersistenceDomain::CpuCache)
    );

    let plain = region(0, 1);
    let (facts, there) = answers(Extent::new(&plain));
    assert_eq!(
        (facts.alignment, there.numa_node, there.domain),
        (Alignment::new(1), None, PersistenceDomain::Unstated)
    );
    assert_eq!(
        (plain.domain(), ids(&plain).len(), plain.state()),
        (PersistenceDomain::Unstated, 0, DimmState::empty())
    );

    let locked = region(0, 1).read_only();
    let flat = region(0, 1).unarmed();
    assert_eq!(
        (answers(Extent::new(&locked)).0.access, answers(Extent::new(&locked)).1.read_only),
        (Access::READ, true)
    );
    assert_eq!(
        (answers(Extent::new(&flat)).1.is_unarmed(), answers(Extent::new(&flat)).1.read_only),
        (true, false)
    );
}

#[test]
fn the_persistence_domain_that_was_declared() {
    for domain in [
        PersistenceDomain::MemoryController,
        PersistenceDomain::CpuCache,
        PersistenceDomain::Host,
        PersistenceDomain::Never,
        PersistenceDomain::Unstated,
    ] {
        let region = region(0, 1).in_domain(domain);
        assert_eq!((region.domain(), answers(Extent::new(&region)).1.domain), (domain, domain));
    }
}

#[test]
fn parts() {
    let whole = Extent::new(&FRAM);
    let part = whole.part(0x1000, 0x2000);
    assert_eq!((part.base(), part.length(), kind(part)), (Some(0x6000_1000), 0x2000, Kind::Region));
    assert_eq!(
        (whole.part(0, 0x8_0000).base(), kind(whole.part(0x7_ffe0, 1))),
        (Some(0x6000_0000), Kind::Region)
    );
    let inner = part.part(0x1000, 0x1000);
    assert_eq!((inner.base(), kind(inner)), (Some(0x6000_2000), Kind::Region));
    assert!(core::ptr::eq(inner.region(), &raw const FRAM));
    // Beyond the part, though within the region; a part of that is not better.
    let outside = Kind::InvalidRegion(RegionFault::Outside);
    for extent in [
        part.part(0x1000, 0x1001),
        part.part(0x2000, 1),
        part.part(0x1000, 0x1001).part(0, 1),
        whole.part(0, 0x8_0001),
        whole.part(0x8_0000, 1),
        whole.part(u64::MAX, 1),
        whole.part(1, u64::MAX),
        whole.part(u64::MAX, u64::MAX),
    ] {
        assert_eq!(kind(extent), outside, "{extent:?}");
    }
    for extent in [whole.part(0, 0), whole.part(0x8_0000, 0), whole.part(0x9_0000, 0)] {
        assert_eq!(kind(extent), Kind::InvalidRegion(RegionFault::Empty));
    }
    assert_eq!(whole.part(u64::MAX, 1).base(), None);
}

#[test]
fn ranges_that_cannot_be() {
    let kind = |base, length| kind(Extent::new(&region(base, length)));
    assert_eq!(kind(0, 0), Kind::InvalidRegion(RegionFault::Empty));
    assert_eq!(kind(u64::MAX, 1), Kind::Region);
    assert_eq!(kind(1, u64::MAX), Kind::Region);
    assert_eq!(kind(2, u64::MAX), Kind::InvalidRegion(RegionFault::Wraps));
    assert_eq!(kind(u64::MAX, 2), Kind::InvalidRegion(RegionFault::Wraps));
    // A part of a region that wraps is as wrong as the region.
    let wrapping = region(u64::MAX - 9, 100);
    assert_eq!(
        Bare::describe((&Extent::new(&wrapping).part(0, 1)).into()).unwrap().kind,
        Kind::InvalidRegion(RegionFault::Wraps)
    );
}

/// Where the source is made, and not when it is asked for its alignment.
#[test]
fn an_alignment_that_is_no_power_of_two() {
    for alignment in [0, 3, 48, u64::MAX] {
        let region = region(0x1000, 0x1000).aligned_to(alignment);
        let whole = Extent::new(&region);
        for extent in [whole, whole.part(0, 16)] {
            assert_eq!(kind(extent), Kind::InvalidRegion(RegionFault::Alignment), "{alignment}");
        }
        assert_eq!(kind(whole.part(0, 0)), Kind::InvalidRegion(RegionFault::Empty));
        assert_eq!(kind(whole.part(1, 0x1000)), Kind::InvalidRegion(RegionFault::Outside));
    }
    assert_eq!(kind(Extent::new(&region(0, 1).aligned_to(1 << 63))), Kind::Region);
}

#[test]
fn a_table_shows_what_overlaps() {
    let table =
        [region(0x1000, 0x1000), region(0x2000, 0x1000), region(0x2fff, 0x1000), region(0x8000, 0)];
    let kinds = [0, 1, 2, 3].map(|index| kind(Extent::in_table(&table, index).unwrap()));
    let overlaps = Kind::InvalidRegion(RegionFault::Overlaps);
    assert_eq!(kinds, [Kind::Region, overlaps, overlaps, Kind::InvalidRegion(RegionFault::Empty)]);
    // Alone, or as a part of the table without the other, it is fine.
    assert_eq!(kind(Extent::new(&table[1])), Kind::Region);
    assert_eq!(kind(Extent::in_table(&table[..2], 1).unwrap()), Kind::Region);
    // A part keeps what its region is.
    assert_eq!(kind(Extent::in_table(&table, 1).unwrap().part(0, 1)), overlaps);
    assert!(Extent::in_table(&table, 4).is_none() && Extent::in_table(&[], 0).is_none());
}

#[test]
fn memory_of_other_kinds() {
    for (declared, expected) in [
        (RegionKind::Volatile, Kind::VolatileMemory),
        (RegionKind::VirtualDisk, Kind::VirtualDisk),
        (RegionKind::Other, Kind::Other),
    ] {
        // What it is comes before what else is wrong with it.
        for length in [0, 4096] {
            assert_eq!(kind(Extent::new(&PhysicalRegion::new(0, length, declared))), expected);
        }
    }
}

#[test]
fn what_locate_says() {
    let (bare, extent) = (Bare::default(), Extent::new(&FRAM).part(0x20, 0x20));
    let facts = Bare::describe((&extent).into()).unwrap();
    let location = Bare::locate((&extent).into(), &facts).unwrap();
    assert_eq!(
        (bare.backing(&location), bare.regions(&location), bare.confirm(&location)),
        (Ok(Backing::Regions), Ok(1), Ok(0x6000_0000))
    );
    assert_eq!(
        (bare.dax_capable(&location), bare.device(&location).unwrap().as_str()),
        (Ok(Some(true)), "")
    );
    assert_eq!(
        (bare.numa_node(&location, 0), bare.numa_node(&location, 1)),
        (Ok(Some(Some(2))), Ok(None))
    );
    assert_eq!(bare.region(&location, 1), Ok(None));
    let dimm = |n| bare.dimm(&location, 0, n).unwrap().unwrap();
    assert_eq!((bare.dimm_number(dimm(0)), bare.dimm_number(dimm(2))), (Ok(0), Ok(2)));
    assert_eq!(bare.dimm_id(dimm(0)).unwrap().as_str(), "MB85R4M2T-0007");
    assert_eq!(bare.dimm_id(dimm(1)), Err(Fail::Unsupported));
    assert_eq!(bare.dimm_id(dimm(2)), Err(Fail::Malformed(Subject::DeviceId)), "too long");
    assert_eq!([0, 1].map(|n| bare.dimm_dirty_shutdowns(dimm(n))), [Ok(5), Err(Fail::Unsupported)]);
    assert!(
        bare.dimm(&location, 0, 3).unwrap().is_none()
            && bare.dimm(&location, 1, 0).unwrap().is_none()
    );
    // The core checks it, and says what is wrong with it.
    let odd = region(0, 4096).aligned_to(3);
    let extent = Extent::new(&odd);
    let facts = Bare::describe((&extent).into()).unwrap();
    assert_eq!((facts.alignment, Bare::alignment((&extent).into(), &facts)), (None, Ok(3)));
    // Neither of one that is another one by now.
    for other in [extent.part(0, 4095), extent.part(1, 4095)] {
        assert_eq!(
            (Bare::alignment((&other).into(), &facts), Bare::size((&other).into(), &facts)),
            (Err(Fail::Replaced), Err(Fail::Replaced))
        );
        assert_eq!(Bare::locate((&other).into(), &facts).err(), Some(Fail::Replaced));
    }
}

/// The first byte, wherever it comes from, is at a multiple of the alignment; a length need not be
/// one.
#[test]
fn the_first_byte_is_aligned() {
    let misaligned = Kind::InvalidRegion(RegionFault::Misaligned);
    for (base, alignment, expected) in [
        (0x1000, 0x1000, Kind::Region),
        (0x1000, 0x2000, misaligned),
        (0x1800, 0x1000, misaligned),
        (0x1001, 1, Kind::Region),
        (0x1001, 2, misaligned),
        (0, 1 << 63, Kind::Region),
        (1 << 62, 1 << 63, misaligned),
        // What is no power of two is an error of its own, and not misaligned.
        (0x1001, 3, Kind::InvalidRegion(RegionFault::Alignment)),
        (0x1001, 0, Kind::InvalidRegion(RegionFault::Alignment)),
    ] {
        let region = region(base, 0x123).aligned_to(alignment);
        assert_eq!(kind(Extent::new(&region)), expected, "{base:#x} {alignment:#x}");
    }
    let region = region(0x1_2000, 0x2000).aligned_to(0x1000);
    let whole = Extent::new(&region);
    assert_eq!(kind(whole.part(0x1000, 0x10)), Kind::Region);
    assert_eq!(
        [1, 0x800, 0xfff, 0x1001].map(|offset| kind(whole.part(offset, 0x10))),
        [misaligned; 4]
    );
    // The address counts, not the offset: parts of a region that is wrong itself may be right.
    let odd = self::region(0x1_2800, 0x2000).aligned_to(0x1000);
    assert_eq!(
        (kind(Extent::new(&odd)), kind(Extent::new(&odd).part(0x800, 1))),
        (misaligned, Kind::Region)
    );
    // What is worse comes first.
    let table = [odd, odd];
    let worse = [
        Extent::new(&odd).part(1, 0),
        Extent::new(&odd).part(1, 0x2000),
        Extent::in_table(&table, 0).unwrap(),
    ];
    let faults = [RegionFault::Empty, RegionFault::Outside, RegionFault::Overlaps];
    assert_eq!(worse.map(kind), faults.map(Kind::InvalidRegion));
}

/// In both directions.
#[test]
fn overlaps() {
    let wrapping = (u64::MAX - 9, 100);
    for (one, other, expected) in [
        ((0, 10), (10, 10), false),
        ((0, 11), (10, 10), true),
        ((0, 100), (10, 10), true),
        ((5, 5), (5, 5), true),
        ((5, 0), (5, 5), false),
        ((0, 10), (5, 0), false),
        ((0, 0), (0, 0), false),
        (wrapping, (u64::MAX - 5, 1), true),
        (wrapping, (u64::MAX, 1), true),
        (wrapping, (u64::MAX - 10, 1), false),
        (wrapping, (0, 10), false),
        (wrapping, wrapping, true),
        ((0, u64::MAX), (u64::MAX, 1), false),
        ((1, u64::MAX), (u64::MAX, 1), true),
    ] {
        let [one, other] = [one, other].map(|(base, length)| region(base, length));
        assert_eq!(
            (one.overlaps(&other), other.overlaps(&one)),
            (expected, expected),
            "{:?} {:?}",
            Extent::new(&one),
            Extent::new(&other)
        );
    }
    // A table knows it too.
    let table = [region(wrapping.0, wrapping.1), region(u64::MAX - 5, 1)];
    let kinds = [0, 1].map(|index| kind(Extent::in_table(&table, index).unwrap()));
    assert_eq!(kinds, [RegionFault::Wraps, RegionFault::Overlaps].map(Kind::InvalidRegion));
}
