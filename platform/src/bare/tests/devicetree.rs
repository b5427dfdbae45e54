//! Devicetrees: blobs that dtc and QEMU made, and blobs made here token by token.

use std::{string::String, vec::Vec};

use super::{
    blob::{Blob, UNADDRESSED, kinds, ranges, regions, unaddressed},
    tables::answers,
};
use crate::{
    Extent, Kind, PersistenceDomain, PhysicalRegion, RegionFault, RegionKind, TableFault,
    seed::seed,
};

/// `regions.dts`, compiled by dtc 1.6.1.
const REGIONS: &[u8] = seed!("bare/tests/seeds/devicetree/regions");

#[test]
fn of_dtc() {
    let all = regions(REGIONS).unwrap();
    let (persistent, volatile) = (RegionKind::Persistent, RegionKind::Volatile);
    let said: Vec<_> = all
        .iter()
        .map(|region| {
            (
                region.base(),
                region.length(),
                region.kind(),
                answers(Extent::new(region)).1.numa_node,
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            (0x5000, 0x1000, persistent, None),
            (0x1_0000_0000, 0x8000, volatile, Some(3)),
            (0x1_0001_0000, 0x8000, volatile, Some(3)),
            (0x8800_0000, 0x10_0000, persistent, Some(1)),
            (0x2_0000_5000, 0x2000, persistent, None),
        ]
    );
    assert_eq!(all.iter().map(PhysicalRegion::number).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let (facts, there) = answers(Extent::new(&all[0]));
    assert_eq!(
        (facts.kind, &*there.provider, there.domain),
        (Kind::Region, "devicetree", PersistenceDomain::Unstated)
    );
    assert_eq!(all[0].domain(), PersistenceDomain::Unstated);
    assert_eq!(answers(Extent::new(&all[1])).0.kind, Kind::VolatileMemory);
    // More memory than the blob has is no part of it.
    assert_eq!(ranges(&[REGIONS, &[0xff; 7]].concat()).unwrap().len(), 5);
}

/// The tree of `-M virt` of QEMU 7.2, and a node that was added.
#[test]
fn of_qemu() {
    assert_eq!(
        ranges(seed!("bare/tests/seeds/devicetree/qemu-virt")),
        Ok([(0x5000_0000, 0x100_0000)].into())
    );
}

#[test]
fn a_tree_made_here() {
    let blob = Blob::root().persistent(&[1, 2, 3, 4]).end();
    assert_eq!(ranges(&blob.clone().bytes()), Ok([(1, 2), (3, 4)].into()));
    // What the specification says where there is nothing: two cells of address, one of size.
    let bare = Blob::default().begin("").persistent(&[1, 2, 3]).end();
    assert_eq!(ranges(&bare.bytes()), Ok([(0x1_0000_0002, 3)].into()));
    let nops =
        Blob::default().token(4).begin("").token(4).persistent(&[1, 2, 3]).token(4).end().token(4);
    assert_eq!(ranges(&nops.bytes()).unwrap().len(), 1);
    assert_eq!(ranges(&Blob::root().end().bytes()), Ok([].into()));
}

#[test]
fn what_is_a_region() {
    let with = |compatible: &[u8], status: Option<&[u8]>| {
        let node = Blob::root().begin("p").property("compatible", compatible).cells("reg", &[1, 2]);
        let node = status.into_iter().fold(node, |node, status| node.property("status", status));
        ranges(&node.end().end().bytes()).unwrap().len()
    };
    assert_eq!(with(b"pmem-region\0", None), 1);
    assert_eq!(with(b"a,b\0pmem-region\0c\0", None), 1);
    for other in [b"pmem-regions\0".as_slice(), b"pmem-regio\0", b"a,pmem-region\0", b"", b"\0"] {
        assert_eq!(with(other, None), 0);
    }
    for (status, count) in [
        (b"okay\0".as_slice(), 1),
        (b"ok\0", 1),
        (b"disabled\0", 0),
        (b"reserved\0", 0),
        (b"fail\0", 0),
        (b"okay", 0),
        (b"", 0),
    ] {
        assert_eq!(
            with(b"pmem-region\0", Some(status)),
            count,
            "{}",
            String::from_utf8_lossy(status)
        );
    }
}

/// Regions are found at any depth that is kept; other nodes may lie as deep as they like.
#[test]
fn depth() {
    let nested = |depth: usize, last: fn(Blob) -> Blob| {
        let mut blob = Blob::root();
        for _ in 1..depth {
            blob = blob.begin("bus").cells("#address-cells", &[1]).property("ranges", &[]);
        }
        ranges(&(0..depth).fold(last(blob), |blob, _| blob.end()).bytes())
    };
    for depth in 1..=12 {
        assert_eq!(nested(depth, |blob| blob.persistent(&[7, 8])), Ok([(7, 8)].into()), "{depth}");
    }
    assert!(matches!(nested(13, |blob| blob.persistent(&[7, 8])), Err(TableFault::Structure(_))));
    assert_eq!(nested(20_000, |blob| blob), Ok([].into()));
}

/// Windows of buses: found, translated, identical, missing; a range that goes on beyond its window.
#[test]
fn translation() {
    let on_bus = |ranges: Option<&[u32]>, reg: &[u32]| {
        let bus = Blob::root().begin("bus").cells("#address-cells", &[1]);
        let bus = ranges.into_iter().fold(bus, |bus, ranges| bus.cells("ranges", ranges));
        bus.persistent(reg).end().end()
    };
    let found = |ranges: Option<&[u32]>, reg: &[u32]| self::ranges(&on_bus(ranges, reg).bytes());
    let windows: &[u32] = &[0x0, 0x1000, 0x100, 0x8000, 0x9000, 0x1000];
    assert_eq!(found(Some(windows), &[0x80, 0x80]), Ok([(0x1080, 0x80)].into()));
    assert_eq!(
        found(Some(windows), &[0x8ff0, 0x10, 0, 1]),
        Ok([(0x9ff0, 0x10), (0x1000, 1)].into())
    );
    assert_eq!(found(Some(&[]), &[5, 6]), Ok([(5, 6)].into()));
    for (windows, reg) in [
        (Some(windows), [0x80, 0x81]),
        (Some(windows), [0x100, 1]),
        (Some(windows), [0x7fff, 1]),
        (Some(windows), [0x8fff, 2]),
        (Some(&windows[..5]), [0x8000, 1]),
        (None, [5, 6]),
    ] {
        unaddressed(on_bus(windows, &reg));
    }
    // Of several ranges only the one that is beyond.
    let some = on_bus(Some(windows), &[0x80, 0x80, 0x80, 0x81, 0x8000, 1]).bytes();
    assert_eq!(kinds(&some), Ok([Kind::Region, UNADDRESSED, Kind::Region].into()));
    assert_eq!(self::ranges(&some), Ok([(0x1080, 0x80), (0, 0), (0x9000, 1)].into()));
    // The 64th window is looked at, the 65th is not.
    let many = |count: u32| (0..count).flat_map(|n| [n << 8, n << 12, 0x100]).collect::<Vec<_>>();
    assert_eq!(found(Some(&many(64)), &[63 << 8, 1]), Ok([(63 << 12, 1)].into()));
    unaddressed(on_bus(Some(&many(65)), &[64 << 8, 1]));
    // A window that leads beyond the last address.
    let bus = Blob::default().begin("").begin("bus").cells("#address-cells", &[1]);
    unaddressed(
        bus.cells("ranges", &[0, u32::MAX, u32::MAX, u32::MAX]).persistent(&[2, 1]).end().end(),
    );
}

#[test]
fn cells_that_cannot_be() {
    for (name, cells) in [
        ("#address-cells", &[0_u32] as &[u32]),
        ("#address-cells", &[3]),
        ("#address-cells", &[258]),
        ("#address-cells", &[]),
        ("#address-cells", &[1, 1]),
        ("#size-cells", &[0]),
        ("#size-cells", &[3]),
    ] {
        unaddressed(Blob::root().cells(name, cells).persistent(&[1, 2, 3, 4]).end());
    }
    for reg in [&[] as &[u32], &[1], &[1, 2, 3]] {
        unaddressed(Blob::root().persistent(reg).end());
    }
    unaddressed(Blob::root().begin("p").property("compatible", b"pmem-region\0").end().end());
    unaddressed(
        Blob::root()
            .begin("p")
            .property("compatible", b"pmem-region\0")
            .property("reg", &[0; 9])
            .end()
            .end(),
    );
    // The root itself has no parent that could say how long its addresses are.
    unaddressed(
        Blob::default()
            .begin("")
            .property("compatible", b"pmem-region\0")
            .cells("reg", &[1, 2, 3])
            .end(),
    );
}

/// A node without an address is refused alone: the regions before and after it are what they are,
/// each with its own number.
#[test]
fn one_bad_node_hides_no_other() {
    let begin = |blob: Blob| blob.begin("pmem@5000").property("compatible", b"pmem-region\0");
    let without = |blob: Blob| begin(blob).end();
    let shared = |blob: Blob| begin(blob).cells("memory-region", &[1]).end();
    let wrong = |blob: Blob| begin(blob).cells("reg", &[0x5000, 1, 0x6000]).end();
    let volatile = |blob: Blob| begin(blob).property("volatile", &[]).end();
    let deep = |blob: Blob| {
        begin(blob.begin("bus").cells("#address-cells", &[3]))
            .cells("reg", &[0, 1, 2, 3])
            .end()
            .end()
    };
    let lost = |blob: Blob| {
        begin(blob.begin("bus").cells("#address-cells", &[1])).cells("reg", &[1, 2]).end().end()
    };
    let bad: [(&dyn Fn(Blob) -> Blob, Kind); 6] = [
        (&without, UNADDRESSED),
        (&shared, UNADDRESSED),
        (&wrong, UNADDRESSED),
        (&volatile, Kind::VolatileMemory),
        (&deep, UNADDRESSED),
        (&lost, UNADDRESSED),
    ];
    for (number, (bad, kind)) in bad.into_iter().enumerate() {
        let blob = bad(Blob::root().persistent(&[1, 2])).persistent(&[3, 4]).end().bytes();
        assert_eq!(ranges(&blob), Ok([(1, 2), (0, 0), (3, 4)].into()), "{number}");
        assert_eq!(kinds(&blob), Ok([Kind::Region, kind, Kind::Region].into()), "{number}");
        let all = regions(&blob).unwrap();
        assert_eq!(all.iter().map(PhysicalRegion::number).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(
            all.iter().map(PhysicalRegion::provider).collect::<Vec<_>>(),
            ["devicetree", "pmem@5000", "devicetree"]
        );
        // Nor is there a part of it, or another fault in a table.
        let whole = Extent::in_table(&all, 1).unwrap();
        for extent in [whole, whole.part(0, 0), whole.part(0, 1)] {
            assert_eq!(answers(extent).0.kind, kind);
        }
    }
    // One that has bytes in common with others is no other's fault, and 0 is an address like
    // others.
    let blob = wrong(Blob::root().persistent(&[0, 1, 8, 2])).persistent(&[9, 1]).end().bytes();
    let overlaps = Kind::InvalidRegion(RegionFault::Overlaps);
    assert_eq!(kinds(&blob), Ok([Kind::Region, overlaps, UNADDRESSED, overlaps].into()));
    // A name that people cannot read.
    for name in ["", "\u{1b}[31m", "p\u{e4}"] {
        let blob =
            Blob::root().begin(name).property("compatible", b"pmem-region\0").end().end().bytes();
        assert_eq!(regions(&blob).unwrap()[0].provider(), "devicetree", "{name:?}");
    }
    // Each counts.
    let many = |count| (0..count).fold(Blob::root(), |blob, _| without(blob)).end().bytes();
    assert_eq!(
        (ranges(&many(256)).map(|all| all.len()), ranges(&many(257))),
        (Ok(256), Err(TableFault::TooMany))
    );
}

#[test]
fn overlapping_and_wrapping_regions() {
    let kinds = |reg: &[u32]| {
        let blob =
            Blob::default().begin("").cells("#size-cells", &[2]).persistent(reg).end().bytes();
        regions(&blob)
            .unwrap()
            .iter()
            .map(|region| answers(Extent::new(region)).0.kind)
            .collect::<Vec<_>>()
    };
    let (fine, overlaps) = (Kind::Region, Kind::InvalidRegion(RegionFault::Overlaps));
    assert_eq!(kinds(&[0, 0, 0, 16, 0, 16, 0, 16]), [fine; 2]);
    assert_eq!(kinds(&[0, 0, 0, 17, 0, 16, 0, 16, 1, 0, 0, 1]), [overlaps, overlaps, fine]);
    assert_eq!(kinds(&[0, 5, 0, 1, 0, 5, 0, 1]), [overlaps; 2]);
    assert_eq!(kinds(&[u32::MAX, u32::MAX, 0, 2]), [Kind::InvalidRegion(RegionFault::Wraps)]);
    assert_eq!(kinds(&[0, 0, 0, 0]), [Kind::InvalidRegion(RegionFault::Empty)]);
}

/// As many as are allowed; one node or one range more is refused, disabled nodes too.
#[test]
fn the_number_of_regions_is_limited() {
    let nodes = |count: u32| {
        (0..count).fold(Blob::root(), |blob, n| blob.persistent(&[n << 8, 256])).end().bytes()
    };
    assert_eq!(ranges(&nodes(256)).unwrap().len(), 256);
    assert_eq!(ranges(&nodes(257)), Err(TableFault::TooMany));
    let one = |count: u32| {
        Blob::root()
            .persistent(&(0..count).flat_map(|n| [n << 8, 256]).collect::<Vec<_>>())
            .end()
            .bytes()
    };
    assert_eq!(ranges(&one(256)).unwrap().len(), 256);
    assert_eq!(ranges(&one(257)), Err(TableFault::TooMany));
    let off = |blob: Blob, _| {
        blob.begin("p").property("compatible", b"pmem-region\0").property("status", b"no\0").end()
    };
    assert_eq!(ranges(&(0..257).fold(Blob::root(), off).end().bytes()), Err(TableFault::TooMany));
}

/// Tokens where they cannot be.
#[test]
fn tokens_in_disorder() {
    let node = || Blob::root().persistent(&[1, 2]);
    let blobs = [
        ("nothing", Blob::default()),
        ("no root", Blob::default().token(4)),
        ("two roots", node().end().begin("").end()),
        ("not ended", node()),
        ("ended twice", node().end().end()),
        ("a property of nothing", Blob::default().cells("a", &[])),
        ("a property after a node", node().cells("a", &[]).end()),
        ("a property after the root", node().end().cells("a", &[])),
        ("an unknown token", node().token(5).end()),
        ("an unknown token", node().token(0).end()),
    ];
    for (what, blob) in blobs {
        assert!(matches!(ranges(&blob.bytes()), Err(TableFault::Structure(_))), "{what}");
    }
    // Without a token at the end; a name and a value that go on for ever.
    let ended = node().end();
    assert!(ranges(&ended.with_header(ended.header())).is_err());
    let mut nameless = Blob::root().token(1);
    nameless.structure.extend([b'x'; 8]);
    assert!(ranges(&nameless.with_header(nameless.header())).is_err());
    let long = Blob::root().token(3).token(u32::MAX).token(0);
    assert!(ranges(&long.bytes()).is_err());
    // A name of a property that is nowhere is that of none that matters.
    let nowhere = Blob::root().token(3).token(0).token(u32::MAX).end();
    assert_eq!(ranges(&nowhere.bytes()), Ok([].into()));
}

#[test]
fn headers() {
    let blob = Blob::root().persistent(&[1, 2]).end().token(9);
    let good = blob.header();
    let with = |field: usize, value: u32| {
        let mut header = good;
        header[field] = value;
        ranges(&blob.with_header(header)).err()
    };
    let length = Some(TableFault::Length);
    let version = |version, compatible| Some(TableFault::Version { version, compatible });
    assert_eq!(
        (with(0, 0xedfe_0dd0), with(0, 0)),
        (Some(TableFault::Signature), Some(TableFault::Signature))
    );
    assert_eq!([good[1] - 1, 39, 0].map(|value| with(1, value)), [length; 3]);
    for length in [good[1] + 1, u32::MAX] {
        let given = good[1].into();
        assert_eq!(with(1, length), Some(TableFault::Truncated { length, given }));
    }
    assert_eq!([58, u32::MAX, u32::MAX - 3, good[1]].map(|value| with(2, value)), [length; 4]);
    assert_eq!([good[3] + 1, u32::MAX].map(|value| with(3, value)), [length; 2]);
    // As in Linux, a version that is new is none to stumble over while 17 is compatible with it.
    for value in [15, 3, 1, 0] {
        assert_eq!((with(5, value), with(6, value)), (version(value, 16), None));
    }
    assert_eq!([with(6, 18), with(6, u32::MAX)], [version(17, 18), version(17, u32::MAX)]);
    assert_eq!((with(5, 18), with(6, 17)), (None, None));
    // Version 16 does not say how long the structure block is (`dtc -V 16`).
    for nothing in [0, 1, u32::MAX] {
        let mut header = good;
        (header[5], header[9]) = (16, nothing);
        assert_eq!(ranges(&blob.with_header(header)), Ok([(1, 2)].into()));
        header[2] = good[1] + 4;
        assert_eq!(ranges(&blob.with_header(header)).err(), length);
    }
    assert_eq!([with(8, good[8] + 1), with(9, u32::MAX)], [length; 2]);
    assert_eq!(with(9, 0), Some(TableFault::Structure(56)));
    // Cut off at every byte.
    for end in 0..REGIONS.len() {
        let length = u32::from_be_bytes(REGIONS[4..8].try_into().unwrap());
        let expected = match end {
            // Without its own length.
            0..8 => TableFault::Length,
            _ => TableFault::Truncated { length, given: end as u64 },
        };
        assert_eq!(ranges(&REGIONS[..end]).err(), Some(expected), "{end} bytes");
    }
}
