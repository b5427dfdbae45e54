//! Volumes of device-mapper, by their tables.

use core::ops::Range;
use std::{vec, vec::Vec};

use super::super::{
    disk::extent,
    machine::{DM, ENTRY_OF_DISK, FSDAX},
    world::{Call, FD, World, object},
};
use super::list_of_disk;
use crate::{Errno, Fail, Subject, linux::badblocks};

/// A target: where in the volume and how many sectors, what it is, its parameters.
pub(super) type Target<'t> = (u64, u64, &'t str, &'t str);

/// As the kernel lays targets out: each begins at a multiple of 8.
pub(super) fn table(targets: &[Target<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, count, kind, parameters) in targets {
        let mut target = [at.to_ne_bytes(), count.to_ne_bytes()].concat();
        target.extend([0; 8]);
        target.extend(kind.bytes());
        target.resize(40, 0);
        target.extend(parameters.bytes());
        target.push(0);
        target.resize(target.len().next_multiple_of(8), 0);
        let next = (bytes.len() + target.len()) as u32;
        target[20..24].copy_from_slice(&next.to_ne_bytes());
        bytes.extend(target);
    }
    bytes
}

/// A file of 64 sectors, from sector 1000 of the volume on, which has this table, and the disk
/// 259:9 has this list.
fn volume(count: u32, flags: u32, start: u32, bytes: Vec<u8>, list: &str) -> World {
    let mut world = World::bad_file(vec![1; 64 * 512], vec![extent(0, 1000 * 512, 64 * 512)], "")
        .linked(ENTRY_OF_DISK, DM)
        .without_file(&list_of_disk())
        .linked("/sys/dev/block/259:9", FSDAX)
        .with_file("/sys/dev/block/259:9/badblocks", list)
        .with_file("/dev/mapper/control", "");
    world.disk.tables.push(((259, 3), (count, flags, start, bytes)));
    world
}

pub(super) fn mapped(targets: &[Target<'_>], list: &str) -> World {
    volume(targets.len() as u32, 0x10, 312, table(targets), list)
}

#[test]
fn linear_targets() {
    let one = [(0, 100_000, "linear", "259:9 2048")];
    assert_eq!(mapped(&one, "3048 1\n").walk(), (vec![0..512], None));
    assert_eq!(mapped(&one, "1000 1\n").walk(), (vec![], None));
    // In pieces, the later ones before the others on the disk. Sectors after a piece are not the
    // volume's.
    let pieces = [
        (0, 1008, "linear", "259:9 5000"),
        (1008, 8, "linear", "259:9 0"),
        (1016, 100, "linear", "259:9 2000"),
    ];
    let list = "0 1\n20 1\n2000 2\n6000 8\n6010 1\n";
    assert_eq!(mapped(&pieces, list).walk(), (vec![0..9 * 512, 16 * 512..18 * 512], None));
    // On a part of a disk.
    let pieces = [(0, 990, "linear", "259:9 20000"), (990, 5000, "linear", "259:9 10")];
    let part = mapped(&pieces, "x")
        .linked("/sys/dev/block/259:9", FSDAX.replace("block/pmem1", "block/pmem1/pmem1p2"))
        .with_file("/sys/dev/block/259:9/start", "500\n")
        .with_file("/sys/dev/block/259:9/../badblocks", "520 1\n");
    assert_eq!(part.walk(), (vec![0..512], None));
    assert_eq!(
        mapped(&one, "3048 1\n9").walk(),
        (vec![0..512], Some(Fail::TooLarge(Subject::BadBlocks)))
    );
}

#[test]
fn calls() {
    let world = mapped(&[(0, 100_000, "linear", "259:9 2048")], "");
    assert!(badblocks::known::list(object(world.sys(), FD, &world.facts())).is_ok());
    let read = |path: &str| [Call::Open(path.into()), Call::Read, Call::Close].to_vec();
    let expected = [
        vec![Call::Fstat, Call::Fstatfs, Call::Readlink(ENTRY_OF_DISK.into())],
        vec![Call::Open("/dev/mapper/control".into()), Call::Table((259, 3)), Call::Close],
        vec![Call::Readlink("/sys/dev/block/259:9".into())],
        read("/sys/dev/block/259:9/badblocks"),
    ];
    assert_eq!(world.calls(), expected.concat());
}

/// Never none.
#[test]
fn what_says_too_little() {
    let unsupported = (vec![], Some(Fail::Unsupported));
    for kind in ["striped", "crypt", "thin", "error", "zero", "linea", "linearx", ""] {
        let targets = [(0, 500, "linear", "259:9 0"), (500, 5000, kind, "2 8 259:9 0 259:9 64")];
        assert_eq!(mapped(&targets, "1 1\n").walk(), unsupported, "{kind}");
    }
    let one = [(0, 100_000, "linear", "259:9 2048")];
    // A disk without a list, or a volume once more.
    assert_eq!(mapped(&one, "").without_file("/sys/dev/block/259:9/badblocks").walk(), unsupported);
    let volumes = mapped(&one, "")
        .without_file("/sys/dev/block/259:9/badblocks")
        .linked("/sys/dev/block/259:9", DM);
    assert_eq!(volumes.walk(), unsupported);
    // More targets than there is room for.
    let full = volume(1, 0x110, 312, table(&one), "");
    assert_eq!(full.walk(), (vec![], Some(Fail::TooLarge(Subject::Volume))));
    let world = mapped(&one, "");
    for (call, errno) in [(3, 2), (3, 13), (4, 13), (4, 6), (4, 25)] {
        let list =
            badblocks::known::list(object(world.failing(call, errno).sys(), FD, &world.facts()));
        assert_eq!(list, Err(Fail::Os(Subject::Volume, Errno::from_raw(errno))));
    }
}

#[test]
fn tables_that_make_no_sense() {
    let malformed = (vec![], Some(Fail::Malformed(Subject::Volume)));
    let one = table(&[(0, 100_000, "linear", "259:9 2048")]);
    for parameters in [
        "",
        "259:9",
        "259:9 ",
        "259:9 x",
        "259:9 -1",
        "259 0",
        "259:x 0",
        ":9 0",
        "pmem0 0",
        "259:9 0 0",
        " 259:9 0",
    ] {
        assert_eq!(mapped(&[(0, 8, "linear", parameters)], "").walk(), malformed, "{parameters:?}");
    }
    // One that would lie beyond the last sector, of the volume or of the disk.
    for (count, first) in [(u64::MAX, 0), ((1 << 43) + 1, 0), (2, u64::MAX)] {
        let parameters = std::format!("259:9 {first}");
        assert_eq!(
            mapped(&[(0, count, "linear", &parameters)], "").walk(),
            malformed,
            "{count} {first}"
        );
    }
    let most = [(0, 1 << 43, "linear", "259:9 0")];
    assert_eq!(mapped(&most, "").walk(), (vec![], None));
    for count in [1, u64::MAX] {
        let beyond = [most[0], (1 << 43, count, "linear", "259:9 0")];
        assert_eq!(mapped(&beyond, "").walk(), malformed, "{count}");
    }
    // The first target before the head's end, or after all of them; more targets than there are.
    for start in [0, 311, 2048, 2049, u32::MAX] {
        assert_eq!(volume(1, 0, start, one.clone(), "").walk(), malformed, "{start}");
    }
    assert_eq!(
        volume(2, 0, 312, one.clone(), "").walk().1,
        Some(Fail::Unsupported),
        "zeros are no linear target"
    );
    // A next one that is this one, or before it, or nowhere.
    let two = table(&[(0, 8, "linear", "259:9 0"), (8, 8, "linear", "259:9 0")]);
    for next in [0, 3, u32::MAX, 2000] {
        let mut bytes = [one.clone(), two.clone()].concat();
        bytes[20..24].copy_from_slice(&u32::to_ne_bytes(next));
        let found = volume(2, 0, 312, bytes, "").walk().1;
        assert!(
            matches!(found, Some(Fail::Malformed(Subject::Volume) | Fail::Unsupported)),
            "{next}: {found:?}"
        );
    }
    let mut bytes = two.clone();
    let second = u32::from_ne_bytes(*bytes[20..].first_chunk().unwrap()) as usize;
    bytes[second + 20..second + 24].copy_from_slice(&u32::to_ne_bytes(second as u32));
    assert_eq!(volume(u32::MAX, 0, 312, bytes, "").walk(), malformed, "a ring");
}

/// The kernel has no such volume. Of sectors that are nowhere nothing would be known, and of those
/// in two places too little.
#[test]
fn sectors_without_a_target_of_their_own() {
    let rows: &[&[Range<u64>]] = &[
        &[],
        // Before the first one, between two of them; empty ones.
        &[1..100_000],
        &[999..1064],
        &[0..500, 501..100_000],
        &[0..0],
        &[0..0, 0..100_000],
        &[0..500, 500..500, 500..100_000],
        &[0..100_000, 100_000..100_000],
        // In two of them; in the wrong order.
        &[0..501, 500..100_000],
        &[0..500, 0..500],
        &[500..100_000, 0..500],
    ];
    for targets in rows {
        let targets: Vec<_> =
            targets.iter().map(|at| (at.start, at.end - at.start, "linear", "259:9 0")).collect();
        for list in ["", "1000 1\n"] {
            assert_eq!(
                mapped(&targets, list).walk(),
                (vec![], Some(Fail::Malformed(Subject::Volume))),
                "{targets:?}"
            );
        }
    }
}
