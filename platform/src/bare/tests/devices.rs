//! The devices of an NFIT's ranges: which are whose, their ids, states and flush hints.

use std::vec::Vec;

use super::{
    nfit::{GIB, one},
    tables::{Range, answers, control, devices, hints, ids, mapping, nfit, regions, structure},
};
use crate::{Access, DimmState, Extent, Fail};

/// Two ranges over the same three devices, whose mappings lie mixed, and one that belongs to none.
#[test]
fn interleaved_devices_come_in_the_order_of_their_mappings() {
    let table = nfit(&[
        mapping(0x30, 7, 1, 0),
        Range::persistent(7, 0, GIB).structure(),
        mapping(0x10, 8, 2, 0),
        control(2, [0x80, 0x89], [0xa, 0xb, 0xc, 0xd], Some((0x42, [0x20, 0x21]))),
        mapping(0x20, 7, 3, 0),
        mapping(0x99, 0, 1, 0xffff),
        Range::persistent(8, GIB, GIB).structure(),
        control(1, [0x80, 0x89], [0, 0, 0, 1], None),
        mapping(0x10, 7, 2, 0),
        mapping(0x20, 8, 3, 1 << 3),
    ]);
    let all = regions(&table).unwrap();
    let (first, second) = ("8089-00000001".into(), "8089-42-2021-0a0b0c0d".into());
    let without = Err(Fail::Unsupported);
    let text = |id: &str| Ok(crate::Text::fit(id).unwrap());
    let (first, second): (std::string::String, std::string::String) = (first, second);
    assert_eq!(
        devices(&all[0]),
        [(0x30, text(&first)), (0x20, without), (0x10, text(&second))],
        "no control region 3"
    );
    assert_eq!(devices(&all[1]), [(0x10, text(&second)), (0x20, without)]);
    // Both have the device that is not armed, though only the second one's mapping says so.
    assert_eq!([0, 1].map(|n| answers(Extent::new(&all[n])).1.is_unarmed()), [true, true]);
}

/// A device's state counts for every range that it is of, whichever of its mappings tells it: the
/// first or the last of a range's, or one of another range or of none.
#[test]
fn the_state_is_the_devices() {
    let told = |mappings: &[Vec<u8>]| {
        let ranges =
            [Range::persistent(1, 0, GIB).structure(), Range::persistent(2, GIB, GIB).structure()];
        let table = nfit(&[&ranges, mappings].concat());
        let all = regions(&table).unwrap();
        [0, 1].map(|n| {
            let there = answers(Extent::new(&all[n])).1;
            assert_eq!(all[n].state(), there.state);
            (there.state, there.read_only)
        })
    };
    let (flat, lost) = (1 << 3, 1 << 1);
    let (no, failed) = ((DimmState::empty(), false), (DimmState::RESTORE_FAILED, false));
    let unarmed = (DimmState::NOT_ARMED, true);
    // Interleaved, on the first of the devices and on the last.
    assert_eq!(
        told(&[mapping(1, 1, 1, flat), mapping(2, 1, 1, 0), mapping(3, 2, 1, 0)]),
        [unarmed, no]
    );
    assert_eq!(
        told(&[mapping(1, 1, 1, 0), mapping(2, 1, 1, flat), mapping(3, 2, 1, 0)]),
        [unarmed, no]
    );
    assert_eq!(
        told(&[mapping(1, 1, 1, lost), mapping(2, 1, 1, 0), mapping(3, 2, 1, 0)]),
        [failed, no]
    );
    assert_eq!(
        told(&[mapping(1, 1, 1, 0), mapping(2, 1, 1, lost), mapping(3, 2, 1, 0)]),
        [failed, no]
    );
    assert_eq!(
        told(&[mapping(1, 1, 1, flat), mapping(2, 1, 1, lost), mapping(3, 1, 1, 0)]),
        [(DimmState::NOT_ARMED | DimmState::RESTORE_FAILED, true), no]
    );
    // In a mapping of the other range, of one that is not there, of none; before and after.
    for other in [2, 77, 0] {
        for state in [[0, flat], [flat, 0]] {
            let told = told(&[mapping(1, 1, 1, state[0]), mapping(1, other, 1, state[1])]);
            assert_eq!(told, [unarmed, if other == 2 { unarmed } else { no }], "{other} {state:?}");
        }
    }
    // A handle has 32 bits: these are other devices.
    for bit in 0..32 {
        assert_eq!(
            told(&[mapping(1 << 31 | 2, 1, 1, 0), mapping((1 << 31 | 2) ^ 1 << bit, 2, 1, flat)]),
            [no, unarmed]
        );
    }
}

/// All bits of a handle, and of a control region's index, tell one from another.
#[test]
fn handles_and_indexes_have_all_their_bits() {
    let (handle, index) = (0x8765_4321, 0x4321);
    let id = |n: u8| std::format!("8680-000000{n:02x}");
    for bit in 0..16 {
        let table = nfit(&[
            Range::persistent(1, 0, GIB).structure(),
            mapping(handle, 1, index, 0),
            control(index ^ 1 << bit, [0x86, 0x80], [0, 0, 0, 1], None),
            control(index, [0x86, 0x80], [0, 0, 0, 2], None),
        ]);
        assert_eq!(ids(&regions(&table).unwrap()[0]), [(handle, id(2))], "bit {bit}");
        // And of a range's.
        let table = nfit(&[
            Range::persistent(index, 0, GIB).structure(),
            mapping(handle, index ^ 1 << bit, 1, 0),
        ]);
        assert_eq!(devices(&regions(&table).unwrap()[0]), [], "bit {bit}");
    }
    for bit in 0..32 {
        let table = nfit(&[
            Range::persistent(1, 0, GIB).structure(),
            mapping(handle, 1, 1, 0),
            hints(handle ^ 1 << bit, &[0x1000]),
            hints(handle, &[0x2000]),
        ]);
        assert_eq!(
            regions(&table).unwrap()[0].flush_hints().collect::<Vec<_>>(),
            [0x2000],
            "bit {bit}"
        );
    }
}

/// Place and time of making are valid by bit 0, whatever the others are.
#[test]
fn valid_fields_of_a_control_region() {
    for bits in 0..=255_u8 {
        let mut control = control(3, [0x80, 0x86], [1, 2, 3, 4], Some((0x42, [0x20, 0x21])));
        control[18] = bits;
        let table = nfit(&[Range::persistent(1, 0, GIB).structure(), mapping(1, 1, 3, 0), control]);
        let id = if bits & 1 == 0 { "8086-01020304" } else { "8086-42-2021-01020304" };
        assert_eq!(ids(&regions(&table).unwrap()[0]), [(1, id.into())], "{bits:#b}");
    }
}

/// Each flag, and what it means. What is not armed can be read only.
#[test]
fn state_flags() {
    for bit in 0..16 {
        let table = one(1 << bit, &[]);
        let region = regions(&table).unwrap()[0];
        let (facts, there) = answers(Extent::new(&region));
        assert_eq!(there.is_unarmed(), bit == 3, "bit {bit}");
        assert_eq!(there.read_only, bit == 3, "bit {bit}");
        assert_eq!(facts.access.contains(Access::WRITE), bit != 3, "bit {bit}");
        let state = match bit {
            0 => DimmState::SAVE_FAILED,
            1 => DimmState::RESTORE_FAILED,
            2 => DimmState::FLUSH_FAILED,
            3 => DimmState::NOT_ARMED,
            4 => DimmState::SMART_EVENT,
            6 => DimmState::MAP_FAILED,
            // 5: the platform would notify of an event.
            _ => DimmState::empty(),
        };
        assert_eq!((region.state(), there.state), (state, state), "bit {bit}");
    }
}

/// One for each device: more of the same do the same. A device without one has none.
#[test]
fn flush_hints() {
    let table = one(
        0,
        &[
            mapping(2, 2, 3, 0),
            mapping(3, 2, 3, 0),
            mapping(4, 9, 3, 0),
            hints(3, &[0xfee0_0000, 0xfee0_1000]),
            hints(4, &[0xdead_0000]),
            hints(2, &[]),
            hints(1, &[0xfff0_0040]),
        ],
    );
    let region = regions(&table).unwrap()[0];
    assert_eq!(region.flush_hints().collect::<Vec<_>>(), [0xfff0_0040, 0xfee0_0000]);
    // A device that is mapped twice has one all the same, and so has one with two structures.
    let table = one(
        0,
        &[
            mapping(1, 2, 3, 0),
            mapping(5, 2, 3, 0),
            mapping(1, 2, 3, 0),
            hints(1, &[8]),
            hints(1, &[16]),
            hints(5, &[24]),
        ],
    );
    assert_eq!(regions(&table).unwrap()[0].flush_hints().collect::<Vec<_>>(), [8, 24]);
    // Addresses that no eight bytes can be written to are skipped, also where they are all that
    // there is.
    let of_device = |all: &[&[u64]]| {
        let table = one(0, &all.iter().map(|addresses| hints(1, addresses)).collect::<Vec<_>>());
        regions(&table).unwrap()[0].flush_hints().collect::<Vec<_>>()
    };
    for odd in [1, 2, 4, 7, 12, u64::MAX] {
        assert_eq!(of_device(&[&[odd, 32, 40]]), [32], "{odd}");
        assert_eq!(of_device(&[&[odd], &[odd, odd, 48]]), [48]);
        assert_eq!(of_device(&[&[odd, odd]]), []);
    }
    // A count of more than there are is no harm; one of fewer, or none, hides addresses.
    let counted = |count: u16| {
        let hints = structure(
            6,
            24,
            &[(4, &1_u32.to_le_bytes()), (8, &count.to_le_bytes()), (16, &8_u64.to_le_bytes())],
        );
        let table = one(0, &[hints]);
        regions(&table).unwrap()[0].flush_hints().collect::<Vec<_>>()
    };
    assert_eq!((counted(9), counted(0)), ([8].into(), [].into()));
}
