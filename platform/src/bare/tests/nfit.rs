//! ACPI's NFIT.

use std::vec::Vec;

use super::tables::{
    BLOCK_WINDOW, CONTROL_REGION, PERSISTENT, Range, VIRTUAL, VOLATILE, answers, capabilities,
    control, devices, hints, ids, mapping, nfit, regions, structure, sum_to_zero,
};
use crate::{
    Access, Extent, Kind, Nfit, PersistenceDomain, RegionFault, RegionKind, TableFault,
    TableWarning, seed::seed,
};

pub(super) const GIB: u64 = 1 << 30;

/// A range with one device, number 1, whose state is this.
pub(super) fn one(state: u16, more: &[Vec<u8>]) -> Vec<u8> {
    let range = Range::persistent(2, 4 * GIB, GIB).structure();
    let device = [mapping(1, 2, 3, state), control(3, [0x80, 0x86], [1, 2, 3, 4], None)];
    nfit(&[&[range], device.as_slice(), more].concat())
}

/// The table of QEMU 7.2 for one NVDIMM of 128 MiB with `nvdimm-persistence=cpu`.
#[test]
fn of_qemu_with_one_device() {
    let all = regions(seed!("bare/tests/seeds/nfit/qemu-one")).unwrap();
    let [region] = all.as_slice() else { panic!("one range") };
    assert_eq!((region.base(), region.length()), (4 * GIB, 128 << 20));
    assert_eq!(
        (region.kind(), region.domain(), region.number()),
        (RegionKind::Persistent, PersistenceDomain::CpuCache, 0)
    );
    assert_eq!(ids(region), [(1, "8680-56341200".into())], "the id that Linux gives it");
    assert_eq!(region.flush_hints().count(), 0);
    let (facts, there) = answers(Extent::new(region));
    assert_eq!((facts.kind, facts.access), (Kind::Region, Access::READ | Access::WRITE));
    assert_eq!(
        (there.domain, &*there.provider, there.is_unarmed()),
        (PersistenceDomain::CpuCache, "ACPI.NFIT", false)
    );
    // QEMU always calls the proximity domain valid. It is no node of an operating system's.
    assert_eq!((region.proximity_domain(), there.numa_node), (Some(0), None));
}

/// `nvdimm-persistence=mem-ctrl`; the first with a label area, the second unarmed.
#[test]
fn of_qemu_with_two_devices() {
    let all = regions(seed!("bare/tests/seeds/nfit/qemu-two")).unwrap();
    let said: Vec<_> = all
        .iter()
        .map(|region| (region.base(), region.length(), region.domain(), ids(region)))
        .collect();
    assert_eq!(
        said,
        [
            (
                4 * GIB,
                126 << 20,
                PersistenceDomain::MemoryController,
                [(1, "8680-56341200".into())].into()
            ),
            (
                4 * GIB + (126 << 20),
                128 << 20,
                PersistenceDomain::MemoryController,
                [(2, "8680-57341200".into())].into()
            ),
        ]
    );
    let answers: Vec<_> = all.iter().map(|region| answers(Extent::new(region))).collect();
    assert_eq!([0, 1].map(|n| answers[n].0.access), [Access::READ | Access::WRITE, Access::READ]);
    assert_eq!([0, 1].map(|n| answers[n].1.is_unarmed()), [false, true]);
    assert_eq!(
        [0, 1].map(|n| answers[n].1.read_only),
        [false, true],
        "Linux makes it read-only too"
    );
    assert_eq!([0, 1].map(|n| answers[n].1.domain), [PersistenceDomain::MemoryController; 2]);
}

/// No `nvdimm-persistence`, the devices on nodes 1 and 0.
#[test]
fn of_qemu_with_nodes() {
    let all = regions(seed!("bare/tests/seeds/nfit/qemu-numa")).unwrap();
    let there: Vec<_> = all.iter().map(|region| answers(Extent::new(region)).1).collect();
    let domains = [0, 1].map(|n| (there[n].number, all[n].proximity_domain(), there[n].numa_node));
    assert_eq!(domains, [(0, Some(1), None), (1, Some(0), None)]);
    assert_eq!(
        [0, 1].map(|n| (there[n].domain, all[n].domain())),
        [(PersistenceDomain::Unstated, PersistenceDomain::Unstated); 2]
    );
}

/// It is reserved: such persistent memory is none.
#[test]
fn a_range_with_index_0() {
    let table = nfit(&[Range::persistent(0, 0, GIB).structure(), mapping(1, 0, 1, 1 << 3)]);
    let all = regions(&table).unwrap();
    assert_eq!(devices(&all[0]), []);
    assert!(!answers(Extent::new(&all[0])).1.is_unarmed());
    assert_eq!(
        (all[0].kind(), answers(Extent::new(&all[0])).0.kind),
        (RegionKind::Other, Kind::Other)
    );
    let table = nfit(&[Range { kind: VOLATILE, ..Range::persistent(0, 0, GIB) }.structure()]);
    assert_eq!(regions(&table).unwrap()[0].kind(), RegionKind::Volatile);
}

/// Bits above the highest valid one mean nothing.
#[test]
fn capabilities_up_to_the_highest_that_is_valid() {
    let persistence = |highest, bits| {
        let table = one(0, &[capabilities(highest, bits)]);
        answers(Extent::new(&regions(&table).unwrap()[0])).1.domain
    };
    assert_eq!(persistence(0, 0b11), PersistenceDomain::CpuCache);
    assert_eq!(persistence(0, 0b10), PersistenceDomain::Unstated);
    assert_eq!(persistence(1, 0b10), PersistenceDomain::MemoryController);
    assert_eq!(persistence(2, 0b100), PersistenceDomain::Unstated);
    for highest in [1, 2, 30, 31, 32, 255] {
        assert_eq!(persistence(highest, 0b01), PersistenceDomain::CpuCache);
        assert_eq!(persistence(highest, 0b10), PersistenceDomain::MemoryController);
        assert_eq!(persistence(highest, 0), PersistenceDomain::Unstated);
        assert_eq!(persistence(highest, !0b11), PersistenceDomain::Unstated);
    }
}

/// There should be one. Linux takes the first, too.
#[test]
fn the_first_capabilities_count() {
    let persistence = |all: &[Vec<u8>]| {
        let table = one(0, all);
        answers(Extent::new(&regions(&table).unwrap()[0])).1.domain
    };
    let (caches, controllers, none) = (capabilities(1, 3), capabilities(1, 2), capabilities(1, 0));
    assert_eq!(
        persistence(&[controllers.clone(), caches.clone()]),
        PersistenceDomain::MemoryController
    );
    assert_eq!(persistence(&[caches.clone(), controllers]), PersistenceDomain::CpuCache);
    assert_eq!(persistence(&[none, caches]), PersistenceDomain::Unstated);
}

#[test]
fn proximity_domain_only_where_it_is_valid() {
    for (flags, domain) in [(0, None), (1, None), (2, Some(9)), (3, Some(9)), (4, None)] {
        // The first one has the same index: it is the place that counts.
        let ranges = [
            Range { flags: 2, proximity: 5, ..Range::persistent(1, GIB, GIB) }.structure(),
            Range { flags, proximity: 9, ..Range::persistent(1, 0, GIB) }.structure(),
        ];
        let table = nfit(&ranges);
        let all = regions(&table).unwrap();
        assert_eq!(all[1].numbered(0, "renamed").proximity_domain(), domain);
        assert_eq!([0, 1].map(|n| answers(Extent::new(&all[n])).1.numa_node), [None; 2]);
    }
    let own = crate::PhysicalRegion::new(0, 1, RegionKind::Persistent).on_node(3);
    assert_eq!((own.proximity_domain(), own.guid()), (None, None));
}

#[test]
fn read_only_by_the_memory_attributes() {
    let access = |attributes| {
        let table = nfit(&[Range { attributes, ..Range::persistent(1, 0, GIB) }.structure()]);
        answers(Extent::new(&regions(&table).unwrap()[0])).0.access
    };
    assert_eq!([0x8008, 0x2_8008].map(access), [Access::READ | Access::WRITE, Access::READ]);
    for bit in 0..64 {
        assert_eq!(
            !access(1 << bit).contains(Access::WRITE),
            bit == 17,
            "EFI_MEMORY_RO alone, not {bit}"
        );
        assert_eq!(access(!(1 << bit)).contains(Access::WRITE), bit == 17);
    }
}

#[test]
fn kinds_of_ranges() {
    let kind = |kind| {
        let table = nfit(&[Range { kind, ..Range::persistent(1, 0, GIB) }.structure()]);
        let region = regions(&table).unwrap()[0];
        (region.kind(), answers(Extent::new(&region)).0.kind)
    };
    assert_eq!(kind(PERSISTENT), (RegionKind::Persistent, Kind::Region));
    assert_eq!(kind(VOLATILE), (RegionKind::Volatile, Kind::VolatileMemory));
    for disk in VIRTUAL {
        assert_eq!(kind(disk), (RegionKind::VirtualDisk, Kind::VirtualDisk));
    }
    assert_eq!(kind(CONTROL_REGION), (RegionKind::ControlRegion, Kind::ControlRegion));
    assert_eq!(kind(BLOCK_WINDOW), (RegionKind::BlockWindow, Kind::BlockWindow));
    assert_eq!(kind("000102030405060708090a0b0c0d0e0f"), (RegionKind::Other, Kind::Other));
}

/// In the usual notation, whatever they are; each of the range itself.
#[test]
fn guids() {
    for (kind, expected) in [
        (PERSISTENT, "66f0d379-b4f3-4074-ac43-0d3318b78cdb"),
        (VOLATILE, "7305944f-fdda-44e3-b16c-3f22d252e5d0"),
        (CONTROL_REGION, "92f701f6-13b4-405d-910b-299367e8234c"),
        (BLOCK_WINDOW, "91af0530-5d86-470e-a6b0-0a2db9408249"),
        (VIRTUAL[0], "77ab535a-45fc-624b-5560-f7b281d1f96e"),
        ("000102030405060708090a0b0c0d0e0f", "03020100-0504-0706-0809-0a0b0c0d0e0f"),
        ("00000000000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ] {
        let ranges = [Range::persistent(1, GIB, GIB), Range { kind, ..Range::persistent(1, 0, 1) }];
        let table = nfit(&ranges.map(Range::structure));
        let guid = regions(&table).unwrap()[1].guid().unwrap();
        assert_eq!(
            (std::format!("{guid}"), std::format!("{guid:?}")),
            (expected.into(), std::format!("Guid({expected})"))
        );
    }
}

/// Ranges that touch are none that overlap; the last byte of all is an address too.
#[test]
fn overlapping_and_wrapping_ranges() {
    let kinds = |ranges: &[(u64, u64)]| {
        let ranges: Vec<_> = ranges
            .iter()
            .map(|&(base, length)| Range::persistent(1, base, length).structure())
            .collect();
        regions(&nfit(&ranges))
            .unwrap()
            .iter()
            .map(|region| answers(Extent::new(region)).0.kind)
            .collect::<Vec<_>>()
    };
    let (fine, overlaps) = (Kind::Region, Kind::InvalidRegion(RegionFault::Overlaps));
    assert_eq!(kinds(&[(0, GIB), (GIB, GIB)]), [fine; 2]);
    assert_eq!(kinds(&[(0, GIB + 1), (GIB, GIB), (4 * GIB, 1)]), [overlaps, overlaps, fine]);
    assert_eq!(kinds(&[(0, 4 * GIB), (GIB, GIB)]), [overlaps; 2]);
    assert_eq!(kinds(&[(GIB, GIB), (GIB, GIB)]), [overlaps; 2]);
    assert_eq!(kinds(&[(GIB, GIB), (GIB + 5, 0)]), [fine, Kind::InvalidRegion(RegionFault::Empty)]);
    assert_eq!(kinds(&[(u64::MAX, 1), (0, 1)]), [fine; 2]);
    assert_eq!(kinds(&[(u64::MAX, 2)]), [Kind::InvalidRegion(RegionFault::Wraps)]);
    // One that wraps has all addresses up to the last one.
    assert_eq!(kinds(&[(u64::MAX - GIB, 2 * GIB), (u64::MAX - 1, 1)])[1], overlaps);
}

#[test]
fn unknown_structures_are_skipped() {
    for kind in [2, 3, 5, 8, 9, 255, 0xffff] {
        let strange = structure(kind, 4, &[]);
        let long = structure(kind, 401, &[]);
        let table =
            nfit(&[strange.clone(), Range::persistent(1, 0, GIB).structure(), long, strange]);
        assert_eq!(regions(&table).unwrap().len(), 1);
    }
}

/// The published parser that looped for ever had no check of this.
#[test]
fn a_length_that_cannot_be_is_refused() {
    let before = Range::persistent(1, 0, GIB).structure();
    let fault = Some(TableFault::Structure(40 + 56));
    for kind in [0, 1, 4, 6, 7, 99] {
        for length in 1..4 {
            let mut short = structure(kind, 4, &[]);
            short[2] = length;
            assert_eq!(
                regions(&nfit(&[before.clone(), short])).err(),
                fault,
                "type {kind}, length {length}"
            );
        }
        // Longer than what is left.
        let mut long = structure(kind, 80, &[]);
        long[2] = 81;
        assert_eq!(regions(&nfit(&[before.clone(), long])).err(), fault);
    }
    // Shorter than the type has to be.
    for (kind, least) in [(0, 56), (1, 48), (4, 32), (6, 16), (7, 12)] {
        assert_eq!(regions(&nfit(&[before.clone(), structure(kind, least - 1, &[])])).err(), fault);
        assert!(
            regions(&nfit(&[before.clone(), structure(kind, least, &[])])).is_ok(),
            "type {kind}"
        );
    }
}

/// Cut off at every byte, with the length in the header as it was, and as it then is.
#[test]
fn truncated_tables() {
    let whole = one(0, &[capabilities(1, 3)]);
    let ends: Vec<usize> =
        [40, 56, 48, 80, 16].iter().scan(0, |at, length| Some((*at += length, *at).1)).collect();
    for length in 0..whole.len() {
        let expected = match length {
            // Without its own length.
            0..8 => TableFault::Length,
            _ => TableFault::Truncated { length: 240, given: length as u64 },
        };
        assert_eq!(regions(&whole[..length]).err(), Some(expected), "{length} bytes");
        if length >= 36 {
            let mut cut = whole[..length].to_vec();
            cut[4..8].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
            sum_to_zero(&mut cut, 9);
            let last = ends.iter().rev().find(|&&end| end <= length);
            let expected = match last {
                Some(&end) if end == length => None,
                // Type 0 and a cut: zeros, which end it.
                Some(40) if length < 43 => None,
                Some(&end) => Some(TableFault::Structure(u32::try_from(end).unwrap())),
                None => Some(TableFault::Length),
            };
            assert_eq!(regions(&cut).err(), expected, "{length} bytes");
        }
    }
    // More memory than the table has is no part of it.
    assert_eq!(regions(&[whole, std::vec![0xff; 9]].concat()).unwrap().len(), 1);
}

/// Tables that Linux reads with a warning: their regions, and the warnings.
#[test]
fn what_linux_reads_all_the_same() {
    let good = || {
        let first = Range::persistent(1, 4 * GIB, GIB).structure();
        [first, mapping(1, 1, 1, 0), control(1, [0x80, 0x86], [1, 2, 3, 4], None)]
    };
    let (end, more) = (40 + 56 + 48 + 80, Range::persistent(2, 8 * GIB, GIB).structure());
    let with = |tail: &[u8]| nfit(&[good().concat(), tail.to_vec()]);
    let wrong_sum = |mut table: Vec<u8>, by: u8| {
        table[9] = table[9].wrapping_add(by);
        table
    };
    let checksum = |table: &[u8], by: u8| TableWarning::Checksum {
        found: table[9].wrapping_add(by),
        expected: table[9],
    };
    let (whole, padded) = (with(&[]), with(&[0; 64]));
    let (tail, empty) = (TableWarning::ZeroTail(end), TableWarning::ZeroLength(end));
    let unknown = |length: u8| [&[99, 0, length, 0][..], &more].concat();
    let rows = [
        ("in order", whole.clone(), 1, [].as_slice()),
        ("zeros", padded.clone(), 1, &[tail]),
        ("a wrong sum", wrong_sum(whole.clone(), 0x10), 1, &[checksum(&whole, 0x10)]),
        ("a wrong sum", wrong_sum(whole.clone(), 0xff), 1, &[checksum(&whole, 0xff)]),
        ("both", wrong_sum(padded.clone(), 1), 1, &[checksum(&padded, 1), tail]),
        // Too few for a structure.
        ("a zero", with(&[0]), 1, &[tail]),
        ("two", with(&[0; 2]), 1, &[tail]),
        ("three", with(&[0; 3]), 1, &[tail]),
        ("four", with(&[0; 4]), 1, &[tail]),
        ("zeros before a range", with(&[&[0; 4], more.as_slice()].concat()), 1, &[empty]),
        ("zeros before a byte", with(&[0, 0, 0, 0, 1]), 1, &[empty]),
        ("another type of length 0", with(&unknown(0)), 1, &[empty]),
        ("another type of length 4", with(&unknown(4)), 2, &[]),
        ("nothing", nfit(&[]), 0, &[]),
        ("nothing but zeros", nfit(&[std::vec![0; 9]]), 0, &[TableWarning::ZeroTail(40)]),
        ("memory after it", [whole.clone(), std::vec![0; 9]].concat(), 1, &[]),
    ];
    for (name, table, count, expected) in rows {
        let nfit = Nfit::parse(&table).unwrap();
        assert_eq!(nfit.warnings().collect::<Vec<_>>(), expected, "{name}");
        let all: Vec<_> = nfit.regions().collect();
        assert_eq!(all.len(), count, "{name}");
        if let Some(region) = all.first() {
            assert_eq!(ids(region), [(1, "8086-01020304".into())], "{name}");
            assert_eq!(
                (region.base(), answers(Extent::new(region)).0.kind),
                (4 * GIB, Kind::Region)
            );
        }
    }
    // Bytes that are no zeros, too few for a structure: nobody knows what they are.
    for tail in [&[1][..], &[0, 1], &[0, 0, 1], &[1, 0, 0]] {
        assert_eq!(regions(&with(tail)).err(), Some(TableFault::Structure(end)), "{tail:?}");
    }
}

/// The right byte, of whatever byte was changed.
#[test]
fn bad_checksums_and_signatures() {
    let whole = one(0, &[]);
    for at in (8..whole.len()).filter(|at| ![42, 43, 98, 99, 146, 147].contains(at)) {
        let mut bad = whole.clone();
        bad[at] ^= 0x10;
        let all: Vec<_> = Nfit::parse(&bad).unwrap().warnings().collect();
        let [TableWarning::Checksum { found, expected }] = all[..] else {
            panic!("byte {at}: {all:?}")
        };
        assert_eq!(found, bad[9]);
        bad[9] = expected;
        assert_eq!(Nfit::parse(&bad).unwrap().warnings().count(), 0, "byte {at}");
    }
    for at in 0..4 {
        let mut bad = whole.clone();
        bad[at] ^= 0x20;
        assert_eq!(regions(&bad).err(), Some(TableFault::Signature));
    }
    let given = whole.len() as u64;
    for (length, fault) in [0, 1, 35, 36, 39]
        .map(|length| (length, TableFault::Length))
        .into_iter()
        .chain([225, u32::MAX].map(|length| (length, TableFault::Truncated { length, given })))
    {
        let mut bad = whole.clone();
        bad[4..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(regions(&bad).err(), Some(fault), "{length}");
    }
    assert_eq!(regions(&nfit(&[])).unwrap().len(), 0);
}

/// Each says where, or which byte would be right.
#[test]
fn warnings_in_words() {
    for (warning, words) in [
        (
            TableWarning::Checksum { found: 0xf, expected: 0xa0 },
            "checksum mismatch: its byte 9 is 0x0f, and 0xa0 would be right",
        ),
        (TableWarning::ZeroTail(224), "only zeros from its byte 224 on"),
        (TableWarning::ZeroLength(56), "the structure at its byte 56 has the length 0"),
    ] {
        let sentence = std::format!("{warning}");
        assert!(
            sentence.starts_with("the firmware's table ") && sentence.contains(words),
            "{sentence}"
        );
    }
}

/// As many as are allowed, in the worst way: all ranges overlap and share all devices. One more is
/// refused.
#[test]
fn the_number_of_structures_is_limited() {
    let ranges: Vec<_> = (0..256).map(|_| Range::persistent(1, 0, GIB).structure()).collect();
    let mut structures = ranges.clone();
    structures.extend((0..64).map(|device| mapping(device, 1, 1, 0)));
    // All of the others are mappings of the same devices, to nothing.
    structures.extend((0..2048 - 256 - 64 - 1).map(|device| mapping(device % 64, 9, 1, 0)));
    structures.push(hints(63, &[8]));
    assert_eq!(structures.len(), 2048);
    let table = nfit(&structures);
    let all = regions(&table).unwrap();
    assert_eq!(all.len(), 256);
    let overlaps = all.iter().filter(|region| {
        answers(Extent::new(region)).0.kind == Kind::InvalidRegion(RegionFault::Overlaps)
    });
    assert_eq!(overlaps.count(), 256);
    assert_eq!(all[0].flush_hints().collect::<Vec<_>>(), [8]);
    assert_eq!(devices(&all[255]).len(), 64);

    let refused = |structures: &[Vec<u8>]| {
        assert_eq!(regions(&nfit(structures)).err(), Some(TableFault::TooMany))
    };
    structures.push(structure(99, 4, &[]));
    refused(&structures);
    // One more range, of any kind; one more device of a range, but not one more of all.
    refused(
        &[
            ranges.as_slice(),
            &[Range { kind: VIRTUAL[0], ..Range::persistent(7, 0, 1) }.structure()],
        ]
        .concat(),
    );
    let devices =
        |count: u32| (0..count).map(|device| mapping(device, 1, 1, 0)).collect::<Vec<_>>();
    refused(&[&ranges[..1], &devices(65)].concat());
    refused(&[&[Range::persistent(2, GIB, GIB).structure()], &ranges[..1], &devices(65)].concat());
    let others: Vec<_> = (0..65).map(|device| mapping(device, 2, 1, 0)).collect();
    assert_eq!(regions(&nfit(&[&ranges[..1], &devices(64), &others].concat())).unwrap().len(), 1);
}

#[test]
fn the_length_of_the_table_is_limited() {
    // Unknown structures, as long as they can be.
    let of = |length: usize| {
        let mut left = length - 40;
        let mut structures = Vec::new();
        while left > 0 {
            let next = if left > 65_535 + 4 {
                65_535
            } else if left > 65_535 {
                left - 4
            } else {
                left
            };
            structures.push(structure(99, u16::try_from(next).unwrap(), &[]));
            left -= next;
        }
        let table = nfit(&structures);
        assert_eq!(table.len(), length);
        regions(&table).map(|all| all.len())
    };
    assert_eq!((of(4 << 20), of((4 << 20) + 1)), (Ok(0), Err(TableFault::TooMany)));
}

/// Each has a sentence of its own, with its number in it.
#[test]
fn faults_in_words() {
    let faults = [
        (TableFault::Signature, "signature mismatch"),
        (TableFault::Length, "too short"),
        (
            TableFault::Truncated { length: 240, given: 239 },
            "240 bytes, longer than the memory that it is in, which has 239",
        ),
        (TableFault::Checksum, "(RSDP) is malformed: checksum mismatch"),
        (TableFault::Structure(56), "structure or token at byte 56"),
        (TableFault::Unreachable(0xfe00), "the physical address 0xfe00"),
        (
            TableFault::Version { version: 18, compatible: 19 },
            "version 18, compatible with version 19; only versions 16 and 17 are known",
        ),
        (TableFault::TooMany, "more parts, than that of any machine"),
    ];
    for (fault, words) in faults {
        let error: &dyn core::error::Error = &fault;
        let sentence = std::format!("{error}");
        assert!(sentence.starts_with("the firmware's ") && sentence.contains(words), "{sentence}");
        assert_eq!(
            faults.iter().filter(|(_, words)| sentence.contains(words)).count(),
            1,
            "{sentence}"
        );
    }
}
